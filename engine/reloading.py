"""When rules and templates are read again: when a signal says so, and when their files change.

A change is told once the files are still for a moment, so that what is being saved, copied or checked out is read when
it is there, and not before. What is read too early all the same is refused as a whole; see ``Workshop.reload``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TypeAlias

import watchfiles
from watchfiles.main import FileChange

from .errors import ChildrenDown, StoreBusy
from .workshop import Workshop

WATCHED = ("rules", "templates", "lists")
"""The folders of a programme that a ruleset is made of."""
STILL_MS = 200
"""How long the files must be left alone before a change is told."""
LONGEST_MS = 2_000
"""Where somebody writes without end, it is told after so long all the same."""
LOOK_MS = 2_000
"""How often to look whether a folder is new, or another one than before: renamed, or behind a link that was moved."""
POLL_MS = 1_000
"""How often files are looked at one by one, where the system does not tell of changes."""

_Folders: TypeAlias = Mapping[str, tuple[int, int]]


async def reload_whenever(told: asyncio.Event, shop: Workshop) -> None:
    """Read rules and templates again whenever ``told``, once for all who ask meanwhile. Never returns.

    Reminders follow beside that: where there are many cards it takes long, and a rule that was mended must not wait.
    """
    async with asyncio.TaskGroup() as beside:
        while True:
            await told.wait()
            told.clear()
            if (await shop.reload()).good:
                beside.create_task(_follow(shop))


async def _follow(shop: Workshop) -> None:
    try:
        await shop.follow_rules()
    except (StoreBusy, ChildrenDown) as error:
        shop.observer.refused("replan", error)  # The clock tries again.


async def watch(root: Path, changed: Callable[[], None], refused: Callable[[str, Exception], None]) -> None:
    """Call ``changed`` whenever a file of the programme at ``root`` was written, made, renamed or removed.

    Never returns. Where the system does not tell of changes, as when all its watches are taken, ``refused`` is told
    once, and from then on the files are looked at one by one.
    """
    polling, known = False, _folders(root)
    while True:
        folders = _folders(root)
        if folders != known:
            known = folders
            changed()
        try:
            await _watch_folders(root, folders, changed, polling=polling)
        except FileNotFoundError:
            continue  # It was renamed or removed at this very moment.
        except (OSError, RuntimeError) as error:
            if not polling:
                refused("watch", error)
            polling = True
            await asyncio.sleep(POLL_MS / 1_000)


async def _watch_folders(root: Path, folders: _Folders, changed: Callable[[], None], *, polling: bool) -> None:
    """Tell of changes for as long as the folders are the same ones."""
    if not folders:
        await asyncio.sleep(LOOK_MS / 1_000)
        return
    async with aclosing(_changes(folders, polling=polling)) as changes:
        async for found in changes:
            if found:
                changed()
            if _folders(root) != folders:
                return


def _changes(folders: _Folders, *, polling: bool) -> AsyncGenerator[set[FileChange], None]:
    """The changes as they come, and none at all where none come for a while."""
    return watchfiles.awatch(
        *folders,
        watch_filter=watchfiles.DefaultFilter(ignore_dirs=()),
        debounce=LONGEST_MS,
        step=STILL_MS,
        rust_timeout=LOOK_MS,
        yield_on_timeout=True,
        force_polling=polling,
        poll_delay_ms=POLL_MS,
    )


def _folders(root: Path) -> _Folders:
    """The folders there are, each with what tells it from every other one."""
    found: dict[str, tuple[int, int]] = {}
    for name in WATCHED:
        folder = root / name
        if folder.is_dir():
            one = folder.stat()
            found[str(folder)] = (one.st_dev, one.st_ino)
    return found
