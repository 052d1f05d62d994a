"""Simulated time on the real engine: the real store, the real pipeline, the real worker, and a clock that is told.

Used by the demo and by rule tests. Nothing is sent: every message is captured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Self

from ..deliver import Channel, Delivery
from ..ingest import Delivery as Body
from ..ingest import SourceSettings
from ..model import Decision, Notify, Snapshot
from ..pipeline import Pipeline, Routing
from ..ruleset import Ruleset
from ..sending import Ways
from ..store import Came, Consent, Queued, Settled, Settlement, Store, record_consents
from ..store.settle import repeated
from ..worker import Worker

BLINK = timedelta(microseconds=1)
NOTIFY = "notify"
"""The outcome of a decision that became a message."""


class SimulatedClock:
    """A clock that moves when it is told to, and never back."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The simulated time, aware UTC."""
        return self._now

    def move(self, to: datetime) -> None:
        """Put the clock forward; an earlier time leaves it where it is."""
        self._now = max(self._now, to)


@dataclass(slots=True)
class Journal:
    """Everything the pipeline reported, in order."""

    settlements: list[Settlement] = field(default_factory=list)
    deliveries: list[tuple[Queued, Delivery]] = field(default_factory=list)
    troubles: list[tuple[str, Exception]] = field(default_factory=list)

    def accepted(self, source: str, *, new: bool) -> None:
        """A delivery came in; the settlement will tell the rest."""

    def settled(self, settlements: Sequence[Settlement], done: Settled) -> None:
        """A batch was decided. What the store found to be made already is told as it was stored."""
        stored = iter(done.decisions)
        for settlement in settlements:
            told = [_as_stored(made, outcome) for made, (outcome, _) in zip(settlement.decisions, stored, strict=False)]
            self.settlements.append(replace(settlement, decisions=told))

    def delivered(self, message: Queued, delivery: Delivery) -> None:
        """A message was carried out."""
        self.deliveries.append((message, delivery))

    def refused(self, what: str, error: Exception) -> None:
        """Something went wrong."""
        self.troubles.append((what, error))


def _as_stored(made: Decision, outcome: str) -> Decision:
    return repeated(made) if isinstance(made, Notify) and outcome != NOTIFY else made


class Simulation:
    """One programme in simulated time. Open it with ``async with``."""

    def __init__(
        self,
        *,
        database: Path,
        start: datetime,
        ruleset: Ruleset,
        sources: Mapping[str, SourceSettings],
        channels: Mapping[str, Channel],
        capture: Channel,
    ) -> None:
        self.clock = SimulatedClock(start)
        self.journal = Journal()
        self._database = database
        self._ruleset = ruleset
        self._sources = sources
        self._channels = channels
        self._capture = capture

    async def __aenter__(self) -> Self:
        self._store = await Store.open(self._database)
        self._pipeline = Pipeline(
            store=self._store,
            ruleset=self._ruleset,
            sources=self._sources,
            channels=self._channels,
            capture=self._capture,
            now=self.clock.now,
            observer=self.journal,
            routing=Routing(mode="capture"),
            ways=Ways(random=Random(0)),  # noqa: S311 - jitter of retries, not a secret; a fixed seed keeps runs alike.
        )
        self._worker = Worker(self._pipeline)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()

    async def import_members(self, snapshots: Sequence[Snapshot]) -> None:
        """Tell the directory of members, as of now."""
        await self._store.import_members(snapshots, self.clock.now())

    async def record_consents(self, words: Sequence[Consent]) -> None:
        """Take members at their word about categories of messages."""
        now = self.clock.now()
        await self._store.imports.rows(None, now, lambda connection: Came(changed=record_consents(connection, words)))

    async def deliver(self, source: str, body: bytes, type_hint: str | None = None) -> bool:
        """Hand a delivery in at the present time and do all work that is due; whether it was new."""
        new = await self._pipeline.accept(
            Body(
                source=self._sources[source],
                headers={"content-type": "application/json"},
                body=body,
                received_at=self.clock.now(),
                type_hint=type_hint,
            )
        )
        await self._worker.until_idle()
        return new

    async def advance(self, to: datetime) -> None:
        """Let time pass up to and including ``to``, stopping wherever something is due."""
        while (due := await self._store.next_due()) is not None and due <= to:
            self.clock.move(due)
            if not await self._worker.until_idle():
                self.clock.move(due + BLINK)
        self.clock.move(to)
        await self._worker.until_idle()
