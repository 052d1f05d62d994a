"""Moving in: cards as another system leaves them, and what it has sent of their reminders already.

A card that nobody has told of before is planned here at once, and what comes of a date in a time zone is the same for
all of them: it is worked out once. A known card whose file says something new goes the way of any other event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from ..model import Card, Decision, Facts, Member, Notify, Reason, Snapshot, Timer, TimerState, Value
from ..ruleset import Ruleset
from ..ruleset.rule import BeforeTrigger, Mode, Offset, Rule
from .calendar import NEVER
from .merge import newest
from .reminders import Plan, nothing_to_remind, plan, plan_for

_SPENT = ("balance", "next_expiration_points")
_REMEMBERED = 5_000
"""Standings that are kept to be shared: a year of dates in a dozen zones."""
_FRESH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBefore:
    """A reminder that another system has sent for the date the file gives."""

    slot: str
    """Its offset, in days: ``30 days``."""
    rule: str | None = None
    """``None``: whichever rules have the offset."""
    at: datetime | None = None
    """When, where the file says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What a file says of a card."""

    snapshot: Snapshot
    sent: tuple[SentBefore, ...] = ()


class Idle(StrEnum):
    """Why a rule has nothing to remind a card of."""

    NO_DATE = "no_date"
    NEVER = "never"
    DATE_PAST = "date_past"
    NOTHING_AT_RISK = "nothing_at_risk"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """What a card's reminders come to. Equal only to itself, so that it can be counted."""

    timers: tuple[Timer, ...] = ()
    """As they are to be. Of a new card, perhaps with the names of another one that has the same date: only rule, slot,
    date, time, state and reason say something of this card."""
    idle: tuple[tuple[str, Idle], ...] = ()
    """The rules that have nothing to remind of, and why."""
    unknown: tuple[str, ...] = ()
    """What the file calls sent, and no rule has."""
    follow: bool = False
    """A known card's reminders must follow what the file says: an event has to go for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the cards and members that some arrivals name."""

    cards: Mapping[str, Card] = field(default_factory=dict)
    members: Mapping[str, Member] = field(default_factory=dict)
    """By id and by alias. Only facts that matter to moving in."""
    timers: Mapping[str, Mapping[tuple[str, str], Timer]] = field(default_factory=dict)
    """By card, of known cards."""


_Alike: TypeAlias = tuple[object, ...]


class Mover:
    """Merges arrivals with what is known and plans their reminders, as of ``now``.

    Offsets whose hour has passed are not armed unless told to ``catch_up``: the old system has seen to them, or has
    decided not to.
    """

    def __init__(self, ruleset: Ruleset, now: datetime, *, catch_up: bool = False) -> None:
        self.catch_up = catch_up
        self._ruleset = ruleset
        self._programme = ruleset.programme
        self._now = now
        self._rules = tuple(_reminders(ruleset, catch_up=catch_up))
        self._fields = tuple({trigger.card_field for _, trigger in self._rules})
        self._shared: dict[_Alike, Standing] = {}

    @property
    def rules(self) -> list[str]:
        """The names of the rules that remind."""
        return [rule.name for rule, _ in self._rules]

    def serves(self, ruleset: Ruleset, now: datetime, *, catch_up: bool) -> bool:
        """Whether it would still plan so under these rules, at a time not long after its own."""
        late = now - self._now
        return self._ruleset is ruleset and self.catch_up is catch_up and timedelta(0) <= late < _FRESH

    def merged(self, arrival: Arrival, known: Card | None) -> Card:
        """The card once the file is believed: field by field, where the file is newer."""
        said = arrival.snapshot
        return Card(id=said.id, facts=newest(known.facts if known else {}, said))

    def stand(self, arrival: Arrival, card: Card, known: Known) -> Standing:
        """What the reminders of ``card``, as merged, come to."""
        facts = Facts(member=known.members.get(card.member_id), card=card, timers=known.timers.get(card.id, {}))
        before = known.cards.get(card.id)
        if before is not None:
            return self._follow(arrival, facts, changed=before != card)
        if arrival.sent:
            return self._with_sent(arrival, facts)
        return self._alike(facts)

    def _alike(self, facts: Facts) -> Standing:
        """The standing of a new card: the same for all cards with the same date, zone and points left or not."""
        key = self._key(facts)
        found = self._shared.get(key)
        if found is None:
            if len(self._shared) == _REMEMBERED:
                self._shared.clear()
            found = self._shared[key] = self._planned(facts)
        return found

    def _key(self, facts: Facts) -> _Alike:
        card = facts.card
        if card is None:
            return ()
        dates = tuple(card.get(name) for name in self._fields)
        spent = any(card.knows(name) and not card.get(name) for name in _SPENT)
        return (dates, spent, card.get("active") is False, _zone(facts.member), card.get("timezone"))

    def _with_sent(self, arrival: Arrival, facts: Facts) -> Standing:
        sent, unknown = self._marked(arrival, facts)
        planned = self._planned(replace(facts, timers={**facts.timers, **sent}))
        replanned = {(timer.rule, timer.slot) for timer in planned.timers}
        kept = (timer for place, timer in sent.items() if place not in replanned)
        return replace(planned, timers=(*planned.timers, *kept), unknown=unknown)

    def _follow(self, arrival: Arrival, facts: Facts, *, changed: bool) -> Standing:
        """What of a known card has to be written here, and whether an event must see to the rest."""
        sent, unknown = self._marked(arrival, facts)
        fresh = {place: timer for place, timer in sent.items() if timer != facts.timers.get(place)}
        if not fresh and not changed:
            return Standing(unknown=unknown)
        after = replace(facts, timers={**facts.timers, **sent})
        decisions = list(self._decisions(after))
        waiting = any(timer.state is TimerState.FIRED for timer in after.timers.values())
        follow = any(_about_timer(made) for made in decisions) or (bool(decisions) and waiting)
        return Standing(timers=tuple(fresh.values()), idle=self._idle(facts), unknown=unknown, follow=follow)

    def _planned(self, facts: Facts) -> Standing:
        timers = (made.timer for made in self._decisions(facts) if not isinstance(made, Notify))
        return Standing(timers=tuple(timer for timer in timers if timer is not None), idle=self._idle(facts))

    def _decisions(self, facts: Facts) -> Iterator[Decision]:
        for rule, trigger in self._rules:
            yield from plan(rule, trigger, facts, self._programme, self._now)

    def _idle(self, facts: Facts) -> tuple[tuple[str, Idle], ...]:
        reasons = ((rule.name, self._why_idle(facts, trigger)) for rule, trigger in self._rules)
        return tuple((rule, reason) for rule, reason in reasons if reason is not None)

    def _why_idle(self, facts: Facts, trigger: BeforeTrigger) -> Idle | None:
        card = facts.card
        nothing = nothing_to_remind(card, trigger, self._programme, self._now) if card else None
        if card is None or nothing is None:
            return None
        reason, _ = nothing
        if reason is Reason.ABSENT:
            return Idle.NEVER if isinstance(card.get(trigger.card_field), date) else Idle.NO_DATE
        return Idle.DATE_PAST if reason is Reason.DATE_PAST else Idle.NOTHING_AT_RISK

    # --- what was sent before ---

    def _marked(self, arrival: Arrival, facts: Facts) -> tuple[dict[tuple[str, str], Timer], tuple[str, ...]]:
        """The timers that remember what was sent elsewhere, by place, and what of it no rule has."""
        marked: dict[tuple[str, str], Timer] = {}
        unknown = []
        for sent in arrival.sent:
            places = list(self._places(sent))
            if not places:
                unknown.append(f"{sent.rule}:{sent.slot}" if sent.rule else sent.slot)
            for rule, trigger, offset in places:
                timer = self._mark(sent, arrival.snapshot, Plans(rule, trigger, offset), facts)
                if timer is not None:
                    marked[rule.name, offset.text] = timer
        return marked, tuple(unknown)

    def _places(self, sent: SentBefore) -> Iterator[tuple[Rule, BeforeTrigger, Offset]]:
        for rule, trigger in self._rules:
            for offset in trigger.offsets:
                if offset.text == sent.slot and sent.rule in (None, rule.name):
                    yield rule, trigger, offset

    def _mark(self, sent: SentBefore, said: Snapshot, where: Plans, facts: Facts) -> Timer | None:
        """The timer as one whose message has been sent for the file's date; ``None`` where that changes nothing."""
        card, about = facts.card, said.fields.get(where.trigger.card_field)
        if card is None or not isinstance(about, date) or about >= NEVER:
            return None
        ahead = self._ahead(where, card, about, facts)
        due = ahead.due(where.offset)
        at = sent.at or min(due, said.as_of)
        known = facts.timers.get((where.rule.name, where.offset.text))
        if known is not None and known.sent_at is not None and known.sent_at >= at:
            return None
        if known is not None and known.about != about:
            # It runs ahead of another date by now: to be planned anew, knowing what was sent.
            return replace(known, state=_planned_anew(known), sent_at=at, sent_about=about)
        return Timer(
            rule=where.rule.name,
            subject=card.id,
            slot=where.offset.text,
            member_id=card.member_id,
            lane=card.holder_id,
            about=about,
            due_at=due,
            state=TimerState.FIRED,
            generation=known.generation + 1 if known else 1,
            sent_at=at,
            sent_about=about,
        )

    def _ahead(self, where: Plans, card: Card, about: date, facts: Facts) -> Plan:
        field_name = where.trigger.card_field
        told = {**card.facts, field_name: replace(card.facts[field_name], value=about)}
        then = replace(facts, card=replace(card, facts=told))
        return plan_for(where.rule, where.trigger, then, self._programme)


@dataclass(frozen=True, slots=True)
class Plans:
    """One offset of one rule."""

    rule: Rule
    trigger: BeforeTrigger
    offset: Offset


def _reminders(ruleset: Ruleset, *, catch_up: bool) -> Iterator[tuple[Rule, BeforeTrigger]]:
    for rule in ruleset.reminders:
        if isinstance(rule.on, BeforeTrigger) and rule.mode is not Mode.OFF:
            yield rule, rule.on if catch_up else replace(rule.on, grace=timedelta())


def _planned_anew(known: Timer) -> TimerState:
    return TimerState.CANCELLED if known.state is TimerState.ARMED else known.state


def _about_timer(made: Decision) -> bool:
    return not isinstance(made, Notify) and made.timer is not None


def _zone(member: Member | None) -> Value:
    return member.get("timezone") if member else None
