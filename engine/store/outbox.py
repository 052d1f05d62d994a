"""Worded messages in line: claimed under a lease, and taken back from a sender that is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    select,
    update,
)

from ..model import OnAmbiguous, Reason
from . import fallback, letters, pauses, reopening
from .attempts import LEASE, remember
from .dialect import stands
from .prepared import Prepared
from .rows import NotificationState, Queued, micros, moment
from .schema import notification

_QUEUED, _CLAIMED, _PERMITTED = NotificationState.QUEUED, NotificationState.CLAIMED, NotificationState.PERMITTED
_FOR_EVER = 2**63 - 1
_LOOKED_AT, _LOOKS = 500, 100
"""Messages looked at together while something is paused, and how often in one claim: a bound on the time it takes."""


_NOW = bindparam("now", type_=BigInteger())
_LEASED = (
    notification.c.id,
    notification.c.key,
    notification.c.channel,
    notification.c.route,
    notification.c.address,
    notification.c.attempts,
    notification.c.on_ambiguous,
)
"""What a sender needs of a message."""

_NEXT = Prepared(
    lambda *_: _in_line(select(notification.c.id), bindparam("route"), _NOW).limit(bindparam("most", type_=Integer()))
)
_LEASE = Prepared(
    lambda *_: (
        update(notification)
        .where(notification.c.id == bindparam("which"))
        .values(state=_CLAIMED.value, lease=bindparam("with"), leased_until=bindparam("until"))
        .returning(*_LEASED)
    )
)
_EXPIRE = Prepared(
    lambda *_: (
        update(notification)
        .where(stands(notification.c.state, _QUEUED), notification.c.send_before <= _NOW)
        .values(state=NotificationState.EXPIRED.value, reason=Reason.USEFUL_TIME_OVER.value, settled_at=bindparam("at"))
    )
)
_AGAIN = notification.c.on_ambiguous == OnAmbiguous.RESEND.value
_GIVE_BACK = Prepared(
    lambda *_: (
        update(notification)
        .where(stands(notification.c.state, _CLAIMED), notification.c.leased_until < bindparam("end"))
        .values(state=_QUEUED.value, lease=None, leased_until=None)
    )
)
_GIVE_UP = Prepared(
    lambda *_: (
        update(notification)
        .where(stands(notification.c.state, _PERMITTED), notification.c.leased_until < bindparam("end"))
        .values(
            state=case((_AGAIN, _unless_withdrawn(_QUEUED)), else_=NotificationState.UNKNOWN.value),
            reply="the sender was lost after the permit to send",
            attempts=notification.c.attempts + 1,
            settled_at=case((_AGAIN, None), else_=_NOW),
            lease=None,
            leased_until=None,
        )
        .returning(
            notification.c.rule,
            notification.c.subject_id,
            notification.c.slot,
            notification.c.about,
            notification.c.state,
        )
    )
)


def claim(connection: Connection, route: str, limit: int, lease: str, now: datetime) -> list[Queued]:
    """Lease a route's next due messages, longest due first. Those whose useful time is over are ended instead."""
    _end_leases(connection, now, micros(now))
    reopening.reopen(connection, now)
    _EXPIRE.run(connection, now=micros(now), at=micros(now))
    fallback.drop_late(connection, now)
    until = micros(now + LEASE)
    chosen = [{"which": id_, "with": lease, "until": until} for id_ in sorted(_next(connection, route, limit, now))]
    rows = [row for row in _LEASE.firsts(connection, chosen) if row is not None]
    names, payloads = [column.key for column in _LEASED], letters.read(connection, [row[0] for row in rows])
    told = [dict(zip(names, row, strict=True)) for row in rows]
    return [Queued(lease=lease, payload=payloads[row.pop("id")], **row) for row in told]


def _next(connection: Connection, route: str, limit: int, now: datetime) -> list[int]:
    """The next messages in line. Those that a pause holds leave the line, so that no claim meets them twice."""
    standing, free = pauses.open_at(connection, now), list[int]()
    if not standing:
        return list(_NEXT.run(connection, route=route, now=micros(now), most=limit).scalars())
    columns = (notification.c.id, notification.c.rule, notification.c.channel, notification.c.category)
    size = max(limit, _LOOKED_AT)
    page = _in_line(select(*columns), literal(route), literal(micros(now))).limit(size)
    for _ in range(_LOOKS):
        held: dict[int, list[int]] = {}
        free, rows = [], connection.execute(page).all()
        for row in rows:
            pause = next((one for one in standing if one.holds(row.rule, row.channel, row.category)), None)
            (free if pause is None else held.setdefault(pause.id, [])).append(row.id)
        pauses.take_out_of_line(connection, held)
        if not held or len(free) >= limit or len(rows) < size:
            break
    return free[:limit]


def _in_line(chosen: Select[Any], route: ColumnElement[str], now: ColumnElement[int]) -> Select[Any]:
    """Those of the route that are due, longest due first."""
    due = and_(
        stands(notification.c.state, _QUEUED),
        notification.c.paused_by.is_(None),
        notification.c.route == route,
        notification.c.due_at <= now,
    )
    return chosen.where(due).order_by(notification.c.due_at, notification.c.id).with_for_update(skip_locked=True)


def _unless_withdrawn(state: NotificationState) -> ColumnElement[str]:
    return case((notification.c.withdrawn_at.is_not(None), NotificationState.WITHDRAWN), else_=state)


def fail_other_routes(connection: Connection, routes: Sequence[str], now: datetime) -> int:
    """End the messages whose channel is no longer configured, with the reason; how many."""
    gone = and_(stands(notification.c.state, _QUEUED), notification.c.route.not_in(routes))
    ending = (
        update(notification)
        .where(gone)
        .values(
            state=NotificationState.FAILED,
            reason=Reason.CHANNEL_FAILED,
            reply="its channel is no longer in config.yaml",
            settled_at=micros(now),
        )
        .returning(notification.c.key, notification.c.chain)
    )
    failed = 0
    while rows := connection.execute(ending).all():  # What goes instead may be without a channel, too.
        failed += sum(not fallback.go_on(connection, row.key, row.chain, now) for row in rows)
    return failed


def recover(connection: Connection, now: datetime) -> int:
    """End all leases: the process that held them is gone. What had been permitted may or may not have been sent."""
    return _end_leases(connection, now, _FOR_EVER)


def next_due(connection: Connection) -> datetime | None:
    """When the next message in line is due."""
    in_line = and_(stands(notification.c.state, _QUEUED), notification.c.paused_by.is_(None))
    due = connection.scalar(select(func.min(notification.c.due_at)).where(in_line))
    return None if due is None else moment(due)


def backlog(connection: Connection, most: int) -> int:
    """How many worded messages are in line, also those whose relay is being waited for; counted up to ``most``.

    What a pause holds is not in line: it must not keep the timers of other rules waiting.
    """
    in_line = and_(stands(notification.c.state, _QUEUED), notification.c.paused_by.is_(None))
    waiting = select(notification.c.id).where(in_line).limit(most).subquery()
    return connection.scalar(select(func.count()).select_from(waiting)) or 0


def _end_leases(connection: Connection, now: datetime, before: int) -> int:
    """End the leases that end before a time; how many messages may have been sent under them."""
    _GIVE_BACK.run(connection, end=before)
    lost = _GIVE_UP.run(connection, end=before, now=micros(now)).all()
    for row in lost:
        if row.state == NotificationState.UNKNOWN:
            remember(connection, row.rule, row.subject_id, row.slot, row.about, now)
    return len(lost)
