"""What a rule would send for an event: decided and worded by the functions that do it in earnest, sent by nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ..decide import Book, decide
from ..decide.reminders import plan_for
from ..deliver import Channel
from ..errors import PointbellError
from ..model import (
    TIMER_DUE,
    Decision,
    Due,
    Event,
    Fact,
    Facts,
    Notification,
    Notify,
    Reason,
    Schedule,
    Skip,
    Snapshot,
    Timer,
    Value,
)
from ..ruleset import Ruleset
from ..ruleset.rule import BeforeTrigger, EventTrigger, Rule

STAND_IN: Mapping[str, str] = {"email": "member@example.org", "phone": "+15550100"}
"""Addresses to show a message to when the member has none."""


_WAITS = 5
"""How often news may have to wait again before a preview shows it all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One message that a rule would send, or why it would not."""

    slot: str
    """Which of the rule's offsets; empty for a rule that listens to events."""
    template: str
    """Empty where the rule as a whole does not apply."""
    at: datetime
    """The moment it was decided for; aware UTC."""
    reason: Reason | None = None
    """Why it would not be sent; ``None`` when it would."""
    detail: str = ""
    notification: Notification | None = None
    """The message; also with ``NO_ADDRESS``, as it would read if there were an address."""
    payload: bytes | None = None
    """The bytes the channel would carry."""
    waited: bool = False
    """Whether the news would have waited until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a rule is tried on."""

    event: Event
    facts: Facts
    now: datetime


def trial_of(
    event: Event, book: Book, now: datetime, *, member_id: str | None = None, locale: str | None = None
) -> Trial:
    """An event with what ``book`` knows of its member and card, told to another member or in another language."""
    if member_id is not None and (event.member is None or book.member_id(event.member) != member_id):
        event = replace(event, member=Snapshot(id=member_id, as_of=event.occurred_at, fields={}))
    event = book.addressed(event)
    facts = replace(book.facts_for(event, 0), duplicate_of=None)
    return Trial(event=event, facts=_saying(facts, "locale", locale, now) if locale else facts, now=now)


def preview(rule: Rule, trial: Trial, ruleset: Ruleset, channels: Mapping[str, Channel]) -> list[Preview]:
    """What ``rule`` would send in this case; for a reminder, at each of its offsets as if it were due.

    Raises:
        PointbellError: the rule does not listen to the event at all.
    """
    reminds = isinstance(rule.on, BeforeTrigger)
    trials = list(_due(rule, rule.on, trial, ruleset)) if isinstance(rule.on, BeforeTrigger) else [trial]
    if not trials:
        return [Preview(slot="", template="", at=trial.now, reason=Reason.ABSENT, detail=_undated(rule, trial))]
    if isinstance(rule.on, EventTrigger) and not rule.on.covers(trial.event):
        listens = ", ".join(sorted(rule.on.names))
        raise PointbellError(f"{rule.name} listens to {listens}, and the event is {trial.event.name}")
    ready = trials if reminds else [_having_waited(rule, trial, ruleset)]
    return [found for each in ready for found in _preview(rule, each, ruleset, channels)]


def _having_waited(rule: Rule, trial: Trial, ruleset: Ruleset) -> Trial:
    """The trial at the time at which the rule tells of it, with nothing else happening until then."""
    for _ in range(_WAITS):
        made = decide(trial.event, trial.facts, ruleset, trial.now)
        waits = next((one.timer for one in made if one.rule == rule.name and isinstance(one, Schedule)), None)
        if waits is None or not waits.waits:
            break
        trial = Trial(event=_bell(waits), facts=trial.facts, now=waits.due_at)
    return trial


def _due(rule: Rule, trigger: BeforeTrigger, trial: Trial, ruleset: Ruleset) -> Iterator[Trial]:
    """Each offset of a reminder as the event that the clock would make of it."""
    card = trial.facts.card
    if card is None or card.get(trigger.card_field) is None:
        return
    plan = plan_for(rule, trigger, trial.facts, ruleset.programme)
    for offset in trigger.offsets:
        at = plan.due(offset)
        timer = Timer(
            rule=rule.name,
            subject=card.id,
            slot=offset.text,
            about=plan.day,
            due_at=at,
            member_id=card.member_id,
            lane=card.holder_id,
        )
        yield Trial(event=_bell(timer), facts=trial.facts, now=at)


def _bell(timer: Timer) -> Event:
    """The event that the clock would make of a timer."""
    due = Due(
        rule=timer.rule,
        subject=timer.subject,
        slot=timer.slot,
        about=timer.about,
        due_at=timer.due_at,
        member_id=timer.member_id,
        generation=timer.generation,
        waits=timer.waits,
    )
    return Event(
        key=timer.slot,
        source="preview",
        name=TIMER_DUE,
        producer_name=TIMER_DUE,
        occurred_at=timer.due_at,
        happening=None,
        facts={"name": TIMER_DUE},
        due=due,
    )


def _undated(rule: Rule, trial: Trial) -> str:
    field = rule.on.field if isinstance(rule.on, BeforeTrigger) else ""
    return f"the card has no {field}" if trial.facts.card else "the event names no card"


def _preview(rule: Rule, trial: Trial, ruleset: Ruleset, channels: Mapping[str, Channel]) -> Iterator[Preview]:
    due = trial.event.due
    waited, slot = due is not None and bool(due.waits), due.slot if due is not None and not due.waits else ""
    decisions = _decisions(rule, trial, ruleset)
    addressed = _decisions(rule, _with_addresses(rule, trial, ruleset), ruleset)
    if not decisions:
        yield Preview(slot=slot, template="", at=trial.now, reason=Reason.ABSENT, detail="there is nothing to decide")
    if len(addressed) != len(decisions):
        addressed = decisions  # A condition that looks at the address itself.
    for decision, shown in zip(decisions, addressed, strict=True):
        yield replace(_found(decision, shown, slot, trial.now, channels), waited=waited)


def _decisions(rule: Rule, trial: Trial, ruleset: Ruleset) -> list[Notify | Skip]:
    made: list[Decision] = decide(trial.event, trial.facts, ruleset, trial.now)
    return [one for one in made if isinstance(one, Notify | Skip) and one.rule == rule.name]


def _found(
    decision: Notify | Skip, addressed: Notify | Skip, slot: str, at: datetime, channels: Mapping[str, Channel]
) -> Preview:
    """The decision; where only the address is missing, with the message as it would read."""
    found = Preview(slot=slot, template="", at=at)
    if isinstance(decision, Skip):
        found = replace(found, template=decision.template or "", reason=decision.reason, detail=decision.detail)
        if decision.reason is not Reason.NO_ADDRESS:
            return found
    if not isinstance(addressed, Notify):
        return found
    message = addressed.notification
    found = replace(found, template=message.template, notification=message)
    try:
        return replace(found, payload=channels[message.channel].prepare(message))
    except ValueError as error:
        return replace(found, reason=Reason.NO_ADDRESS, detail=str(error))
    except PointbellError as error:
        return replace(found, reason=Reason.NO_ADDRESS, detail=str(error))


def _with_addresses(rule: Rule, trial: Trial, ruleset: Ruleset) -> Trial:
    """The trial as if every channel of the rule had an address to write to."""
    facts = trial.facts
    for field in {ruleset.programme.channels[channel] for send in rule.sends for channel in send.channels}:
        known = facts.member.get(field) if facts.member else None
        facts = facts if known else _saying(facts, field, STAND_IN.get(field, "preview"), trial.now)
    return replace(trial, facts=facts)


def _saying(facts: Facts, field: str, value: Value, now: datetime) -> Facts:
    """The facts with one field of the member made up."""
    if facts.member is None:
        return facts
    said: Mapping[str, Fact] = {**facts.member.facts, field: Fact(value=value, as_of=now)}
    return replace(facts, member=replace(facts.member, facts=said))
