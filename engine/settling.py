"""From a claimed batch to its settlement, whatever happens on the way.

A batch is decided as one and stored in one transaction. What goes wrong is met where it belongs: the ground has moved
-> decide again; the database refuses -> wait; a delivery that the store cannot take, or that ends the process which
decides it -> found and set aside, while the others go on as if nothing had happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
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
IN_VAIN = 60
"""Children that may end, on its own, before they have begun with a delivery, until it is left to a later claim."""
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
        """Decide deliveries on which a child ended, and what follows them, one by one.

        Where children end before they can begin, what is left stays claimed. It is claimed anew when the claim has run
        out, and set aside when that was too often; so neither a bad day of the machine quarantines what is sound, nor
        does a delivery that no child can even take in keep its lane waiting for ever.
        """
        for stored in lane:
            if not await self._alone(stored):
                return

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

    async def _alone(self, stored: StoredEvent) -> bool:
        """Whether a delivery on which a child ended is settled. Being near when somebody pulled the plug is no offence,
        and only those that ended over it count against it.
        """
        trials = in_vain = 0
        while in_vain < IN_VAIN:
            end = await self._tried(stored)
            if end is None:
                return True
            if end.seq == stored.seq and end.kind != "nursery":
                trials += 1
                if trials == TRIALS:
                    await self._set_aside(stored, f"{KILLED} ({end.cause})")
                    return True
            else:
                in_vain += 1
                self.observer.refused("settle", end)
                await asyncio.sleep(PATIENCE.total_seconds())
        return False

    async def _tried(self, stored: StoredEvent) -> Overcome | None:
        """How a child of its own ended before the delivery was settled."""
        try:
            await self._patiently([stored], alone=True)
        except Overcome as end:
            return end
        except Exception as error:  # noqa: BLE001 - see ``settle``.
            await self._isolate([stored], error)
        return None

    async def _isolate(self, batch: Sequence[StoredEvent], error: Exception) -> list[Lane]:
        """Settle the halves of a batch that cannot be settled as a whole; a single delivery is set aside."""
        if len(batch) > 1:
            return await self._halves(batch)
        self.observer.refused("settle", error)
        await self._set_aside(batch[0], f"{type(error).__name__}: {error}")
        return []

    async def _halves(self, batch: Sequence[StoredEvent]) -> list[Lane]:
        """Settle one half after the other. What follows in a lane of which something is left is left with it."""
        middle = len(batch) // 2
        left = await self.settle(batch[:middle])
        waiting = {lane[0].received.lane for lane in left}
        later, free = _split(batch[middle:], waiting)
        left = [[*lane, *_split(later, {lane[0].received.lane})[0]] for lane in left]
        return left + await self.settle(free)

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
    return _split(batch, {first.received.lane})


def _split(batch: Lane, lanes: Collection[str]) -> tuple[list[StoredEvent], list[StoredEvent]]:
    """The deliveries of these lanes, and those of others."""
    theirs = [stored for stored in batch if stored.received.lane in lanes]
    return theirs, [stored for stored in batch if stored.received.lane not in lanes]
