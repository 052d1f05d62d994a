"""Copies of the database, taken while it is in use: consistent, checked, durable, and there as a whole or not at all.

The copy is made from one reader's snapshot. In WAL mode a reader keeps nobody from writing; what is written meanwhile
waits in the WAL until the copy is done. The copy is one file in itself, with no WAL beside it, and it carries a mark
with its time: a database that bears it went back in time, however it got to its place (see ``restored``).
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from ..errors import StoreError
from .installation import COPIED_AT
from .rows import micros

Progress: TypeAlias = Callable[[int, int], None]
"""Told after each step: bytes done, bytes in all."""

_STEP = 1024
"""Pages per step: between two of them others may have the processor."""
_FLUSHED_STEPS = 16
"""Steps after which the copy is brought to the disk, so that its end is no flood that holds up the daemon's commits."""
_BUSY_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy that was made."""

    path: Path
    taken_at: datetime
    """The moment it shows, aware UTC."""
    size: int
    """Bytes."""


def default_name(database: Path, at: datetime) -> str:
    """``pointbell-20260131T020000Z.db``: sorts by time, in UTC."""
    return f"{database.stem}-{at:%Y%m%dT%H%M%SZ}{database.suffix}"


def backup(source: Path, target: Path, at: datetime, progress: Progress | None = None) -> Backup:
    """Copy the database while it is in use, and check the copy. Only its owner may read it.

    Raises:
        StoreError: the target exists, cannot be written, or the copy is not sound; there is no half copy then.
    """
    if not source.exists():
        raise StoreError(f"there is no database at {source}")
    if target.exists():
        raise StoreError(f"{target} exists; a backup never overwrites")
    with part_of(target, f"cannot back up to {target}") as part:
        try:
            copy(lambda: _in_use(source), part, progress)
            _mark(part, at)
            make_durable(part)
            part.replace(target)
            make_durable(target.parent)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"cannot back up to {target}: {error}") from error
    return Backup(path=target, taken_at=at, size=target.stat().st_size)


@contextmanager
def part_of(target: Path, trouble: str) -> Iterator[Path]:
    """A new, empty file beside the target that only its owner may read; gone at the end unless it was renamed.

    Raises:
        StoreError: nothing can be written there; the message begins with ``trouble``.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise StoreError(f"{trouble}: {error.strerror}") from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            part.with_name(part.name + suffix).unlink(missing_ok=True)


def copy(opened: Callable[[], sqlite3.Connection], part: Path, progress: Progress | None = None) -> None:
    """Copy what a connection sees at one moment into the file, as one file in itself.

    Raises:
        sqlite3.Error: it cannot be read or written.
    """
    with closing(opened()) as source, closing(sqlite3.connect(part, isolation_level=None)) as target:
        # One snapshot for all steps: without it, every commit of the daemon would begin the copy anew.
        source.execute("BEGIN")
        page = source.execute("PRAGMA page_size").fetchone()[0]
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        # Durability is brought about at the end; until then the file is nobody's.
        target.execute("PRAGMA synchronous = OFF")
        target.execute("PRAGMA journal_mode = OFF")
        with part.open("rb") as flushed:
            source.backup(target, pages=_STEP, progress=_stepwise(flushed.fileno(), page, progress), sleep=0)
        target.execute("PRAGMA journal_mode = DELETE")


def check(connection: sqlite3.Connection) -> None:
    """Look at every page and every index.

    Raises:
        StoreError: something is not as it should be.
    """
    verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StoreError(f"the copy is not sound: {verdict}")


def make_durable(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _in_use(path: Path) -> sqlite3.Connection:
    # Not "ro": that would leave a WAL behind where no daemon runs.
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_BUSY_S)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _stepwise(file: int, page: int, progress: Progress | None) -> Callable[[int, int, int], None]:
    steps = 0

    def step(_status: int, remaining: int, total: int) -> None:
        nonlocal steps
        steps += 1
        if not steps % _FLUSHED_STEPS:
            os.fsync(file)
        time.sleep(0)  # Let others have the processor; nothing waits.
        if progress is not None:
            progress((total - remaining) * page, total * page)

    return step


def _mark(part: Path, at: datetime) -> None:
    with closing(sqlite3.connect(part, isolation_level=None)) as connection:
        row = (COPIED_AT, str(micros(at)))
        connection.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", row
        )
        check(connection)
