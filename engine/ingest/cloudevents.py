"""CloudEvents 1.0 in structured JSON: an envelope around Voucherify's ``data`` or around our own plain JSON.

``type`` is a neutral name (then ``data`` is a body as in ``native.py``), or a producer's name in any spelling (then
``data`` is Voucherify's, bare or in its own envelope). A reverse domain in front of either is skipped, as in
``org.example.points_added``. ``source`` and ``id`` together are the transport key. Signed as Standard Webhooks are: the
specification leaves signatures to the transport.

Source: github.com/cloudevents/spec, v1.0.2, spec.md and formats/json-format.md.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import BodyError
from . import native, voucherify
from .body import decode, glance
from .delivery import Delivery, Peek, Reading
from .names import is_configuration, is_known, neutral_name
from .payload import Payload
from .voucherify.envelope import unwrap

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"

_VERSION = "1.0"


def is_cloudevent(delivery: Delivery) -> bool:
    """Whether the sender says so, in either of the forms."""
    return delivery.content_type in (CONTENT_TYPE, BATCH_CONTENT_TYPE) or "ce-specversion" in delivery.headers


def peek(delivery: Delivery) -> Peek:
    """The transport key and the lane, quickly; never raises."""
    event = Payload(glance(delivery.body))
    kind, data = _short(event.text("type")), event.child("data")
    lane = native.lane_of(data) if _is_ours(kind) else _voucherify_lane(data, kind)
    return Peek(transport_key=_key(delivery, event), lane=lane, type_hint=delivery.hint)


def read(delivery: Delivery) -> Reading:
    """The event in the envelope.

    Raises:
        BodyError: not a structured CloudEvent 1.0, or what is inside cannot be read.

    """
    event = _open(delivery)
    key, kind, data = _key(delivery, event), _short(event.text("type")), event.child("data")
    if _is_ours(kind):
        return native.read_body(delivery, data, kind, key, event.moment("time"))
    wrapped = unwrap(data, kind)
    time = wrapped.event_time or event.moment("time")
    return voucherify.read_wrapped(delivery, replace(wrapped, event_time=time, beside=False), key)


def _voucherify_lane(data: Payload, kind: str | None) -> str | None:
    try:
        return voucherify.lane_of(unwrap(data, kind).data)
    except BodyError:
        return None


def _open(delivery: Delivery) -> Payload:
    if delivery.content_type == BATCH_CONTENT_TYPE or "ce-specversion" in delivery.headers:
        raise BodyError(
            f"CloudEvents in batched or binary form are not read yet: send this one structured, as {CONTENT_TYPE}"
        )
    value = decode(delivery.body, max_bytes=delivery.source.max_bytes)
    event = Payload(value, zone=delivery.source.timezone)
    if event.text("specversion") != _VERSION:
        raise BodyError("not a CloudEvent of specversion 1.0")
    missing = [name for name in ("id", "source", "type") if event.text(name) is None]
    if missing:
        raise BodyError(f"a CloudEvent without {' and '.join(missing)}")
    if not event.child("data"):
        raise BodyError("the CloudEvent's data is not a JSON object")
    return event


def _short(kind: str | None) -> str | None:
    """The type without a reverse domain in front, as far as a known name is behind it."""
    rest = kind
    while rest:
        if neutral_name(rest) or is_known(rest) or is_configuration(rest):
            return rest
        rest = rest.partition(".")[2]
    return kind


def _is_ours(kind: str | None) -> bool:
    return kind is not None and neutral_name(kind) == kind


def _key(delivery: Delivery, event: Payload) -> str:
    source, name = event.text("source"), event.text("id")
    return delivery.key_of(f"{source} {name}" if source and name else None)
