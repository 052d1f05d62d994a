"""The working copy of what is known, for a batch of events.

Read from the store once, carried from event to event, written back once: the second event of a batch sees what the
first one changed. Nothing here touches the store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..model import Card, Decision, Event, Facts, Member, Notify, Snapshot, Timer, TimerState
from .merge import ERASED, merge
from .needs import Needs, card_id_of, taken_up, tells_zone, wants_all_cards

__all__ = ["Book", "Changes", "Needs"]

LAST_ACTIVITY = "last_activity"
"""The fact of a card with which a file says when it was last used."""


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
    gathering: frozenset[str] = frozenset()
    """The rules that gather happenings."""
    suppressing: frozenset[str] = frozenset()
    """The rules that suppress others."""
    expected: dict[str, dict[tuple[str, str, str], Timer]] = field(default_factory=dict)
    """By member, the armed timers of those."""
    counted: dict[str, dict[str, tuple[datetime, ...]]] = field(default_factory=dict)
    """By member and cap, when they got something that counts under it."""
    waiting: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Of what waits, the generation of its timer when it was read."""
    _owned: defaultdict[str, set[str]] | None = field(default=None, init=False, repr=False, compare=False)
    """The ids of cards by the member who is told about them, once somebody has asked."""

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
            held=frozenset((rule, slot) for rule, subject, slot in self.held if subject == card_id_of(event)),
            gathered=frozenset(rule for rule in self.gathering if taken_up(rule, event) in self.happenings),
        )
        after = merge(before, event)
        known = after if after.member is not None or event.holder_id is None else self._for_holder(after, event)
        return known if known.member is None else self._with_history(known, known.member.id)

    def _with_history(self, known: Facts, member_id: str) -> Facts:
        """The facts with what the member has said, and when they were reached."""
        consents, reached = self.consents.get(member_id), self.reached.get(member_id)
        expected, counted = self.expected.get(member_id), self.counted.get(member_id)
        if not consents and not reached and not expected and not counted:
            return known
        soon = tuple(expected.values()) if expected else ()
        known = replace(known, consents=consents or {}, reached=dict(reached or {}), expected=soon)
        return replace(known, counted=dict(counted)) if counted else known

    def standing(self, card: Card) -> Facts:
        """What is known of a card and the member who is told about it, without any event."""
        member = self.members.get(card.member_id) or self.members.get(self.aliases.get(card.member_id, ""))
        return Facts(member=member, card=card, timers=dict(self.timers.get(card.id, {})))

    def other_cards(self, event: Event, member: Member | None) -> Iterable[Facts]:
        """The member's cards beside the event's own, where the event tells the member's time zone.

        Reminders go out at the member's hour, so these cards' plans may have to follow.
        """
        if event.member is None or event.erases or not tells_zone(event):
            return
        for card in self._cards_of(event.member.id):
            if card.id != (event.card.id if event.card else None):
                yield replace(self.standing(card), member=member)

    def note(self, event: Event, seq: int, facts: Facts, decisions: Iterable[Decision]) -> None:
        """Carry over what this event has changed."""
        self._note_member(event, facts.member)
        card = facts.card
        if card is not None and event.card is not None and card != self.cards.get(card.id):
            self._enter((card,))
        under: dict[tuple[str, str, str], datetime] = {}
        for decision in decisions:
            if isinstance(decision, Notify):
                message = decision.notification
                self.reached.setdefault(message.member_id, {})[message.rule] = message.created_at
                if message.cap is not None:
                    under[message.member_id, message.cap, message.rule] = message.created_at
            elif decision.timer is not None:
                self._note_timer(decision.timer)
                if decision.timer.waits and decision.rule in self.gathering and event.due is None:
                    self._note_happening(taken_up(decision.rule, event), event, seq)
        for (member_id, cap, _), at in under.items():
            self._count(member_id, cap, at)
        if event.happening is not None:
            self._note_happening(event.happening, event, seq)

    def _count(self, member_id: str, cap: str, at: datetime) -> None:
        """Count what a rule tells under its cap. The member's record guards the count: nobody counts beside us."""
        counted = self.counted.setdefault(member_id, {})
        counted[cap] = (*counted.get(cap, ()), at)
        if member_id in self.members:
            self.changed_members.add(member_id)

    def _note_happening(self, key: str, event: Event, seq: int) -> None:
        if key not in self.happenings:
            self.happenings[key] = (seq, f"delivery {event.key} from {event.source}")
            self.new_happenings[key] = seq

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
        self._enter(changes.cards)
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

    def _enter(self, cards: Iterable[Card]) -> None:
        """Note changed cards. One that has changed hands stays listed under its former owner, who is asked again."""
        for card in cards:
            self.cards[card.id] = card
            self.changed_cards.add(card.id)
            if self._owned is not None:
                self._owned[card.member_id].add(card.id)

    def _cards_of(self, member_id: str) -> Iterator[Card]:
        """The member's cards, in the order of their ids."""
        if self._owned is None:
            self._owned = defaultdict(set)
            for card in self.cards.values():
                self._owned[card.member_id].add(card.id)
        for id_ in sorted(self._owned.get(member_id, ())):
            if self.cards[id_].member_id == member_id:
                yield self.cards[id_]

    def _note_timer(self, timer: Timer) -> None:
        self.timers.setdefault(timer.subject, {})[timer.rule, timer.slot] = timer
        self.changed_timers[timer.rule, timer.subject, timer.slot] = timer
        self.expect(timer)

    def expect(self, timer: Timer) -> None:
        """Bear in mind that a rule which suppresses others is about to tell a member something, or is not any more."""
        if timer.rule not in self.suppressing:
            return
        place = timer.rule, timer.subject, timer.slot
        if timer.state is TimerState.ARMED:
            self.expected.setdefault(timer.member_id, {})[place] = timer
        else:
            self.expected.get(timer.member_id, {}).pop(place, None)

    def _member(self, event: Event) -> Member | None:
        name = event.member.id if event.member else event.holder_id
        if event.due is not None and event.due.waits:
            name = event.due.member_id
        elif event.due is not None:
            # Cards change hands: whoever is told about the card today is told.
            card = self.cards.get(event.due.subject)
            name = card.member_id if card else event.due.member_id
        if name is None:
            return None
        return self.members.get(name) or self.members.get(self.aliases.get(name, ""))

    def _card(self, event: Event) -> Card | None:
        """The event's card; where it names none, the one the member used last."""
        named, member = card_id_of(event), wants_all_cards(event)
        if named is not None or member is None:
            return self.cards.get(named or "")
        own = [card for card in self._cards_of(member) if card.facts]
        return max(own, key=lambda card: (_last_used(card), card.id), default=None)

    def _for_holder(self, facts: Facts, event: Event) -> Facts:
        """An event that names only the holder is told to the holder, known or not."""
        return replace(facts, member=Member(id=event.holder_id or ""))

    def _timers(self, event: Event) -> dict[tuple[str, str], Timer]:
        if not event.erases or event.member is None:
            about = card_id_of(event) or (event.member.id if event.member else event.holder_id)
            return dict(self.timers.get(about or "", {}))
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
