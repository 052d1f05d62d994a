"""What must survive a crash.

Few verbs, each one transaction. Writes go through one thread that commits in groups; a verb returns when its
transaction is durable. Every verb may raise ``StoreBusy``: nothing was stored, try again later.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ..decide import Book, Needs
from ..errors import StoreBusy
from ..model import Snapshot
from . import clockwork, events, facts, installation, migrations, outbox, settle, sqlite
from .clockwork import CLOCK, clock_event, rules_changed
from .facts import Conflict
from .installation import PLANNED_UNDER
from .outbox import Outcome
from .reports import Reports
from .rows import EventState, NotificationState, Queued, Received, StoredEvent
from .settle import Settled, Settlement, Worded
from .writer import Writer

__all__ = [
    "CLOCK",
    "PLANNED_UNDER",
    "Conflict",
    "EventState",
    "NotificationState",
    "Outcome",
    "Queued",
    "Received",
    "Reports",
    "Settled",
    "Settlement",
    "Store",
    "StoredEvent",
    "Worded",
    "clock_event",
    "rules_changed",
    "upgrade",
]


class Store:
    """The database, owned by this process from ``open`` to ``close``."""

    def __init__(self, engine: Engine, cleanup: ExitStack) -> None:
        self._engine = engine
        self._writer = Writer(engine)
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
        except BaseException:
            cleanup.close()
            raise
        store = Store(engine, cleanup)
        store._writer.start()
        return store

    async def close(self) -> None:
        """Finish what is under way and let go of the file."""
        await self._writer.stop()
        self._cleanup.close()

    async def check(self) -> None:
        """Prove that the database takes writes."""
        await self._writer.do(installation.probe)

    async def installation_secret(self) -> bytes:
        """Random bytes made once per database, to key what outsiders see of our identifiers."""
        return await self._writer.do(installation.secret)

    async def add_events(self, deliveries: Sequence[Received]) -> list[bool]:
        """Store deliveries; for each whether it is new."""
        return await self._writer.do(lambda connection: events.add(connection, deliveries))

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

    async def load(self, needs: Needs) -> Book:
        """What is known of everyone a batch of events may touch."""
        return await self._writer.do(lambda connection: facts.load(connection, needs))

    async def settle(self, book: Book, settlements: Sequence[Settlement]) -> Settled:
        """Write what a batch of events led to.

        Raises:
            Conflict: someone else changed a record since ``load``; load and decide again.
        """
        return await self._writer.do(lambda connection: settle.settle(connection, book, settlements))

    async def import_members(self, snapshots: Iterable[Snapshot], now: datetime) -> None:
        """Merge what a file says of members into the directory."""
        said = list(snapshots)
        await self._writer.do(lambda connection: facts.import_members(connection, said, now))

    async def promote_timers(self, now: datetime, backlog: int) -> int:
        """Turn due timers into events, no more than keep ``backlog`` worded messages waiting; how many."""

        def promote(connection: Connection) -> int:
            room = backlog - outbox.backlog(connection, backlog) - events.backlog(connection, backlog)
            return clockwork.promote(connection, now, room) if room > 0 else 0

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
        return await self._writer.do(lambda connection: outbox.permit(connection, message.key, message.lease, now))

    async def withhold(self, message: Queued, now: datetime) -> None:
        """End a message whose permit was refused."""
        await self._writer.do(lambda connection: outbox.withhold(connection, message.key, message.lease, now))

    async def record(self, outcomes: Sequence[Outcome]) -> int:
        """Note how attempts ended; how many of them still held their lease."""
        return await self._writer.do(lambda connection: outbox.record(connection, outcomes))

    async def recover(self, now: datetime) -> tuple[int, int]:
        """Take back what a process that is gone had claimed: deliveries, and messages that it may have sent."""
        return await self._writer.do(lambda connection: (events.recover(connection), outbox.recover(connection, now)))

    async def fail_other_routes(self, routes: Sequence[str], now: datetime) -> int:
        """End the messages whose channel is no longer configured; how many."""
        return await self._writer.do(lambda connection: outbox.fail_other_routes(connection, routes, now))

    async def next_due(self) -> datetime | None:
        """When the next timer or message is due."""

        def earliest(connection: Connection) -> datetime | None:
            times = (clockwork.next_timer(connection), outbox.next_due(connection))
            return min((time for time in times if time is not None), default=None)

        return await self._writer.do(earliest)


def _free_name(path: Path, suffix: str) -> Path:
    """A name beside the database that nothing has yet: an upgrade that failed may have left its copy."""
    names = (
        path.with_name(f"{path.name}.{suffix}{extra}") for extra in ("", *(f".{number}" for number in range(2, 1000)))
    )
    return next(name for name in names if not name.exists())


def upgrade(path: Path) -> tuple[int, int]:
    """Bring a database's schema up to date, keeping a copy of one that must change; the versions before and after.

    Raises:
        StoreOutdated: a newer Pointbell wrote it.
        StoreBusy: it cannot be opened or written.
    """
    engine = sqlite.writing_engine(path)
    try:
        with engine.begin() as connection:
            before = migrations.version(connection)
        if 0 < before < migrations.NEWEST:
            sqlite.backup(path, _free_name(path, f"before-schema-{migrations.NEWEST}"))
        with engine.begin() as connection:
            return migrations.upgrade(connection)
    except DBAPIError as error:
        raise StoreBusy(f"cannot use the database at {path}: {error.orig}") from error
    finally:
        engine.dispose()
