"""The parent's hold on a nursery: starts it, has children born and ended, and hears of every end."""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import ChildrenDown
from .nursery import BEAR, END, ORDER
from .wire import PROGRESS_BYTES, Progress, Recipe

PROGRAM = ("-m", f"{__package__}.nursery")
"""What Python runs as the nursery."""
_LONGEST = 1 << 17
_ROOT = str(Path(__file__).parents[2])


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
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control.setblocking(False)  # noqa: FBT003 - its only parameter
        with theirs:
            try:
                process = await asyncio.to_thread(_start, recipe, program, theirs)
            except OSError as error:
                control.close()
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
            ChildrenDown: the nursery is gone.
        """
        born = self._births[number] = self._loop.create_future()
        self._deaths[number] = self._loop.create_future()
        ours, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as shared:
            shared.truncate(PROGRESS_BYTES)
            progress = Progress(shared.fileno())
            self._order(BEAR, number, nice, theirs.fileno(), shared.fileno())
        try:
            process = await born
        except BaseException:
            ours.close()
            raise
        if not process:
            ours.close()
            raise ChildrenDown("the nursery of the child processes has ended")
        return process, ours, progress

    def end(self, number: int) -> None:
        """Kill a child; nothing happens when it has ended already."""
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

    def _order(self, what: bytes, number: int, nice: int, *fds: int) -> None:
        with suppress(OSError):  # It is gone, and ``_hear`` is about to say so to whoever waits.
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
            _resolve(born, 0)
        for death in self._deaths.values():
            _resolve(death, None)


def _start(recipe: Recipe, program: Sequence[str], control: socket.socket) -> subprocess.Popen[bytes]:
    """Begin the process, with the recipe on its standard input."""
    path = os.pathsep.join(part for part in (_ROOT, os.environ.get("PYTHONPATH", "")) if part)
    with tempfile.TemporaryFile() as written:
        pickle.dump(recipe, written, protocol=5)
        written.seek(0)
        return subprocess.Popen(  # noqa: S603 - our own program, by our own interpreter.
            [sys.executable, *program, str(control.fileno())],
            stdin=written,
            stdout=subprocess.DEVNULL,
            pass_fds=[control.fileno()],
            env={**os.environ, "PYTHONPATH": path},
        )


def _resolve(future: asyncio.Future[Any] | None, result: object) -> None:
    if future is not None and not future.done():
        future.set_result(result)
