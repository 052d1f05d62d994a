"""What an operator should be woken for, cheap enough to be asked for all the time: every question has an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, select

from ..settlement import EventState
from . import clockwork, pauses, pulse
from .dialect import stands
from .pauses import Pause, Reach
from .pulse import Pulse
from .rows import TO_RESOLVE, NotificationState, maybe_moment, moment
from .schema import event, notification
from .steps import least_by

_MOST = 100_000
"""Rows that are counted; of more it is enough to know that they are many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where deliveries come from, and when the last one came."""

    last: datetime
    usual_gap: timedelta | None
    """The longest gap that is usual; ``None`` while nobody can tell."""
    silent_ratio: float
    """1 and more: silent for longer than it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """How things stand. Times are aware UTC."""

    oldest_due: Mapping[str, datetime]
    """Since when the oldest ``delivery``, ``timer`` and ``message`` could have been worked on; what a pause holds
    could not. A kind of which nothing waits is not there; a time to come is that of the next one."""
    to_resolve: Mapping[str, int]
    """Messages that wait for a person, by state; counted up to 100,000."""
    quarantined: int
    """Deliveries set aside; counted up to 100,000."""
    pauses: tuple[Pause, ...]
    """Those that are open."""
    paused_messages: int
    """Messages that they keep from their line; counted up to 100,000."""
    sources: Mapping[str, Source]
    pulse: Pulse
    """What ``sources`` was told from: to be noted, so that the next look need not count again."""


def look(connection: Connection, now: datetime, reach: Reach, silent_after: Mapping[str, timedelta]) -> Alarms:
    """Look at everything. ``silent_after`` has the sources of which the operator has said how silent they may be."""
    felt = pulse.felt(connection)
    oldest = {
        "delivery": _oldest_delivery(connection),
        "timer": clockwork.oldest_free(connection, now, reach),
        "message": _oldest_message(connection),
    }
    return Alarms(
        oldest_due={kind: at for kind, at in oldest.items() if at is not None},
        to_resolve={state.value: _count_messages(connection, state) for state in TO_RESOLVE},
        quarantined=_count_quarantined(connection),
        pauses=tuple(pauses.open_at(connection, now)),
        paused_messages=_count_paused(connection),
        sources={
            name: Source(
                last=moment(heard.last),
                usual_gap=heard.usual(),
                silent_ratio=0.0 if felt.behind else pulse.silent_ratio(heard, now, silent_after.get(name)),
            )
            for name, heard in sorted(felt.sources.items())
        },
        pulse=felt,
    )


def _oldest_delivery(connection: Connection) -> datetime | None:
    waiting = select(event.c.received_at).where(stands(event.c.state, EventState.STORED))
    return maybe_moment(connection.scalar(waiting.order_by(event.c.seq).limit(1)))


def _oldest_message(connection: Connection) -> datetime | None:
    in_line = and_(stands(notification.c.state, NotificationState.QUEUED), notification.c.paused_by.is_(None))
    due = least_by(connection, notification.c.route, notification.c.due_at, in_line)
    return maybe_moment(min(due.values(), default=None))


def _count_messages(connection: Connection, state: NotificationState) -> int:
    some = select(notification.c.id).where(stands(notification.c.state, state)).limit(_MOST).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def _count_paused(connection: Connection) -> int:
    some = select(notification.c.paused_by).where(notification.c.paused_by.is_not(None)).limit(_MOST).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def _count_quarantined(connection: Connection) -> int:
    some = select(event.c.seq).where(stands(event.c.state, EventState.QUARANTINED)).limit(_MOST).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0
