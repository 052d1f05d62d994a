"""A producer's delivery -> neutral events. Pure: no clock, no store, no network.

``verify`` before anything else, ``peek`` before storing, ``read`` when deciding. A new producer is a module with these
three functions and a line in ``PRODUCERS``.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import cloudevents, native, standard_webhooks, voucherify
from .body import MAX_BYTES, MAX_DEPTH
from .delivery import Delivery, Peek, Producer, ProducerName, Reading, SourceSettings
from .names import neutral_name

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "PRODUCERS",
    "Delivery",
    "Peek",
    "Producer",
    "ProducerName",
    "Reading",
    "SourceSettings",
    "neutral_name",
    "peek",
    "read",
    "verify",
]

PRODUCERS: Mapping[ProducerName, Producer] = {
    "voucherify": Producer(verify=voucherify.verify, peek=voucherify.peek, read=voucherify.read),
    "native": Producer(verify=standard_webhooks.verify, peek=native.peek, read=native.read),
    "cloudevents": Producer(verify=standard_webhooks.verify, peek=cloudevents.peek, read=cloudevents.read),
}


def verify(delivery: Delivery) -> None:
    """Check who sent it. To be called on the bytes as they came, before anything reads them.

    Raises:
        SignatureError: nobody vouches for it.

    """
    _producer(delivery).verify(delivery)


def peek(delivery: Delivery) -> Peek:
    """What is needed to store a delivery: its transport key, its lane. Never raises, whatever the body."""
    return _producer(delivery).peek(delivery)


def read(delivery: Delivery) -> Reading:
    """The neutral events of a delivery, with remarks.

    Raises:
        BodyError: it cannot be read; the message says why and, where it can, what to change.

    """
    return _producer(delivery).read(delivery)


def _producer(delivery: Delivery) -> Producer:
    # The plain route takes CloudEvents too: the content type tells them apart.
    if delivery.source.producer == "native" and cloudevents.is_cloudevent(delivery):
        return PRODUCERS["cloudevents"]
    return PRODUCERS[delivery.source.producer]
