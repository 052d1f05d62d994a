"""One attempt to send: the permit before it, and what is noted after it.

The permit is one conditional update, committed before the bytes that hold the body are written. Whoever cannot get it
sends nothing; whoever has got it and vanishes leaves a row that says so. Senders that ask at the same time share a
transaction, and each is answered for its own message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    case,
    exists,
    func,
    not_,
    or_,
    update,
)

from ..model import Reason
from . import fallback, pauses
from .dialect import insert, stands
from .prepared import Prepared
from .rows import NotificationState, maybe_micros, micros, offset_of
from .schema import consent, notification, suppression, timer

LEASE = timedelta(minutes=20)
"""Longer than the ten minutes a relay may take to answer the final dot (RFC 5321 section 4.5.3.2.6)."""

_REACHED = frozenset({NotificationState.SENT, NotificationState.CAPTURED, NotificationState.UNKNOWN})
"""Outcomes after which the member has the message, or may have it."""
_GONE = _REACHED - {NotificationState.UNKNOWN}
_QUEUED, _CLAIMED, _PERMITTED = NotificationState.QUEUED, NotificationState.CLAIMED, NotificationState.PERMITTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A sender's question: may this message be sent now?"""

    key: str
    lease: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt ended."""

    key: str
    lease: str
    state: NotificationState
    """``QUEUED`` puts the message back in line for ``due_at``."""
    at: datetime
    reply: str | None
    """What was said; ``None`` leaves what was said at the attempt before."""
    due_at: datetime | None = None
    counts: bool = True
    """Whether this was an attempt at the recipient; a relay that is down is not the message's fault."""
    suppress: str | None = None
    """An address that nobody should write to again."""


def suppressed() -> ColumnElement[bool]:
    """Of a message: whether nobody should write to its address again."""
    return exists().where(suppression.c.address == func.lower(notification.c.address))


def refused() -> ColumnElement[bool]:
    """Of a message: whether its member does not want its category. Nothing said is no refusal."""
    return exists().where(
        consent.c.member_id == notification.c.member_id,
        consent.c.category == notification.c.category,
        consent.c.granted == 0,
    )


_NOW = bindparam("now", type_=BigInteger())
_MINE = and_(notification.c.key == bindparam("which"), notification.c.lease == bindparam("with"))

_PERMIT = Prepared(
    lambda *_: (
        update(notification)
        .where(
            _MINE,
            stands(notification.c.state, _CLAIMED),
            notification.c.leased_until > _NOW,
            or_(notification.c.send_before.is_(None), notification.c.send_before > _NOW),
            not_(suppressed()),
            not_(refused()),
            not_(pauses.holds_message(_NOW)),
        )
        .values(state=_PERMITTED.value, leased_until=bindparam("until"))
    )
)

_END = Prepared(
    lambda *_: (
        update(notification)
        .where(_MINE, stands(notification.c.state, _CLAIMED, _PERMITTED))
        .values(
            # A message that was to be withdrawn while it was under way does not go a second time.
            state=case(
                (
                    and_(notification.c.withdrawn_at.is_not(None), bindparam("end") == _QUEUED.value),
                    NotificationState.WITHDRAWN.value,
                ),
                else_=bindparam("end"),
            ),
            reply=func.coalesce(bindparam("said", type_=String()), notification.c.reply),
            due_at=func.coalesce(bindparam("due", type_=BigInteger()), notification.c.due_at),
            attempts=notification.c.attempts + bindparam("tries"),
            settled_at=bindparam("settled"),
            lease=None,
            leased_until=None,
        )
        .returning(
            notification.c.rule,
            notification.c.subject_id,
            notification.c.slot,
            notification.c.about,
            notification.c.chain,
        )
    )
)

_REMEMBER = Prepared(
    lambda *_: (
        update(timer)
        .where(timer.c.rule == bindparam("r"), timer.c.subject == bindparam("s"), timer.c.slot == bindparam("o"))
        .values(sent_at=bindparam("at"), sent_about=bindparam("about"))
    )
)


def permit(connection: Connection, asked: Sequence[Asked]) -> list[bool]:
    """Of each message whether its sender may send it now; true once at most per lease."""
    rows = [
        {"which": one.key, "with": one.lease, "now": micros(one.at), "until": micros(one.at + LEASE)} for one in asked
    ]
    return [given == 1 for given in _PERMIT.each(connection, rows)]


def record(connection: Connection, calls: Sequence[Sequence[Outcome]]) -> list[int]:
    """Note how attempts ended, for several callers at once; of each how many still held their lease."""
    held = iter(_end(connection, [outcome for outcomes in calls for outcome in outcomes]))
    return [sum(islice(held, len(outcomes))) for outcomes in calls]


def _end(connection: Connection, outcomes: Sequence[Outcome]) -> list[bool]:
    ended = _END.firsts(connection, [_row(outcome) for outcome in outcomes])
    for outcome, row in zip(outcomes, ended, strict=True):
        if outcome.suppress is not None:
            _suppress(connection, outcome.suppress, outcome.at)
        if row is not None:
            rule, subject, slot, about, chain = row
            if outcome.state in _REACHED:
                remember(connection, rule, subject, slot, about, outcome.at)
            if chain is not None:
                _see_to_others(connection, outcome, chain)
    return [row is not None for row in ended]


def _see_to_others(connection: Connection, outcome: Outcome, chain: str) -> None:
    """What an end means to those that stand by for the message. One that may have arrived leaves them alone."""
    if outcome.state is NotificationState.FAILED:
        fallback.go_on(connection, outcome.key, chain, outcome.at)
    elif outcome.state in _GONE:
        fallback.end(connection, chain, outcome.at)


def remember(connection: Connection, rule: str, subject: str, slot: str, about: str | None, at: datetime) -> None:  # noqa: PLR0917 - a row
    """Note on the timer that its reminder has gone out: the same points must not be reminded of again too soon.

    ``slot`` is the message's; one that is no reminder is about no date.
    """
    if about is not None:
        _REMEMBER.run(connection, r=rule, s=subject, o=offset_of(slot), at=micros(at), about=about)


def withhold(connection: Connection, key: str, lease: str, now: datetime) -> None:
    """End a message whose permit was refused, with the reason; one that someone else has ended stays as it is.

    What is only paused goes back in line, and so does what waits for its hours to begin again: see ``reopening``.
    """
    bad, unwanted = suppressed(), refused()
    over = and_(
        notification.c.again.is_(None),
        notification.c.send_before.is_not(None),
        notification.c.send_before <= micros(now),
    )
    ended = connection.execute(
        update(notification)
        .where(notification.c.key == key, notification.c.lease == lease, notification.c.state == _CLAIMED)
        .values(
            state=case(
                (or_(bad, unwanted), NotificationState.FAILED),
                (over, NotificationState.EXPIRED),
                else_=_QUEUED,
            ),
            reason=case(
                (bad, Reason.SUPPRESSED_ADDRESS),
                (unwanted, Reason.NO_CONSENT),
                (over, Reason.USEFUL_TIME_OVER),
                else_=notification.c.reason,
            ),
            settled_at=case((or_(bad, unwanted, over), micros(now))),
            lease=None,
            leased_until=None,
        )
        .returning(notification.c.state, notification.c.chain)
    ).first()
    if ended is not None and ended.state == NotificationState.FAILED:
        fallback.go_on(connection, key, ended.chain, now)


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "which": outcome.key,
        "with": outcome.lease,
        "end": outcome.state.value,
        "said": outcome.reply,
        "due": maybe_micros(outcome.due_at),
        "tries": 1 if outcome.counts else 0,
        "settled": None if outcome.state is _QUEUED else micros(outcome.at),
    }


def _suppress(connection: Connection, address: str, now: datetime) -> None:
    row = {"address": address.lower(), "since": micros(now), "reason": "the relay refused the address"}
    connection.execute(insert(connection, suppression).on_conflict_do_nothing(index_elements=["address"]).values(row))
