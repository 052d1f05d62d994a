"""A timer that has come due: is it still right to remind?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from ..language import expiring_points
from ..model import Decision, Due, Reason, Skip
from ..ruleset.rule import BeforeTrigger, Offset, Rule
from .calendar import deadline, zone_of
from .reminders import Plan, nothing_to_remind, plan_for
from .waiting import again, held_back, in_its_hours, leave
from .words import Case, Occasion, word


def ring(due: Due, case: Case) -> Iterator[Decision]:
    """What becomes of a reminder, or of news that has waited, whose time has come, on today's facts."""
    if due.waits:
        yield from leave(due, case)
        return
    rule = case.ruleset.rule(due.rule)
    trigger = rule.on if rule is not None else None
    if rule is None or not isinstance(trigger, BeforeTrigger):
        yield _skip(due, Reason.DISABLED, "the rule is no longer there")
        return
    offset = next((offset for offset in trigger.offsets if offset.text == due.slot), None)
    if offset is None:
        yield _skip(due, Reason.STEP_REMOVED, f"the rule no longer has the offset {due.slot}")
        return
    refusal = _refusal(due, rule, trigger, offset, case)
    if refusal is not None:
        yield _skip(due, *refusal)
        return
    ahead = plan_for(rule, trigger, case.facts, case.ruleset.programme)
    until = held_back(rule, due, case)
    timer = case.facts.timers.get((due.rule, due.slot))
    if until is None or timer is None:
        yield from _remind(rule, offset, due, case, hour=ahead.due(offset))
    elif until.at < ahead.end(offset):
        yield again(timer, until)
    else:
        detail = f"it would have to wait until {until.at.astimezone(ahead.zone):%Y-%m-%d %H:%M}, which is too late"
        yield _skip(due, Reason.TOO_LATE, detail)


def _refusal(due: Due, rule: Rule, trigger: BeforeTrigger, offset: Offset, case: Case) -> tuple[Reason, str] | None:
    card, programme = case.facts.card, case.ruleset.programme
    if card is None:
        return Reason.ABSENT, "the card is not known"
    day = card.get(trigger.card_field)
    if isinstance(day, date) and day != due.about:
        return Reason.DATE_MOVED, f"{trigger.field} is now {day}, not {due.about}"
    nothing = nothing_to_remind(card, trigger, programme, case.now)
    if nothing is not None:
        return nothing
    if not expiring_points(card):
        return Reason.NOTHING_AT_RISK, "no producer has told how many points would expire"
    ahead = plan_for(rule, trigger, case.facts, programme)
    # A message that waited for its template to be mended is not late by its own fault.
    return _lateness(ahead, offset, due, case.now, held=(due.rule, due.slot) in case.facts.held)


def _lateness(ahead: Plan, offset: Offset, due: Due, now: datetime, *, held: bool) -> tuple[Reason, str] | None:
    end = ahead.end(offset)
    # Nor is one that a pause has held: it is late from the moment at which it might have gone.
    might_go = max(due.due_at, ahead.due(offset), due.held_until or due.due_at)
    latest = end if held else min(end, ahead.in_grace(might_go))
    if now <= latest and now < end:
        return None
    return Reason.TOO_LATE, f"was due {due.due_at.astimezone(ahead.zone):%Y-%m-%d %H:%M}, reached only now"


def _remind(rule: Rule, offset: Offset, due: Due, case: Case, *, hour: datetime) -> Iterator[Decision]:
    programme = case.ruleset.programme
    today = case.now.astimezone(zone_of(case.facts, programme)).date()
    occasion = Occasion(
        happening=f"{due.subject}:{due.about}",
        slot=due.slot,
        subject_id=due.subject,
        about=due.about,
        send_before=deadline(due.about, programme),
        happened_at=hour,
        extra={"days_left": (due.about - today).days, "offset": timedelta(days=offset.days)},
    )
    timer = case.facts.timers.get((due.rule, due.slot))
    yield from word(rule, occasion if timer is None else in_its_hours(rule, occasion, timer, case), case)


def _skip(due: Due, reason: Reason, detail: str) -> Skip:
    return Skip(rule=due.rule, reason=reason, detail=detail, slot=due.slot)
