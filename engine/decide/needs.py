"""What a batch of events needs to have read from the store before it can be decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..model import Event
from ..ruleset import Ruleset


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
    """Rules of which it matters when they last reached a member."""
    expected: frozenset[str] = frozenset()
    """Rules of which it matters what a member is about to get."""
    gathering: frozenset[str] = frozenset()
    """Rules of which it matters whether they have taken up a happening."""
    caps: frozenset[str] = frozenset()
    """Caps of which it matters how many messages a member has had under them."""
    waits: bool = False
    """Whether anything may wait for a member of whom no card is known."""

    @staticmethod
    def of(events: Iterable[Event], ruleset: Ruleset | None = None) -> Needs:
        """The needs of these events, and of the rules that decide them."""
        seen = list(events)
        needs = Needs(
            members=frozenset(name for event in seen for name in _people(event)),
            cards=frozenset(card for event in seen for card in _cards(event)),
            happenings=frozenset(event.happening for event in seen if event.happening),
            erased=frozenset(event.member.id for event in seen if event.erases and event.member),
            all_cards=frozenset(member for event in seen if (member := wants_all_cards(event)) is not None),
        )
        return needs if ruleset is None else needs.under(ruleset, seen)

    def under(self, ruleset: Ruleset, events: Iterable[Event]) -> Needs:
        """These, and what the rules ask beside."""
        gathering, told = ruleset.gathering, [event for event in events if event.due is None]
        return replace(
            self,
            happenings=self.happenings | {taken_up(rule, event) for rule in gathering for event in told},
            rules=ruleset.looking_back | ruleset.suppressing,
            expected=ruleset.suppressing,
            gathering=gathering,
            caps=ruleset.capped,
            waits=ruleset.waiting,
        )

    @staticmethod
    def of_cards(owners: Mapping[str, str]) -> Needs:
        """The needs of these cards, given with the member who is told about each."""
        nothing: frozenset[str] = frozenset()
        return Needs(members=frozenset(owners.values()), cards=frozenset(owners), happenings=nothing, erased=nothing)


def tells_zone(event: Event) -> bool:
    """Whether the event says where its member lives."""
    return event.member is not None and "timezone" in event.member.fields


def wants_all_cards(event: Event) -> str | None:
    """The member whose cards must all be seen, if any."""
    if event.due is not None:
        return event.due.member_id if card_id_of(event) is None else None
    if event.member is None:
        return None
    return event.member.id if tells_zone(event) or (card_id_of(event) is None and not event.erases) else None


def taken_up(rule: str, event: Event) -> str:
    """The happening by which a rule that gathers knows whether it has taken up an event."""
    return f"{rule} took up {event.happening or f'{event.source}:{event.key}'}"


def _people(event: Event) -> Iterable[str]:
    if event.member is not None:
        yield event.member.id
        yield from event.member.aliases
    if event.holder_id is not None:
        yield event.holder_id
    if event.due is not None:
        yield event.due.member_id


def _cards(event: Event) -> Iterable[str]:
    card = card_id_of(event)
    if card is not None:
        yield card


def card_id_of(event: Event) -> str | None:
    """The card the event is about, if it names one."""
    if event.due is not None:
        return event.due.waits[-1].card_id if event.due.waits else event.due.subject
    return event.card.id if event.card else event.card_id
