"""What is kept for how long, and what has been kept long enough: found by a reader, removed in small units.

A walk goes through one kind after another, a span of numbers at a time. What to remove is looked for on a connection of
its own, so that the writer is only asked for the removal itself: at most ``UNIT`` rows, which are checked once more as
they go. Nothing that is open is touched, nor what an open row refers to. The keys that keep a message from going out
twice live in the rows of events and messages, and go with the event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Update,
    and_,
    delete,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import DBAPIError

from ..errors import StoreBusy
from ..model import TimerState
from ..settlement import EventState
from . import installation, letters
from .dialect import stands
from .rows import NotificationState, micros
from .schema import decision, event, happening, notification, timer

UNIT = 100
"""Rows of one unit of work: what the writer does in a few milliseconds."""
HEAVIEST = 256 * 1024
"""Bytes of one unit, unless a single row has more: what is removed is overwritten on the disk."""
SPAN = 10_000
"""Numbers that are looked through at a time."""

Key: TypeAlias = "int | tuple[str, str, str]"
"""What a row is named by: its number; a timer by rule, subject and slot."""


class Kind(StrEnum):
    """What is kept, in the order in which it is tidied."""

    BODIES = "bodies"
    """The bodies of deliveries, as they came in."""
    MESSAGES = "messages"
    """The words of messages."""
    DECISIONS = "decisions"
    EVENTS = "events"
    """What is left of deliveries, with their decisions and messages, and the keys that tell repetitions."""
    TIMERS = "timers"
    """Reminders that are over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each kind is kept; ``None`` for ever."""

    bodies: timedelta | None = None
    messages: timedelta | None = None
    decisions: timedelta | None = None
    events: timedelta | None = None
    timers: timedelta | None = None
    lasting: frozenset[str] = frozenset()
    """Rules that tell something once and never again: their messages stay, and with them the deliveries."""

    def of(self, kind: Kind) -> timedelta | None:
        """How long one kind is kept."""
        kept: timedelta | None = getattr(self, kind.value)
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a walk has come."""

    kind: Kind = Kind.BODIES
    after: int = 0
    """The last number that was looked at; of timers, nothing."""

    def following(self) -> Place | None:
        """The beginning of the next kind; ``None`` after the last."""
        kinds = list(Kind)
        rest = kinds[kinds.index(self.kind) + 1 :]
        return Place(kind=rest[0]) if rest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Until when something must have come to its end to be removed."""

    before: int
    """Microseconds since 1970 UTC."""
    today: str
    """What is about this date or a later one is still of use. ISO."""
    now: int
    """Microseconds since 1970 UTC."""
    lasting: frozenset[str] = frozenset()
    """As in ``Retention``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """What has been kept long enough in one span."""

    units: Sequence[Sequence[Key]]
    """As the writer is asked to remove it, one unit at a time."""
    further: Place | None
    """Where to look next; ``None`` at the end of the walk."""


def limit_of(kind: Kind, retention: Retention, now: datetime) -> Limit | None:
    """The limit as it is now; ``None`` for what is kept for ever."""
    kept = retention.of(kind)
    if kept is None:
        return None
    # A date is over when it is over everywhere.
    today = (now - timedelta(days=2)).date().isoformat()
    return Limit(before=micros(now - kept), today=today, now=micros(now), lasting=retention.lasting)


def look(readers: Engine, place: Place, limit: Limit) -> Overdue:
    """``overdue``, on a connection of its own.

    Raises:
        StoreBusy: the database cannot be read.
    """
    try:
        with readers.connect() as connection:
            return overdue(connection, place, limit)
    except DBAPIError as error:
        raise StoreBusy(f"cannot read the database: {error.orig}") from error


def overdue(connection: Connection, place: Place, limit: Limit) -> Overdue:
    """What has been kept long enough in the next span. Reads only."""
    if place.kind is Kind.TIMERS:
        rows = connection.execute(select(*_TIMER).where(_timers(limit)).order_by(timer.c.due_at).limit(SPAN)).all()
        return Overdue(units=_units(((row[0], row[1], row[2]), 0) for row in rows), further=place if rows else None)
    number, age, weight = _NUMBERED[place.kind]
    first = connection.scalar(select(func.min(number)).where(number > place.after))
    if first is None:
        return Overdue(units=(), further=place.following())
    span = and_(number >= first, number < first + SPAN)
    if connection.execute(select(number).where(span, age < limit.before).limit(1)).first() is None:
        # All that follows is younger, or as good as: it is looked at on the next walk.
        return Overdue(units=(), further=place.following())
    found = connection.execute(select(number, weight).where(span, _OVER[place.kind](limit)).order_by(number)).all()
    units = _units((row[0], row[1] or 0) for row in found)
    return Overdue(units=units, further=replace(place, after=first + SPAN - 1))


def count(connection: Connection, kind: Kind, limit: Limit) -> int:
    """How many rows have been kept long enough. Reads all of a table."""
    table = _TIMER[0].table if kind is Kind.TIMERS else _NUMBERED[kind][0].table
    return connection.scalar(select(func.count()).select_from(table).where(_OVER[kind](limit))) or 0


def tidy(connection: Connection, kind: Kind, keys: Sequence[Key], limit: Limit) -> Counter[Kind]:
    """Remove what these keys name, as far as it is still over; how many rows, or bodies or words, of which kind."""
    if kind is Kind.EVENTS:
        return _remove_events(connection, keys, limit)
    named = tuple_(*_TIMER) if kind is Kind.TIMERS else _NUMBERED[kind][0]
    chosen = and_(named.in_(keys), _OVER[kind](limit))
    removal: Mapping[Kind, Update | Delete] = {
        Kind.BODIES: update(event).values(raw=b"", emptied_at=limit.now),
        Kind.MESSAGES: update(notification).values(subject="", emptied_at=limit.now),
        Kind.DECISIONS: delete(decision),
        Kind.TIMERS: delete(timer),
    }
    if kind is Kind.MESSAGES:
        letters.drop(connection, chosen)
    removed = connection.execute(removal[kind].where(chosen)).rowcount
    if removed and kind is Kind.DECISIONS:
        installation.note(connection, installation.DECISIONS_SINCE, str(limit.before))
    return Counter({kind: removed})


def _remove_events(connection: Connection, keys: Sequence[Key], limit: Limit) -> Counter[Kind]:
    """A delivery, and all that would mean nothing without it."""
    seqs = connection.scalars(select(event.c.seq).where(event.c.seq.in_(keys), _events(limit))).all()
    removed: Counter[Kind] = Counter()
    for table, kind in ((decision, Kind.DECISIONS), (notification, Kind.MESSAGES), (happening, None)):
        gone = connection.execute(delete(table).where(table.c.event_seq.in_(seqs))).rowcount
        if kind is not None:
            removed[kind] += gone
    removed[Kind.EVENTS] += connection.execute(delete(event).where(event.c.seq.in_(seqs))).rowcount
    return removed


def _units(found: Iterable[tuple[Key, int]]) -> list[list[Key]]:
    """Rows in units that are small in number and in weight."""
    units: list[list[Key]] = []
    room, weight_left = 0, 0
    for key, weight in found:
        if not room or weight > weight_left:
            units.append([])
            room, weight_left = UNIT, HEAVIEST
        units[-1].append(key)
        room, weight_left = room - 1, weight_left - weight
    return units


# --- what is over ---

_WAITING = (
    NotificationState.QUEUED,
    NotificationState.CLAIMED,
    NotificationState.PERMITTED,
    NotificationState.HELD,
    NotificationState.UNKNOWN,
    NotificationState.STANDBY,
)
_ENDED = tuple(state for state in NotificationState if state not in _WAITING)
_SETTLED = (EventState.DECIDED, EventState.IGNORED)
_TIMER = (timer.c.rule, timer.c.subject, timer.c.slot)


def _waits(*about: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(stands(notification.c.state, *_WAITING), *about)


def _settled(limit: Limit) -> ColumnElement[bool]:
    ended = func.coalesce(event.c.decided_at, event.c.received_at) < limit.before
    return and_(stands(event.c.state, *_SETTLED), ended, not_(_waits(notification.c.event_seq == event.c.seq)))


def _bodies(limit: Limit) -> ColumnElement[bool]:
    return and_(_settled(limit), event.c.emptied_at.is_(None))


def _words(limit: Limit) -> ColumnElement[bool]:
    ended = func.coalesce(notification.c.settled_at, notification.c.created_at) < limit.before
    return and_(stands(notification.c.state, *_ENDED), ended, notification.c.emptied_at.is_(None))


def _decisions(limit: Limit) -> ColumnElement[bool]:
    undecided = exists().where(event.c.seq == decision.c.event_seq, not_(stands(event.c.state, *_SETTLED)))
    return and_(
        decision.c.at < limit.before, not_(undecided), not_(_waits(notification.c.event_seq == decision.c.event_seq))
    )


def _events(limit: Limit) -> ColumnElement[bool]:
    # A reminder's key is what keeps it from going twice ahead of the same date.
    needed = or_(notification.c.about >= limit.today, notification.c.rule.in_(sorted(limit.lasting)))
    return and_(_settled(limit), not_(exists().where(notification.c.event_seq == event.c.seq, needed)))


def _timers(limit: Limit) -> ColumnElement[bool]:
    over = not_(stands(timer.c.state, TimerState.ARMED))
    sent = or_(timer.c.sent_at.is_(None), timer.c.sent_at < limit.before)
    waits = _waits(notification.c.subject_id == timer.c.subject, notification.c.rule == timer.c.rule)
    return and_(over, timer.c.due_at < limit.before, timer.c.about < limit.today, sent, not_(waits))


_OVER: Mapping[Kind, Callable[[Limit], ColumnElement[bool]]] = {
    Kind.BODIES: _bodies,
    Kind.MESSAGES: _words,
    Kind.DECISIONS: _decisions,
    Kind.EVENTS: _events,
    Kind.TIMERS: _timers,
}
_NUMBERED: Mapping[Kind, tuple[Column[int], Column[int], ColumnElement[int]]] = {
    Kind.BODIES: (event.c.seq, event.c.received_at, func.length(event.c.raw)),
    Kind.MESSAGES: (notification.c.id, notification.c.created_at, letters.weight()),
    Kind.DECISIONS: (decision.c.id, decision.c.at, literal(0)),
    Kind.EVENTS: (event.c.seq, event.c.received_at, func.length(event.c.raw)),
}
"""The number, the age and the weight in bytes of each kind's rows. Numbers and ages grow together."""
