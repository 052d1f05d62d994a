"""The clock's own door: timers that come due, and plans that must follow the rules, become events like any other."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select, update

from ..model import RULES_CHANGED, TIMER_DUE, Card, Due, Event, TimerState
from . import events
from .dialect import stands
from .rows import Received, micros, moment
from .schema import card, timer

CLOCK = "clock"
"""The source of the events that the clock makes."""


def promote(connection: Connection, now: datetime, limit: int) -> int:
    """Turn due timers into events for the clock's door, most overdue first; how many."""
    armed = stands(timer.c.state, TimerState.ARMED)
    rows = [
        dict(row)
        for row in connection.execute(
            select(timer)
            .where(armed, timer.c.due_at <= micros(now))
            .order_by(timer.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).mappings()
    ]
    if not rows:
        return 0
    events.add(connection, [_bell(row, now) for row in rows])
    place = and_(timer.c.rule == bindparam("r"), timer.c.subject == bindparam("s"), timer.c.slot == bindparam("o"))
    places = [dict(zip("rso", _place(row), strict=True)) for row in rows]
    connection.execute(update(timer).where(place).values(state=TimerState.FIRED), places)
    return len(rows)


def next_timer(connection: Connection) -> datetime | None:
    """When the next timer comes due."""
    due = connection.scalar(select(func.min(timer.c.due_at)).where(stands(timer.c.state, TimerState.ARMED)))
    return None if due is None else moment(due)


def cards_after(connection: Connection, after: str, limit: int) -> dict[str, str]:
    """The next cards in the order of their ids, each with the member who is told about it."""
    page = select(card.c.id, card.c.member_id).where(card.c.id > after).order_by(card.c.id).limit(limit)
    return {row.id: row.member_id for row in connection.execute(page)}


def rules_changed(about: Card, ruleset: str, now: datetime) -> Received:
    """The delivery that asks for a card's reminders to be planned anew."""
    said = {"card_id": about.id, "member_id": about.member_id}
    return Received(
        source=CLOCK,
        key=f"plan:{ruleset}:{micros(now)}:{about.id}",
        lane=about.holder_id,
        raw=json.dumps(said, ensure_ascii=False).encode(),
        received_at=now,
        type_hint=RULES_CHANGED,
    )


def clock_event(received: Received) -> Event:
    """The event in one of the clock's deliveries."""
    said = json.loads(received.raw)
    plain = Event(
        key=received.key,
        source=CLOCK,
        name=received.type_hint or TIMER_DUE,
        producer_name=received.type_hint or TIMER_DUE,
        occurred_at=received.received_at,
        happening=None,
    )
    if received.type_hint == RULES_CHANGED:
        return replace(plain, card_id=said["card_id"], holder_id=said["member_id"])
    about, due_at = date.fromisoformat(said["about"]), datetime.fromisoformat(said["due_at"])
    return replace(plain, due=Due(**{**said, "about": about, "due_at": due_at}))


def _bell(row: dict[str, Any], now: datetime) -> Received:
    rule, subject, slot = _place(row)
    said = {
        "rule": rule,
        "subject": subject,
        "slot": slot,
        "about": row["about"],
        "due_at": moment(row["due_at"]).isoformat(),
        "member_id": row["member_id"],
    }
    return Received(
        source=CLOCK,
        key=f"{rule}:{subject}:{slot}:{row['generation']}",
        lane=row["lane"],
        raw=json.dumps(said, ensure_ascii=False).encode(),
        received_at=now,
        type_hint=TIMER_DUE,
    )


def _place(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["rule"], row["subject"], row["slot"]
