"""The pool: batches in, decisions out."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count

from ..decide import Book, Needs
from ..deciders import Defect, Sitting
from ..deciding import Desk, Writer
from ..errors import ChildrenDown
from ..ingest import SourceSettings
from ..ruleset import Ruleset
from ..settlement import Settlement, StoredEvent
from ..version import build
from .hand import Hand
from .household import Household, Limits, Watcher
from .nurse import PROGRAM
from .wire import Judge, Judged, Read, Recipe, WasRead

PER_CHILD = 2
"""Batches worth having under way for each child: while it decides one, the other is loaded or stored."""
FIRST_PAUSE_S = 0.5
"""Before children that could not be started are tried again; doubled each time."""
IDLE_S = 60.0
"""How long children that are only asked now and then are kept."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def possible() -> bool:
    """Whether this system can have children: they need Linux's limits and its way to end with their parent."""
    return sys.platform == "linux"


class Children:
    """Decides in child processes; see ``deciders.Deciders``. Belongs to one event loop."""

    def __init__(
        self,
        *,
        size: int,
        inlets: Mapping[str, SourceSettings],
        writers: Mapping[str, Writer],
        watcher: Watcher,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        program: Sequence[str] = PROGRAM,
        idle_s: float | None = None,
    ) -> None:
        """``idle_s``: let them all go when nobody has asked for so long; they are there again when somebody asks."""
        self._build = build()
        self._size = size
        self._inlets = {name: replace(inlet, secrets=()) for name, inlet in inlets.items()}
        self._writers = writers
        self._watcher = watcher
        self._limits = limits
        self._program = program
        self._idle_s = idle_s
        self._current: Household | None = None
        self._failed = _Failed()
        self._moving = asyncio.Lock()
        self._tickets = count(1)
        self._leaving: set[asyncio.Task[None]] = set()
        self._idle: asyncio.TimerHandle | None = None

    @property
    def width(self) -> int:
        """See ``Deciders.width``."""
        return PER_CHILD * self._size

    @property
    def trouble(self) -> str | None:
        """See ``Deciders.trouble``."""
        return self._current.trouble if self._current is not None else self._failed.trouble or None

    @property
    def processes(self) -> list[int]:
        """The process numbers of those that live."""
        return self._current.processes if self._current else []

    @asynccontextmanager
    async def sitting(self, batch: Sequence[StoredEvent], desk: Desk, *, alone: bool = False) -> AsyncIterator[Sitting]:
        """See ``Deciders.sitting``."""
        household = await self._household(desk.ruleset)
        household.guests += 1
        try:
            if alone:
                async with household.lone() as hand, self._seated(hand, batch, desk) as seat:
                    yield seat
            else:
                async with self._seated(await household.hand(), batch, desk) as seat:
                    yield seat
        finally:
            household.guests -= 1
            self._see_out(household)

    async def prepare(self, desk: Desk) -> None:
        """See ``Deciders.prepare``.

        Raises:
            ChildrenDown: no child can be started with these rules.
        """
        await self._household(desk.ruleset)

    async def close(self) -> None:
        """See ``Deciders.close``."""
        if self._idle is not None:
            self._idle.cancel()
        if self._current is not None:
            self._leave(self._current)
            self._current = None
        await asyncio.gather(*self._leaving)

    @asynccontextmanager
    async def _seated(self, hand: Hand, batch: Sequence[StoredEvent], desk: Desk) -> AsyncIterator[_Seat]:
        ticket, hand.sittings = next(self._tickets), hand.sittings + 1
        seat = _Seat(hand, ticket, desk)
        try:
            answer = await hand.ask(Read(ticket, tuple(batch), time.monotonic()))
            if not isinstance(answer, WasRead):
                raise TypeError(f"not what was read: {type(answer).__name__}")
            seat.read = answer
            self._watcher.child_began(answer.waited)
            yield seat
        finally:
            hand.sittings -= 1
            seat.leave()

    async def _household(self, ruleset: Ruleset) -> Household:
        """The household of these rules; while it is got ready, batches under other rules are decided as before."""
        if self._current is not None and self._current.ruleset == ruleset.hash:
            return self._current
        async with self._moving:
            if self._current is None or self._current.ruleset != ruleset.hash:
                self._refuse_in_haste(ruleset)
                moved = await self._moved_in(ruleset)
                before, self._current = self._current, moved
                if before is not None:
                    self._see_out(before)
            return self._current

    async def _moved_in(self, ruleset: Ruleset) -> Household:
        if ruleset.sources is None:
            raise ChildrenDown("these rules were not read from files, so no child can be given them")
        recipe = Recipe(
            build=self._build,
            sources=ruleset.sources,
            ruleset=ruleset.hash,
            inlets=self._inlets,
            writers=self._writers,
            memory=self._limits.memory,
        )
        household = Household(recipe, self._size, self._limits, self._watcher, self._program)
        try:
            await household.open()
        except BaseException as error:
            if isinstance(error, ChildrenDown):
                self._failed = self._failed.once_more(ruleset.hash, str(error), self._limits.longest_pause_s)
            await household.close()
            raise
        self._failed = _Failed()
        return household

    def _refuse_in_haste(self, ruleset: Ruleset) -> None:
        """What could not be started a moment ago is not tried again at once."""
        if self._failed.ruleset == ruleset.hash and time.monotonic() < self._failed.not_before:
            raise ChildrenDown(self._failed.trouble)

    def _see_out(self, household: Household) -> None:
        """Close a household that nobody needs: at once after a reload, else when it has been idle."""
        if household.guests:
            return
        if household is not self._current:
            self._leave(household)
        elif self._idle_s is not None:
            if self._idle is not None:
                self._idle.cancel()
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._rest)

    def _rest(self) -> None:
        if self._current is not None and not self._current.guests:
            self._leave(self._current)
            self._current = None

    def _leave(self, household: Household) -> None:
        leaving = asyncio.create_task(household.close())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """The last attempts to start children, where none succeeded since."""

    ruleset: str = ""
    trouble: str = ""
    pause_s: float = 0.0
    not_before: float = 0.0
    """By ``time.monotonic``."""

    def once_more(self, ruleset: str, trouble: str, longest_pause_s: float) -> _Failed:
        """It failed again, or with another set."""
        pause = min(longest_pause_s, self.pause_s * 2 or FIRST_PAUSE_S) if ruleset == self.ruleset else FIRST_PAUSE_S
        return _Failed(ruleset=ruleset, trouble=trouble, pause_s=pause, not_before=time.monotonic() + pause)


class _Seat:
    """A batch with the child that has read it."""

    read: WasRead

    def __init__(self, hand: Hand, ticket: int, desk: Desk) -> None:
        self._hand = hand
        self._ticket = ticket
        self._desk = desk
        self._judged = False

    @property
    def needs(self) -> Needs:
        """See ``Sitting.needs``."""
        return self.read.needs

    async def judge(self, book: Book) -> tuple[list[Settlement], list[Defect]]:
        """See ``Sitting.judge``."""
        self._judged = True
        answer = await self._hand.ask(Judge(self._ticket, book, self._desk.routing, self._desk.at))
        if not isinstance(answer, Judged):
            raise TypeError(f"no judgement: {type(answer).__name__}")
        book.take(answer.changes)
        return answer.settlements, [Defect(seq, error) for seq, error in answer.defects]

    def leave(self) -> None:
        """Go, also when nobody wanted a judgement."""
        if not self._judged:
            self._hand.forget(self._ticket)
