"""Why a rule would send or not: its decision on some facts, and everything it looks at on the way, in order.

The decision is that of ``decide``; what is looked at is found by the functions that decide, one after the other, all of
them, also where an earlier one has decided already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from ..decide import address_of, decide
from ..decide.calendar import zone_of
from ..decide.eligible import named, no_consent, outside, share, with_lets
from ..decide.waiting import last_of, told_of
from ..decide.words import Case, view_of
from ..language import Condition, EvaluationError, View
from ..language.problem import DataPath
from ..language.trace import trace
from ..model import Decision, Member, Value
from ..ruleset import Ruleset
from ..ruleset.audiences import Audience, Crowd
from ..ruleset.category import Consent
from ..ruleset.places import Places
from ..ruleset.rule import BeforeTrigger, EventTrigger, Mode, Rule, Send
from .leaves import BROKEN, FAILED, HELD, UNASKED
from .preview import Trial

Place: TypeAlias = Callable[[DataPath], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One thing a rule looks at."""

    part: str
    """``valid``, ``audience``, ``exclude``, ``let``, ``if``, ``holdout``, ``send``, ``consent`` or ``address``."""
    sign: str
    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One rule on one event."""

    rule: Rule
    decisions: tuple[Decision, ...]
    looks: tuple[Look, ...]


def explain(trial: Trial, ruleset: Ruleset, only: str | None = None) -> list[Explanation]:
    """Every rule that listens, in the order of the ruleset; ``only``: the one of this name."""
    places = Places(ruleset)
    made = decide(trial.event, trial.facts, ruleset, trial.now)
    return [
        Explanation(
            rule=rule,
            decisions=tuple(one for one in made if one.rule == rule.name),
            looks=tuple(_looks(rule, trial, ruleset, places)),
        )
        for rule in listening(trial, ruleset)
        if only is None or rule.name == only
    ]


def listening(trial: Trial, ruleset: Ruleset) -> list[Rule]:
    """The rules that are asked about the event: those that listen to it, and the reminders of its card."""
    event = trial.event
    if event.due is not None:
        return [rule for rule in ruleset.rules if rule.name == event.due.rule]
    heard = {rule.name for rule in ruleset.listening(event)}
    about_card = event.card is not None
    return [rule for rule in ruleset.rules if rule.name in heard or (about_card and isinstance(rule.on, BeforeTrigger))]


def _looks(rule: Rule, trial: Trial, ruleset: Ruleset, places: Places) -> Iterator[Look]:
    member = trial.facts.member
    if isinstance(rule.on, BeforeTrigger) and trial.event.due is None:
        note = "asked when a reminder is due, on the facts of that day"
        yield Look(part="if", sign=UNASKED, text="its conditions", note=note)
        return
    if member is None:
        yield Look(part="member", sign=FAILED, text="a member", note="the event names none that is known")
        return
    asked = Case(event=trial.event, facts=trial.facts, ruleset=ruleset, now=trial.now)
    case, beside = last_of(asked), {**_of_reminder(rule, trial, ruleset), **told_of(rule, asked)}
    try:
        view = with_lets(rule, view_of(case, beside))
    except EvaluationError as error:
        yield Look(part="let", sign=BROKEN, text=str(error), place=places.of_rule(rule, "let"))
        return
    yield from _whom(rule, view, places)
    yield from _leaves(rule.condition, "if", view, lambda path: places.of_rule(rule, "if", *path))
    if rule.holdout:
        out = share("holdout", rule.name, member.id) < rule.holdout
        note = "one of those who get nothing, for comparison" if out else ""
        yield Look(part="holdout", sign=FAILED if out else HELD, text=f"holdout {rule.holdout:.4g}", note=note)
    for number, send in enumerate(rule.sends):
        yield from _send(rule, number, send, trial, ruleset, view=view, places=places)


def _of_reminder(rule: Rule, trial: Trial, ruleset: Ruleset) -> dict[str, object]:
    """What a rule knows of the reminder that is due."""
    due = trial.event.due
    today = trial.now.astimezone(zone_of(trial.facts, ruleset.programme)).date()
    if due is None or not isinstance(rule.on, BeforeTrigger):
        return {}
    days = next((offset.days for offset in rule.on.offsets if offset.text == due.slot), 0)
    return {"days_left": (due.about - today).days, "offset": timedelta(days=days)}


def _whom(rule: Rule, view: View, places: Places) -> Iterator[Look]:
    if rule.mode is not Mode.LIVE:
        sign = FAILED if rule.mode is Mode.OFF else HELD
        yield Look(part="mode", sign=sign, text=f"mode {rule.mode}", place=places.of_rule(rule, "mode"))
    today = view["today"]
    for name, day in (("valid_from", rule.valid_from), ("valid_until", rule.valid_until)):
        if day is not None:
            holds = day <= today if name == "valid_from" else today <= day  # type: ignore[operator]  # A date.
            sign = HELD if holds else FAILED
            place = places.of_rule(rule, name)
            yield Look(part="valid", sign=sign, text=f"{name} {day}", note=f"today {today}", place=place)
    if rule.audience is not None:
        yield from _crowd(rule.audience, "audience", view, places)
    if rule.exclude is not None:
        yield from _crowd(rule.exclude, "exclude", view, places)


def _crowd(crowd: Audience | Crowd, part: str, view: View, places: Places) -> Iterator[Look]:
    try:
        inside = outside(crowd, view) is None
        sign = HELD if inside is (part == "audience") else FAILED
        yield Look(part=part, sign=sign, text=f"{part} {named(crowd)}", note="in it" if inside else "not in it")
    except EvaluationError as error:
        yield Look(part=part, sign=BROKEN, text=f"{part} {named(crowd)}", note=str(error))
    for audience in _each(crowd):
        about = f"{part} {audience.name}".strip()
        yield from _leaves(audience.condition, about, view, _in_audience(places, audience))


def _in_audience(places: Places, audience: Audience) -> Place:
    return lambda path: places.of_audience(audience, path)


def _each(crowd: Audience | Crowd) -> Iterator[Audience]:
    if isinstance(crowd, Audience):
        yield crowd
    else:
        for member in crowd.members:
            yield from _each(member)


def _leaves(condition: Condition | None, part: str, view: View, place: Place) -> Iterator[Look]:
    if condition is None:
        return
    for leaf in trace(condition, view).leaves:
        sign = UNASKED if not leaf.asked else BROKEN if leaf.holds is None else HELD if leaf.holds else FAILED
        note = leaf.error if leaf.asked else "not asked: it was decided before"
        yield Look(part=part, sign=sign, text=leaf.text, values=leaf.values, note=note, place=place(leaf.path))


def _send(
    rule: Rule, number: int, send: Send, trial: Trial, ruleset: Ruleset, *, view: View, places: Places
) -> Iterator[Look]:
    part = f"send {send.template}"
    yield from _leaves(send.condition, part, view, lambda path: places.of_send(rule, number, path))
    member = trial.facts.member
    if member is None:
        return
    if number == 0 and rule.category is not None:
        yield _consent(rule, trial, member)
    yield from (_way(part, channel, member, ruleset) for channel in send.channels)


def _consent(rule: Rule, trial: Trial, member: Member) -> Look:
    category = rule.category
    name = category.name if category is not None else ""
    words = {True: "said yes", False: "said no", None: "has not said anything"}
    said = words[trial.facts.consents.get(name)]
    needs = category.consent if category is not None else Consent.OPT_OUT
    sign = HELD if no_consent(category, member, trial.facts) is None else FAILED
    return Look(part="consent", sign=sign, text=f"category {name}, {needs}", note=said)


def _way(part: str, channel: str, member: Member, ruleset: Ruleset) -> Look:
    address_field = ruleset.programme.channels[channel]
    address, why = address_of(member, address_field)
    values = {f"member.{address_field}": address} if address is not None else {}
    return Look(part=part, sign=FAILED if address is None else HELD, text=f"{channel} address", values=values, note=why)


def listens_to(rule: Rule) -> str:
    """What a rule listens to, in words."""
    if isinstance(rule.on, EventTrigger):
        return ", ".join(sorted(rule.on.names))
    return f"the date in {rule.on.field}"
