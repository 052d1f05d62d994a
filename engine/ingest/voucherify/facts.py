"""The facts of a Voucherify event: where each stands in the body."""

from __future__ import annotations

from ...model import Value
from ..payload import Payload, first
from .happenings import moved
from .snapshots import balance_after, campaign, voucher_of

_MINOR_UNITS = 100
"""Amounts of money are in the smallest unit; facts are in whole ones."""


def facts_of(name: str, data: Payload) -> dict[str, Value]:
    """The facts of an event with this neutral name, as far as the body has them; ``None`` where it has not."""
    facts: dict[str, Value] = {"campaign": campaign(data)}
    if name.startswith("pending_points_"):
        return facts | _order(data) | _pending(name, data)
    if name.startswith("points_"):
        return facts | _order(data) | _movement(name, data)
    if name.startswith("tier_"):
        return facts | _tier(data)
    match name:
        case "reward_redeemed":
            return facts | _reward(data)
        case "order_paid":
            return _order(data)
        case "segment_entered" | "segment_left":
            segment = data.child("segment")
            return {"segment": segment.text("name"), "segment_id": segment.identity("id")}
        case "custom":
            return _custom(data)
    return facts


def _movement(name: str, data: Payload) -> dict[str, Value]:
    transaction = data.child("transaction")
    shown = voucher_of(data).child("loyalty_card").number("balance")
    facts: dict[str, Value] = {
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
    return {
        "points": pending.number("points"),
        "pending_points_id": pending.identity("id"),
        "activates_on": pending.day("activates_at"),
        # Published with the sign of an addition where points become active: worth nothing there.
        "change": None if activated else data.child("voucher_pending_points_balance").number("points"),
        "balance": balance_after(data) if activated else None,
        "transaction_id": data.child("transaction").identity("id"),
    }


def _order(data: Payload) -> dict[str, Value]:
    order, details = data.child("order"), data.child("transaction").child("details")
    amount = first(order.number("total_amount"), order.number("amount"))
    order_id = (
        order.identity("id")
        or data.child("pending_points").identity("order_id")
        or details.child("order").identity("id")
    )
    return {"order_id": order_id, "order_amount": None if amount is None else amount / _MINOR_UNITS}


def _tier(data: Payload) -> dict[str, Value]:
    here, before = data.child("loyalty_tier_to") or data.child("loyalty_tier"), data.child("loyalty_tier_from")
    return {
        "tier": here.text("name"),
        "tier_id": here.identity("id"),
        "previous_tier": before.text("name"),
        "previous_tier_id": before.identity("id"),
    }


def _reward(data: Payload) -> dict[str, Value]:
    price = data.child("reward_assignment").child("parameters").child("loyalty").number("points")
    return {
        "reward": data.child("reward").text("name") or data.child("redemption").child("reward").text("name"),
        "points": first(data.child("balance").number("points"), data.child("redemption").number("amount"), price),
    }


def _custom(data: Payload) -> dict[str, Value]:
    event = data.child("event")
    return {
        "custom_name": event.text("type") or data.child("event_schema").text("name"),
        "data": event.mapping("metadata"),  # type: ignore[dict-item]  # JSON values are facts
    }
