"""What must survive a crash.

Few verbs, each one transaction. Writes go through one thread that commits in groups; a verb returns when its
transaction is durable. Every verb may raise ``StoreBusy``: nothing was stored, try again later.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from ..decide import Book, Needs
from ..model import Snapshot
from ..settlement import CLOCK, EventState, Received, Settlement, StoredEvent, Worded, clock_event
from . import (
    attempts,
    clockwork,
    events,
    facts,
    imports,
    installation,
    outbox,
    pauses,
    progress,
    resolve,
    restored,
    retention,
    settle,
    sqlite,
    witness,
)
from .alarms import Alarms, Source
from .attempts import Asked, Outcome
from .clockwork import rules_changed
from .copies import Backup, backup, default_name
from .disk import Disk
from .facts import Conflict
from .fallback import instead_of
from .ground import Brought, Ground, held_at
from .imports import Begun, BroughtIn, Came, ImportedFile, Imports, Reached, imports_of
from .installation import MODE, PLANNED_UNDER
from .lists import Consent, Suppression, allow, consents, record_consents, suppress, suppressions
from .messages import EVERY_MESSAGE, Messages
from .pauses import NOTHING_KNOWN, Pause, Reach, Scope, Sends, holding
from .progress import Left, Span
from .pulse import PULSE
from .reports import Reports
from .resolve import Resolved, Ruling, Verdict
from .restore import Exchanged, Found, examined, put_in_place
from .restored import Restored, Unsure
from .retention import Key, Kind, Limit, Overdue, Place, Retention, limit_of
from .rows import TO_RESOLVE, NotificationState, Queued
from .settle import ClaimLost, Settled
from .upgrading import upgrade
from .writer import Writer

__all__ = [
    "CLOCK",
    "EVERY_MESSAGE",
    "MODE",
    "NOTHING_KNOWN",
    "PLANNED_UNDER",
    "PULSE",
    "TO_RESOLVE",
    "Alarms",
    "Backup",
    "Begun",
    "Brought",
    "BroughtIn",
    "Came",
    "ClaimLost",
    "Conflict",
    "Consent",
    "Disk",
    "EventState",
    "Exchanged",
    "Found",
    "Ground",
    "ImportedFile",
    "Imports",
    "Kind",
    "Left",
    "Messages",
    "NotificationState",
    "Outcome",
    "Overdue",
    "Pause",
    "Place",
    "Queued",
    "Reach",
    "Reached",
    "Received",
    "Reports",
    "Resolved",
    "Restored",
    "Retention",
    "Ruling",
    "Scope",
    "Sends",
    "Settled",
    "Settlement",
    "Source",
    "Span",
    "Store",
    "StoredEvent",
    "Suppression",
    "Unsure",
    "Verdict",
    "Worded",
    "allow",
    "backup",
    "clock_event",
    "consents",
    "default_name",
    "examined",
    "held_at",
    "holding",
    "imports_of",
    "instead_of",
    "limit_of",
    "put_in_place",
    "record_consents",
    "rules_changed",
    "suppress",
    "suppressions",
    "upgrade",
]


class Store:
    """The database, owned by this process from ``open`` to ``close``."""

    def __init__(self, path: Path, engine: Engine, readers: Engine, cleanup: ExitStack) -> None:
        self._path = path
        self._engine = engine
        self._readers = readers
        self._window: Restored | None = None
        """The time that is missing, where the database once went back in time."""
        self._writer = Writer(engine)
        self.imports = Imports(self._writer)
        """The verbs of bringing in what files say."""
        self._cleanup = cleanup

    @staticmethod
    async def open(path: Path) -> Store:
        """Take possession of the database, bringing its schema up to date.

        Raises:
            StoreOwned: another process has it.
            StoreOutdated: a newer Pointbell wrote it.
            StoreBusy: it cannot be opened or written.
        """
        cleanup = ExitStack()
        try:
            cleanup.enter_context(sqlite.owned(path))
            await asyncio.to_thread(upgrade, path)
            engine = sqlite.writing_engine(path)
            cleanup.callback(engine.dispose)
            readers = sqlite.reading_engine(path)
            cleanup.callback(readers.dispose)
        except BaseException:
            cleanup.close()
            raise
        store = Store(path, engine, readers, cleanup)
        store._writer.start()
        try:
            store._window = await store._writer.do(restored.restored)
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Finish what is under way and let go of the file."""
        await self._writer.stop()
        self._cleanup.close()

    async def begin(self, now: datetime) -> Unsure | None:
        """Give the first sign of life. What is held, should an older copy have been put in the database's place."""
        sign, unsure = await self._writer.do(lambda connection: witness.begin(connection, self._path, now))
        await asyncio.to_thread(witness.write, self._path, sign)
        self._window = self._window if unsure is None else unsure.restored
        return unsure

    async def beat(self, now: datetime) -> None:
        """Give another sign of life; see ``witness``."""
        sign = await self._writer.do(lambda connection: witness.beat(connection, now))
        await asyncio.to_thread(witness.write, self._path, sign)

    async def check(self) -> None:
        """Prove that the database takes writes."""
        await self._writer.do(installation.probe)

    async def installation_secret(self) -> bytes:
        """Random bytes made once per database, to key what outsiders see of our identifiers."""
        return await self._writer.do(installation.secret)

    async def add_events(self, deliveries: Sequence[Received]) -> list[bool]:
        """Store deliveries; for each whether it is new."""
        return await self._writer.together(events.add_together, deliveries)

    async def claim_events(self, limit: int, now: datetime) -> list[StoredEvent]:
        """The next deliveries in the order of arrival."""
        return await self._writer.do(lambda connection: events.claim(connection, limit, now))

    async def quarantine(self, seq: int, reason: str) -> None:
        """Set a delivery aside, with the reason."""
        await self._writer.do(lambda connection: events.quarantine(connection, seq, reason))

    async def replay(self, seqs: Iterable[int]) -> int:
        """Put settled deliveries back in line; how many."""
        wanted = list(seqs)
        return await self._writer.do(lambda connection: events.replay(connection, wanted))

    async def drop_events(self, seqs: Iterable[int], note: str) -> list[int]:
        """End deliveries that are set aside without deciding them; which of them were."""
        wanted = list(seqs)
        return await self._writer.do(lambda connection: events.drop(connection, wanted, note))

    async def numbers(self, source: str, keys: Sequence[str]) -> dict[str, int]:
        """The numbers of a source's deliveries by their transport keys."""
        return await self._writer.do(lambda connection: progress.numbers(connection, source, keys))

    async def newest(self) -> int:
        """The number of the newest delivery; 0 where there is none."""
        return await self._writer.do(progress.newest)

    async def left(self, upto: int, routes: Sequence[str], now: datetime, most: int) -> Left:
        """What is left to do now of deliveries up to a number, each counted up to ``most``."""
        return await self._writer.do(lambda connection: progress.left(connection, upto, routes, now, most))

    async def load(self, needs: Needs) -> Book:
        """What is known of everyone a batch of events may touch."""
        return await self._writer.do(lambda connection: facts.load(connection, needs))

    async def settle(self, book: Book, settlements: Sequence[Settlement]) -> Settled:
        """Write what a batch of events led to.

        Raises:
            Conflict: someone else changed a record since ``load``; load and decide again.
            ClaimLost: a delivery has been claimed anew since; whoever has it now decides it.
        """
        return await self._writer.do(lambda connection: settle.settle(connection, book, settlements, self._window))

    async def import_members(self, snapshots: Iterable[Snapshot], now: datetime) -> None:
        """Merge what is said of members into the directory."""
        said = list(snapshots)
        await self._writer.do(lambda connection: imports.import_members(connection, said, now))

    async def promote_timers(self, now: datetime, backlog: int, reach: Reach | None = None) -> int:
        """Turn due timers into events, no more than keep ``backlog`` worded messages waiting; how many.

        Messages whose pause is over come back in line with them, and are counted, too. ``reach`` tells what the rules
        in force send, for those pauses that are not about a rule by its name.
        """

        def promote(connection: Connection) -> int:
            back = pauses.put_back_in_line(connection, now, backlog)
            room = backlog - outbox.backlog(connection, backlog) - events.backlog(connection, backlog)
            return back + (clockwork.promote(connection, now, room, reach or {}) if room > 0 else 0)

        return await self._writer.do(promote)

    async def cards_after(self, after: str, limit: int) -> dict[str, str]:
        """The next cards in the order of their ids, each with the member who is told about it."""
        return await self._writer.do(lambda connection: clockwork.cards_after(connection, after, limit))

    async def noted(self, name: str) -> str | None:
        """What was last noted under a name."""
        return await self._writer.do(lambda connection: installation.noted(connection, name))

    async def note(self, name: str, value: str) -> None:
        """Remember a value under a name."""
        await self._writer.do(lambda connection: installation.note(connection, name, value))

    async def claim_notifications(self, route: str, limit: int, now: datetime) -> list[Queued]:
        """Lease a route's next due messages to the caller."""
        lease = secrets.token_hex(8)
        return await self._writer.do(lambda connection: outbox.claim(connection, route, limit, lease, now))

    async def permit(self, message: Queued, now: datetime) -> bool:
        """Whether this message may be sent now; durable before it returns."""
        return await self._writer.together(attempts.permit, Asked(key=message.key, lease=message.lease, at=now))

    async def withhold(self, message: Queued, now: datetime) -> None:
        """End a message whose permit was refused."""
        await self._writer.do(lambda connection: attempts.withhold(connection, message.key, message.lease, now))

    async def record(self, outcomes: Sequence[Outcome]) -> int:
        """Note how attempts ended; how many of them still held their lease."""
        return await self._writer.together(attempts.record, outcomes)

    async def resolve(self, wanted: Messages, ruling: Ruling, after: int, limit: int) -> Resolved:
        """Decide about the next of the messages that only a person can help; what came of it."""
        return await self._writer.do(lambda connection: resolve.resolve(connection, wanted, ruling, after, limit))

    async def pause(self, wanted: Pause) -> Pause:
        """Begin a pause; it holds from the moment this returns.

        Raises:
            StoreError: it would be over before it begins.
        """
        return await self._writer.do(lambda connection: pauses.add(connection, wanted))

    async def end_pauses(self, numbers: Sequence[int] | None, now: datetime) -> list[Pause]:
        """End open pauses before their time, all of them for ``None``; those that were open."""
        return await self._writer.do(lambda connection: pauses.end(connection, numbers, now))

    async def recover(self, now: datetime) -> tuple[int, int]:
        """Take back what a process that is gone had claimed: deliveries, and messages that it may have sent."""
        return await self._writer.do(lambda connection: (events.recover(connection), outbox.recover(connection, now)))

    async def fail_other_routes(self, routes: Sequence[str], now: datetime) -> int:
        """End the messages whose channel is no longer configured; how many."""
        return await self._writer.do(lambda connection: outbox.fail_other_routes(connection, routes, now))

    async def overdue(self, place: Place, limit: Limit) -> Overdue:
        """What has been kept long enough; looked for beside the writer, which is asked for the removal only."""
        return await asyncio.to_thread(retention.look, self._readers, place, limit)

    async def tidy(self, kind: Kind, keys: Sequence[Key], limit: Limit) -> Counter[Kind]:
        """Remove one unit of what has been kept long enough; how much of what."""
        return await self._writer.do(lambda connection: retention.tidy(connection, kind, keys, limit))

    async def next_due(self) -> datetime | None:
        """When the next timer or message is due."""

        def earliest(connection: Connection) -> datetime | None:
            times = (clockwork.next_timer(connection), outbox.next_due(connection))
            return min((time for time in times if time is not None), default=None)

        return await self._writer.do(earliest)
