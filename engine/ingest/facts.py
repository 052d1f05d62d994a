"""The facts of an event in neutral words: which ones each event may carry, of which kind, and which ones it must.

Amounts are positive: the name of the event says which way the points went.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from ..errors import BodyError
from ..model import SEGMENT, Snapshot, Value
from .payload import Payload


class Kind(Enum):
    """What a fact may be."""

    TEXT = "a text"
    ID = "an id"
    NUMBER = "a number"
    DATE = "a date"
    OBJECT = "an object"


_CAMPAIGN = {"campaign": Kind.TEXT}
_ORDER = {"order_id": Kind.ID, "order_amount": Kind.NUMBER}
_POINTS = {
    "points": Kind.NUMBER,
    "balance": Kind.NUMBER,
    "reason": Kind.TEXT,
    "transaction_id": Kind.ID,
    **_CAMPAIGN,
    **_ORDER,
}
_PENDING = {
    "points": Kind.NUMBER,
    "pending_points_id": Kind.ID,
    "activates_on": Kind.DATE,
    "change": Kind.NUMBER,
    "transaction_id": Kind.ID,
    **_CAMPAIGN,
    **_ORDER,
}
_TIER = {
    "tier": Kind.TEXT,
    "tier_id": Kind.ID,
    "previous_tier": Kind.TEXT,
    "previous_tier_id": Kind.ID,
    **_CAMPAIGN,
}
_SEGMENT = {"segment": Kind.TEXT, "segment_id": Kind.ID}

FACTS: Mapping[str, Mapping[str, Kind]] = {
    "points_added": _POINTS,
    "points_earned": _POINTS,
    "points_redeemed": _POINTS,
    "points_expired": _POINTS | {"expired_on": Kind.DATE},
    "points_refunded": _POINTS,
    "points_transferred": _POINTS | {"direction": Kind.TEXT},
    "points_removed": _POINTS,
    "points_expiring": {"points": Kind.NUMBER, "expires_on": Kind.DATE},
    "card_updated": _CAMPAIGN,
    "pending_points_added": _PENDING,
    "pending_points_updated": _PENDING,
    "pending_points_activated": _PENDING | {"balance": Kind.NUMBER},
    "pending_points_canceled": _PENDING,
    "tier_joined": _TIER,
    "tier_upgraded": _TIER,
    "tier_downgraded": _TIER,
    "tier_prolonged": _TIER,
    "tier_left": _TIER,
    "reward_redeemed": {"reward": Kind.TEXT, "points": Kind.NUMBER, **_CAMPAIGN},
    "card_published": _CAMPAIGN,
    "card_disabled": _CAMPAIGN,
    "order_paid": _ORDER,
    "segment_entered": _SEGMENT,
    "segment_left": _SEGMENT,
    "member_created": _CAMPAIGN,
    "member_updated": _CAMPAIGN,
    "member_deleted": _CAMPAIGN,
    "custom": {"custom_name": Kind.TEXT, "data": Kind.OBJECT},
}
"""Neutral event name -> fact -> kind."""

_REQUIRED = {
    "segment_entered": ("segment",),
    "segment_left": ("segment",),
    "custom": ("custom_name",),
    "points_transferred": ("points", "direction"),
}
_OPTIONAL_POINTS = frozenset({"points_expiring", "reward_redeemed"})
_DIRECTIONS = ("in", "out")


def required(name: str) -> tuple[str, ...]:
    """The facts without which an event of this name means nothing."""
    if name.startswith("tier_"):
        return ("tier", "tier_id")
    if "points" in FACTS[name] and name not in _OPTIONAL_POINTS:
        return _REQUIRED.get(name, ("points",))
    return _REQUIRED.get(name, ())


def read_fact(payload: Payload, key: str, kind: Kind) -> Value:
    """The field as a fact of this kind; ``None`` when it is absent, null or of another kind."""
    match kind:
        case Kind.TEXT:
            return payload.text(key)
        case Kind.ID:
            return payload.identity(key)
        case Kind.NUMBER:
            return payload.number(key)
        case Kind.DATE:
            return payload.day(key)
        case Kind.OBJECT:
            return payload.mapping(key)


def settle(name: str, given: Mapping[str, Value]) -> tuple[str, dict[str, Value]]:
    """The event's final name and its facts, amounts made positive.

    A negative addition is a removal: producers report both as "adjusted".

    Raises:
        BodyError: a fact is missing without which the event means nothing.

    """
    points = given.get("points")
    if isinstance(points, int | float) and points < 0:
        name = "points_removed" if name == "points_added" else name
        given = {**given, "points": -points}
    facts: dict[str, Value] = {key: given[key] for key in FACTS[name] if given.get(key) is not None}
    if name == "custom":
        facts.setdefault("data", {})
    missing = [key for key in required(name) if key not in facts]
    if missing:
        raise BodyError(f"{name} without {' and '.join(missing)}: nothing could be said about it")
    if name == "points_transferred" and facts["direction"] not in _DIRECTIONS:
        raise BodyError("points_transferred needs a direction of in or out")
    return name, facts


def told_of_member(name: str, facts: Mapping[str, Value]) -> dict[str, Value]:
    """What the event itself says of the member: the tier they are in now (an empty one when they left), a segment."""
    if name.startswith("tier_"):
        return {"tier": {} if name == "tier_left" else {"id": facts["tier_id"], "name": facts["tier"]}}
    if name in {"segment_entered", "segment_left"}:
        # A fact of its own for each, so that their order of arrival does not matter.
        return {f"{SEGMENT}{facts['segment']}": name == "segment_entered"}
    return {}


def with_fields(snapshot: Snapshot | None, fields: Mapping[str, Value]) -> Snapshot | None:
    """The snapshot with further fields."""
    if snapshot is None or not fields:
        return snapshot
    return Snapshot(
        id=snapshot.id, as_of=snapshot.as_of, fields={**snapshot.fields, **fields}, aliases=snapshot.aliases
    )
