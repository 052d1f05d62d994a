"""From a rule that applies to worded messages: condition, address, locale, words.

A message is worded completely or not at all; what keeps it back is a decision too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from ..addresses import normalised
from ..errors import TemplateError
from ..language import Answer, EvaluationError, View, build_view
from ..language.node import plain
from ..model import Decision, Event, Facts, Member, Notification, Notify, Programme, Reason, Skip, Timer
from ..ruleset import Ruleset
from ..ruleset.rule import Mode, Rule, Send
from ..ruleset.together import Answers
from ..ruleset.variant import chosen
from .calendar import unknown_zone, zone_of
from .caps import over
from .eligible import no_consent, once_key, refusal, share, suppressed, with_lets
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
    seen: list[View] = field(default_factory=list, init=False, repr=False, compare=False)
    """The facts as rules see them, once the first of them has asked."""
    spent: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False, compare=False)
    """What other rules have told of it, by cap: it counts already."""
    answered: list[Answers] = field(default_factory=list, init=False, repr=False, compare=False)
    """What comes of the conditions of all rules that listen, once the first of them has asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a rule applies to: the happening, which slot of it, and until when a message about it makes sense."""

    happening: str
    slot: str | None
    subject_id: str
    about: date | None
    send_before: datetime
    happened_at: datetime
    """When it happened; of a reminder, when its hour was on the facts of today."""
    untold_at: datetime | None = None
    """Of what has waited and does not say when it happened: when the first of it came in."""
    extra: Mapping[str, object] = field(default_factory=dict)
    again: Timer | None = None
    """Where the rule's hours end: the timer that its messages become again if they have not gone by then."""
    closes: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A rule that nothing keeps from its messages: the occasion, the member, and the facts they are worded with."""

    occasion: Occasion
    member: Member
    view: View


def occasion_of(case: Case) -> Occasion:
    """An event as an occasion."""
    event, member = case.event, case.facts.member
    return Occasion(
        happening=happening_of(event),
        slot=None,
        subject_id=event.card.id if event.card else member.id if member else "",
        about=None,
        send_before=case.now + USEFUL_FOR,
        happened_at=event.occurred_at,
    )


def happening_of(event: Event) -> str:
    """What messages about an event are known by."""
    return event.happening or f"{event.source}:{event.key}"


def word(rule: Rule, occasion: Occasion, case: Case) -> Iterator[Decision]:
    """The rule's messages for this occasion, or why there are none."""
    asked = ready(rule, occasion, case)
    if isinstance(asked, Skip):
        yield asked
        return
    for send in rule.sends:
        made = _message(rule, send, asked.occasion, case, member=asked.member, view=asked.view)
        if rule.cap is not None and isinstance(made, Notify):
            case.spent.add((rule.cap, rule.name))
        yield made


def ready(rule: Rule, occasion: Occasion, case: Case) -> Ready | Skip:
    """The rule asked about the occasion: that it may word its messages, or why not."""
    member = case.facts.member
    if member is None:
        return Skip(rule=rule.name, reason=Reason.ABSENT, detail="the event names no member", slot=occasion.slot)
    if member.get(ERASED):
        return Skip(rule=rule.name, reason=Reason.ERASED, detail="the member was deleted", slot=occasion.slot)
    if case.facts.card is None and _reads_card(rule):
        detail = "the rule looks at a card, and the member is not known to have one"
        return Skip(rule=rule.name, reason=Reason.ABSENT, detail=detail, slot=occasion.slot)
    return _asked(rule, occasion, case, member)


def _asked(rule: Rule, occasion: Occasion, case: Case, member: Member) -> Ready | Skip:
    """The rule's own questions."""
    try:
        view = with_lets(rule, view_of(case, occasion.extra))
        no = refusal(rule, member, case.facts, view, case.now, answer=answer_of(rule, case))
        no = no or suppressed(case.ruleset.suppressors.get(rule.name, ()), case.facts, case.now)
        no = no or (_capped(rule.cap, case) if rule.cap is not None else None)
        once = once_key(rule, view) if no is None else None
    except EvaluationError as error:
        no, view, once = (Reason.EVALUATION_ERROR, str(error)), {}, None
    if no is not None:
        reason, detail = no
        return Skip(rule=rule.name, reason=reason, detail=_with_zone(detail, case.facts), slot=occasion.slot)
    about = occasion if once is None else replace(occasion, happening=once)
    return Ready(occasion=about, member=member, view=view)


def answer_of(rule: Rule, case: Case) -> Answer:
    """What comes of the rule's condition, as far as it is known without asking it by itself."""
    together = case.ruleset.together.get(case.event.name)
    if together is None:
        return Answer.UNDECIDED
    if not case.answered:
        case.answered.append(together.answers(view_of(case, {})))
    return case.answered[0].of(rule)


def _capped(cap: str, case: Case) -> tuple[Reason, str] | None:
    """Why no more may go to the member under this cap, what this very event has led to included."""
    spent = [case.now for other, _ in case.spent if other == cap]
    told = (*case.facts.counted.get(cap, ()), *spent)
    limits = case.ruleset.shared.caps.get(cap, ())
    return over(cap, limits, told, case.now, zone_of(case.facts, case.ruleset.programme))


def view_of(case: Case, extra: Mapping[str, object]) -> View:
    """The facts as rules and templates see them; without ``extra`` the same for all rules that ask about a case."""
    if extra:
        return _view(case, extra)
    if not case.seen:
        case.seen.append(_view(case, extra))
    return case.seen[0]


def _view(case: Case, extra: Mapping[str, object]) -> View:
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
        {"brand": programme.brand, "lists": case.ruleset.shared.lists, **extra},
        case.ruleset.shared.types,
    )


def address_of(member: Member, address_field: str) -> tuple[str | None, str]:
    """The member's address for a channel, or ``None`` and why."""
    value = member.get(address_field)
    if not isinstance(value, str) or not value.strip():
        return None, f"member {member.id} has no {address_field}"
    if address_field != "email":
        return value.strip(), ""
    address = normalised(value.strip())
    return address, "" if address else f"member {member.id} has an {address_field} that is not a valid address"


def _reads_card(rule: Rule) -> bool:
    return any(path[0] == "card" for path in rule.reads)


def _message(rule: Rule, send: Send, occasion: Occasion, case: Case, *, member: Member, view: View) -> Decision:
    skip = Skip(rule=rule.name, reason=Reason.CONDITION, slot=occasion.slot, template=send.template)
    no = _not_this(rule, send, case, member, view)
    if no is not None:
        reason, detail = no
        return replace(skip, reason=reason, detail=detail)
    programme = case.ruleset.programme
    ways, why = _ways(send, member, programme)
    if not ways:
        return replace(skip, reason=Reason.NO_ADDRESS, detail=why)
    variant = chosen(rule.variants, share("variant", rule.name, member.id))
    useful, closes = _useful_until(rule, occasion, case.now), occasion.closes
    slot = send.slot if occasion.slot is None else f"{occasion.slot}/{send.slot}"
    notification = Notification(
        key=f"{rule.name}|{occasion.happening}|{member.id}|{slot}",
        rule=rule.name,
        subject_id=occasion.subject_id,
        about=occasion.about,
        slot=slot,
        member_id=member.id,
        channel=ways[0][0],
        address=ways[0][1],
        template=(variant.template if variant else None) or send.template,
        variant=variant.name if variant else None,
        cap=rule.cap,
        locale=_locale(rule, member, view) or programme.locale,
        created_at=case.now,
        words=None,
        send_before=min(useful, closes) if closes is not None else useful,
        again=occasion.again if closes is not None and closes < useful else None,
        on_ambiguous=rule.on_ambiguous,
        category=rule.category.name if rule.category else None,
        happened_at=occasion.happened_at,
        untold_at=occasion.untold_at,
    )
    worded = _worded(notification, view, case.ruleset, skip)
    if rule.mode is Mode.SHADOW:
        return _only_shown(worded)
    return _with_others(worded, notification, ways[1:], view, case.ruleset) if ways[1:] else worded


def _with_others(
    worded: Decision, notification: Notification, ways: Sequence[tuple[str, str]], view: View, ruleset: Ruleset
) -> Decision:
    """The message with what goes instead where its channel refuses it. What cannot be worded does not stand by."""
    if not isinstance(worded, Notify):
        return worded
    skip = Skip(rule=worded.rule, reason=Reason.TEMPLATE_HELD)
    others = (replace(notification, channel=channel, address=address) for channel, address in ways)
    found = (_worded(other, view, ruleset, skip) for other in others)
    return replace(worded, instead=tuple(made.notification for made in found if isinstance(made, Notify)))


def _not_this(rule: Rule, send: Send, case: Case, member: Member, view: View) -> tuple[Reason, str] | None:
    """Why this one of the rule's messages does not go."""
    try:
        verdict = send.condition.evaluate(view) if send.condition is not None else None
    except EvaluationError as error:
        return Reason.EVALUATION_ERROR, str(error)
    if verdict is not None and not verdict.holds:
        return Reason.CONDITION, verdict.explain()
    return no_consent(rule.category, member, case.facts)


def _ways(send: Send, member: Member, programme: Programme) -> tuple[list[tuple[str, str]], str]:
    """The channels that have an address, each with it, in their order; and why the first that has none has none."""
    found: list[tuple[str, str]] = []
    first = ""
    for channel in send.channels:
        address, why = address_of(member, programme.channels[channel])
        if address is not None:
            found.append((channel, address))
        first = first or why
    return found, first


def _locale(rule: Rule, member: Member, view: View) -> str:
    """The language the rule chooses, else the member's own; nothing where neither is known."""
    chosen = plain(rule.locale.evaluate(view)) if rule.locale is not None else None
    return chosen if isinstance(chosen, str) and chosen else str(member.get("locale") or "")


def _useful_until(rule: Rule, occasion: Occasion, now: datetime) -> datetime:
    if rule.useful_for is None:
        return occasion.send_before
    until = now + rule.useful_for
    return until if occasion.about is None else min(until, occasion.send_before)


def _worded(notification: Notification, view: View, ruleset: Ruleset, skip: Skip) -> Decision:
    try:
        template = ruleset.templates.choose(
            notification.template, notification.channel, notification.locale, variant_of(notification)
        )
        words = template.render(view)
    except TemplateError as error:
        return replace(skip, reason=Reason.TEMPLATE_HELD, detail=str(error), held=notification)
    return Notify(rule=notification.rule, notification=replace(notification, words=words, locale=template.locale))


def variant_of(notification: Notification) -> tuple[str, str] | None:
    """The rule and the variant by which a message is worded."""
    return None if notification.variant is None else (notification.rule, notification.variant)


def _only_shown(made: Decision) -> Decision:
    """What a rule in shadow would have done."""
    if isinstance(made, Skip):
        return replace(made, held=None)
    if not isinstance(made, Notify):
        return made
    message = made.notification
    subject = message.words.subject if message.words else ""
    detail = f"would have gone over {message.channel} in {message.locale}" + (f": {subject}" if subject else "")
    return Skip(rule=made.rule, reason=Reason.SHADOW, detail=detail, slot=message.slot, template=message.template)


def _with_zone(detail: str, facts: Facts) -> str:
    name = unknown_zone(facts)
    return f"{detail} (unknown time zone {name!r}; the programme's was used)" if name else detail
