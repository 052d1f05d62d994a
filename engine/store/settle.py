"""What a batch of events led to, written in one transaction with the facts it changed."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    not_,
    or_,
    update,
)

from ..decide import Book
from ..model import (
    Cancel,
    Decision,
    Notification,
    Notify,
    Reason,
    Schedule,
    Skip,
)
from ..settlement import EventState, Settlement, Worded
from . import facts, letters
from .dialect import insert, stands
from .prepared import Prepared
from .reopening import again_row, certain
from .restored import Restored, hold_back
from .rows import NotificationState, maybe_micros, micros
from .schema import decision, event, notification
from .withdrawals import withdraw

_CLAIM = bindparam("claim", type_=BigInteger())
_END = Prepared(
    lambda *_: (
        update(event)
        .where(
            event.c.seq == bindparam("which"),
            stands(event.c.state, EventState.CLAIMED),
            or_(_CLAIM.is_(None), event.c.claimed_until == _CLAIM),
        )
        .values(
            state=bindparam("end"),
            claimed_until=None,
            name=bindparam("is"),
            note=bindparam("said"),
            member_id=bindparam("member"),
            card_id=bindparam("card"),
            occurred_at=bindparam("occurred"),
            decided_at=bindparam("at"),
            ruleset=bindparam("under"),
        )
    )
)
_NOTE = Prepared(lambda *_: decision.insert().inline())


def _queue_under_their_keys(connection: Connection, columns: Sequence[str]) -> ClauseElement:
    statement = insert(connection, notification).inline()
    fresh = {name: statement.excluded[name] for name in columns if name != "key"}
    queued = statement.on_conflict_do_update(index_elements=["key"], set_=fresh, where=_never_left())
    return queued.returning(notification.c.id)


def _stand_by_under_their_keys(connection: Connection, columns: Sequence[str]) -> ClauseElement:
    """What they stand by for goes anew, so of what is there under their keys nothing has ever been in line."""
    statement = insert(connection, notification).inline()
    fresh = {name: statement.excluded[name] for name in columns if name != "key"}
    never_went = stands(notification.c.state, NotificationState.STANDBY, NotificationState.DROPPED)
    standing_by = statement.on_conflict_do_update(index_elements=["key"], set_=fresh, where=never_went)
    return standing_by.returning(notification.c.id)


_QUEUE = Prepared(_queue_under_their_keys)
_STAND_BY = Prepared(_stand_by_under_their_keys)


class ClaimLost(Exception):
    """A delivery is no longer this process's to settle: its claim ran out, and it was claimed anew or put aside."""


@dataclass(slots=True)
class Settled:
    """What came of a batch, for metrics and for whoever waits for new messages."""

    decisions: list[tuple[str, str]] = field(default_factory=list)
    """(outcome, reason or empty) of each decision."""
    variants: list[tuple[str, str]] = field(default_factory=list)
    """(rule, variant) of each message that was worded by one."""
    queued: int = 0


def settle(
    connection: Connection, book: Book, settlements: Sequence[Settlement], window: Restored | None = None
) -> Settled:
    """Write the batch; all of it, or, when this raises, nothing.

    ``window`` is the time missing from a restored database: what may have been sent in it is held.

    Raises:
        Conflict: a record was changed since it was read.
        ClaimLost: a delivery is not the caller's any more.
    """
    done = Settled()
    if any(ended != 1 for ended in _END.each(connection, [_ending(settlement) for settlement in settlements])):
        raise ClaimLost
    if settlements:
        facts.save(connection, book, settlements[-1].at)
    decisions: list[dict[str, Any]] = []
    for settlement in settlements:
        withdraw(connection, settlement)
        fresh = _queue(connection, settlement)
        if window is not None:
            hold_back(connection, window, settlement, fresh)
        done.queued += len(fresh)
        done.variants += _variants(settlement, fresh)
        decisions += (_row(settlement, made, fresh) for made in settlement.decisions)
    _NOTE.many(connection, decisions)
    done.decisions = [(row["outcome"], row["reason"] or "") for row in decisions]
    return done


def _variants(settlement: Settlement, fresh: Container[str]) -> Iterator[tuple[str, str]]:
    for worded in settlement.worded:
        message = worded.notification
        if message.variant is not None and message.key in fresh:
            yield message.rule, message.variant


def _ending(settlement: Settlement) -> dict[str, Any]:
    return {
        "which": settlement.seq,
        "claim": settlement.claim,
        "end": settlement.state.value,
        "is": settlement.name,
        "said": settlement.note,
        "member": settlement.member_id,
        "card": settlement.card_id,
        "occurred": maybe_micros(settlement.occurred_at),
        "at": micros(settlement.at),
        "under": settlement.ruleset,
    }


def _queue(connection: Connection, settlement: Settlement) -> set[str]:
    """Queue the worded messages and list the held ones; the keys under which nothing had left the house."""
    chains = {worded.instead_of for worded in settlement.worded}
    first = [worded for worded in settlement.worded if worded.instead_of is None]
    rows = [_message(settlement, worded.notification, worded, chains) for worded in first]
    rows += [
        _message(settlement, made.held, None)
        for made in settlement.decisions
        if isinstance(made, Skip) and made.held is not None
    ]
    taken = [(row, found[0]) for row, found in zip(rows, _QUEUE.firsts(connection, rows), strict=True) if found]
    payloads = {worded.notification.key: worded.payload for worded in settlement.worded}
    fresh = {row["key"] for row, _ in taken}
    if len(first) < len(settlement.worded):
        others = [_message(settlement, one.notification, one) for one in settlement.worded if one.instead_of in fresh]
        standing_by = zip(others, _STAND_BY.firsts(connection, others), strict=True)
        taken += [(row, found[0]) for row, found in standing_by if found]
    letters.keep(connection, {id_: payloads.get(row["key"]) for row, id_ in taken})
    return fresh


def _never_left() -> ColumnElement[bool]:
    """Of a message that is already there: certainly nothing of it has left the house, and its key may be used again."""
    # What is held in words was worded before a restore: it may be with the member.
    return or_(and_(notification.c.state == NotificationState.HELD, not_(letters.worded_upserting())), certain())


def _message(
    settlement: Settlement, message: Notification, worded: Worded | None, chains: Container[str | None] = ()
) -> dict[str, Any]:
    """The row of a message, held where it is not worded. ``chains``: the keys that others stand by for."""
    instead_of = worded.instead_of if worded else None
    in_line = NotificationState.QUEUED if instead_of is None else NotificationState.STANDBY
    return {
        "key": message.key,
        "event_seq": settlement.seq,
        "rule": message.rule,
        "subject_id": message.subject_id,
        "about": message.about.isoformat() if message.about else None,
        "slot": message.slot,
        "member_id": message.member_id,
        "channel": message.channel,
        "category": message.category,
        "route": worded.route if worded else "",
        "address": message.address,
        "template": message.template,
        "locale": message.locale,
        "subject": message.words.subject if message.words else "",
        "on_ambiguous": message.on_ambiguous.value,
        "state": in_line if worded else NotificationState.HELD,
        "reason": None if worded else Reason.TEMPLATE_HELD,
        "created_at": micros(message.created_at),
        "due_at": micros(message.created_at),
        "send_before": maybe_micros(message.send_before),
        "attempts": 0,
        "settled_at": None,
        "withdrawn_at": None,
        "reply": None,
        "chain": message.key if message.key in chains else instead_of,
        "variant": message.variant,
        "again": again_row(message.again),
        "cap": message.cap,
        "emptied_at": None,
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
        made = repeated(made)
    if isinstance(made, Notify):
        message = made.notification
        return {**row, "outcome": "notify", "slot": message.slot, "template": message.template,
                "detail": f"variant {message.variant}" if message.variant else "",
                "notification": message.key}  # fmt: skip
    if isinstance(made, Schedule):
        return {**row, "outcome": "schedule", "slot": made.timer.slot, "due_at": micros(made.timer.due_at),
                "reason": made.reason.value if made.reason else None, "detail": made.detail,
                "moved_from": maybe_micros(made.moved_from)}  # fmt: skip
    if isinstance(made, Cancel):
        return {**row, "outcome": "cancel", "slot": made.timer.slot, "reason": made.reason.value,
                "detail": made.detail, "due_at": micros(made.timer.due_at)}  # fmt: skip
    held = made.held.key if made.held else None
    return {**row, "outcome": "skip", "slot": made.slot, "template": made.template, "reason": made.reason.value,
            "detail": made.detail, "notification": held}  # fmt: skip


def repeated(made: Notify) -> Skip:
    """The idempotency key was taken: the message exists already."""
    message = replace(made.notification, words=None)
    detail = "this message was already made for the same happening"
    return Skip(rule=made.rule, reason=Reason.DUPLICATE, detail=detail, slot=message.slot, template=message.template)
