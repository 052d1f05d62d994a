"""Reminders as derived state: what one card's timers of one rule ought to be, now.

A reminder's happening is (card, date); its offset is the slot. Whatever event comes, the plan is made anew from the
facts, and only differences from the timers that stand become decisions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from ..model import Cancel, Card, Decision, Facts, Programme, Reason, Schedule, Skip, Timer, TimerState
from ..ruleset import Ruleset
from ..ruleset.rule import BeforeTrigger, Mode, Offset, Rule
from .calendar import NEVER, ONE_DAY, deadline, instant, next_at, zone_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One rule's reminders ahead of one date of one card."""

    rule: Rule
    trigger: BeforeTrigger
    card: Card
    day: date
    gone: datetime
    """When the points are gone: the deadline of ``day``."""
    zone: tzinfo

    def due(self, offset: Offset) -> datetime:
        """When the offset is due, in UTC."""
        return instant(self.day - timedelta(days=offset.days), self.trigger.at, self.zone)

    def end(self, offset: Offset) -> datetime:
        """When the next offset, or the loss of the points, makes this one pointless."""
        later = [self.due(other) for other in self.trigger.offsets if other.days < offset.days]
        return min([*later, self.gone])

    def latest(self, offset: Offset) -> datetime:
        """The last instant at which an overdue offset may still go."""
        return min(self.in_grace(self.due(offset)), self.end(offset))

    def in_grace(self, due: datetime) -> datetime:
        """How late what was due may go: whole days are calendar days, also when the clock is changed in between."""
        grace = self.trigger.grace
        if grace is None:
            return self.gone
        if grace % ONE_DAY:
            return due + grace
        wall = due.astimezone(self.zone)
        return instant(wall.date() + grace, wall.time(), self.zone)


def plan(rule: Rule, trigger: BeforeTrigger, facts: Facts, programme: Programme, now: datetime) -> Iterator[Decision]:
    """What must change in the rule's timers for the card, given today's facts."""
    card = facts.card
    if card is None:
        return
    nothing = nothing_to_remind(card, trigger, programme, now)
    if nothing is not None:
        yield from _stand_down(rule, facts, *nothing)
        return
    ahead = plan_for(rule, trigger, facts, programme)
    yield from _forget_offsets(rule, trigger, facts)
    for offset in sorted(trigger.offsets, key=lambda offset: -offset.days):
        yield from _place(ahead, offset, facts, programme, now)


def forget_rules(facts: Facts, ruleset: Ruleset) -> Iterator[Decision]:
    """Cancel the timers of rules that are no longer there, or no longer remind.

    News that waits stays, and is judged when it rings: nothing would arm it again, should the rule be back by then.
    """
    for (rule, _), timer in sorted(facts.timers.items()):
        if timer.state is TimerState.ARMED and not timer.waits and not _reminds(ruleset.rule(rule)):
            yield _cancel(timer, Reason.DISABLED, f"{rule} is no longer there")


def _reminds(rule: Rule | None) -> bool:
    return rule is not None and rule.mode is not Mode.OFF and isinstance(rule.on, BeforeTrigger)


def plan_for(rule: Rule, trigger: BeforeTrigger, facts: Facts, programme: Programme) -> Plan:
    """The plan for the date the card has now; the card must have one."""
    card = facts.card
    day = card.get(trigger.card_field) if card else None
    if card is None or not isinstance(day, date):
        raise ValueError(f"{rule.name}: no {trigger.field} to plan for")
    zone = zone_of(facts, programme)
    return Plan(rule=rule, trigger=trigger, card=card, day=day, gone=deadline(day, programme), zone=zone)


def nothing_to_remind(
    card: Card, trigger: BeforeTrigger, programme: Programme, now: datetime
) -> tuple[Reason, str] | None:
    """Why there is no reminder to plan, or ``None`` when there is one.

    Points or a balance that no producer has told yet are unknown, not spent: they do not stand in the way.
    """
    day = card.get(trigger.card_field)
    if not isinstance(day, date):
        return Reason.ABSENT, f"{trigger.field} is not known"
    if day >= NEVER:
        return Reason.ABSENT, f"{trigger.field} is {day}: the points never expire"
    if now >= deadline(day, programme):
        return Reason.DATE_PAST, f"{trigger.field} is {day}, which has passed"
    if card.get("active") is False:
        return Reason.NOTHING_AT_RISK, "the card is not active"
    for name in ("balance", "next_expiration_points"):
        if card.knows(name) and not card.get(name):
            return Reason.NOTHING_AT_RISK, f"card.{name} is 0"
    return None


def _stand_down(rule: Rule, facts: Facts, reason: Reason, detail: str) -> Iterator[Decision]:
    armed = [timer for timer in _timers(rule, facts) if timer.state is TimerState.ARMED]
    for timer in armed:
        yield _cancel(timer, reason, detail)
    if not armed:
        yield Skip(rule=rule.name, reason=reason, detail=detail)


def _forget_offsets(rule: Rule, trigger: BeforeTrigger, facts: Facts) -> Iterator[Decision]:
    kept = {offset.text for offset in trigger.offsets}
    for timer in _timers(rule, facts):
        if timer.state is TimerState.ARMED and timer.slot not in kept:
            yield _cancel(timer, Reason.STEP_REMOVED, f"{rule.name} no longer has the offset {timer.slot}")


def _place(ahead: Plan, offset: Offset, facts: Facts, programme: Programme, now: datetime) -> Iterator[Decision]:
    known = facts.timers.get((ahead.rule.name, offset.text))
    if known is not None and _settled(known, ahead, offset, now):
        return
    due = _when(ahead, offset, now)
    timer = _timer(ahead, offset, known, due or ahead.due(offset))
    if due is None:
        yield _skip(timer, Reason.TOO_LATE, _why_too_late(ahead, offset))
    elif known is not None and _repeats_too_soon(known, ahead, due, programme, now):
        detail = f"already sent {_local(known.sent_at, ahead.zone)} for {known.sent_about}"
        yield _skip(timer, Reason.DUPLICATE, detail)
    else:
        yield Schedule(rule=timer.rule, timer=timer, moved_from=_moved_from(known, programme, now))


def _settled(known: Timer, ahead: Plan, offset: Offset, now: datetime) -> bool:
    """Whether the timer already stands as it should for this date, in the zone that is known now."""
    if known.about != ahead.day or known.state is TimerState.CANCELLED:
        return False
    wanted = ahead.due(offset)
    if known.state is TimerState.ARMED and known.reason is not None and wanted < now:
        # Its hour has come, and it is held back: by quiet hours, or by more important news.
        return True
    if known.state is TimerState.ARMED:
        # One that is overdue is about to ring, and is judged then.
        return known.due_at in {wanted, _when(ahead, offset, now)} or (known.due_at <= now and wanted < now)
    return known.reason is not Reason.TOO_LATE or known.due_at == wanted


def _when(ahead: Plan, offset: Offset, now: datetime) -> datetime | None:
    """When the offset goes: on its day, else, within grace, at the rule's next hour; ``None`` when it is too late."""
    due = ahead.due(offset)
    if due >= now:
        return due if due < ahead.gone else None
    late = next_at(now, ahead.trigger.at, ahead.zone)
    in_time = late <= ahead.latest(offset) and late < ahead.end(offset)
    return late if in_time else None


def _why_too_late(ahead: Plan, offset: Offset) -> str:
    due = _local(ahead.due(offset), ahead.zone)
    if ahead.due(offset) >= ahead.gone:
        return f"{due} is the hour to remind, and the points are gone by then"
    return f"was due {due}, known only now"


def _repeats_too_soon(known: Timer, ahead: Plan, due: datetime, programme: Programme, now: datetime) -> bool:
    """Whether the offset went out for the same points, which merely moved, less than ``again_after`` before."""
    if known.sent_at is None or known.sent_about is None:
        return False
    merely_moved = now < deadline(known.sent_about, programme)
    return merely_moved and due - known.sent_at < (ahead.rule.again_after or timedelta(0))


def _moved_from(known: Timer | None, programme: Programme, now: datetime) -> datetime | None:
    """Where the timer stood, if it ran ahead of a date that has not passed."""
    if known is None or known.state not in (TimerState.ARMED, TimerState.FIRED):
        return None
    return known.due_at if now < deadline(known.about, programme) else None


def _timer(ahead: Plan, offset: Offset, known: Timer | None, due: datetime) -> Timer:
    return Timer(
        rule=ahead.rule.name,
        subject=ahead.card.id,
        slot=offset.text,
        member_id=ahead.card.member_id,
        lane=ahead.card.holder_id,
        about=ahead.day,
        due_at=due,
        generation=known.generation + 1 if known else 1,
        sent_at=known.sent_at if known else None,
        sent_about=known.sent_about if known else None,
    )


def _timers(rule: Rule, facts: Facts) -> list[Timer]:
    return [timer for (name, _), timer in sorted(facts.timers.items()) if name == rule.name]


def _cancel(timer: Timer, reason: Reason, detail: str) -> Cancel:
    cancelled = replace(timer, state=TimerState.CANCELLED, reason=reason)
    return Cancel(rule=timer.rule, timer=cancelled, reason=reason, detail=detail)


def _skip(timer: Timer, reason: Reason, detail: str) -> Skip:
    skipped = replace(timer, state=TimerState.SKIPPED, reason=reason)
    return Skip(rule=timer.rule, reason=reason, detail=detail, slot=timer.slot, timer=skipped)


def _local(moment: datetime | None, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else "never"
