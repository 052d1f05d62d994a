"""The facts one rule or template is given: a view over the event, the member, the card and the calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import TypeAlias, TypeGuard

from ..model import SEGMENT, TIMER_DUE, Card, Event, Facts, Member, Value, values_of
from .declared import NONE_DECLARED, FieldTypes
from .kinds import FREE, NUMBER, fits
from .node import Items, Node, wrapped
from .schema import (
    CARD_FIELDS,
    COLLECTED,
    COUNTERS,
    EVENT_FIELDS,
    EVERY_EVENT,
    MEMBER_FIELDS,
    PROGRAMME_FIELDS,
    TIER_FIELDS,
    Fields,
)

View: TypeAlias = Mapping[str, object]
"""What names mean, for expressions (``view["card"]["balance"]``) and templates alike."""


def build_view(  # noqa: PLR0917 - the order is that of a sentence: what happened, to whom, where, when.
    event: Event,
    facts: Facts,
    programme: Mapping[str, Value],
    now: datetime,
    zone: tzinfo,
    extra: Mapping[str, object] | None = None,
    types: FieldTypes = NONE_DECLARED,
) -> View:
    """What is known at ``now`` (aware), with ``today`` in the member's ``zone``.

    A timer that came due is no event: ``event`` is missing from its view, and ``extra`` brings ``days_left`` and
    ``offset``. Mappings in ``extra`` (``brand``) become groups whose null fields are absent. ``types`` are the declared
    fields beside the neutral ones.
    """
    view: dict[str, object] = {
        "member": _member(facts.member, types),
        "card": _card(facts.card, types),
        "tier": Node(_tier(event, facts.member), "tier", TIER_FIELDS),
        "programme": Node(programme, "programme", PROGRAMME_FIELDS),
        "now": now.astimezone(UTC),
        "today": now.astimezone(zone).date(),
    }
    if event.name != TIMER_DUE:
        view["event"] = _event(event, types)
    view.update((name, _extra(name, value)) for name, value in (extra or {}).items())
    return MappingProxyType(view)


def told_together(events: Sequence[Event], types: FieldTypes = NONE_DECLARED) -> Mapping[str, object]:
    """``events`` and ``collected``, for ``extra``: what a rule that collects tells of; at least one event."""
    times = [event.occurred_at for event in events]
    points = sum(found for event in events if _is_number(found := event.facts.get("points")))
    sums: dict[str, Value] = {"count": len(events), "first_at": min(times), "last_at": max(times), "points": points}
    collected = Node(sums, "collected", {**COLLECTED, "points": NUMBER})
    return {"events": Items(_event(event, types) for event in events), "collected": collected}


def _event(event: Event, types: FieldTypes) -> Node:
    values = {**event.facts, "name": event.name, "source": event.source, "occurred_at": event.occurred_at}
    return _group("event", values, EVENT_FIELDS.get(event.name, EVERY_EVENT), types)


def _group(name: str, values: Mapping[str, Value], fields: Fields, types: FieldTypes) -> Node:
    return Node(types.values(name, values), name, types.fields(name, fields))


def _member(member: Member | None, types: FieldTypes) -> Node:
    if member is None:
        return _group("member", {}, MEMBER_FIELDS, types)
    values = values_of(member.facts)
    segments: list[Value] = [name.removeprefix(SEGMENT) for name in sorted(values) if _is_in(name, values)]
    return _group("member", {**values, "id": member.id, "segments": segments}, MEMBER_FIELDS, types)


def _is_in(name: str, values: Mapping[str, Value]) -> bool:
    return name.startswith(SEGMENT) and values[name] is True


def _card(card: Card | None, types: FieldTypes) -> Node:
    """A card that is not known at all has no counters either: reading one is an error, not a 0."""
    if card is None:
        return _group("card", {}, CARD_FIELDS, types)
    values = values_of(card.facts)
    values.update((name, 0) for name in COUNTERS if not fits(values.get(name), NUMBER))
    values["expiring_points"] = expiring_points(card)
    return _group("card", {**values, "id": card.id, "holder_id": card.holder_id}, CARD_FIELDS, types)


def expiring_points(card: Card) -> float:
    """How many points are at risk on ``next_expiration_date``: never more than the balance, 0 while either is unknown.

    Producers do report more points to expire than there are on the card (Voucherify, ``next_expiration_points``).
    """
    announced, balance = card.get("next_expiration_points"), card.get("balance")
    if _is_number(announced) and _is_number(balance):
        return max(0, min(announced, balance))
    return 0


def _is_number(value: Value) -> TypeGuard[float]:
    return fits(value, NUMBER)


def _tier(event: Event, member: Member | None) -> Mapping[str, Value]:
    """The tier an event is about, else the one the member is known to be in."""
    if event.name.startswith("tier_"):
        return {"id": event.facts.get("tier_id"), "name": event.facts.get("tier")}
    known = member.get("tier") if member else None
    return known if isinstance(known, dict) else {}


def _extra(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return Node(value, name, dict.fromkeys(value, FREE))
    return wrapped(value, name)
