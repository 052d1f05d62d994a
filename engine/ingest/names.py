"""Producer spellings -> the neutral names that rules use.

Voucherify documents a name as ``EVENTS.VOUCHER.LOYALTY_CARD.POINTS_ADDED``, delivers it as
``voucher.loyalty_card.points_added`` or, by distribution, as ``customer.voucher.loyalty_card.points_added``, leaves
prefixes out in places and spells it ``points_aded`` in its generated clients. All of these are one row here.

Source: docs.voucherify.io, "Project settings webhooks", "Distribution webhooks" and one page per event.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from ..model import EVENT_NAMES

TRANSACTION = "loyalty_card.transaction.created"
"""Any movement of points; which one is in the body."""

NAMES: Mapping[str, str] = {
    "loyalty_card.points_added": "points_added",
    "loyalty_card.points_expired": "points_expired",
    "loyalty_card.pending_points.added": "pending_points_added",
    "loyalty_card.pending_points.updated": "pending_points_updated",
    "loyalty_card.pending_points.activated": "pending_points_activated",
    "loyalty_card.pending_points.canceled": "pending_points_canceled",
    "customer.rewarded.loyalty_points": "points_earned",
    "customer.rewarded": "reward_redeemed",
    "customer.reward_redemptions.completed": "reward_redeemed",
    "customer.loyalty.tier.joined": "tier_joined",
    "customer.loyalty.tier.upgraded": "tier_upgraded",
    "customer.loyalty.tier.downgraded": "tier_downgraded",
    "customer.loyalty.tier.prolonged": "tier_prolonged",
    "customer.loyalty.tier.left": "tier_left",
    "voucher.published": "card_published",
    "publication.succeeded": "card_published",
    "customer.publication.succeeded": "card_published",
    "voucher.created": "card_updated",
    "voucher.updated": "card_updated",
    "voucher.enabled": "card_updated",
    "voucher.disabled": "card_disabled",
    "voucher.deleted": "card_disabled",
    "customer.created": "member_created",
    "customer.updated": "member_updated",
    "customer.confirmed": "member_updated",
    "customer.deleted": "member_deleted",
    "customer.segment.entered": "segment_entered",
    "customer.segment.left": "segment_left",
    "customer.order.paid": "order_paid",
    "customer.custom_event": "custom",
}
"""Canonical spelling -> neutral name: every type a rule may listen to."""

STATE_ONLY = frozenset(
    {
        "customer.consents.given",
        "customer.consents.revoked",
        "customer.holder.assignment.created",
        "customer.holder.assignment.deleted",
        "customer.order.canceled",
        "customer.order.created",
        "customer.order.updated",
        "customer.redemption.rollback.succeeded",
        "customer.redemption.succeeded",
        "customer.referred",
        "customer.reward_redemptions.created",
        "customer.reward_redemptions.pending",
        "gift.balance_added",
        "gift.transaction.created",
        "manual_distribution_schedule",
        "redemption.failed",
        "redemption.rollback.failed",
        "redemption.rollback.succeeded",
        "redemption.succeeded",
    }
)
"""Types no rule listens to, but whose bodies show a member or a card: read as ``card_updated``."""

_CONFIGURATION = (
    "business_validation_rule.",
    "bus_val_rule.",
    "campaign.",
    "earning_rule.",
    "promotion_tier.",
    "reward_assignment.",
    "validation_rule.",
)
_LEFT_OUT = ("", "customer.", "loyalty_card.")
"""Prefixes that are missing in places; tried in this order."""

NEUTRAL = frozenset(EVENT_NAMES)

_EXAMPLE = "points_added"
_RESEMBLES = 0.75


def canonical(spelling: str) -> str:
    """The one spelling under which the tables here know a type; tidied up where they do not know it."""
    name = spelling.strip().lower().removeprefix("events.")
    if name.endswith(("_aded", ".aded")):
        name = name.removesuffix("aded") + "added"
    if name.startswith("customer.voucher."):
        name = name.removeprefix("customer.")
    if name.startswith(("voucher.loyalty_card.", "voucher.gift.")):
        name = name.removeprefix("voucher.")
    for prefix in _LEFT_OUT if "." in name or "_" in name else ("",):
        if _known(prefix + name):
            return prefix + name
    return name


def neutral_name(spelling: str) -> str | None:
    """The neutral name of a type in any of its spellings; ``None`` where there is none a rule could listen to."""
    name = canonical(spelling)
    return name if name in NEUTRAL else NAMES.get(name)


def is_known(spelling: str) -> bool:
    """Whether this is a neutral name, or a type the producer documents as being about a member or a card."""
    return _known(canonical(spelling))


def is_configuration(spelling: str) -> bool:
    """Whether the type is about the programme's set-up, not about a member: accepted and ignored."""
    return canonical(spelling).startswith(_CONFIGURATION)


def meant_by(spelling: str) -> str:
    """What somebody may have meant by a type that is none: ``did you mean "points_added"?``, else an example."""
    written = spelling.strip().lower()
    everything = (*EVENT_NAMES, *NAMES, *(f"voucher.{name}" for name in NAMES if name.startswith("loyalty_card.")))
    near = get_close_matches(written, everything, n=1, cutoff=_RESEMBLES)
    return f'did you mean "{near[0]}"?' if near else f'an example is "{_EXAMPLE}"'


def _known(name: str) -> bool:
    return name in NEUTRAL or name in NAMES or name in STATE_ONLY or name == TRANSACTION
