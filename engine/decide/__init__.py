"""The product: one pure function from an event and what is known to decisions.

``decide`` does no I/O and reads no clock. The daemon, the preview and the tests all call it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from ..model import RULES_CHANGED, Cancel, Decision, Event, Facts, Notify, Reason, Skip, TimerState, Withdrawal
from ..ruleset import Ruleset
from ..ruleset.rule import BeforeTrigger
from .book import Book, Needs
from .due import ring
from .merge import ERASED, known_of, merge
from .reminders import forget_rules, plan
from .words import USEFUL_FOR, Case, Occasion, address_of, word

__all__ = ["ERASED", "Book", "Needs", "address_of", "decide", "known_of", "merge", "replan", "withdrawals"]

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
    if event.name == RULES_CHANGED:
        return replan(facts, ruleset, now)
    plans = _plans(facts, ruleset, now) if event.card is not None else ()
    return [*plans, *_happening(case)]


def replan(facts: Facts, ruleset: Ruleset, now: datetime) -> list[Decision]:
    """What must change in a card's reminders without an event of its own; nothing when they stand as they should."""
    plans = _plans(facts, ruleset, now)
    return [made for made in plans if not isinstance(made, Notify) and made.timer is not None]


def withdrawals(event: Event, decisions: list[Decision]) -> list[Withdrawal]:
    """Which worded but not yet permitted messages these decisions take back."""
    found = (_withdrawal(event, decision) for decision in decisions)
    return list(dict.fromkeys(one for one in found if one is not None))


def _withdrawal(event: Event, decision: Decision) -> Withdrawal | None:
    if isinstance(decision, Cancel):
        timer, removed = decision.timer, decision.reason is Reason.STEP_REMOVED
        return Withdrawal(
            rule=timer.rule,
            subject_id=timer.subject,
            reason=decision.reason,
            slot=timer.slot if removed else None,
        )
    if isinstance(decision, Skip) and decision.timer is None:
        gone = decision.reason in _GONE and decision.slot is None and event.card is not None
        subject = event.card.id if event.card else ""
        return Withdrawal(rule=decision.rule, subject_id=subject, reason=decision.reason) if gone else None
    if isinstance(decision, Notify) or decision.timer is None:
        return None
    # A plan for a date: whatever is worded about another one must not go out any more.
    timer = decision.timer
    return Withdrawal(rule=timer.rule, subject_id=timer.subject, reason=Reason.DATE_MOVED, keep_about=timer.about)


def _plans(facts: Facts, ruleset: Ruleset, now: datetime) -> Iterator[Decision]:
    yield from forget_rules(facts, frozenset(rule.name for rule in ruleset.reminders))
    for rule in ruleset.reminders:
        if isinstance(rule.on, BeforeTrigger):
            yield from plan(rule, rule.on, facts, ruleset.programme, now)


def _happening(case: Case) -> Iterator[Decision]:
    for rule in case.ruleset.listening(case.event):
        if case.facts.duplicate_of is not None:
            detail = f"{case.facts.duplicate_of} already reported the same happening"
            yield Skip(rule=rule.name, reason=Reason.DUPLICATE, detail=detail)
        else:
            yield from word(rule, _occasion(case), case)


def _occasion(case: Case) -> Occasion:
    event, member = case.event, case.facts.member
    return Occasion(
        happening=event.happening or f"{event.source}:{event.key}",
        slot=None,
        subject_id=event.card.id if event.card else member.id if member else "",
        about=None,
        send_before=case.now + USEFUL_FOR,
    )


def _erase(facts: Facts) -> Iterator[Decision]:
    for timer in facts.timers.values():
        if timer.state is TimerState.ARMED:
            erased = replace(timer, state=TimerState.CANCELLED, reason=Reason.ERASED)
            yield Cancel(rule=timer.rule, timer=erased, reason=Reason.ERASED, detail="the member was deleted")
