"""CloudEvents 1.0 in JSON: an envelope around Voucherify's ``data`` or around our own plain JSON.

They come one by one, structured (the envelope in the body) or binary (the envelope in ``ce-`` headers), or several in a
batch. What is stored is always structured and one by one, because headers are not stored and a batch is no unit of
work: ``unpack`` makes it so after the signature has been checked.

``type`` is a neutral name (then ``data`` is a body as in ``native.py``), or a producer's name in any spelling (then
``data`` is Voucherify's, bare or in its own envelope). A reverse domain in front of either is skipped, as in
``org.example.points_added``. ``source`` and ``id`` together are the transport key. Signed as Standard Webhooks are: the
specification leaves signatures to the transport.

Source: github.com/cloudevents/spec, v1.0.2, spec.md, formats/json-format.md and bindings/http-protocol-binding.md.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from urllib.parse import unquote

from ..errors import BodyError
from . import native, voucherify
from .body import MAX_DEPTH, decode, glance
from .delivery import Delivery, Peek, Reading, shortened
from .names import is_configuration, is_known, neutral_name
from .payload import Payload
from .voucherify.envelope import unwrap

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"

_VERSION = "1.0"
_HEADER = "ce-"
_ROOM = 1 << 16
"""Bytes that a body may have more once its headers are in it."""


def is_cloudevent(delivery: Delivery) -> bool:
    """Whether the sender says so, in either of the forms."""
    return delivery.content_type in (CONTENT_TYPE, BATCH_CONTENT_TYPE) or _is_binary(delivery)


def unpack(delivery: Delivery) -> tuple[Delivery, ...]:
    """The deliveries to be stored, each a structured event; never raises.

    A batch may be empty. What is none of the forms is stored as it came, and set aside with a reason when it is read.
    """
    if delivery.content_type == BATCH_CONTENT_TYPE:
        return _of_batch(delivery)
    if delivery.content_type != CONTENT_TYPE and _is_binary(delivery):
        return (_structured(delivery, _from_headers(delivery)),)
    return (delivery,)


def _is_binary(delivery: Delivery) -> bool:
    return "ce-specversion" in delivery.headers


def _of_batch(delivery: Delivery) -> tuple[Delivery, ...]:
    try:
        # One level more than an event on its own: the list.
        events = decode(delivery.body, max_bytes=delivery.source.max_bytes, max_depth=MAX_DEPTH + 1)
    except BodyError:
        return (delivery,)
    if not isinstance(events, list):
        return (delivery,)
    return tuple(_structured(delivery, json.dumps(event, ensure_ascii=False).encode()) for event in events)


def _structured(delivery: Delivery, body: bytes) -> Delivery:
    headers = {name: value for name, value in delivery.headers.items() if not name.startswith(_HEADER)}
    return replace(delivery, body=body, headers={**headers, "content-type": CONTENT_TYPE})


def _from_headers(delivery: Delivery) -> bytes:
    """The structured event; its data stands in it byte for byte."""
    told = {
        name.removeprefix(_HEADER): unquote(value)
        for name, value in delivery.headers.items()
        if name.startswith(_HEADER)
    }
    told.pop("data", None)
    if kind := delivery.headers.get("content-type"):
        told["datacontenttype"] = kind
    if not delivery.body.strip():
        return json.dumps(told).encode()
    if glance(delivery.body) is None:
        return json.dumps({**told, "data_base64": b64encode(delivery.body).decode()}).encode()
    return json.dumps(told).encode()[:-1] + b', "data": ' + delivery.body + b"}"


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
    if delivery.content_type == BATCH_CONTENT_TYPE:
        batch = decode(delivery.body, max_bytes=delivery.source.max_bytes, max_depth=MAX_DEPTH + 1)
        if isinstance(batch, list):
            raise BodyError("a batch of CloudEvents is taken apart when it comes in: hand its events in one by one")
        raise BodyError(f"a batch of CloudEvents ({BATCH_CONTENT_TYPE}) is a JSON list of events, and this is none")
    value = decode(delivery.body, max_bytes=delivery.source.max_bytes + _ROOM, max_depth=MAX_DEPTH + 1)
    event = Payload(value, zone=delivery.source.timezone)
    if event.text("specversion") != _VERSION:
        raise BodyError("not a CloudEvent of specversion 1.0")
    missing = [name for name in ("id", "source", "type") if event.text(name) is None]
    if missing:
        raise BodyError(f"a CloudEvent without {' and '.join(missing)}")
    if event.has("data_base64"):
        raise BodyError(f"the CloudEvent's data is not JSON{_said_to_be(event)}")
    if not event.child("data"):
        raise BodyError("the CloudEvent's data is not a JSON object")
    return event


def _said_to_be(event: Payload) -> str:
    kind = event.text("datacontenttype")
    return f": its datacontenttype is {shortened(kind)}" if kind else ""


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
