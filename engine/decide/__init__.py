"""The product: one pure function from an event and what is known to decisions.

``decide`` does no I/O and reads no clock. The daemon, the preview and the tests all call it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from ..model import (
    RULES_CHANGED,
    Cancel,
    Decision,
    Event,
    Facts,
    Notify,
    Reason,
    Schedule,
    Skip,
    Telling,
    TimerState,
    Withdrawal,
)
from ..ruleset import Ruleset
from ..ruleset.rule import BeforeTrigger, Mode
from .book import Book, Changes, Needs
from .due import ring
from .merge import ERASED, known_of, merge
from .reminders import forget_rules, plan
from .waiting import tell
from .words import Case, address_of, occasion_of

__all__ = ["ERASED", "Book", "Changes", "Needs", "address_of", "decide", "known_of", "merge", "replan", "withdrawals"]

_GONE = frozenset({Reason.ABSENT, Reason.DATE_PAST, Reason.NOTHING_AT_RISK})
"""Reasons for which a reminder that is already worded makes no sense any more."""


def decide(event: Event, facts: Facts, ruleset: Ruleset, now: datetime) -> list[Decision]:
    """Everything this event means for its member.

    ``facts`` must already include what the event says (see ``merge``). ``now`` is aware UTC.
    """
    case = Case(event=event, facts=facts, ruleset=ruleset, now=now)
    if event.due is not None:
        return list(ring(event.due, case))
    if event.erases:
        return list(_erase(facts))
    history = event.telling is Telling.HISTORY
    if event.name == RULES_CHANGED:
        return list(_plans(facts, ruleset, now, catch_up=not history))
    plans = _plans(facts, ruleset, now, catch_up=not history) if event.card is not None else ()
    return [*plans, *(() if history else _happening(case))]


def replan(facts: Facts, ruleset: Ruleset, now: datetime, *, catch_up: bool = True) -> list[Decision]:
    """What must change in a card's reminders without an event of its own; nothing when they stand as they should.

    Without ``catch_up`` an offset whose hour has passed is too late, within grace or not: whoever brings in what
    others have looked after until now tells nobody about the past.
    """
    plans = _plans(facts, ruleset, now, catch_up=catch_up)
    return [made for made in plans if not isinstance(made, Notify) and made.timer is not None]


def withdrawals(event: Event, decisions: list[Decision]) -> list[Withdrawal]:
    """Which worded but not yet permitted messages these decisions take back."""
    found = (_withdrawal(event, decision) for decision in decisions)
    return list(dict.fromkeys(one for one in found if one is not None))


def _withdrawal(event: Event, decision: Decision) -> Withdrawal | None:
    if isinstance(decision, Cancel | Schedule) and decision.timer.waits:
        # Nothing of it has been worded yet.
        return None
    if isinstance(decision, Cancel):
        timer, removed = decision.timer, decision.reason is Reason.STEP_REMOVED
        return Withdrawal(
            rule=timer.rule,
            subject_id=timer.subject,
            reason=decision.reason,
            slot=timer.slot if removed else None,
        )
    if isinstance(decision, Skip) and decision.timer is None:
        subject = event.card.id if event.card else event.card_id
        if subject is None:
            return None
        gone = decision.reason in _GONE and decision.slot is None
        return Withdrawal(rule=decision.rule, subject_id=subject, reason=decision.reason) if gone else None
    if isinstance(decision, Notify) or decision.timer is None:
        return None
    # A plan for a date: whatever is worded about another one must not go out any more.
    timer = decision.timer
    return Withdrawal(rule=timer.rule, subject_id=timer.subject, reason=Reason.DATE_MOVED, keep_about=timer.about)


def _plans(facts: Facts, ruleset: Ruleset, now: datetime, *, catch_up: bool = True) -> Iterator[Decision]:
    yield from forget_rules(facts, ruleset)
    for rule in ruleset.reminders:
        if isinstance(rule.on, BeforeTrigger) and rule.mode is not Mode.OFF:
            trigger = rule.on if catch_up else replace(rule.on, grace=timedelta())
            yield from plan(rule, trigger, facts, ruleset.programme, now)


def _happening(case: Case) -> Iterator[Decision]:
    too_old, occasion = _too_old(case), occasion_of(case)
    for rule in case.ruleset.listening(case.event):
        if too_old is not None:
            yield Skip(rule=rule.name, reason=Reason.TOO_OLD, detail=too_old)
        elif case.facts.duplicate_of is not None:
            detail = f"{case.facts.duplicate_of} already reported the same happening"
            yield Skip(rule=rule.name, reason=Reason.DUPLICATE, detail=detail)
        else:
            yield from tell(rule, occasion, case)


def _too_old(case: Case) -> str | None:
    """Why nobody is told of the event any more. Its age is that at its arrival: a replay makes nothing older."""
    event, limit = case.event, case.ruleset.programme.max_age
    if limit is None or event.arrived_at is None or event.telling is not Telling.NEWS:
        return None
    if event.arrived_at - event.occurred_at <= limit:
        return None
    return f"it happened on {event.occurred_at:%Y-%m-%d %H:%M} UTC and came in on {event.arrived_at:%Y-%m-%d %H:%M} UTC"


def _erase(facts: Facts) -> Iterator[Decision]:
    for timer in facts.timers.values():
        if timer.state is TimerState.ARMED:
            erased = replace(timer, state=TimerState.CANCELLED, reason=Reason.ERASED)
            yield Cancel(rule=timer.rule, timer=erased, reason=Reason.ERASED, detail="the member was deleted")
