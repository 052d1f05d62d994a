"""From a rule that applies to worded messages: condition, address, locale, words.

A message is worded completely or not at all; what keeps it back is a decision too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from email_validator import EmailNotValidError, validate_email

from ..errors import TemplateError
from ..language import Condition, EvaluationError, View, build_view
from ..model import Decision, Event, Facts, Member, Notification, Notify, Reason, Skip
from ..ruleset import Ruleset
from ..ruleset.rule import Rule, Send
from .calendar import unknown_zone, zone_of
from .merge import ERASED

USEFUL_FOR = timedelta(days=3)
"""How long a message about something that has happened is worth delivering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What ``decide`` was asked: the event, what is known with it, the rules, and the time."""

    event: Event
    facts: Facts
    ruleset: Ruleset
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a rule applies to: the happening, which slot of it, and until when a message about it makes sense."""

    happening: str
    slot: str | None
    subject_id: str
    about: date | None
    send_before: datetime
    extra: Mapping[str, object] = field(default_factory=dict)


def word(rule: Rule, occasion: Occasion, case: Case) -> Iterator[Decision]:
    """The rule's messages for this occasion, or why there are none."""
    member = case.facts.member
    if member is None:
        yield Skip(rule=rule.name, reason=Reason.ABSENT, detail="the event names no member", slot=occasion.slot)
        return
    if member.get(ERASED):
        yield Skip(rule=rule.name, reason=Reason.ERASED, detail="the member was deleted", slot=occasion.slot)
        return
    if case.facts.card is None and _reads_card(rule):
        detail = "the rule looks at a card, and the member is not known to have one"
        yield Skip(rule=rule.name, reason=Reason.ABSENT, detail=detail, slot=occasion.slot)
        return
    view = view_of(case, occasion.extra)
    refusal = _refusal(rule.condition, view)
    if refusal is not None:
        reason, detail = refusal
        yield Skip(rule=rule.name, reason=reason, detail=_with_zone(detail, case.facts), slot=occasion.slot)
        return
    for send in rule.sends:
        yield _message(rule, send, occasion, case, member=member, view=view)


def view_of(case: Case, extra: Mapping[str, object]) -> View:
    """The facts as rules and templates see them."""
    programme = case.ruleset.programme
    return build_view(
        case.event,
        case.facts,
        {
            "name": programme.name,
            "timezone": programme.timezone,
            "locale": programme.locale,
            "currency": programme.currency,
        },
        case.now,
        zone_of(case.facts, programme),
        {"brand": programme.brand, **extra},
    )


def address_of(member: Member, address_field: str) -> tuple[str | None, str]:
    """The member's address for a channel, or ``None`` and why."""
    value = member.get(address_field)
    if not isinstance(value, str) or not value.strip():
        return None, f"member {member.id} has no {address_field}"
    if address_field != "email":
        return value.strip(), ""
    try:
        return validate_email(value.strip(), check_deliverability=False, test_environment=True).normalized, ""
    except EmailNotValidError:
        return None, f"member {member.id} has an {address_field} that is not a valid address"


def _reads_card(rule: Rule) -> bool:
    conditions = (rule.condition, *(send.condition for send in rule.sends))
    return any(path[0] == "card" for condition in conditions if condition is not None for path in condition.reads)


def _message(rule: Rule, send: Send, occasion: Occasion, case: Case, *, member: Member, view: View) -> Decision:
    skip = Skip(rule=rule.name, reason=Reason.CONDITION, slot=occasion.slot, template=send.template)
    refusal = _refusal(send.condition, view)
    if refusal is not None:
        reason, detail = refusal
        return replace(skip, reason=reason, detail=detail)
    programme = case.ruleset.programme
    address, why = address_of(member, programme.channels[send.channel])
    if address is None:
        return replace(skip, reason=Reason.NO_ADDRESS, detail=why)
    slot = send.slot if occasion.slot is None else f"{occasion.slot}/{send.slot}"
    notification = Notification(
        key=f"{rule.name}|{occasion.happening}|{member.id}|{slot}",
        rule=rule.name,
        subject_id=occasion.subject_id,
        about=occasion.about,
        slot=slot,
        member_id=member.id,
        channel=send.channel,
        address=address,
        template=send.template,
        locale=str(member.get("locale") or programme.locale),
        created_at=case.now,
        words=None,
        send_before=occasion.send_before,
        on_ambiguous=rule.on_ambiguous,
        category=rule.category,
    )
    return _worded(notification, view, case.ruleset, skip)


def _worded(notification: Notification, view: View, ruleset: Ruleset, skip: Skip) -> Decision:
    try:
        template = ruleset.templates.choose(notification.template, notification.channel, notification.locale)
        words = template.render(view)
    except TemplateError as error:
        return replace(skip, reason=Reason.TEMPLATE_HELD, detail=str(error), held=notification)
    return Notify(rule=notification.rule, notification=replace(notification, words=words, locale=template.locale))


def _refusal(condition: Condition | None, view: View) -> tuple[Reason, str] | None:
    """Why the condition does not hold: its failing leaf in words."""
    if condition is None:
        return None
    try:
        verdict = condition.evaluate(view)
    except EvaluationError as error:
        return Reason.EVALUATION_ERROR, str(error)
    return None if verdict.holds else (Reason.CONDITION, verdict.explain())


def _with_zone(detail: str, facts: Facts) -> str:
    name = unknown_zone(facts)
    return f"{detail} (unknown time zone {name!r}; the programme's was used)" if name else detail
