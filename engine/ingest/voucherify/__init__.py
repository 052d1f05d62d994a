"""Voucherify, the reference producer: project webhooks and distribution webhooks of API version v2024-01-01.

Source: docs.voucherify.io, one page per event; voucherifyio/voucherify-openapi, ``reference/OpenAPIWebhooks.json``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ...errors import BodyError
from ...model import Event, Snapshot
from ..body import decode, glance
from ..delivery import TYPE_HEADERS, Delivery, Peek, Reading, refuse_type
from ..facts import settle, told_of_member, with_fields
from ..names import canonical, is_configuration, is_known
from ..payload import Payload
from . import snapshots
from .envelope import Wrapped, unwrap
from .facts import facts_of
from .happenings import FACTS_ONLY, classify, happening, occurred_at
from .signature import verify

__all__ = ["lane_of", "peek", "read", "read_wrapped", "verify"]

_SHOWN_BEFORE = "points_earned"
"""The one event whose voucher is the state ahead of the happening."""


def peek(delivery: Delivery) -> Peek:
    """The transport key and the lane, quickly; never raises."""
    hint = delivery.hint
    try:
        wrapped = unwrap(Payload(glance(delivery.body)), hint)
    except BodyError:
        return Peek(transport_key=delivery.key_of(), type_hint=hint)
    key = delivery.key_of(wrapped.event_id)
    return Peek(transport_key=key, lane=lane_of(wrapped.data), type_hint=hint)


def lane_of(data: Payload) -> str | None:
    """Whose events must stay in order: the card's holder's, else the member's."""
    return snapshots.holder_id(data) or snapshots.member_id(data)


def read(delivery: Delivery) -> Reading:
    """The events of a delivery.

    Raises:
        BodyError: not JSON, not an object, no type, the v2018 envelope, or without what its type needs.

    """
    value = decode(delivery.body, max_bytes=delivery.source.max_bytes)
    if not isinstance(value, dict):
        raise BodyError("the body is not a JSON object")
    wrapped = unwrap(Payload(value, zone=delivery.source.timezone), delivery.hint)
    return read_wrapped(delivery, wrapped, delivery.key_of(wrapped.event_id))


def read_wrapped(delivery: Delivery, wrapped: Wrapped, key: str) -> Reading:
    """The events of a body whose wrapping is already off. ``key`` is the transport key."""
    if wrapped.type is None:
        raise BodyError(
            "nothing says what kind of event this is: send Voucherify's whole envelope, give the type in the route "
            f"(/ingest/SOURCE/TYPE), or send it in the header {' or '.join(TYPE_HEADERS)}"
        )
    if is_configuration(wrapped.type):
        return Reading.ignored(wrapped.type)
    if not is_known(wrapped.type):
        if wrapped.beside:
            refuse_type(wrapped.type)
        return Reading.unknown(delivery, wrapped.type, key, wrapped.event_time or delivery.received_at)
    event = _event(delivery, wrapped, wrapped.type, key)
    if event.card is None and event.member is None:
        return _about_nobody(event, wrapped.data)
    return Reading(events=(event,), parts=(wrapped.data.value,), notes=wrapped.data.notes)


def _event(delivery: Delivery, wrapped: Wrapped, kind: str, key: str) -> Event:
    data = wrapped.data
    classified = classify(canonical(kind), data)
    name, facts = settle(classified, facts_of(classified, data))
    at = occurred_at(name, data, wrapped.event_time, delivery.received_at)
    erases = name == "member_deleted"
    member = snapshots.member(data, at, erased=erases)
    return Event(
        key=key,
        source=delivery.source.name,
        name=name,
        producer_name=kind,
        occurred_at=at,
        happening=happening(name, data, wrapped.event_id),
        member=with_fields(member, told_of_member(name, facts)),
        card=_card(canonical(kind), name, data, at),
        holder_id=snapshots.holder_id(data),
        facts=facts,
        erases=erases,
    )


def _about_nobody(event: Event, data: Payload) -> Reading:
    if event.name != FACTS_ONLY:
        raise BodyError(f"{event.producer_name} names neither a customer nor a loyalty card")
    data.note("the body shows neither a member nor a loyalty card")
    return Reading(notes=data.notes)


def _card(kind: str, name: str, data: Payload, at: datetime) -> Snapshot | None:
    card = snapshots.card(data, at, before=name == _SHOWN_BEFORE)
    if kind != "voucher.deleted" or card is None:
        return card
    # The deleted card's record still says ``active: true``.
    return replace(card, as_of=max(card.as_of, at), fields={**card.fields, "active": False})
