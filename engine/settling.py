"""From a claimed batch to its settlement, whatever happens on the way.

A batch is decided as one and stored in one transaction. What goes wrong is met where it belongs: the ground has moved
-> decide again; the database refuses -> wait; a delivery that the store cannot take, or that ends the process which
decides it -> found and set aside, while the others go on as if nothing had happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias

from .decide import Book
from .deciders import Deciders, Overcome
from .deciding import Desk, set_aside
from .errors import ChildrenDown, StoreBusy
from .settlement import Settlement, StoredEvent
from .store import ClaimLost, Conflict, Settled, Store

PATIENCE = timedelta(seconds=1)
"""How long to wait before a database that refused is asked again."""
TRIALS = 3
"""Children that a delivery must end on its own before it is set aside: one may have been ended by somebody else."""
KILLED = "deciding it ends the process: it was tried alone, in children that did not come back"


Lane: TypeAlias = Sequence[StoredEvent]
"""Deliveries of one lane, in their order."""


class Observer(Protocol):
    """Whoever is told what becomes of batches."""

    def settled(self, settlements: Sequence[Settlement], done: Settled) -> None: ...
    def refused(self, what: str, error: Exception) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settler:
    """Sees batches through."""

    store: Store
    deciders: Deciders
    observer: Observer
    desk: Callable[[], Desk]
    """What to decide with, now."""

    async def settle(self, batch: Sequence[StoredEvent]) -> list[Lane]:
        """Decide the batch and store what comes of it. Returns when that is durable, with what is left of it: lanes
        whose first delivery a child ended over, to be decided ``alone``. Nobody else should wait for that.
        """
        left: list[Lane] = []
        while batch:
            try:
                await self._patiently(batch)
            except Overcome as end:
                if _about_another(batch, end):
                    continue
                if end.seq is None and len(batch) > 1:
                    return left + await self._halves(batch)
                lane, batch = _parted(batch, end)
                left.append(lane)
            except Exception as error:  # noqa: BLE001 - one delivery the store cannot take must not hold up the others.
                return left + await self._isolate(batch, error)
            else:
                break
        return left

    async def alone(self, lane: Lane) -> None:
        """Decide deliveries on which a child ended, and what follows them, one by one."""
        for stored in lane:
            await self._alone(stored)

    async def _patiently(self, batch: Sequence[StoredEvent], *, alone: bool = False) -> None:
        """Once more if the ground moved, later if the database refuses."""
        while True:
            try:
                await self._once(batch, alone=alone)
            except Conflict:
                continue
            except ClaimLost as error:
                self.observer.refused("settle", error)
            except (StoreBusy, ChildrenDown) as error:
                self.observer.refused("settle", error)
                await asyncio.sleep(PATIENCE.total_seconds())
                continue
            return

    async def _once(self, batch: Sequence[StoredEvent], *, alone: bool) -> None:
        async with self.deciders.sitting(batch, self.desk(), alone=alone) as sitting:
            book = await self.store.load(sitting.needs)
            settlements, defects = await sitting.judge(book)
        for defect in defects:
            self.observer.refused("decide", defect.error)
        self.observer.settled(settlements, await self.store.settle(book, settlements))

    async def _alone(self, stored: StoredEvent) -> None:
        """Decide a delivery on which a child ended. Being near when somebody pulled the plug is no offence."""
        cause = ""
        for _ in range(TRIALS):
            try:
                await self._patiently([stored], alone=True)
            except Overcome as end:
                cause = end.cause
            except Exception as error:  # noqa: BLE001 - see ``settle``.
                await self._isolate([stored], error)
                return
            else:
                return
        await self._set_aside(stored, f"{KILLED} ({cause})")

    async def _isolate(self, batch: Sequence[StoredEvent], error: Exception) -> list[Lane]:
        """Settle the halves of a batch that cannot be settled as a whole; a single delivery is set aside."""
        if len(batch) > 1:
            return await self._halves(batch)
        self.observer.refused("settle", error)
        await self._set_aside(batch[0], f"{type(error).__name__}: {error}")
        return []

    async def _halves(self, batch: Sequence[StoredEvent]) -> list[Lane]:
        middle = len(batch) // 2
        return [*await self.settle(batch[:middle]), *await self.settle(batch[middle:])]

    async def _set_aside(self, stored: StoredEvent, reason: str) -> None:
        while True:
            settlement = set_aside(stored, reason, self.desk())
            try:
                self.observer.settled([settlement], await self.store.settle(Book(), [settlement]))
            except StoreBusy as error:
                self.observer.refused("settle", error)
                await asyncio.sleep(PATIENCE.total_seconds())
            except ClaimLost as error:
                self.observer.refused("settle", error)
                return
            else:
                return


def _about_another(batch: Sequence[StoredEvent], end: Overcome) -> bool:
    """Whether the child ended over another batch, for which this one was only waiting."""
    return end.seq is not None and all(stored.seq != end.seq for stored in batch)


def _parted(batch: Sequence[StoredEvent], end: Overcome) -> tuple[Lane, list[StoredEvent]]:
    """The delivery that was in hand when a child ended with what follows it in its lane, and the others."""
    first = next((stored for stored in batch if stored.seq == end.seq), batch[0])
    theirs = first.received.lane
    lane = [stored for stored in batch if stored.received.lane == theirs]
    return lane, [stored for stored in batch if stored.received.lane != theirs]
