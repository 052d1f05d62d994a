"""What works on one database: the store, the pipeline over it, and the worker that keeps it moving.

The daemon has one for as long as it runs; a command that finds no daemon makes one of its own. Nothing here knows
config.yaml: what has to be read again is handed in as a function.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .errors import PointbellError, RulesetInvalid, StoreBusy
from .ingest import Delivery
from .janitor import Janitor
from .observer import Observer
from .pipeline import Pipeline
from .routing import Mode
from .ruleset import Diagnostic, Ruleset
from .ruleset.unfinished import refuse_unfinished
from .store import Disk, Store
from .worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How rules and templates were found when they were last read."""

    at: datetime
    """Aware UTC."""
    error: str | None = None
    """Why they could not be put in force; ``None`` when they were."""
    findings: tuple[Diagnostic, ...] = ()
    """What is wrong with them where they could not, else the warnings."""

    @property
    def good(self) -> bool:
        """Whether they are in force since."""
        return self.error is None


@dataclass(slots=True, kw_only=True)
class Workshop:
    """A programme with its store, ready to work, and not yet working."""

    observer: Observer
    store: Store
    disk: Disk
    """Where the store is."""
    pipeline: Pipeline
    worker: Worker
    janitor: Janitor
    load_ruleset: Callable[[], Ruleset]
    """Reads rules and templates and checks them as a whole; blocks, and raises ``RulesetInvalid``."""
    opened_at: datetime
    """Aware UTC."""
    manned: bool = False
    """Whether the worker works by itself. Where it does not, whoever wants work done has to do it."""
    divergence: timedelta = timedelta()
    """How far the machine's clock has jumped, positive: forward; zero while it goes as it should."""
    reading: Reading = field(init=False)
    """The last reading of the rules, good or bad."""
    in_force_since: datetime = field(init=False)
    """When the rules in force were read, aware UTC."""
    _one_reload: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _one_following: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """The rules it is made with have just been read, and are good."""
        self.reading = Reading(at=self.opened_at, findings=self.pipeline.ruleset.warnings)
        self.in_force_since = self.opened_at

    @property
    def mode(self) -> Mode:
        """Who is really written to."""
        return self.pipeline.routing.mode

    async def accept(self, body: Delivery) -> bool:
        """Store a delivery and have it decided; see ``Pipeline.accept``.

        Raises:
            StoreBusy: it could not be stored, or would take room that is needed to end what is under way.
        """
        if short := self.disk.short():
            raise StoreBusy(short)
        new = await self.pipeline.accept(body)
        if new:
            self.worker.wake()
        return new

    def note_time(self, divergence: timedelta) -> None:
        """Note how the machine's clock goes; a jump, and the end of one, are told once."""
        if bool(divergence) != bool(self.divergence):
            self.observer.clock_jumped(divergence)
        self.divergence = divergence
        self.observer.metrics.clock_divergence(divergence)

    async def reload(self) -> Reading:
        """Read rules and templates again and put them in force, unless they have errors.

        Reminders do not follow yet: that is ``follow_rules``, and takes as long as there are cards.
        """
        async with self._one_reload:
            before = self.pipeline.ruleset
            try:
                ruleset = await asyncio.to_thread(self.load_ruleset)
                refuse_unfinished(before, ruleset)
                await self.pipeline.prepare(ruleset)
            except RulesetInvalid as error:
                self.observer.reload_failed(before.hash, error)
                findings = tuple(found for found in error.diagnostics if isinstance(found, Diagnostic))
                return self._bad(str(error), findings)
            except Exception as error:  # noqa: BLE001 - whatever is in those files must not end a daemon that works.
                self.observer.refused("reload", error)
                self.observer.metrics.reload(successful=False)
                known = isinstance(error, PointbellError)
                return self._bad(str(error) if known else f"{type(error).__name__}: {error}", ())
            return self._put_in_force(before, ruleset)

    async def prepare(self) -> None:
        """Make whoever decides ready for the rules in force; nothing to do where they are.

        Raises:
            ChildrenDown: no child process can be started.
        """
        await self.pipeline.prepare(self.pipeline.ruleset)

    async def follow_rules(self) -> None:
        """Bring all reminders in line with the rules in force; nothing to do where they are."""
        async with self._one_following:
            cards = await self.pipeline.replan()
        if cards:
            self.observer.log.info("reminders follow the rules", cards=cards)
            self.worker.wake()

    def _put_in_force(self, before: Ruleset, ruleset: Ruleset) -> Reading:
        now = self.pipeline.now()
        self.pipeline.ruleset = ruleset
        self.observer.reloaded(before.hash, ruleset.hash)
        self.observer.loaded(ruleset.hash, len(ruleset.rules), now)
        self.reading, self.in_force_since = Reading(at=now, findings=ruleset.warnings), now
        return self.reading

    def _bad(self, error: str, findings: tuple[Diagnostic, ...]) -> Reading:
        self.reading = Reading(at=self.pipeline.now(), error=error, findings=findings)
        return self.reading
