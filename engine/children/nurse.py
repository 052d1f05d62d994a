"""The parent's hold on a nursery: starts it, has children born and ended, and hears of every end."""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ..errors import ChildrenDown
from .nursery import BEAR, END, ORDER
from .wire import PROGRESS_BYTES, Progress, Recipe

PROGRAM = ("-m", f"{__package__}.nursery")
"""What Python runs as the nursery."""
_LONGEST = 1 << 17
_ROOT = str(Path(__file__).parents[2])
_TOLD = frozenset({"PATH", "HOME", "TMPDIR", "TZ", "TZDIR", "LANG", "LANGUAGE"})
_TOLD_BY_THEIR_BEGINNING = ("LC_", "PYTHON", "LD_")


class Nurse:
    """One nursery, from its start to its end. Belongs to the event loop in which it was started."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._control = control
        self._ready: asyncio.Future[str] = self._loop.create_future()
        self._births: dict[int, asyncio.Future[int]] = {}
        self._deaths: dict[int, asyncio.Future[int | None]] = {}
        self.gone = asyncio.Event()
        """Set when the nursery is no more, and with it its children."""
        self._loop.add_reader(control.fileno(), self._hear)

    @staticmethod
    async def engage(recipe: Recipe, program: Sequence[str], deadline_s: float) -> Nurse:
        """Start a nursery and wait until it is prepared.

        Raises:
            ChildrenDown: it cannot be; the message says why.
        """
        try:
            process, control = await asyncio.to_thread(_start, recipe, program)
        except OSError as error:
            raise ChildrenDown(f"the nursery of the child processes cannot be started: {error}") from error
        nurse = Nurse(process, control)
        try:
            async with asyncio.timeout(deadline_s):
                trouble = await nurse._ready
        except BaseException as error:
            await nurse.close()
            if isinstance(error, TimeoutError):
                raise ChildrenDown(f"the nursery of the child processes was not ready in {deadline_s:g} s") from error
            raise
        if trouble:
            await nurse.close()
            raise ChildrenDown(f"the nursery of the child processes failed: {trouble}")
        return nurse

    async def bear(self, number: int, nice: int) -> tuple[int, socket.socket, Progress]:
        """A new child under this number: its process, a connection to it, and how far it has come.

        Raises:
            ChildrenDown: the nursery is gone, or cannot fork.
            OSError: the system refuses.
        """
        ours, progress = self._order_birth(number, nice)
        born = self._births[number] = self._loop.create_future()
        self._deaths[number] = self._loop.create_future()
        try:
            return await born, ours, progress
        except BaseException:
            ours.close()
            progress.close()
            self.forget(number)
            raise

    def end(self, number: int) -> None:
        """Kill a child; nothing happens when it has ended already."""
        with suppress(OSError):  # It is gone, and ``_hear`` is about to say so to whoever waits.
            self._order(END, number, 0)

    async def ended(self, number: int) -> int | None:
        """Wait for a child's end: its exit code, negative for a signal; ``None`` when the nursery took it along."""
        return await self._deaths[number]

    def forget(self, number: int) -> None:
        """Nobody asks for this child any more."""
        self._deaths.pop(number, None)

    async def close(self) -> None:
        """End the nursery, and its children with it. It has nothing to lose."""
        self._lose()
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def kill(self) -> None:
        """End the nursery at once, for tests."""
        self._process.kill()

    def _order_birth(self, number: int, nice: int) -> tuple[socket.socket, Progress]:
        ours, theirs = socket.socketpair()
        try:
            with theirs, _in_memory() as shared:
                shared.truncate(PROGRESS_BYTES)
                progress = Progress(shared.fileno())
                self._order(BEAR, number, nice, theirs.fileno(), shared.fileno())
        except OSError:
            ours.close()
            raise
        return ours, progress

    def _order(self, what: bytes, number: int, nice: int, *fds: int) -> None:
        socket.send_fds(self._control, [ORDER.pack(what, number, nice)], list(fds))

    def _hear(self) -> None:
        try:
            data = self._control.recv(_LONGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        match pickle.loads(data):  # noqa: S301 - from our own child.
            case ("ready", _):
                _resolve(self._ready, "")
            case ("failed", trouble):
                _resolve(self._ready, str(trouble))
            case ("born", number, process):
                _resolve(self._births.pop(number), process)
            case ("unborn", number, trouble):
                _refuse(self._births.pop(number), f"no child process can be started: {trouble}")
            case ("ended", number, code):
                _resolve(self._deaths.get(number), code)

    def _lose(self) -> None:
        """The nursery is no more, or is not to be any more: its control socket's end is its end."""
        if self.gone.is_set():
            return
        self.gone.set()
        self._loop.remove_reader(self._control.fileno())
        self._control.close()
        _resolve(self._ready, "it has ended")
        for born in self._births.values():
            _refuse(born, "the nursery of the child processes has ended")
        for death in self._deaths.values():
            _resolve(death, None)


def _start(recipe: Recipe, program: Sequence[str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Begin the process, with the recipe on its standard input; our end of the socket that it is told things by."""
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.setblocking(False)  # noqa: FBT003 - its only parameter
    try:
        with theirs, _in_memory() as written:
            pickle.dump(recipe, written, protocol=5)
            written.seek(0)
            process = subprocess.Popen(  # noqa: S603 - our own program, by our own interpreter.
                [sys.executable, *program, str(theirs.fileno()), recipe.build],
                stdin=written,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_environment(os.environ),
            )
    except BaseException:
        control.close()
        raise
    return process, control


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What children are told of our environment: how Python and the system work, and no secret."""
    told = {name: ours[name] for name in ours if name in _TOLD or name.startswith(_TOLD_BY_THEIR_BEGINNING)}
    path = os.pathsep.join(part for part in (_ROOT, ours.get("PYTHONPATH", "")) if part)
    return {**told, "PYTHONPATH": path}


def _in_memory() -> IO[bytes]:
    """A file that needs no disk: looking at a page of it for which a disk had no room would be the end of us."""
    return os.fdopen(os.memfd_create("pointbell"), "w+b")


def _resolve(future: asyncio.Future[Any] | None, result: object) -> None:
    if future is not None and not future.done():
        future.set_result(result)


def _refuse(future: asyncio.Future[int], trouble: str) -> None:
    if not future.done():
        future.set_exception(ChildrenDown(trouble))
