"""The facts of a Voucherify event: where each stands in the body."""

from __future__ import annotations

from collections.abc import Callable

from ...model import Value
from ..payload import Payload, first
from .happenings import moved
from .snapshots import balance_after, campaign, voucher_of

_MINOR_UNITS = 100
"""Amounts of money are in the smallest unit; facts are in whole ones."""


def facts_of(name: str, data: Payload) -> dict[str, Value]:
    """The facts of an event with this neutral name, as far as the body has them; ``None`` where it has not."""
    family = next((reader for prefix, reader in _FAMILIES if name.startswith(prefix)), None)
    return {"campaign": campaign(data)} | (family(name, data) if family else {})


def _movement(name: str, data: Payload) -> dict[str, Value]:
    transaction = data.child("transaction")
    shown = voucher_of(data).child("loyalty_card").number("balance")
    facts = _order(name, data) | {
        "points": moved(data),
        # Points are earned in the only event that shows the card as it was before.
        "balance": first(balance_after(data), None if name == "points_earned" else shown),
        "reason": transaction.text("reason"),
        "transaction_id": transaction.identity("id"),
    }
    if name == "points_expired":
        days = [day for bucket in data.children("buckets") if (day := bucket.day("expires_at"))]
        facts |= {"points": first(data.number("points"), moved(data)), "expired_on": max(days, default=None)}
    if name == "points_transferred":
        facts["direction"] = "in" if transaction.text("type") == "POINTS_TRANSFER_IN" else "out"
    return facts


def _pending(name: str, data: Payload) -> dict[str, Value]:
    pending = data.child("pending_points")
    activated = name == "pending_points_activated"
    return _order(name, data) | {
        "points": pending.number("points"),
        "pending_points_id": pending.identity("id"),
        "activates_on": pending.day("activates_at"),
        # Published with the sign of an addition where points become active: worth nothing there.
        "change": None if activated else data.child("voucher_pending_points_balance").number("points"),
        "balance": balance_after(data) if activated else None,
        "transaction_id": data.child("transaction").identity("id"),
    }


def _order(_: str, data: Payload) -> dict[str, Value]:
    order, details = data.child("order"), data.child("transaction").child("details")
    amount = first(order.number("total_amount"), order.number("amount"))
    order_id = (
        order.identity("id")
        or data.child("pending_points").identity("order_id")
        or details.child("order").identity("id")
    )
    return {"order_id": order_id, "order_amount": None if amount is None else amount / _MINOR_UNITS}


def _tier(_: str, data: Payload) -> dict[str, Value]:
    here, before = data.child("loyalty_tier_to") or data.child("loyalty_tier"), data.child("loyalty_tier_from")
    return {
        "tier": here.text("name"),
        "tier_id": here.identity("id"),
        "previous_tier": before.text("name"),
        "previous_tier_id": before.identity("id"),
    }


def _reward(_: str, data: Payload) -> dict[str, Value]:
    price = data.child("reward_assignment").child("parameters").child("loyalty").number("points")
    return {
        "reward": data.child("reward").text("name") or data.child("redemption").child("reward").text("name"),
        "points": first(data.child("balance").number("points"), data.child("redemption").number("amount"), price),
    }


def _custom(_: str, data: Payload) -> dict[str, Value]:
    event = data.child("event")
    return {
        "custom_name": event.text("type") or data.child("event_schema").text("name"),
        "data": event.mapping("metadata"),
    }


def _segment(_: str, data: Payload) -> dict[str, Value]:
    segment = data.child("segment")
    return {"segment": segment.text("name"), "segment_id": segment.identity("id")}


_FAMILIES: tuple[tuple[str, Callable[[str, Payload], dict[str, Value]]], ...] = (
    ("pending_points_", _pending),
    ("points_", _movement),
    ("tier_", _tier),
    ("reward_", _reward),
    ("order_", _order),
    ("segment_", _segment),
    ("custom", _custom),
)
"""What the neutral name starts with -> how its facts are read."""
