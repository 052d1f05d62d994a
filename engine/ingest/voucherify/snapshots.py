"""Who and what a Voucherify body shows: the member, the card, and the card's holder.

Mail goes to ``customer``; the card belongs to ``voucher.holder_id``; the two differ where a card has several holders.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ...model import Snapshot, Value
from ..payload import Payload, first

_COUNTERS = (
    "points",
    "pending_points",
    "expired_points",
    "subtracted_points",
    "next_expiration_points",
)
_DELETED = "_deleted"
_INSTANT = timedelta(microseconds=1)


def voucher_of(data: Payload) -> Payload:
    """The voucher the body is about; of a publication of several, the first loyalty card."""
    voucher = data.child("voucher")
    if voucher:
        return voucher
    return next((item for item in data.children("vouchers") if is_loyalty_card(item)), voucher)


def is_loyalty_card(voucher: Payload) -> bool:
    """Whether the voucher is a loyalty card: coupons and gift cards look alike otherwise."""
    return isinstance(voucher.raw("loyalty_card"), dict) or voucher.raw("type") == "LOYALTY_CARD"


def is_other_voucher(data: Payload) -> bool:
    """Whether the body is about a coupon, a gift card or a referral code."""
    voucher = voucher_of(data)
    return bool(voucher or data.children("vouchers")) and not is_loyalty_card(voucher)


def card_id(data: Payload) -> str | None:
    """The id of the loyalty card, also where the body shows no voucher but a movement on one."""
    voucher, transaction = voucher_of(data), data.child("transaction")
    if voucher and not is_loyalty_card(voucher):
        return None
    moved = None if _is_money(transaction) else transaction.identity("voucher_id")
    return voucher.identity("id") or data.child("pending_points").identity("voucher_id") or moved


def holder_id(data: Payload) -> str | None:
    """Who owns the card; ``None`` where the body is not about a card."""
    if card_id(data) is None:
        return None
    return voucher_of(data).identity("holder_id") or _holder(data).identity("id") or _customer_id(data)


def member_id(data: Payload) -> str | None:
    """Who is told: the customer, else the card's holder."""
    return _customer_id(data) or _holder(data).identity("id") or voucher_of(data).identity("holder_id")


def member(data: Payload, at: datetime, *, erased: bool = False) -> Snapshot | None:
    """What the body says of the member. Nulls are left out: they mean "not known", not "none"."""
    name = member_id(data)
    if name is None:
        return None
    person = data.child("customer") if _customer_id(data) else _holder(data)
    source_id = person.identity("source_id")
    if erased:
        # The deleted record's own id got a suffix; what went before is the alias people know.
        kept = source_id.partition(_DELETED)[0] if source_id else None
        return Snapshot(id=name, as_of=person.moment("updated_at") or at, fields={}, aliases=(kept,) if kept else ())
    fields: dict[str, Value] = {
        "name": person.text("name"),
        "email": person.text("email"),
        "phone": person.text("phone"),
        "birthdate": person.day("birthdate") or person.day("birthday"),
        "source_id": source_id,
        "metadata": person.mapping("metadata"),
    }
    return Snapshot(
        id=name,
        as_of=person.moment("updated_at") or at,
        fields={key: value for key, value in fields.items() if value is not None},
        aliases=(source_id,) if source_id else (),
    )


def card(data: Payload, at: datetime, *, before: bool = False) -> Snapshot | None:
    """The card as the body shows it: only the keys it carries, read as of ``voucher.updated_at``.

    With ``before`` the voucher is the state ahead of the happening: only what the happening does not change is taken
    from it, and the new balance holds from just after that state at the earliest.
    """
    name = card_id(data)
    if name is None:
        return None
    voucher = voucher_of(data)
    updated = voucher.moment("updated_at")
    fields = _standing(data, voucher) | ({} if before else _counters(voucher))
    balance = balance_after(data)
    if balance is not None and (before or not _is_newer(data, voucher)):
        fields["balance"] = balance
    if before and updated is not None:
        at = max(at, updated + _INSTANT)
    return Snapshot(id=name, as_of=at if before else updated or at, fields=fields)


def balance_after(data: Payload) -> int | float | None:
    """The card's balance after the happening, as the movement itself reports it."""
    name = card_id(data)
    for balance in (data.child("balance"), data.child("transaction").child("details").child("balance")):
        after = balance.number("balance")
        if after is not None and balance.child("related_object").identity("id") in (None, name):
            return after
    return None


def _standing(data: Payload, voucher: Payload) -> dict[str, Value]:
    """What a card keeps through its movements."""
    fields: dict[str, Value] = {
        "code": voucher.text("code"),
        "campaign": campaign(data),
        "campaign_id": voucher.identity("campaign_id") or data.child("campaign").identity("id"),
        "active": voucher.flag("active"),
        "metadata": voucher.mapping("metadata"),
    }
    return {key: value for key, value in fields.items() if value is not None}


def campaign(data: Payload) -> str | None:
    """The campaign's name. ``voucher.campaign`` comes second: it may differ in case."""
    return data.child("campaign").text("name") or voucher_of(data).text("campaign")


def _counters(voucher: Payload) -> dict[str, Value]:
    """Counters and the next date: absent ones are absent, an explicit null is kept. A null balance says nothing."""
    shown = voucher.child("loyalty_card")
    fields: dict[str, Value] = {}
    for key in _COUNTERS:
        if (count := shown.number(key)) is not None or _is_null(shown, key):
            fields[key] = count
    if (day := shown.day("next_expiration_date")) is not None or _is_null(shown, "next_expiration_date"):
        fields["next_expiration_date"] = day
    known = {
        "balance": shown.number("balance"),
        "redeemed_points": voucher.child("redemption").number("redeemed_points"),
    }
    return fields | {key: value for key, value in known.items() if value is not None}


def _is_null(shown: Payload, key: str) -> bool:
    return shown.has(key) and shown.raw(key) is None


def _is_newer(data: Payload, voucher: Payload) -> bool:
    """Whether the voucher already shows a later movement than the one reported."""
    moved, updated = data.child("transaction").moment("created_at"), voucher.moment("updated_at")
    shown = voucher.child("loyalty_card").number("balance")
    return moved is not None and updated is not None and shown is not None and updated > moved


def _is_money(transaction: Payload) -> bool:
    """Whether the movement is one of a gift card's credits."""
    kind = transaction.raw("type")
    return isinstance(kind, str) and kind.startswith("CREDITS_")


def _customer_id(data: Payload) -> str | None:
    return data.child("customer").identity("id")


def _holder(data: Payload) -> Payload:
    # In holder assignments ``holder`` is the assignment, not a person.
    holder = data.child("holder")
    return holder if first(holder.text("object"), "customer") == "customer" else Payload(None)
