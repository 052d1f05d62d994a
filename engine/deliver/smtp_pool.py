"""Connections to the relay, kept and lent out: aiosmtplib has one envelope at a time and no pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from .smtp_dialogue import Dialogue


class SmtpPool:
    """At most ``max_connections`` dialogues, each for at most ``max_mails`` mails and ``idle_seconds`` of rest."""

    def __init__(
        self, connect: Callable[[], Awaitable[Dialogue]], *, max_connections: int, max_mails: int, idle_seconds: float
    ) -> None:
        self._connect = connect
        self._max_mails = max_mails
        self._idle_seconds = idle_seconds
        self._slots = asyncio.Semaphore(max_connections)
        self._max = max_connections
        self._lent = 0
        """How many are lent, or being made to be lent."""
        self._idle: list[tuple[float, Dialogue]] = []
        """Since when (loop time) and which, the longest idle first. Some still wait for the verdict about a mail."""
        self._open: set[Dialogue] = set()
        self._reaper: asyncio.TimerHandle | None = None
        self._closing = False

    @asynccontextmanager
    async def dialogue(self, *, fresh: bool = False) -> AsyncIterator[Dialogue]:
        """Lend a dialogue; ``fresh``: a new one, because those kept have turned out to be stale.

        It comes back by itself: kept if it is in a clear state, else ended. What ``connect`` raises goes through.
        """
        async with self._slots:
            if fresh:
                self._dismiss(len(self._idle))
            self._lent += 1
            try:
                dialogue = self._kept() or await self._new()
                try:
                    yield dialogue
                finally:
                    await self._take_back(dialogue)
            finally:
                self._lent -= 1

    async def close(self) -> None:
        """End what is kept, and have what is lent end when it comes back."""
        self._closing = True
        if self._reaper is not None:
            self._reaper.cancel()
        self._dismiss(len(self._idle))
        await asyncio.gather(*(dialogue.closed() for dialogue in self._open))

    def _kept(self) -> Dialogue | None:
        """Of those kept the last that is quiet, so that spares expire.

        Once there may be no more connections, the one that has waited longest for a verdict: it will have it first.
        """
        for _, dialogue in self._idle:
            if not dialogue.usable:
                dialogue.part()
        self._idle = [(since, dialogue) for since, dialogue in self._idle if dialogue.usable]
        chosen = next((one for one in reversed(self._idle) if one[1].quiet), None)
        if chosen is None and self._idle and len(self._idle) + self._lent > self._max:
            chosen = self._idle[0]
        if chosen is None:
            return None
        self._idle.remove(chosen)
        return chosen[1]

    async def _new(self) -> Dialogue:
        dialogue = await self._connect()
        self._open = {other for other in self._open if not other.gone} | {dialogue}
        return dialogue

    async def _take_back(self, dialogue: Dialogue) -> None:
        await dialogue.clear()
        if self._closing or dialogue.mails >= self._max_mails or not dialogue.usable:
            dialogue.part()
            return
        dialogue.rested = True
        loop = asyncio.get_running_loop()
        self._idle.append((loop.time(), dialogue))
        if self._reaper is None:
            self._reaper = loop.call_later(self._idle_seconds, self._reap)

    def _reap(self) -> None:
        loop = asyncio.get_running_loop()
        rested = loop.time() - self._idle_seconds
        self._dismiss(sum(since <= rested for since, _ in self._idle))
        self._reaper = None
        if self._idle:
            self._reaper = loop.call_at(self._idle[0][0] + self._idle_seconds, self._reap)

    def _dismiss(self, count: int) -> None:
        """End the ``count`` longest idle."""
        dismissed, self._idle[:count] = self._idle[:count], []
        for _, dialogue in dismissed:
            dialogue.part()
