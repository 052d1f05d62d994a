"""The clock's own door: timers that come due, and plans that must follow the rules, become events like any other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, bindparam, case, select, update

from ..model import RULES_CHANGED, TIMER_DUE, Card, Telling, TimerState
from ..settlement import CLOCK, Received
from ..waits import pack_waits
from . import events, pauses
from .dialect import stands
from .pauses import NOTHING_KNOWN, Pause, Reach
from .rows import maybe_moment, micros, moment
from .schema import card, timer
from .steps import least_by

_ARMED = stands(timer.c.state, TimerState.ARMED)
_PAGE = 1_000


def promote(connection: Connection, now: datetime, limit: int, reach: Reach) -> int:
    """Turn due timers into events for the clock's door, most overdue first; how many.

    Those of a paused rule stay as they are. They are not even looked at: a million of them keep nobody waiting.
    """
    standing = pauses.open_at(connection, now)
    due = {rule: at for rule, at in _next_by_rule(connection).items() if at <= micros(now)}
    free = [rule for rule in due if pauses.holding(standing, rule, reach.get(rule, NOTHING_KNOWN)) is None]
    rows = [row for rule, most in _shares(connection, free, now, limit) for row in _due(connection, rule, now, most)]
    if not rows:
        return 0
    # In this order they are decided: the more important first, so that it may suppress the rest, however late all are.
    rows.sort(key=lambda row: (-reach.get(row["rule"], NOTHING_KNOWN).priority, row["due_at"]))
    before = pauses.lasting_beyond(connection, moment(min(row["due_at"] for row in rows)))
    _ring(connection, [(row, _held_until(row, before, reach, now)) for row in rows], now)
    return len(rows)


def _ring(connection: Connection, due: Sequence[tuple[RowMapping, datetime | None]], now: datetime) -> None:
    """Turn these timers into events, each with the end of the pause that held it."""
    events.add(connection, [_bell(row, now, held_until) for row, held_until in due])
    place = and_(timer.c.rule == bindparam("r"), timer.c.subject == bindparam("s"), timer.c.slot == bindparam("o"))
    places = [dict(zip("rso", _place(row), strict=True)) for row, _ in due]
    # What has waited goes with the event: kept in two places, it would have to be removed from two.
    told = case((timer.c.waits.is_(None), None), else_=pack_waits(()))
    connection.execute(update(timer).where(place).values(state=TimerState.FIRED, waits=told), places)


def ring_all(connection: Connection, now: datetime) -> int:
    """Turn every timer that is due into an event, paused or not: for a database that went back in time."""
    rung = 0
    for rule in _next_by_rule(connection):
        while rows := _due(connection, rule, now, _PAGE):
            before = pauses.lasting_beyond(connection, moment(rows[0]["due_at"]))
            _ring(connection, [(row, _held_until(row, before, {}, now)) for row in rows], now)
            rung += len(rows)
    return rung


def next_timer(connection: Connection) -> datetime | None:
    """When the next timer comes due, paused or not."""
    due = min(_next_by_rule(connection).values(), default=None)
    return None if due is None else moment(due)


def soonest(connection: Connection, limit: int) -> list[RowMapping]:
    """The next timers of all rules, soonest first."""
    found: list[RowMapping] = []
    for rule in _next_by_rule(connection):
        following = select(timer).where(_ARMED, timer.c.rule == rule).order_by(timer.c.due_at).limit(limit)
        found += connection.execute(following).mappings()
    return sorted(found, key=lambda row: (row["due_at"], row["subject"], row["rule"], row["slot"]))[:limit]


def oldest_free(connection: Connection, now: datetime, reach: Reach) -> datetime | None:
    """When the first of the timers that no pause holds is due, or was."""
    standing = pauses.open_at(connection, now)
    nexts = _next_by_rule(connection).items()
    free = (at for rule, at in nexts if pauses.holding(standing, rule, reach.get(rule, NOTHING_KNOWN)) is None)
    return maybe_moment(min(free, default=None))


def _next_by_rule(connection: Connection) -> dict[str, int]:
    """When the next timer of each rule is due: one step in the index per rule, however many timers there are."""
    return least_by(connection, timer.c.rule, timer.c.due_at, _ARMED)


def _shares(connection: Connection, rules: list[str], now: datetime, limit: int) -> list[tuple[str, int]]:
    """How many of each rule's due timers are among the ``limit`` most overdue of all."""
    if len(rules) <= 1:
        return [(rule, limit) for rule in rules]
    times: list[tuple[int, str]] = []
    for rule in rules:
        overdue = select(timer.c.due_at).where(*_is_due(rule, now)).order_by(timer.c.due_at).limit(limit)
        times += ((at, rule) for at in connection.scalars(overdue))
    return list(Counter(rule for _, rule in sorted(times)[:limit]).items())


def _due(connection: Connection, rule: str, now: datetime, most: int) -> list[RowMapping]:
    overdue = select(timer).where(*_is_due(rule, now)).order_by(timer.c.due_at).limit(most)
    return list(connection.execute(overdue.with_for_update(skip_locked=True)).mappings())


def _is_due(rule: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return _ARMED, timer.c.rule == rule, timer.c.due_at <= micros(now)


def _held_until(row: RowMapping, before: Iterable[Pause], reach: Reach, now: datetime) -> datetime | None:
    """When the last pause that kept this timer from ringing was over."""
    due, sends = moment(row["due_at"]), reach.get(row["rule"], NOTHING_KNOWN)
    held = pauses.holding((one for one in before if one.over > due and one.since <= now), row["rule"], sends)
    return None if held is None else min(held.over, now)


def cards_after(connection: Connection, after: str, limit: int) -> dict[str, str]:
    """The next cards in the order of their ids, each with the member who is told about it."""
    page = select(card.c.id, card.c.member_id).where(card.c.id > after).order_by(card.c.id).limit(limit)
    return {row.id: row.member_id for row in connection.execute(page)}


def rules_changed(about: Card, why: str, now: datetime, telling: Telling = Telling.NEWS) -> Received:
    """The delivery that asks for a card's reminders to be planned anew; ``why`` is the ruleset, or what else is new."""
    said = {"card_id": about.id, "member_id": about.member_id}
    return Received(
        source=CLOCK,
        key=f"plan:{why}:{micros(now)}:{about.id}",
        lane=about.holder_id,
        raw=json.dumps(said, ensure_ascii=False).encode(),
        received_at=now,
        type_hint=RULES_CHANGED,
        telling=telling,
    )


def _bell(row: RowMapping, now: datetime, held_until: datetime | None) -> Received:
    rule, subject, slot = _place(row)
    # The date, because a timer that was tidied away and comes again begins anew with its first generation. What waits
    # may be tidied away and come again on the same day: by a replay.
    place = f"{rule}:{subject}:{slot}:{row['about']}:{row['generation']}"
    said = {
        "rule": rule,
        "subject": subject,
        "slot": slot,
        "about": row["about"],
        "due_at": moment(row["due_at"]).isoformat(),
        "member_id": row["member_id"],
        "held_until": held_until.isoformat() if held_until else None,
        "generation": row["generation"],
        "waits": row["waits"],
    }
    return Received(
        source=CLOCK,
        key=place if row["waits"] is None else f"{place}:{row['due_at']}",
        lane=row["lane"],
        raw=json.dumps(said, ensure_ascii=False).encode(),
        received_at=now,
        type_hint=TIMER_DUE,
    )


def _place(row: RowMapping) -> tuple[str, str, str]:
    return row["rule"], row["subject"], row["slot"]
