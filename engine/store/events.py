"""Deliveries: stored once, claimed in the order of arrival, set aside when they harm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, exists, func, literal, select, update

from ..model import Telling
from ..settlement import CLOCK, EventState, Received, StoredEvent
from .dialect import alone, insert, stands
from .prepared import Prepared, every_row
from .rows import micros, moment
from .schema import event

CLAIM = timedelta(minutes=5)
MAX_ATTEMPTS = 1_000
"""Ends of a process that a delivery may witness before it is set aside unheard: a last resort against a daemon that
never gets to work. Whoever is suspected is tried long before, and fairly; see ``settling``. Ten were too few: a machine
that was cut off again and again while it was too busy to finish anything lost what it had acknowledged (measured)."""
_CLAIMING = 0x9B311
"""The lock of claims: lanes are chosen by one process at a time."""


_ADD = Prepared(
    lambda connection, _: insert(connection, event).inline().on_conflict_do_nothing(index_elements=["source", "key"])
)


def add(connection: Connection, deliveries: Sequence[Received]) -> list[bool]:
    """Store deliveries; for each whether it is new. A known (source, key) leaves the store as it was."""
    return [stored > 0 for stored in _ADD.each(connection, [_row(delivery) for delivery in deliveries])]


def add_together(connection: Connection, calls: Sequence[Sequence[Received]]) -> list[list[bool]]:
    """``add`` for several callers at once."""
    stored = iter(add(connection, [delivery for deliveries in calls for delivery in deliveries]))
    return [list(islice(stored, len(deliveries))) for deliveries in calls]


def claim(connection: Connection, limit: int, now: datetime) -> list[StoredEvent]:
    """The next deliveries in order, counted as tried before anybody touches them.

    A lane of which anything is claimed already is left alone: what follows in it is claimed when that is settled.
    One with attempts was being decided when a process ended; after ``MAX_ATTEMPTS`` it is quarantined.
    """
    alone(connection, _CLAIMING)
    _release_expired(connection, now)
    found, given_up = [], 0
    for row in every_row(connection, _free(limit)):
        if row["attempts"] >= MAX_ATTEMPTS:
            quarantine(connection, row["seq"], f"gave up after {MAX_ATTEMPTS} attempts that ended the process")
            given_up += 1
        else:
            found.append(row)
    if not found:
        return claim(connection, limit, now) if given_up else []
    until = micros(now + CLAIM)
    connection.execute(
        update(event)
        .where(event.c.seq.in_([row["seq"] for row in found]))
        .values(state=EventState.CLAIMED, attempts=event.c.attempts + 1, claimed_until=until)
    )
    return [_stored(row, until) for row in found]


def backlog(connection: Connection, most: int) -> int:
    """How many deliveries wait to be decided; counted up to ``most``."""
    waiting = select(event.c.seq).where(stands(event.c.state, EventState.STORED)).limit(most).subquery()
    return connection.scalar(select(func.count()).select_from(waiting)) or 0


def quarantine(connection: Connection, seq: int, reason: str) -> None:
    """Set a delivery aside with the reason; it stays listed and can be replayed."""
    connection.execute(
        update(event).where(event.c.seq == seq).values(state=EventState.QUARANTINED, note=reason, claimed_until=None)
    )


def drop(connection: Connection, seqs: Iterable[int], note: str) -> list[int]:
    """End deliveries that are set aside: nobody is told of them any more. Which of them were; a replay is possible."""
    dropped = (
        update(event)
        .where(event.c.seq.in_(list(seqs)), event.c.state == EventState.QUARANTINED)
        .values(state=EventState.IGNORED, note=literal(note) + func.coalesce(literal(". Before: ") + event.c.note, ""))
        .returning(event.c.seq)
    )
    return sorted(connection.scalars(dropped))


def recover(connection: Connection) -> int:
    """Give back what a process that is gone had claimed; how many."""
    claimed = event.c.claimed_until.is_not(None)
    return connection.execute(update(event).where(claimed).values(state=EventState.STORED, claimed_until=None)).rowcount


def replay(connection: Connection, seqs: Iterable[int]) -> int:
    """Put deliveries back in line, to be read and decided anew; how many were.

    What has been sent under an idempotency key is not sent again. One whose body was removed cannot be read anew.
    """
    settled = (EventState.QUARANTINED, EventState.DECIDED, EventState.IGNORED)
    return connection.execute(
        update(event)
        .where(event.c.seq.in_(list(seqs)), event.c.state.in_(settled), event.c.emptied_at.is_(None))
        .values(state=EventState.STORED, attempts=0, note=None)
    ).rowcount


def _free(limit: int) -> Select[Any]:
    """What waits in lanes that nobody works on, in the order of arrival."""
    other = event.alias()
    under_way = exists().where(other.c.lane == event.c.lane, stands(other.c.state, EventState.CLAIMED))
    return (
        select(event)
        .where(stands(event.c.state, EventState.STORED), ~under_way)
        .order_by(event.c.seq)
        .limit(limit)
        .with_for_update(skip_locked=True, of=event)
    )


def _release_expired(connection: Connection, now: datetime) -> None:
    connection.execute(
        update(event).where(event.c.claimed_until < micros(now)).values(state=EventState.STORED, claimed_until=None)
    )


def _row(delivery: Received) -> dict[str, Any]:
    return {
        "source": delivery.source,
        "key": delivery.key,
        "lane": delivery.lane,
        "type_hint": delivery.type_hint,
        "content_type": delivery.content_type,
        "raw": delivery.raw,
        "received_at": micros(delivery.received_at),
        "state": EventState.STORED.value,
        "history": delivery.telling.value,
        "attempts": 0,
    }


def newest(connection: Connection, source: str | None, before: int, limit: int) -> list[tuple[int, Received]]:
    """Deliveries of producers whose bodies are still there, with their numbers, newest first."""
    mine = event.c.source == source if source is not None else event.c.source != CLOCK
    wanted = select(event).where(event.c.emptied_at.is_(None), mine, event.c.seq < before)
    rows = connection.execute(wanted.order_by(event.c.seq.desc()).limit(limit)).mappings()
    return [(row["seq"], _received(row)) for row in rows]


def _stored(row: dict[str, Any], claim: int) -> StoredEvent:
    return StoredEvent(seq=row["seq"], received=_received(row), attempts=row["attempts"], claim=claim)


def _received(row: Mapping[Any, Any]) -> Received:
    return Received(
        source=row["source"],
        key=row["key"],
        lane=row["lane"],
        raw=row["raw"],
        received_at=moment(row["received_at"]),
        type_hint=row["type_hint"],
        content_type=row["content_type"],
        telling=Telling(row["history"]),
    )
