"""What a batch of events led to, written in one transaction with the facts it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, update

from ..decide import Book
from ..model import (
    Cancel,
    Decision,
    Notification,
    Notify,
    OnAmbiguous,
    Reason,
    Schedule,
    Skip,
    TimerState,
    Withdrawal,
)
from . import facts
from .dialect import insert
from .rows import EventState, NotificationState, maybe_micros, micros, offset_of
from .schema import decision, event, notification, timer


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """A message in the bytes it will travel in, and the way it takes."""

    notification: Notification
    payload: bytes
    route: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The end of one delivery: its state, what was decided, and what must go out or be taken back."""

    seq: int
    state: EventState
    at: datetime
    ruleset: str
    name: str | None = None
    note: str | None = None
    member_id: str | None = None
    card_id: str | None = None
    occurred_at: datetime | None = None
    decisions: Sequence[Decision] = ()
    worded: Sequence[Worded] = ()
    withdrawals: Sequence[Withdrawal] = ()
    erased: str | None = None
    """A member whose waiting messages must not go out any more."""


@dataclass(slots=True)
class Settled:
    """What came of a batch, for metrics and for whoever waits for new messages."""

    decisions: list[tuple[str, str]] = field(default_factory=list)
    """(outcome, reason or empty) of each decision."""
    queued: int = 0


def settle(connection: Connection, book: Book, settlements: Sequence[Settlement]) -> Settled:
    """Write the batch; all of it, or, when this raises, nothing.

    Raises:
        Conflict: a record was changed since it was read.
    """
    done = Settled()
    for settlement in settlements:
        _end(connection, settlement)
    if settlements:
        facts.save(connection, book, settlements[-1].at)
    for settlement in settlements:
        _withdraw(connection, settlement)
        fresh = _queue(connection, settlement)
        done.queued += len(fresh)
        rows = [_row(settlement, made, fresh) for made in settlement.decisions]
        if rows:
            connection.execute(decision.insert(), rows)
        done.decisions.extend((row["outcome"], row["reason"] or "") for row in rows)
    return done


def _end(connection: Connection, settlement: Settlement) -> None:
    connection.execute(
        update(event)
        .where(event.c.seq == settlement.seq)
        .values(
            state=settlement.state,
            claimed_until=None,
            name=settlement.name,
            note=settlement.note,
            member_id=settlement.member_id,
            card_id=settlement.card_id,
            occurred_at=maybe_micros(settlement.occurred_at),
            decided_at=micros(settlement.at),
            ruleset=settlement.ruleset,
        )
    )


def _withdraw(connection: Connection, settlement: Settlement) -> None:
    for withdrawal in settlement.withdrawals:
        chosen = and_(
            notification.c.rule == withdrawal.rule,
            notification.c.subject_id == withdrawal.subject_id,
            notification.c.about.is_not(None),
        )
        if withdrawal.slot is not None:
            chosen = and_(chosen, notification.c.slot.startswith(f"{withdrawal.slot}/", autoescape=True))
        if withdrawal.keep_about is not None:
            chosen = and_(chosen, notification.c.about != withdrawal.keep_about.isoformat())
        _take_back(connection, chosen, withdrawal.reason, settlement.at)
    if settlement.erased is not None:
        _take_back(connection, notification.c.member_id == settlement.erased, Reason.ERASED, settlement.at)


def _take_back(connection: Connection, chosen: ColumnElement[bool], reason: Reason, at: datetime) -> None:
    """Withdraw what waits. What is just being sent is marked, so that it goes no second time."""
    waiting = notification.c.state.in_((NotificationState.QUEUED, NotificationState.CLAIMED, NotificationState.HELD))
    taken = connection.execute(
        update(notification)
        .where(chosen, waiting)
        .values(state=NotificationState.WITHDRAWN, reason=reason, settled_at=micros(at), withdrawn_at=micros(at))
        .returning(notification.c.rule, notification.c.subject_id, notification.c.slot, notification.c.about)
    ).all()
    under_way = notification.c.state == NotificationState.PERMITTED
    connection.execute(update(notification).where(chosen, under_way).values(reason=reason, withdrawn_at=micros(at)))
    for row in taken:
        # The timer rang for nothing: should the reason go away in time, it may ring again.
        place = and_(timer.c.rule == row.rule, timer.c.subject == row.subject_id, timer.c.slot == offset_of(row.slot))
        rang = and_(place, timer.c.state == TimerState.FIRED, timer.c.about == row.about)
        connection.execute(update(timer).where(rang).values(state=TimerState.CANCELLED, reason=reason))


def _queue(connection: Connection, settlement: Settlement) -> set[str]:
    """Queue the worded messages and list the held ones; the keys under which nothing had left the house."""
    rows = [_message(settlement, worded.notification, worded) for worded in settlement.worded]
    rows += [
        _message(settlement, made.held, None)
        for made in settlement.decisions
        if isinstance(made, Skip) and made.held is not None
    ]
    if not rows:
        return set()
    statement = insert(connection, notification)
    fresh = {name: statement.excluded[name] for name in rows[0] if name != "key"}
    statement = statement.on_conflict_do_update(index_elements=["key"], set_=fresh, where=_never_left())
    taken = connection.execute(statement.returning(notification.c.key), rows)
    return {key for (key,) in taken}


def _never_left() -> ColumnElement[bool]:
    """Of a message that is already there: certainly nothing of it has left the house, and its key may be used again."""
    withdrawn = and_(
        notification.c.state == NotificationState.WITHDRAWN, notification.c.on_ambiguous == OnAmbiguous.PARK
    )
    return or_(notification.c.state == NotificationState.HELD, withdrawn)


def _message(settlement: Settlement, message: Notification, worded: Worded | None) -> dict[str, Any]:
    return {
        "key": message.key,
        "event_seq": settlement.seq,
        "rule": message.rule,
        "subject_id": message.subject_id,
        "about": message.about.isoformat() if message.about else None,
        "slot": message.slot,
        "member_id": message.member_id,
        "channel": message.channel,
        "route": worded.route if worded else "",
        "address": message.address,
        "template": message.template,
        "locale": message.locale,
        "subject": message.words.subject if message.words else "",
        "payload": worded.payload if worded else None,
        "on_ambiguous": message.on_ambiguous.value,
        "state": NotificationState.QUEUED if worded else NotificationState.HELD,
        "reason": None if worded else Reason.TEMPLATE_HELD,
        "created_at": micros(message.created_at),
        "due_at": micros(message.created_at),
        "send_before": maybe_micros(message.send_before),
        "attempts": 0,
        "settled_at": None,
        "withdrawn_at": None,
        "reply": None,
    }


def _row(settlement: Settlement, made: Decision, fresh: set[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "event_seq": settlement.seq,
        "member_id": settlement.member_id,
        "rule": made.rule,
        "reason": None,
        "slot": None,
        "template": None,
        "detail": "",
        "at": micros(settlement.at),
        "due_at": None,
        "moved_from": None,
        "notification": None,
        "ruleset": settlement.ruleset,
    }
    if isinstance(made, Notify) and made.notification.key not in fresh:
        made = _repeated(made)
    if isinstance(made, Notify):
        message = made.notification
        return {**row, "outcome": "notify", "slot": message.slot, "template": message.template,
                "notification": message.key}  # fmt: skip
    if isinstance(made, Schedule):
        return {**row, "outcome": "schedule", "slot": made.timer.slot, "due_at": micros(made.timer.due_at),
                "moved_from": maybe_micros(made.moved_from)}  # fmt: skip
    if isinstance(made, Cancel):
        return {**row, "outcome": "cancel", "slot": made.timer.slot, "reason": made.reason.value,
                "detail": made.detail, "due_at": micros(made.timer.due_at)}  # fmt: skip
    held = made.held.key if made.held else None
    return {**row, "outcome": "skip", "slot": made.slot, "template": made.template, "reason": made.reason.value,
            "detail": made.detail, "notification": held}  # fmt: skip


def _repeated(made: Notify) -> Skip:
    """The idempotency key was taken: the message exists already."""
    message = replace(made.notification, words=None)
    detail = "this message was already made for the same happening"
    return Skip(rule=made.rule, reason=Reason.DUPLICATE, detail=detail, slot=message.slot, template=message.template)
