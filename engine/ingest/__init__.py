"""A producer's delivery -> neutral events. Pure: no clock, no store, no network.

``verify`` before anything else, ``unpack`` and ``peek`` before storing, ``read`` when deciding. A new producer is a
mapping in ``mappings/``; or, where that cannot say it, a module with these functions and a line in ``PRODUCERS``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import cloudevents, mapped, native, standard_webhooks, voucherify
from .body import MAX_BYTES, MAX_DEPTH
from .body_fields import BodyField, with_body_fields
from .delivery import SHIPPED, Delivery, Peek, Producer, ProducerName, Reading, Shipped, SourceSettings
from .names import neutral_name
from .places import read_path

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "PRODUCERS",
    "SHIPPED",
    "BodyField",
    "Delivery",
    "Peek",
    "Producer",
    "ProducerName",
    "Reading",
    "Shipped",
    "SourceSettings",
    "neutral_name",
    "peek",
    "read",
    "read_path",
    "unpack",
    "verify",
]

PRODUCERS: Mapping[ProducerName, Producer] = {
    "voucherify": Producer(verify=voucherify.verify, peek=voucherify.peek, read=voucherify.read),
    "native": Producer(verify=standard_webhooks.verify, peek=native.peek, read=native.read),
    "cloudevents": Producer(verify=standard_webhooks.verify, peek=cloudevents.peek, read=cloudevents.read),
    "mapped": Producer(verify=mapped.verify, peek=mapped.peek, read=mapped.read),
}


def verify(delivery: Delivery) -> None:
    """Check who sent it. To be called on the bytes as they came, before anything reads them.

    Raises:
        SignatureError: nobody vouches for it.

    """
    _producer(delivery).verify(delivery)


def unpack(delivery: Delivery) -> tuple[Delivery, ...]:
    """What is to be stored of a delivery that was verified: itself, or the events of a batch. Never raises."""
    producer = delivery.source.producer
    if producer == "cloudevents" or (producer == "native" and cloudevents.is_cloudevent(delivery)):
        return cloudevents.unpack(delivery)
    return (delivery,)


def peek(delivery: Delivery) -> Peek:
    """What is needed to store a delivery: its transport key, its lane. Never raises, whatever the body."""
    return _producer(delivery).peek(delivery)


def read(delivery: Delivery, fields: Sequence[BodyField] = ()) -> Reading:
    """The neutral events of a delivery, with remarks. ``fields`` are declared ones that have a place in bodies.

    Raises:
        BodyError: it cannot be read; the message says why and, where it can, what to change.

    """
    return with_body_fields(_producer(delivery).read(delivery), delivery, fields)


def _producer(delivery: Delivery) -> Producer:
    # The plain route takes CloudEvents too: the content type tells them apart.
    if delivery.source.producer == "native" and cloudevents.is_cloudevent(delivery):
        return PRODUCERS["cloudevents"]
    return PRODUCERS[delivery.source.producer]
