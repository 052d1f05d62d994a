"""Worded messages: claimed under a lease, permitted once, settled by what the relay said.

The permit is one conditional update, committed before the bytes that hold the body are written. Whoever cannot get it
sends nothing; whoever has got it and vanishes leaves a row that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, not_, or_, select, update

from ..model import OnAmbiguous, Reason
from .dialect import insert, stands
from .rows import NotificationState, Queued, maybe_micros, micros, moment, offset_of
from .schema import notification, suppression, timer

LEASE = timedelta(minutes=20)
"""Longer than the ten minutes a relay may take to answer the final dot (RFC 5321 section 4.5.3.2.6)."""

_REACHED = frozenset({NotificationState.SENT, NotificationState.CAPTURED, NotificationState.UNKNOWN})
"""Outcomes after which the member has the message, or may have it."""
_QUEUED, _CLAIMED, _PERMITTED = NotificationState.QUEUED, NotificationState.CLAIMED, NotificationState.PERMITTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt ended."""

    key: str
    lease: str
    state: NotificationState
    """``QUEUED`` puts the message back in line for ``due_at``."""
    at: datetime
    reply: str
    due_at: datetime | None = None
    counts: bool = True
    """Whether this was an attempt at the recipient; a relay that is down is not the message's fault."""
    suppress: str | None = None
    """An address that nobody should write to again."""


def claim(connection: Connection, route: str, limit: int, lease: str, now: datetime) -> list[Queued]:
    """Lease a route's next due messages, longest due first. Those whose useful time is over are ended instead."""
    _end_leases(connection, now, notification.c.leased_until < micros(now))
    _expire(connection, now)
    due = (
        select(notification.c.id)
        .where(
            stands(notification.c.state, _QUEUED),
            notification.c.route == route,
            notification.c.due_at <= micros(now),
        )
        .order_by(notification.c.due_at, notification.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = connection.scalars(due).all()
    if not ids:
        return []
    leased = (
        update(notification)
        .where(notification.c.id.in_(ids))
        .values(state=_CLAIMED, lease=lease, leased_until=micros(now + LEASE))
        .returning(
            notification.c.id,
            notification.c.key,
            notification.c.channel,
            notification.c.route,
            notification.c.address,
            notification.c.payload,
            notification.c.attempts,
            notification.c.on_ambiguous,
        )
    )
    claimed = sorted(connection.execute(leased).mappings(), key=lambda row: row["id"])
    return [Queued(lease=lease, **{name: value for name, value in row.items() if name != "id"}) for row in claimed]


def permit(connection: Connection, key: str, lease: str, now: datetime) -> bool:
    """Whether this sender may send this message now; true once at most per lease."""
    suppressed = exists().where(suppression.c.address == func.lower(notification.c.address))
    given = connection.execute(
        update(notification)
        .where(
            notification.c.key == key,
            notification.c.state == _CLAIMED,
            notification.c.lease == lease,
            notification.c.leased_until > micros(now),
            or_(notification.c.send_before.is_(None), notification.c.send_before > micros(now)),
            not_(suppressed),
        )
        .values(state=_PERMITTED, leased_until=micros(now + LEASE))
    )
    return given.rowcount == 1


def record(connection: Connection, outcomes: Sequence[Outcome]) -> int:
    """Note how attempts ended; how many of them still held their lease."""
    return sum(_end(connection, outcome) for outcome in outcomes)


def _end(connection: Connection, outcome: Outcome) -> int:
    """Note one outcome. A message that was to be withdrawn while it was under way does not go a second time."""
    again = outcome.state is _QUEUED
    ended = connection.execute(
        update(notification)
        .where(
            notification.c.key == outcome.key,
            notification.c.lease == outcome.lease,
            notification.c.state.in_((_CLAIMED, _PERMITTED)),
        )
        .values(
            state=_unless_withdrawn(outcome.state) if again else outcome.state,
            reply=outcome.reply,
            due_at=func.coalesce(maybe_micros(outcome.due_at), notification.c.due_at),
            attempts=notification.c.attempts + (1 if outcome.counts else 0),
            settled_at=None if again else micros(outcome.at),
            lease=None,
            leased_until=None,
        )
        .returning(notification.c.rule, notification.c.subject_id, notification.c.slot, notification.c.about)
    ).first()
    if outcome.suppress is not None:
        _suppress(connection, outcome.suppress, outcome.at)
    if ended is not None and ended.about is not None and outcome.state in _REACHED:
        _remember(connection, ended.rule, ended.subject_id, offset_of(ended.slot), ended.about, outcome.at)
    return 0 if ended is None else 1


def _remember(connection: Connection, rule: str, subject: str, slot: str, about: str, at: datetime) -> None:  # noqa: PLR0917 - a row
    """Note on the timer that its reminder has gone out: the same points must not be reminded of again too soon."""
    place = and_(timer.c.rule == rule, timer.c.subject == subject, timer.c.slot == slot)
    connection.execute(update(timer).where(place).values(sent_at=micros(at), sent_about=about))


def _unless_withdrawn(state: NotificationState) -> ColumnElement[str]:
    return case((notification.c.withdrawn_at.is_not(None), NotificationState.WITHDRAWN), else_=state)


def withhold(connection: Connection, key: str, lease: str, now: datetime) -> None:
    """End a message whose permit was refused, with the reason; one that someone else has ended stays as it is."""
    suppressed = exists().where(suppression.c.address == func.lower(notification.c.address))
    over = and_(notification.c.send_before.is_not(None), notification.c.send_before <= micros(now))
    connection.execute(
        update(notification)
        .where(notification.c.key == key, notification.c.lease == lease, notification.c.state == _CLAIMED)
        .values(
            state=case((suppressed, NotificationState.FAILED), (over, NotificationState.EXPIRED), else_=_QUEUED),
            reason=case(
                (suppressed, Reason.SUPPRESSED_ADDRESS), (over, Reason.USEFUL_TIME_OVER), else_=notification.c.reason
            ),
            settled_at=case((or_(suppressed, over), micros(now))),
            lease=None,
            leased_until=None,
        )
    )


def fail_other_routes(connection: Connection, routes: Sequence[str], now: datetime) -> int:
    """End the messages whose channel is no longer configured, with the reason; how many."""
    gone = and_(stands(notification.c.state, _QUEUED), notification.c.route.not_in(routes))
    return connection.execute(
        update(notification)
        .where(gone)
        .values(
            state=NotificationState.FAILED,
            reason=Reason.CHANNEL_FAILED,
            reply="its channel is no longer in config.yaml",
            settled_at=micros(now),
        )
    ).rowcount


def recover(connection: Connection, now: datetime) -> int:
    """End all leases: the process that held them is gone. What had been permitted may or may not have been sent."""
    return _end_leases(connection, now, notification.c.leased_until.is_not(None))


def next_due(connection: Connection) -> datetime | None:
    """When the next queued message is due."""
    due = connection.scalar(select(func.min(notification.c.due_at)).where(stands(notification.c.state, _QUEUED)))
    return None if due is None else moment(due)


def backlog(connection: Connection, most: int) -> int:
    """How many worded messages wait, also those whose relay is being waited for; counted up to ``most``."""
    waiting = select(notification.c.id).where(stands(notification.c.state, _QUEUED)).limit(most).subquery()
    return connection.scalar(select(func.count()).select_from(waiting)) or 0


def _end_leases(connection: Connection, now: datetime, which: ColumnElement[bool]) -> int:
    again = notification.c.on_ambiguous == OnAmbiguous.RESEND
    back = {"lease": None, "leased_until": None}
    unclear = update(notification).where(notification.c.state == _PERMITTED, which)
    connection.execute(
        update(notification).where(notification.c.state == _CLAIMED, which).values(state=_QUEUED, **back)
    )
    lost = connection.execute(
        unclear.values(
            state=case((again, _unless_withdrawn(_QUEUED)), else_=NotificationState.UNKNOWN),
            reply="the sender was lost after the permit to send",
            attempts=notification.c.attempts + 1,
            settled_at=case((again, None), else_=micros(now)),
            **back,
        ).returning(
            notification.c.rule,
            notification.c.subject_id,
            notification.c.slot,
            notification.c.about,
            notification.c.state,
        )
    ).all()
    for row in lost:
        if row.about is not None and row.state == NotificationState.UNKNOWN:
            _remember(connection, row.rule, row.subject_id, offset_of(row.slot), row.about, now)
    return len(lost)


def _expire(connection: Connection, now: datetime) -> None:
    connection.execute(
        update(notification)
        .where(stands(notification.c.state, _QUEUED), notification.c.send_before <= micros(now))
        .values(state=NotificationState.EXPIRED, reason=Reason.USEFUL_TIME_OVER, settled_at=micros(now))
    )


def _suppress(connection: Connection, address: str, now: datetime) -> None:
    row = {"address": address.lower(), "since": micros(now), "reason": "the relay refused the address"}
    connection.execute(insert(connection, suppression).on_conflict_do_nothing(index_elements=["address"]).values(row))
