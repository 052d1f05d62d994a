"""What happened, when, and under which key all reports of it meet.

One happening arrives under several names (``voucher.X`` and ``customer.voucher.X``, three for a publication), each with
an event id of its own; what they share is the transaction, the pending points, the redemption, the tier change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from ..names import NAMES, NEUTRAL, TRANSACTION
from ..payload import Payload, first
from .snapshots import card_id, is_other_voucher, member_id, voucher_of

FACTS_ONLY = "card_updated"

_BY_TRANSACTION = {
    "POINTS_REDEMPTION": "points_redeemed",
    "POINTS_REFUND": "points_refunded",
    "POINTS_REMOVAL": "points_removed",
    "POINTS_TRANSFER_IN": "points_transferred",
    "POINTS_TRANSFER_OUT": "points_transferred",
}
"""Movements that have no event of their own. The others only refresh the card: their own event tells of them."""

_WITHOUT_CARD = ("tier_", "member_", "segment_", "order_", "custom", "reward_")


def classify(kind: str, data: Payload) -> str:
    """The neutral name of a known type, given its canonical spelling and its body."""
    if kind == TRANSACTION:
        name = _BY_TRANSACTION.get(data.child("transaction").text("type") or "", FACTS_ONLY)
    else:
        name = kind if kind in NEUTRAL else NAMES.get(kind, FACTS_ONLY)
    if name == "reward_redeemed" and _is_granted(data):
        return FACTS_ONLY
    if not name.startswith(_WITHOUT_CARD) and is_other_voucher(data):
        return FACTS_ONLY
    return name


def moved(data: Payload) -> int | float | None:
    """How many points went onto the card; negative when they left it."""
    return first(
        data.child("balance").number("points"),
        data.child("transaction").child("details").child("balance").number("points"),
    )


def occurred_at(name: str, data: Payload, event_time: datetime | None, received_at: datetime) -> datetime:
    """When it happened: the event's time, else the nearest record of it, else the receipt. UTC."""
    if event_time is not None:
        return event_time
    return next((moment for moment in _records(name, data) if moment is not None), received_at)


def happening(name: str, data: Payload, event_id: str | None) -> str | None:
    """The key of the happening; ``None`` for what only refreshes facts, and where neither body nor envelope has one."""
    if name == FACTS_ONLY:
        return None
    parts = _parts(name, data)
    if parts and all(parts):
        return ":".join((name, *(part for part in parts if part)))
    return f"{name}:{event_id}" if event_id else None


def redemption_id(data: Payload) -> str | None:
    """The redemption a reward was bought with: ``customer.rewarded`` names it, the reward redemption refers to it."""
    bought, source = data.child("reward_redemption"), data.child("source")
    return (
        data.child("redemption").identity("id")
        or (bought.identity("source_id") if bought.text("source_type") == "redemption" else None)
        or (source.identity("id") if source.text("type") == "redemption" else None)
        or bought.identity("id")
    )


def _is_granted(data: Payload) -> bool:
    """Whether the reward was given for a referral or an event, not bought with points."""
    causes = ("referral_tier", "custom_event", "customer_event")
    return not data.child("redemption") and any(data.child(cause) for cause in causes)


def _records(name: str, data: Payload) -> Iterator[datetime | None]:
    transaction, pending, voucher = data.child("transaction"), data.child("pending_points"), voucher_of(data)
    yield transaction.moment("created_at")
    yield data.moment("created_at")
    yield pending.moment("updated_at")
    if name == "pending_points_added":
        yield pending.moment("created_at")
    if name == "custom":
        yield data.child("event").moment("created_at")
    yield from _side_records(data)
    yield voucher.moment("updated_at")
    # Up to 90 days before an activation or a cancellation: better than nothing only.
    yield pending.moment("created_at")
    if name.startswith("member_"):
        yield data.child("customer").moment("updated_at")
        yield data.child("customer").moment("created_at")


def _side_records(data: Payload) -> Iterator[datetime | None]:
    bought = data.child("reward_redemption")
    yield data.child("redemption_rollback").moment("date")
    yield data.child("redemption").moment("date")
    yield bought.moment("updated_at") or bought.moment("created_at")
    yield data.child("publication").moment("created_at")
    if not voucher_of(data):
        order = data.child("order")
        yield order.moment("updated_at") or order.moment("created_at")


def _parts(name: str, data: Payload) -> tuple[str | None, ...]:
    return _KEYS.get(name, _transaction)(data)


def _transaction(data: Payload) -> tuple[str | None, ...]:
    return (data.child("transaction").identity("id"),)


def _earned(data: Payload) -> tuple[str | None, ...]:
    # No transaction in the body; the cause and the rule are the same in every report.
    cause, rule = data.child("event").identity("id"), data.child("earning_rule").identity("id")
    return member_id(data), card_id(data), cause, rule


def _expired(data: Payload) -> tuple[str | None, ...]:
    buckets = sorted(bucket.identity("id") or "" for bucket in data.children("buckets"))
    return (data.child("transaction").identity("id") or "+".join(buckets),)


def _pending(data: Payload) -> tuple[str | None, ...]:
    # The distribution's activation has no transaction: the pending points are what both reports share.
    return (data.child("pending_points").identity("id"),)


def _pending_updated(data: Payload) -> tuple[str | None, ...]:
    pending = data.child("pending_points")
    return pending.identity("id"), _stamp(pending.moment("updated_at") or voucher_of(data).moment("updated_at"))


def _tier(data: Payload) -> tuple[str | None, ...]:
    tiers = [data.child(key).identity("id") for key in ("loyalty_tier_from", "loyalty_tier_to", "loyalty_tier")]
    known = "+".join(tier for tier in tiers if tier)
    return member_id(data), data.child("campaign").identity("id"), known, _stamp(data.moment("created_at"))


def _reward(data: Payload) -> tuple[str | None, ...]:
    return (redemption_id(data),)


def _published(data: Payload) -> tuple[str | None, ...]:
    return data.child("publication").identity("id"), card_id(data)


def _disabled(data: Payload) -> tuple[str | None, ...]:
    return card_id(data), _stamp(voucher_of(data).moment("updated_at"))


def _segment(data: Payload) -> tuple[str | None, ...]:
    return member_id(data), data.child("segment").identity("id"), _stamp(data.moment("created_at"))


def _member(data: Payload) -> tuple[str | None, ...]:
    person = data.child("customer")
    return member_id(data), _stamp(person.moment("updated_at") or person.moment("created_at"))


def _order(data: Payload) -> tuple[str | None, ...]:
    return (data.child("order").identity("id"),)


def _custom(data: Payload) -> tuple[str | None, ...]:
    return (data.child("event").identity("id"),)


def _stamp(moment: datetime | None) -> str | None:
    # Milliseconds: the same instant is published with three digits or with six.
    return None if moment is None else moment.isoformat(timespec="milliseconds")


_KEYS: Mapping[str, Callable[[Payload], tuple[str | None, ...]]] = {
    "points_earned": _earned,
    "points_expired": _expired,
    "pending_points_added": _pending,
    "pending_points_updated": _pending_updated,
    "pending_points_activated": _pending,
    "pending_points_canceled": _pending,
    "tier_joined": _tier,
    "tier_upgraded": _tier,
    "tier_downgraded": _tier,
    "tier_prolonged": _tier,
    "tier_left": _tier,
    "reward_redeemed": _reward,
    "card_published": _published,
    "card_disabled": _disabled,
    "segment_entered": _segment,
    "segment_left": _segment,
    "member_created": _member,
    "member_updated": _member,
    "member_deleted": _member,
    "order_paid": _order,
    "custom": _custom,
}
"""What makes up the key of each happening, where it is not the transaction."""
