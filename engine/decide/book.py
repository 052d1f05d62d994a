"""The working copy of what is known, for a batch of events.

Read from the store once, carried from event to event, written back once: the second event of a batch sees what the
first one changed. Nothing here touches the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..model import Card, Decision, Event, Facts, Member, Notify, Snapshot, Timer
from .merge import ERASED, merge

LAST_ACTIVITY = "last_activity"
"""The fact of a card with which a file says when it was last used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Which records a batch of events may touch."""

    members: frozenset[str]
    """Ids and aliases."""
    cards: frozenset[str]
    happenings: frozenset[str]
    erased: frozenset[str]
    """Members whose timers must all be seen, because they are about to be cancelled."""
    all_cards: frozenset[str] = frozenset()
    """Members whose cards must all be seen: their time zone may have changed, or the event names no card."""
    rules: frozenset[str] = frozenset()
    """Rules that ask when they last reached a member."""

    @staticmethod
    def of(events: Iterable[Event], rules: frozenset[str] = frozenset()) -> Needs:
        """The needs of these events, and of the rules that look back."""
        seen = list(events)
        return Needs(
            members=frozenset(name for event in seen for name in _people(event)),
            cards=frozenset(card for event in seen for card in _cards(event)),
            happenings=frozenset(event.happening for event in seen if event.happening),
            erased=frozenset(event.member.id for event in seen if event.erases and event.member),
            all_cards=frozenset(event.member.id for event in seen if _needs_all_cards(event) and event.member),
            rules=rules,
        )

    @staticmethod
    def of_cards(owners: Mapping[str, str]) -> Needs:
        """The needs of these cards, given with the member who is told about each."""
        nothing: frozenset[str] = frozenset()
        return Needs(members=frozenset(owners.values()), cards=frozenset(owners), happenings=nothing, erased=nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a batch of events changed in a book."""

    members: tuple[Member, ...]
    cards: tuple[Card, ...]
    timers: tuple[Timer, ...]
    happenings: Mapping[str, int]


@dataclass(slots=True, kw_only=True)
class Book:
    """Members, cards, timers and happenings, with the versions under which they were read."""

    members: dict[str, Member] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    timers: dict[str, dict[tuple[str, str], Timer]] = field(default_factory=dict)
    happenings: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Happening -> the place and name of the delivery that reported it first."""
    member_versions: Mapping[str, int] = field(default_factory=dict)
    card_versions: Mapping[str, int] = field(default_factory=dict)
    changed_members: set[str] = field(default_factory=set)
    changed_cards: set[str] = field(default_factory=set)
    changed_timers: dict[tuple[str, str, str], Timer] = field(default_factory=dict)
    new_happenings: dict[str, int] = field(default_factory=dict)
    held: frozenset[tuple[str, str, str]] = frozenset()
    """(rule, subject, slot) of timers whose message waits for its template to be mended."""
    consents: dict[str, dict[str, bool]] = field(default_factory=dict)
    """What members have said about categories."""
    reached: dict[str, dict[str, datetime]] = field(default_factory=dict)
    """When members last got a message of a rule that asks for it."""

    def addressed(self, event: Event) -> Event:
        """The event with its member under the id by which it is known here."""
        snapshot = event.member
        if snapshot is None:
            return event
        known = self.member_id(snapshot)
        if known == snapshot.id:
            return event
        aliases = (snapshot.id, *(alias for alias in snapshot.aliases if alias != known))
        return replace(event, member=replace(snapshot, id=known, aliases=aliases))

    def member_id(self, snapshot: Snapshot) -> str:
        """The id of the member the snapshot is about: its own, or the one that carries it as an alias."""
        for name in (snapshot.id, *snapshot.aliases):
            if name in self.members:
                return name
            if name in self.aliases:
                return self.aliases[name]
        return snapshot.id

    def facts_for(self, event: Event, seq: int) -> Facts:
        """What is known for this event, the event itself included."""
        before = Facts(
            member=self._member(event),
            card=self._card(event),
            timers=self._timers(event),
            duplicate_of=self._duplicate_of(event, seq),
            held=frozenset((rule, slot) for rule, subject, slot in self.held if subject == _card_id(event)),
        )
        after = merge(before, event)
        known = after if after.member is not None or event.holder_id is None else self._for_holder(after, event)
        return known if known.member is None else self._with_history(known, known.member.id)

    def _with_history(self, known: Facts, member_id: str) -> Facts:
        """The facts with what the member has said, and when they were reached."""
        consents, reached = self.consents.get(member_id), self.reached.get(member_id)
        if not consents and not reached:
            return known
        return replace(known, consents=consents or {}, reached=dict(reached or {}))

    def standing(self, card: Card) -> Facts:
        """What is known of a card and the member who is told about it, without any event."""
        member = self.members.get(card.member_id) or self.members.get(self.aliases.get(card.member_id, ""))
        return Facts(member=member, card=card, timers=dict(self.timers.get(card.id, {})))

    def other_cards(self, event: Event, member: Member | None) -> Iterable[Facts]:
        """The member's cards beside the event's own, where the event tells the member's time zone.

        Reminders go out at the member's hour, so these cards' plans may have to follow.
        """
        if event.member is None or event.erases or not _tells_zone(event):
            return
        for card in sorted(self.cards.values(), key=lambda card: card.id):
            if card.member_id == event.member.id and card.id != (event.card.id if event.card else None):
                yield replace(self.standing(card), member=member)

    def note(self, event: Event, seq: int, facts: Facts, decisions: Iterable[Decision]) -> None:
        """Carry over what this event has changed."""
        self._note_member(event, facts.member)
        card = facts.card
        if card is not None and event.card is not None and card != self.cards.get(card.id):
            self.cards[card.id] = card
            self.changed_cards.add(card.id)
        for decision in decisions:
            if isinstance(decision, Notify):
                message = decision.notification
                self.reached.setdefault(message.member_id, {})[message.rule] = message.created_at
            elif decision.timer is not None:
                self._note_timer(decision.timer)
        if event.happening is not None and event.happening not in self.happenings:
            self.happenings[event.happening] = (seq, f"delivery {event.key} from {event.source}")
            self.new_happenings[event.happening] = seq

    def changes(self) -> Changes:
        """What has changed since it was read."""
        return Changes(
            members=tuple(self.members[id_] for id_ in sorted(self.changed_members)),
            cards=tuple(self.cards[id_] for id_ in sorted(self.changed_cards)),
            timers=tuple(self.changed_timers.values()),
            happenings=self.new_happenings,
        )

    def take(self, changes: Changes) -> None:
        """Enter what was changed in a copy of this book, to be written back."""
        self.members.update((member.id, member) for member in changes.members)
        self.changed_members.update(member.id for member in changes.members)
        self.cards.update((card.id, card) for card in changes.cards)
        self.changed_cards.update(card.id for card in changes.cards)
        for timer in changes.timers:
            self._note_timer(timer)
        self.new_happenings.update(changes.happenings)

    def _note_member(self, event: Event, member: Member | None) -> None:
        if member is None or event.member is None or member == self.members.get(member.id):
            return
        self.know(member)

    def know(self, member: Member) -> None:
        """Take a member's record over. An alias that somebody else carries stays theirs: nobody is merged by guess."""
        if ERASED in member.facts:
            self.aliases = {alias: owner for alias, owner in self.aliases.items() if owner != member.id}
        own = frozenset(alias for alias in member.aliases if self.aliases.setdefault(alias, member.id) == member.id)
        self.members[member.id] = replace(member, aliases=own)
        self.changed_members.add(member.id)

    def _note_timer(self, timer: Timer) -> None:
        self.timers.setdefault(timer.subject, {})[timer.rule, timer.slot] = timer
        self.changed_timers[timer.rule, timer.subject, timer.slot] = timer

    def _member(self, event: Event) -> Member | None:
        name = event.member.id if event.member else event.holder_id
        if event.due is not None:
            # Cards change hands: whoever is told about the card today is told.
            card = self.cards.get(event.due.subject)
            name = card.member_id if card else event.due.member_id
        if name is None:
            return None
        return self.members.get(name) or self.members.get(self.aliases.get(name, ""))

    def _card(self, event: Event) -> Card | None:
        """The event's card; where it names none, the one the member used last."""
        named = _card_id(event)
        if named is not None or event.member is None:
            return self.cards.get(named or "")
        own = [card for card in self.cards.values() if card.member_id == event.member.id and card.facts]
        return max(own, key=lambda card: (_last_used(card), card.id), default=None)

    def _for_holder(self, facts: Facts, event: Event) -> Facts:
        """An event that names only the holder is told to the holder, known or not."""
        return replace(facts, member=Member(id=event.holder_id or ""))

    def _timers(self, event: Event) -> dict[tuple[str, str], Timer]:
        if not event.erases or event.member is None:
            return dict(self.timers.get(_card_id(event) or "", {}))
        # Every card of the member: the subject keeps the slots of two cards apart.
        return {
            (timer.rule, f"{timer.subject} {timer.slot}"): timer
            for timers in self.timers.values()
            for timer in timers.values()
            if timer.member_id == event.member.id
        }

    def _duplicate_of(self, event: Event, seq: int) -> str | None:
        first = self.happenings.get(event.happening or "")
        return None if first is None or first[0] == seq else first[1]


def _last_used(card: Card) -> datetime:
    """When something was last told of a card; of one that came in from a file, what the file says of its last use."""
    told = max(fact.as_of for fact in card.facts.values())
    said = card.facts.get(LAST_ACTIVITY)
    return said.value if said is not None and said.as_of >= told and isinstance(said.value, datetime) else told


def _tells_zone(event: Event) -> bool:
    return event.member is not None and "timezone" in event.member.fields


def _needs_all_cards(event: Event) -> bool:
    return _tells_zone(event) or (_card_id(event) is None and not event.erases)


def _people(event: Event) -> Iterable[str]:
    if event.member is not None:
        yield event.member.id
        yield from event.member.aliases
    if event.holder_id is not None:
        yield event.holder_id
    if event.due is not None:
        yield event.due.member_id


def _cards(event: Event) -> Iterable[str]:
    card = _card_id(event)
    if card is not None:
        yield card


def _card_id(event: Event) -> str | None:
    if event.due is not None:
        return event.due.subject
    return event.card.id if event.card else event.card_id
