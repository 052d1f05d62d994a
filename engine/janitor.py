"""Housekeeping: what has been kept long enough goes, a little at a time, and never in anybody's way.

One small unit is handed to the writer, and the next one only when it is done: whatever else has come up meanwhile is
before it in the queue. What is not done in one round is done in the next.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from .pipeline import Pipeline
from .ruleset import Ruleset
from .store import Kind, Place, Retention, limit_of

ROUND = timedelta(seconds=10)
UNITS = 20
"""Units of one round: twelve thousand rows a minute, far more than come in."""
REST = timedelta(hours=6)
"""Between two walks."""


class Counts(Protocol):
    """Whoever counts what was removed."""

    def tidied(self, removed: Mapping[Kind, int]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What was done, and where to go on."""

    removed: Counter[Kind] = field(default_factory=Counter)
    further: Place | None = None
    """``None`` at the end of the walk."""


class Janitor:
    """Removes what ``retention:`` no longer wants kept."""

    def __init__(self, pipeline: Pipeline, retention: Retention, counts: Counts) -> None:
        self._pipeline = pipeline
        self._retention = retention
        self._counts = counts
        self._place: Place | None = Place()
        self._next_walk: datetime | None = None

    async def tick(self) -> None:
        """Do one round of the walk under way, or begin one when it is time; called by the clock."""
        now = self._pipeline.now()
        if self._place is None and self._next_walk is not None and now < self._next_walk:
            return
        done = await self.round(self._place or Place())
        self._place = done.further
        self._next_walk = now + REST if done.further is None else None

    async def round(self, place: Place, units: int = UNITS) -> Round:
        """Go on from ``place`` until ``units`` units are done or spans without any are passed."""
        done, here, left = Round(), place, units
        while left > 0:
            removed, further, used = await self._span(here, left)
            done.removed.update(removed)
            left -= used
            if further is None:
                return self._counted(done)
            here = further
        return self._counted(replace(done, further=here))

    async def _span(self, here: Place, most: int) -> tuple[Counter[Kind], Place | None, int]:
        """Tidy the next span, with ``most`` units at most: what was removed, where to go on, and units used."""
        store = self._pipeline.store
        limit = limit_of(here.kind, kept_for(self._retention, self._pipeline.ruleset), self._pipeline.now())
        if limit is None:
            return Counter(), here.following(), 0
        found = await store.overdue(here, limit)
        removed: Counter[Kind] = Counter()
        for unit in found.units[:most]:
            removed.update(await store.tidy(here.kind, unit, limit))
            await asyncio.sleep(0)
        used = min(len(found.units), most)
        if used < len(found.units):
            return removed, here, used
        stuck = found.further == here and not removed.total()
        return removed, here.following() if stuck else found.further, max(used, 1)

    def _counted(self, done: Round) -> Round:
        if done.removed.total():
            self._counts.tidied(done.removed)
        return done


def kept_for(retention: Retention, ruleset: Ruleset) -> Retention:
    """The retention, with everything kept for as long as a rule in force may ask when it last reached somebody."""
    longest = max((rule.again_after or timedelta() for rule in ruleset.rules), default=timedelta())
    return replace(
        retention,
        events=retention.events and max(retention.events, longest),
        timers=retention.timers and max(retention.timers, longest),
        lasting=frozenset(rule.name for rule in ruleset.rules if rule.once_per),
    )
