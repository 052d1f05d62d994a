"""How far the work on some deliveries has come: what is left of it, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from ..settlement import EventState
from .dialect import stands
from .rows import NotificationState, micros
from .schema import decision, event, notification

Span: TypeAlias = tuple[int, int]
"""Deliveries by their numbers: the first and the last, both included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Work that is not done yet, though nothing but time is in its way."""

    deliveries: int
    """Not yet decided."""
    messages: int
    """Under way, or due now over a way that is open; what a pause holds or a relay has put off is not waited for."""


def numbers(connection: Connection, source: str, keys: Sequence[str]) -> dict[str, int]:
    """The numbers of a source's deliveries by their transport keys."""
    known = select(event.c.key, event.c.seq).where(event.c.source == source, event.c.key.in_(keys))
    return {row.key: row.seq for row in connection.execute(known)}


def newest(connection: Connection) -> int:
    """The number of the newest delivery; 0 where there is none."""
    return connection.scalar(select(func.max(event.c.seq))) or 0


def left(connection: Connection, upto: int, routes: Sequence[str], now: datetime, most: int) -> Left:
    """What is left to do of deliveries up to a number, each counted up to ``most``."""
    waiting = select(event.c.seq).where(stands(event.c.state, EventState.STORED), event.c.seq <= upto)
    claimed = select(event.c.seq).where(event.c.claimed_until.is_not(None), event.c.seq <= upto)
    in_line = and_(
        stands(notification.c.state, NotificationState.QUEUED),
        notification.c.paused_by.is_(None),
        notification.c.route.in_(routes),
        notification.c.due_at <= micros(now),
    )
    due = select(notification.c.id).where(in_line, notification.c.event_seq <= upto)
    out = select(notification.c.id).where(notification.c.leased_until.is_not(None), notification.c.event_seq <= upto)
    return Left(
        deliveries=_count(connection, waiting, most) + _count(connection, claimed, most),
        messages=_count(connection, due, most) + _count(connection, out, most),
    )


def outcome(connection: Connection, spans: Iterable[Span]) -> Mapping[str, Counter[str]]:
    """What came of some deliveries: decisions by outcome, messages and deliveries by state."""
    found = {"decisions": Counter[str](), "notifications": Counter[str](), "events": Counter[str]()}
    for span in spans:
        found["decisions"].update(_by(connection, decision.c.outcome, _within(decision.c.event_seq, span)))
        found["notifications"].update(_by(connection, notification.c.state, _within(notification.c.event_seq, span)))
        found["events"].update(_by(connection, event.c.state, _within(event.c.seq, span)))
    return found


def _within(column: ColumnElement[int], span: Span) -> ColumnElement[bool]:
    return column.between(*span)


def _by(connection: Connection, column: ColumnElement[str], which: ColumnElement[bool]) -> dict[str, int]:
    rows = connection.execute(select(column, func.count()).where(which).group_by(column))
    return {str(value): count for value, count in rows}


def _count(connection: Connection, rows: Select[Any], most: int) -> int:
    return connection.scalar(select(func.count()).select_from(rows.limit(most).subquery())) or 0
