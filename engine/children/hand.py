"""The parent's hold on one child: asks it, watches it, and knows how it ended."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from ..deciders import Ending, Overcome
from .limits import OUT_OF_MEMORY
from .nurse import Nurse
from .wire import LENGTH, Forget, Progress, Request, Response, packed, unpacked

LOOK_S = 0.05
"""How often a child that has something to do is looked at."""
_TICKS = os.sysconf("SC_CLK_TCK")
_LONGEST = 1 << 26
"""Bytes that may gather before the child has to wait; a whole answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a child may be at one and the same thing."""

    busy_s: float
    """Seconds of a core."""
    silent_s: float
    """Seconds on the wall."""


class Hand:
    """A living child. Requests are answered in their order."""

    def __init__(self, nurse: Nurse, number: int, process: int, progress: Progress, patience: Patience) -> None:
        self.number = number
        self.process = process
        self.sittings = 0
        """Batches it has in hand."""
        self.served = False
        """Whether it has ever answered."""
        self.gone = asyncio.Event()
        self.end = Overcome("exit", "it has ended", None)
        """How it ended, once it has."""
        self._nurse = nurse
        self._progress = progress
        self._patience = patience
        self.stuck = False
        """Whether it was at the same thing when it was last looked at, twice."""
        self._overdue = ""
        self._steps = 0
        self._moved_at = time.monotonic()
        self._used = 0.0
        """Seconds of a core it had used when it was last seen to move."""
        self._answers: dict[int, asyncio.Future[Response]] = {}

    @staticmethod
    async def of(nurse: Nurse, number: int, *, nice: int, patience: Patience) -> Hand:
        """A child that has just been born.

        Raises:
            ChildrenDown: the nursery is gone.
            OSError: the system refuses.
        """
        process, connection, progress = await nurse.bear(number, nice)
        hand = Hand(nurse, number, process, progress, patience)
        try:
            await hand._connect(connection)
        except BaseException:
            nurse.end(number)
            nurse.forget(number)
            connection.close()
            progress.close()
            raise
        return hand

    async def ask(self, request: Request) -> Response:
        """The answer to a request.

        Raises:
            Overcome: the child ended, or did not move for so long that it was ended.
        """
        if self.gone.is_set():
            raise self.end
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._answers[request.ticket] = answer
        if not self.stuck:
            self._moved_at = time.monotonic()
        try:
            # Nobody waits until it is gone: one that reads nothing is one that does not move, and is looked at.
            self._writer.write(packed(request))
            while not answer.done():
                await asyncio.wait([answer], timeout=LOOK_S)
                self._look()
            return answer.result()
        finally:
            self._answers.pop(request.ticket, None)

    def forget(self, ticket: int) -> None:
        """Tell it that nobody wants to know of a batch any more."""
        if not self.gone.is_set():
            self._writer.write(packed(Forget(ticket)))

    async def close(self) -> None:
        """Let it end; it is killed where it does not hear."""
        if not self.gone.is_set():
            self._writer.close()
            self._nurse.end(self.number)
        await self._reading

    async def _connect(self, connection: socket.socket) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(sock=connection, limit=_LONGEST)
        self._reading = asyncio.create_task(self._read(), name=f"pointbell-child-{self.number}")

    async def _read(self) -> None:
        try:
            while True:
                answer = await self._next()
                self.served = True
                waiting = self._answers.get(answer.ticket)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            await self._bury()

    async def _next(self) -> Response:
        [length] = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
        answer: Response = unpacked(await self._reader.readexactly(length))
        return answer

    async def _bury(self) -> None:
        self._nurse.end(self.number)
        code = await self._nurse.ended(self.number)
        self._nurse.forget(self.number)
        self.end = Overcome(*self._cause(code), self._progress.look()[1])
        self.gone.set()
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(Overcome(self.end.kind, self.end.cause, self.end.seq))
        self._writer.close()
        self._progress.close()

    def _cause(self, code: int | None) -> tuple[Ending, str]:
        if self._overdue:
            return "deadline", self._overdue
        if code == OUT_OF_MEMORY:
            return "memory", "out of memory"
        if code is None:
            return "nursery", "its nursery ended"
        return ("signal", f"signal {-code}") if code < 0 else ("exit", f"exit code {code}")

    def _look(self) -> None:
        """End a child that has been at the same thing for too long.

        On a machine that is busy a sound child may have to wait; it is not to pay for what others take.
        """
        if self.gone.is_set():
            return
        steps = self._progress.look()[0]
        used = _seconds_used(self.process)
        if steps != self._steps:
            self._steps, self._moved_at, self._used = steps, time.monotonic(), used
            self.stuck = False
            return
        self.stuck = True
        if used - self._used > self._patience.busy_s:
            self._put_off(f"busy with it for {self._patience.busy_s:g} seconds")
        elif time.monotonic() - self._moved_at > self._patience.silent_s:
            self._put_off(f"no answer for {self._patience.silent_s:g} seconds")

    def _put_off(self, why: str) -> None:
        self._overdue = why
        self._nurse.end(self.number)


def _seconds_used(process: int) -> float:
    """Seconds of a core that a process has used (proc(5), stat)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0  # It has ended, and that will be heard in a moment.
    return (int(fields[11]) + int(fields[12])) / _TICKS
