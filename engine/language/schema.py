"""Which facts there are: the neutral vocabulary that producers are read into and that rules and templates use.

A field is *always there* or *may be absent* (``maybe``). Counters of a card are always there: unknown ones read as 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ..model import EVENT_NAMES
from .kinds import DATE, DAYS, NUMBER, OBJECT, TEXT, TIME, WHOLE, YES_NO, Type, list_of, maybe

Fields: TypeAlias = Mapping[str, Type]

EVERY_EVENT: Fields = {"name": TEXT, "source": TEXT, "occurred_at": TIME}
"""What every event has, even one whose name is unknown."""

_ORDER: Fields = {"order_id": maybe(TEXT), "order_amount": maybe(NUMBER)}
"""``order_amount`` is in major units of the programme's currency."""

_POINTS: Fields = {
    "points": NUMBER,
    "balance": maybe(NUMBER),
    "reason": maybe(TEXT),
    "transaction_id": maybe(TEXT),
    "campaign": maybe(TEXT),
    **_ORDER,
}
"""``points`` is how many were moved, never negative; ``balance`` is the card's after the happening."""

_TRANSFER: Fields = {**_POINTS, "direction": Type(kind=TEXT.kind, one_of=("in", "out"))}

_PENDING: Fields = {
    "points": NUMBER,
    "pending_points_id": maybe(TEXT),
    "activates_on": maybe(DATE),
    "change": maybe(NUMBER),
    "campaign": maybe(TEXT),
    "transaction_id": maybe(TEXT),
    **_ORDER,
}
"""``change`` is the signed difference this event made to the pending points."""

_TIER: Fields = {
    "tier": TEXT,
    "tier_id": TEXT,
    "previous_tier": maybe(TEXT),
    "previous_tier_id": maybe(TEXT),
    "campaign": maybe(TEXT),
}

_SEGMENT: Fields = {"segment": TEXT, "segment_id": maybe(TEXT)}

_CAMPAIGN: Fields = {"campaign": maybe(TEXT)}

_OWN_FIELDS: Mapping[str, Fields] = {
    "points_added": _POINTS,
    "points_earned": _POINTS,
    "points_redeemed": _POINTS,
    "points_expired": {**_POINTS, "expired_on": maybe(DATE)},
    "points_refunded": _POINTS,
    "points_transferred": _TRANSFER,
    "points_removed": _POINTS,
    "points_expiring": {"points": maybe(NUMBER), "expires_on": maybe(DATE)},
    "card_updated": _CAMPAIGN,
    "pending_points_added": _PENDING,
    "pending_points_updated": _PENDING,
    "pending_points_activated": {**_PENDING, "balance": maybe(NUMBER)},
    "pending_points_canceled": _PENDING,
    "tier_joined": _TIER,
    "tier_upgraded": _TIER,
    "tier_downgraded": _TIER,
    "tier_prolonged": _TIER,
    "tier_left": _TIER,
    "reward_redeemed": {"reward": maybe(TEXT), "points": maybe(NUMBER), "campaign": maybe(TEXT)},
    "card_published": _CAMPAIGN,
    "card_disabled": _CAMPAIGN,
    "order_paid": _ORDER,
    "segment_entered": _SEGMENT,
    "segment_left": _SEGMENT,
    "member_created": _CAMPAIGN,
    "member_updated": _CAMPAIGN,
    "member_deleted": _CAMPAIGN,
    "custom": {"custom_name": TEXT, "data": OBJECT},
}

EVENT_FIELDS: Mapping[str, Fields] = {name: {**EVERY_EVENT, **_OWN_FIELDS[name]} for name in EVENT_NAMES}
"""``event.*`` of each neutral event."""

MEMBER_FIELDS: Fields = {
    "id": TEXT,
    "name": maybe(TEXT),
    "first_name": maybe(TEXT),
    "last_name": maybe(TEXT),
    "email": maybe(TEXT),
    "phone": maybe(TEXT),
    "locale": maybe(TEXT),
    "timezone": maybe(TEXT),
    "source_id": maybe(TEXT),
    "birthdate": maybe(DATE),
    "segments": list_of(TEXT),
    "metadata": OBJECT,
}

COUNTERS: tuple[str, ...] = (
    "balance",
    "points",
    "pending_points",
    "expired_points",
    "subtracted_points",
    "redeemed_points",
    "next_expiration_points",
)
"""Fields of a card that read as 0 when they are unknown."""

CARD_FIELDS: Fields = {
    "id": TEXT,
    "holder_id": TEXT,
    **dict.fromkeys(COUNTERS, NUMBER),
    "expiring_points": NUMBER,
    "next_expiration_date": maybe(DATE),
    "code": maybe(TEXT),
    "campaign": maybe(TEXT),
    "campaign_id": maybe(TEXT),
    "timezone": maybe(TEXT),
    "active": maybe(YES_NO),
    "metadata": OBJECT,
}

TIER_FIELDS: Fields = {"id": maybe(TEXT), "name": maybe(TEXT)}
"""Of a member, any time. In tier events they are always there: see ``Scope.for_events``."""

PROGRAMME_FIELDS: Fields = {"name": TEXT, "timezone": TEXT, "locale": TEXT, "currency": maybe(TEXT)}

CALENDAR: Fields = {"today": DATE, "now": TIME}
"""``today`` is the member's calendar day, ``now`` an instant in UTC."""

REMINDER: Fields = {"days_left": WHOLE, "offset": DAYS}
"""Calendar days until the date a reminder is about, and the offset as written in the rule. Inside reminders only."""

COLLECTED: Fields = {"count": WHOLE, "first_at": TIME, "last_at": TIME}
"""``collected.*``, in what a rule with ``collect`` sends: how many events it tells of, and when the first and the last
of them happened. Where all of them send ``points``, their sum is there too. ``events`` are they, in order.
"""

REMINDER_FIELDS: tuple[str, ...] = ("card.next_expiration_date", "member.birthdate")
"""The dates that a rule can run ahead of."""

OPEN_OBJECTS: frozenset[tuple[str, str]] = frozenset({("member", "metadata"), ("card", "metadata"), ("event", "data")})
"""Data the producer added freely: any name may be asked for, and may be absent."""

BETTER_FIELDS: Mapping[tuple[str, ...], str] = {
    ("card", "next_expiration_points"): "card.expiring_points",
}
"""Raw fields that draw a warning: at risk is never more than the balance."""

GROUPS: Mapping[str, frozenset[str]] = {
    "points_in": frozenset(
        {"points_added", "points_earned", "pending_points_activated", "points_refunded", "points_transferred"}
    ),
    "points_out": frozenset({"points_redeemed", "points_removed", "points_expired", "points_transferred"}),
    "activity": frozenset({"points_earned", "points_added", "points_redeemed", "order_paid", "reward_redeemed"}),
}
"""Names that stand for several events, wherever an event name may stand."""

GROUP_DIRECTIONS: Mapping[str, str] = {"points_in": "in", "points_out": "out"}
"""Which ``points_transferred`` belong to a group: those with this ``event.direction``."""


def expand(names: Iterable[str]) -> frozenset[str]:
    """The neutral events meant by names of events and groups. Raises ``KeyError`` with the first unknown name."""
    events: set[str] = set()
    for name in names:
        if name not in EVENT_FIELDS and name not in GROUPS:
            raise KeyError(name)
        events |= GROUPS.get(name, frozenset({name}))
    return frozenset(events)


def events_with(field: str) -> tuple[str, ...]:
    """The events that send a field, in the order of the catalogue."""
    return tuple(name for name, fields in EVENT_FIELDS.items() if field in fields)
