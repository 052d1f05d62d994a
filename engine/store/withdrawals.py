"""Messages that must not go out any more: what waits is taken back, what may have been sent is marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    case,
    func,
    not_,
    or_,
    update,
)

from ..model import Reason, TimerState
from ..settlement import Settlement
from .dialect import stands
from .letters import worded
from .prepared import Prepared
from .rows import TO_RESOLVE, NotificationState, micros, offset_of
from .schema import notification, timer

_WAITING = or_(
    stands(notification.c.state, NotificationState.QUEUED, NotificationState.CLAIMED),
    and_(stands(notification.c.state, NotificationState.HELD), not_(worded())),
)
_STANDS_BY = stands(notification.c.state, NotificationState.STANDBY)
_UNDER_WAY = stands(notification.c.state, NotificationState.PERMITTED)
_LEFT = stands(notification.c.state, NotificationState.PERMITTED, *TO_RESOLVE)
"""What may have been sent is marked, so that it goes no second time, whoever asks for it."""


def _taking_back(chosen: ColumnElement[bool]) -> Prepared:
    """Withdraws what waits of the chosen messages, and marks what may be with its member."""
    why, at = bindparam("why", type_=String()), bindparam("at", type_=BigInteger())
    return Prepared(
        lambda *_: (
            update(notification)
            .where(chosen, or_(_WAITING, _STANDS_BY, _LEFT))
            .values(
                state=case(
                    (_WAITING, NotificationState.WITHDRAWN.value),
                    # It has never been in line: that it goes no more says nothing of its timer.
                    (_STANDS_BY, NotificationState.DROPPED.value),
                    else_=notification.c.state,
                ),
                reason=case((or_(_WAITING, _STANDS_BY, _UNDER_WAY), why), else_=notification.c.reason),
                settled_at=case((or_(_WAITING, _STANDS_BY), at), else_=notification.c.settled_at),
                withdrawn_at=at,
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


def _unless_given(value: BindParameter[str], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return or_(value.is_(None), condition)


_SLOT, _KEPT = bindparam("slot", type_=String()), bindparam("kept", type_=String())
_OF_REMINDER = _taking_back(
    and_(
        notification.c.rule == bindparam("rule"),
        notification.c.subject_id == bindparam("subject"),
        notification.c.about.is_not(None),
        _unless_given(_SLOT, func.substr(notification.c.slot, 1, func.length(_SLOT)) == _SLOT),
        _unless_given(_KEPT, notification.c.about != _KEPT),
    )
)
_OF_MEMBER = _taking_back(notification.c.member_id == bindparam("member"))
_UNRING = Prepared(
    lambda *_: (
        update(timer)
        .where(
            timer.c.rule == bindparam("r"),
            timer.c.subject == bindparam("s"),
            timer.c.slot == bindparam("o"),
            stands(timer.c.state, TimerState.FIRED),
            timer.c.about == bindparam("on"),
        )
        .values(state=TimerState.CANCELLED.value, reason=bindparam("why"))
    )
)


def withdraw(connection: Connection, settlement: Settlement) -> None:
    """Take back what a settlement says must not go out any more."""
    at = micros(settlement.at)
    reminders = [
        {
            "rule": withdrawal.rule,
            "subject": withdrawal.subject_id,
            "slot": None if withdrawal.slot is None else f"{withdrawal.slot}/",
            "kept": None if withdrawal.keep_about is None else withdrawal.keep_about.isoformat(),
            "why": withdrawal.reason.value,
            "at": at,
        }
        for withdrawal in settlement.withdrawals
    ]
    _take_back(connection, _OF_REMINDER, reminders)
    if settlement.erased is not None:
        _take_back(connection, _OF_MEMBER, [{"member": settlement.erased, "why": Reason.ERASED.value, "at": at}])


def _take_back(connection: Connection, chosen: Prepared, which: Sequence[Mapping[str, Any]]) -> None:
    found = zip(which, chosen.returned(connection, which), strict=True)
    # The timer rang for nothing: should the reason go away in time, it may ring again.
    rang = [
        {"r": rule, "s": subject, "o": offset_of(slot), "on": about, "why": one["why"]}
        for one, rows in found
        for rule, subject, slot, about, state in rows
        if state == NotificationState.WITHDRAWN
    ]
    _UNRING.many(connection, rang)
