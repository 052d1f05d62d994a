"""Who decides: this process, or children of it. What a batch is given, and what comes back, is the same.

A batch is dealt with in two steps, because what has to be known depends on what the bodies say: they are read, the
store is asked for what they need, and then they are decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from .decide import Book, Needs
from .deciding import Desk, Opened, judge, open_delivery
from .ingest import SourceSettings
from .settlement import Settlement, StoredEvent

TURN_S = 0.005
"""How long this process decides at a stretch before it looks after everything else."""


Ending: TypeAlias = Literal["memory", "deadline", "signal", "exit", "nursery"]
"""Why a child ended: it took too much, or too long; something killed it; it gave up; it lost its nursery."""


class Overcome(Exception):
    """The child that had the batch ended, or had to be ended, before it was done."""

    def __init__(self, kind: Ending, cause: str, seq: int | None) -> None:
        super().__init__(cause)
        self.kind = kind
        self.cause = cause
        """In words: ``out of memory``, ``no answer for 2 seconds``, ``signal 9``."""
        self.seq = seq
        """The delivery it had in hand; ``None`` where it had none, or that is not known."""


@dataclass(frozen=True, slots=True)
class Defect:
    """A delivery that was set aside because deciding it raised."""

    seq: int
    error: Exception


class Sitting(Protocol):
    """A batch that has been read, with whoever decides it."""

    @property
    def needs(self) -> Needs:
        """What has to be known to decide it."""
        ...

    async def judge(self, book: Book) -> tuple[list[Settlement], list[Defect]]:
        """Decide on the deliveries in their order, and note in the book what they change.

        Raises:
            Overcome: whoever decided it is gone; the book is as it was.
        """
        ...


class Deciders(Protocol):
    """Where batches are decided."""

    @property
    def width(self) -> int:
        """How many batches are worth having under way at once."""
        ...

    def sitting(
        self, batch: Sequence[StoredEvent], desk: Desk, *, alone: bool = False
    ) -> AbstractAsyncContextManager[Sitting]:
        """Read a batch, and keep whoever decides it at hand. ``alone``: with nobody else's work beside it.

        Raises:
            Overcome: whoever read it is gone.
            ChildrenDown: there is nobody to decide it now.
        """
        ...

    @property
    def trouble(self) -> str | None:
        """Why nobody can decide at present."""
        ...

    async def prepare(self, desk: Desk) -> None:
        """Make ready to decide with these rules.

        Raises:
            ChildrenDown: nobody can be.
        """
        ...

    async def close(self) -> None:
        """Let everybody go."""
        ...


@dataclass(slots=True)
class _Here:
    """A batch decided by this process."""

    opened: list[Opened]
    desk: Desk
    needs: Needs

    async def judge(self, book: Book) -> tuple[list[Settlement], list[Defect]]:
        """See ``Sitting.judge``."""
        settlements, defects = [], []
        turn = _Turn()
        for opened in self.opened:
            settlement, error = judge(opened, book, self.desk)
            settlements.append(settlement)
            if error is not None:
                defects.append(Defect(opened.stored.seq, error))
            await turn.over()
        return settlements, defects


@dataclass(frozen=True, slots=True)
class InProcess:
    """This process decides. What it was deciding when it last ended goes to a child, where there is one to ask."""

    sources: Mapping[str, SourceSettings]
    ward: Deciders | None = None

    @property
    def width(self) -> int:
        """See ``Deciders.width``."""
        return 1

    @asynccontextmanager
    async def sitting(self, batch: Sequence[StoredEvent], desk: Desk, *, alone: bool = False) -> AsyncIterator[Sitting]:
        """See ``Deciders.sitting``."""
        suspect = any(stored.attempts for stored in batch)
        if self.ward is not None and (suspect or alone) and desk.ruleset.sources is not None:
            async with self.ward.sitting(batch, desk, alone=alone) as sitting:
                yield sitting
            return
        turn, opened = _Turn(), []
        for stored in batch:
            opened.append(open_delivery(stored, self.sources, desk.ruleset))
            await turn.over()
        yield _Here(opened, desk, Needs.of((event for one in opened for event in one.events), desk.ruleset))

    @property
    def trouble(self) -> str | None:
        """See ``Deciders.trouble``."""
        return None

    async def prepare(self, desk: Desk) -> None:
        """See ``Deciders.prepare``."""

    async def close(self) -> None:
        """See ``Deciders.close``."""
        if self.ward is not None:
            await self.ward.close()


class _Turn:
    """Gives way to everything else in the event loop whenever this work has had its share of time."""

    def __init__(self) -> None:
        self._time = asyncio.get_running_loop().time
        self._until = self._time() + TURN_S

    async def over(self) -> None:
        """End the turn if it has lasted long enough."""
        if self._time() > self._until:
            await asyncio.sleep(0)
            self._until = self._time() + TURN_S
