"""News that waits: to be told with what else happens, for its hours, or in case something more important comes.

What waits is a timer that carries its events, armed in the transaction of the event. When it rings, the rule is asked
once more, on the facts of that day, and words its message then. Each wait is a decision with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..language.views import told_together
from ..model import Decision, Due, Event, Member, Reason, Schedule, Skip, Timer, TimerState
from ..ruleset.rule import EventTrigger, Rule
from ..waits import waiting
from .calendar import zone_of
from .hours import closing, opening
from .words import Case, Occasion, happening_of, occasion_of, ready, word

SETTLE = timedelta(minutes=2)
"""How long news waits that other news may suppress, so that the order of arrival does not decide."""
PATIENCE = timedelta(minutes=10)
"""How long more important news may be overdue, behind a pause or a backlog, before nobody waits for it any more."""
MOST = 500
"""Events that are told together; what comes after them begins another message."""
STALE = timedelta(days=10)
"""How long after it came in, and was gathered for, news is still told: more important news may be gathered for a week
meanwhile, and then it is worth delivering for a few days. Without an end, a mailbox that takes nothing would be tried
again whenever the hours begin, for ever.
"""
COLLECT, WAIT = "collect", "wait"
"""What the slots of waiting timers begin with; the happening that began them follows, and names their message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Until when something waits, and why."""

    at: datetime
    reason: Reason
    detail: str


def tell(rule: Rule, occasion: Occasion, case: Case) -> Iterator[Decision]:
    """The rule's messages for an event, or until when they wait, or why there are none."""
    until = _until(rule, case) if rule.may_wait or rule.name in case.ruleset.suppressors else None
    if until is None:
        yield from word(rule, _until_closing(rule, occasion, case), case)
        return
    asked = ready(rule, occasion, case)
    if isinstance(asked, Skip):
        yield asked
    elif rule.name in case.facts.gathered:
        yield Skip(rule=rule.name, reason=Reason.DUPLICATE, detail="it was taken up before, to be told with others")
    else:
        yield _armed(rule, case, asked.member, until)


def leave(due: Due, case: Case) -> Iterator[Decision]:
    """What becomes of news that has waited, on today's facts."""
    rule = case.ruleset.rule(due.rule)
    if rule is None or not isinstance(rule.on, EventTrigger):
        yield Skip(rule=due.rule, reason=Reason.DISABLED, detail="the rule is no longer there", slot=due.slot)
        return
    for event in due.waits:
        if not rule.on.covers(event):
            detail = f"the rule no longer listens to {event.name}"
            yield Skip(rule=rule.name, reason=Reason.DISABLED, detail=detail, slot=due.slot)
    heard = replace(due, waits=tuple(event for event in due.waits if rule.on.covers(event)))
    if heard.waits:
        yield from _leave(rule, heard, replace(case, event=replace(case.event, due=heard)))


def _leave(rule: Rule, due: Due, case: Case) -> Iterator[Decision]:
    """What becomes of what the rule, as it is today, still listens to."""
    if rule.collect is None and len(due.waits) > 1:
        yield from _each(due, case)
        return
    if (came_in := _stale(rule, due, case)) is not None:
        detail = f"it came in on {_local(came_in, case)}, and could not be told for too long"
        yield Skip(rule=rule.name, reason=Reason.USEFUL_TIME_OVER, detail=detail, slot=due.slot)
        return
    until = held_back(rule, due, case)
    if until is not None:
        yield again(_timer_of(due, case), until)
        return
    now = last_of(case)
    occasion = replace(
        occasion_of(now),
        happening=due.slot.partition(" ")[2],
        subject_id=due.subject,
        happened_at=min(event.occurred_at for event in due.waits),
        untold_at=min(
            (event.occurred_at for event in due.waits if event.occurred_at == event.arrived_at), default=None
        ),
        extra=told_of(rule, case),
    )
    yield from word(rule, in_its_hours(rule, occasion, _timer_of(due, case), case), now)


def _each(due: Due, case: Case) -> Iterator[Decision]:
    """What was gathered for a rule that gathers no more: a wait of its own for each, so that each is told by itself."""
    until = Until(at=case.now, reason=Reason.COLLECTING, detail="no longer, the rule tells of each by itself now")
    for event in _in_order(due):
        alone = replace(due, slot=f"{WAIT} {happening_of(event)}", waits=(event,))
        yield again(_timer_of(alone, case), until)


def _stale(rule: Rule, due: Due, case: Case) -> datetime | None:
    """When the last of what waits came in, where that is too long ago to tell of it. What a pause has held is not."""
    came_in = max((event.arrived_at for event in due.waits if event.arrived_at is not None), default=None)
    if came_in is None:
        return None
    since = max(came_in, due.held_until or came_in) + (rule.collect or timedelta(0))
    return came_in if case.now >= since + STALE else None


def in_its_hours(rule: Rule, occasion: Occasion, timer: Timer, case: Case) -> Occasion:
    """The occasion with what becomes of its messages when the rule's hours end: the timer rings when they begin."""
    zone = zone_of(case.facts, case.ruleset.programme)
    closes = closing(rule, case.now, zone)
    if closes is None:
        return occasion
    at, closed = opening(rule, closes, zone)
    if closed is None:
        return occasion
    until = Until(at=at, reason=closed, detail=_opens(rule, closed, at, case))
    return replace(occasion, again=again(timer, until).timer, closes=closes)


def _until_closing(rule: Rule, occasion: Occasion, case: Case) -> Occasion:
    member = case.facts.member
    if member is None or not rule.may_wait:
        return occasion
    now = Until(at=case.now, reason=Reason.WINDOW, detail="")
    return in_its_hours(rule, occasion, _fresh(rule, case, member, now), case)


def last_of(case: Case) -> Case:
    """The case as it is about the last of what has waited; as it is, where nothing has."""
    due = case.event.due
    return replace(case, event=_in_order(due)[-1]) if due is not None and due.waits else case


def told_of(rule: Rule, case: Case) -> Mapping[str, object]:
    """What a rule that collects has to tell of beside: the events together."""
    if rule.collect is None:
        return {}
    due = case.event.due
    told = _in_order(due) if due is not None and due.waits else [case.event]
    return told_together(told, case.ruleset.shared.types)


def _in_order(due: Due) -> list[Event]:
    """As they happened: the order of arrival is nobody's business."""
    return sorted(due.waits, key=lambda event: (event.occurred_at, event.key))


def held_back(rule: Rule, due: Due, case: Case) -> Until | None:
    """Until when a rule must wait whose time has come; ``None`` when nothing is in its way."""
    zone = zone_of(case.facts, case.ruleset.programme)
    at, closed = opening(rule, case.now, zone)
    if closed is not None:
        return Until(at=at, reason=closed, detail=_opens(rule, closed, at, case))
    stronger = {other.name for other, _ in case.ruleset.suppressors.get(rule.name, ())}
    soon = [one for one in case.facts.expected if one.rule in stronger and _imminent(one, due, case.now)]
    if not soon:
        return None
    last = max(soon, key=lambda one: one.due_at)
    at, _ = opening(rule, max(last.due_at, case.now) + SETTLE, zone)
    return Until(at=at, reason=Reason.SETTLING, detail=f"{last.rule} is about to tell them something")


def again(timer: Timer, until: Until) -> Schedule:
    """The timer, to ring once more."""
    state = replace(timer, due_at=until.at, state=TimerState.ARMED, reason=until.reason)
    armed = replace(state, generation=timer.generation + 1)
    return Schedule(rule=timer.rule, timer=armed, reason=until.reason, detail=until.detail)


def _imminent(timer: Timer, due: Due, now: datetime) -> bool:
    """Whether it is worth waiting for: news that waits is certain, and a reminder that is due at this very hour."""
    if timer.due_at <= due.due_at - PATIENCE:
        return False
    return bool(timer.waits) or timer.due_at <= now + SETTLE


def _until(rule: Rule, case: Case) -> Until | None:
    settles = SETTLE if rule.name in case.ruleset.suppressors else timedelta(0)
    zone = zone_of(case.facts, case.ruleset.programme)
    at, closed = opening(rule, case.now + max(rule.collect or settles, settles), zone)
    if at <= case.now:
        return None
    if rule.collect is not None:
        return Until(at=at, reason=Reason.COLLECTING, detail=_leaves(at, case))
    if closed is not None:
        return Until(at=at, reason=closed, detail=_opens(rule, closed, at, case))
    stronger = " or ".join(other.name for other, _ in case.ruleset.suppressors[rule.name])
    return Until(at=at, reason=Reason.SETTLING, detail=f"until {_local(at, case)}, in case {stronger} has news")


def _armed(rule: Rule, case: Case, member: Member, until: Until) -> Schedule:
    """The event among what is gathered, or on its own."""
    group = _group(rule, case, member) if rule.collect is not None else None
    if group is None:
        timer = _fresh(rule, case, member, until)
        return Schedule(rule=rule.name, timer=timer, reason=until.reason, detail=until.detail)
    more = replace(group, waits=(*group.waits, waiting(case.event)), generation=group.generation + 1)
    others = len(group.waits)
    detail = f"with {others} {'other' if others == 1 else 'others'}, {_leaves(group.due_at, case)}"
    return Schedule(rule=rule.name, timer=more, reason=Reason.COLLECTING, detail=detail)


def _group(rule: Rule, case: Case, member: Member) -> Timer | None:
    """What the rule is gathering for this member, about the same card."""
    for (name, slot), timer in case.facts.timers.items():
        fits = name == rule.name and slot.startswith(f"{COLLECT} ") and timer.member_id == member.id
        if fits and timer.state is TimerState.ARMED and timer.waits and len(timer.waits) < MOST:
            return timer
    return None


def _fresh(rule: Rule, case: Case, member: Member, until: Until) -> Timer:
    event = case.event
    kind = WAIT if rule.collect is None else COLLECT
    return Timer(
        rule=rule.name,
        subject=event.card.id if event.card else member.id,
        slot=f"{kind} {happening_of(event)}",
        member_id=member.id,
        lane=_lane(waiting(event), case, member.id),
        about=case.now.astimezone(zone_of(case.facts, case.ruleset.programme)).date(),
        due_at=until.at,
        reason=until.reason,
        waits=(waiting(event),),
    )


def _timer_of(due: Due, case: Case) -> Timer:
    return Timer(
        rule=due.rule,
        subject=due.subject,
        slot=due.slot,
        member_id=due.member_id,
        lane=_lane(due.waits[-1], case, due.member_id),
        about=due.about,
        due_at=due.due_at,
        generation=due.generation,
        waits=due.waits,
    )


def _lane(event: Event, case: Case, member_id: str) -> str:
    """Whose events must stay in order: the holder's of the card that the event named, else the member's."""
    card = case.facts.card if event.card_id is not None else None
    return event.holder_id or (card.holder_id if card is not None else member_id)


def _leaves(at: datetime, case: Case) -> str:
    return f"until {_local(at, case)}"


def _opens(rule: Rule, closed: Reason, at: datetime, case: Case) -> str:
    span = rule.window if closed is Reason.WINDOW else rule.quiet_hours
    return f"{span}, until {_local(at, case)}"


def _local(moment: datetime, case: Case) -> str:
    return f"{moment.astimezone(zone_of(case.facts, case.ruleset.programme)):%Y-%m-%d %H:%M}"
