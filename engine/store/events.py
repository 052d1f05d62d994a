"""Deliveries: stored once, claimed in the order of arrival, set aside when they harm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from .dialect import insert, stands
from .rows import EventState, Received, StoredEvent, micros, moment
from .schema import event

CLAIM = timedelta(minutes=5)
MAX_ATTEMPTS = 10
"""Ends of a process that a delivery may witness before it is set aside unheard; see ``trial`` for the fair way."""


def add(connection: Connection, deliveries: Sequence[Received]) -> list[bool]:
    """Store deliveries; for each whether it is new. A known (source, key) leaves the store as it was."""
    if not deliveries:
        return []
    rows = [_row(delivery) for delivery in deliveries]
    statement = insert(connection, event).on_conflict_do_nothing(index_elements=["source", "key"])
    stored = connection.execute(statement.returning(event.c.source, event.c.key), rows)
    new = {(source, key) for source, key in stored}
    # Two equal deliveries in one group: the first of them is the new one.
    return [_take(new, (delivery.source, delivery.key)) for delivery in deliveries]


def claim(connection: Connection, limit: int, now: datetime) -> list[StoredEvent]:
    """The next deliveries in order, counted as tried before anybody touches them.

    One with attempts was being decided when a process ended; after ``MAX_ATTEMPTS`` it is quarantined.
    """
    _release_expired(connection, now)
    rows = connection.execute(
        select(event)
        .where(stands(event.c.state, EventState.STORED))
        .order_by(event.c.seq)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found, given_up = [], 0
    for row in rows.mappings():
        if row["attempts"] >= MAX_ATTEMPTS:
            quarantine(connection, row["seq"], f"gave up after {MAX_ATTEMPTS} attempts that ended the process")
            given_up += 1
        else:
            found.append(dict(row))
    if not found:
        return claim(connection, limit, now) if given_up else []
    connection.execute(
        update(event)
        .where(event.c.seq.in_([row["seq"] for row in found]))
        .values(state=EventState.CLAIMED, attempts=event.c.attempts + 1, claimed_until=micros(now + CLAIM))
    )
    return [_stored(row) for row in found]


def backlog(connection: Connection, most: int) -> int:
    """How many deliveries wait to be decided; counted up to ``most``."""
    waiting = select(event.c.seq).where(stands(event.c.state, EventState.STORED)).limit(most).subquery()
    return connection.scalar(select(func.count()).select_from(waiting)) or 0


def quarantine(connection: Connection, seq: int, reason: str) -> None:
    """Set a delivery aside with the reason; it stays listed and can be replayed."""
    connection.execute(
        update(event).where(event.c.seq == seq).values(state=EventState.QUARANTINED, note=reason, claimed_until=None)
    )


def recover(connection: Connection) -> int:
    """Give back what a process that is gone had claimed; how many."""
    claimed = event.c.claimed_until.is_not(None)
    return connection.execute(update(event).where(claimed).values(state=EventState.STORED, claimed_until=None)).rowcount


def replay(connection: Connection, seqs: Iterable[int]) -> int:
    """Put deliveries back in line, to be read and decided anew; how many were.

    What has been sent under an idempotency key is not sent again.
    """
    settled = (EventState.QUARANTINED, EventState.DECIDED, EventState.IGNORED)
    return connection.execute(
        update(event)
        .where(event.c.seq.in_(list(seqs)), event.c.state.in_(settled))
        .values(state=EventState.STORED, attempts=0, note=None)
    ).rowcount


def _release_expired(connection: Connection, now: datetime) -> None:
    connection.execute(
        update(event).where(event.c.claimed_until < micros(now)).values(state=EventState.STORED, claimed_until=None)
    )


def _take(new: set[tuple[str, str]], key: tuple[str, str]) -> bool:
    if key in new:
        new.remove(key)
        return True
    return False


def _row(delivery: Received) -> dict[str, Any]:
    return {
        "source": delivery.source,
        "key": delivery.key,
        "lane": delivery.lane,
        "type_hint": delivery.type_hint,
        "content_type": delivery.content_type,
        "raw": delivery.raw,
        "received_at": micros(delivery.received_at),
        "state": EventState.STORED,
        "attempts": 0,
    }


def _stored(row: dict[str, Any]) -> StoredEvent:
    received = Received(
        source=row["source"],
        key=row["key"],
        lane=row["lane"],
        raw=row["raw"],
        received_at=moment(row["received_at"]),
        type_hint=row["type_hint"],
        content_type=row["content_type"],
    )
    return StoredEvent(seq=row["seq"], received=received, attempts=row["attempts"])
