"""The published events, and deliveries made of them."""

import json
from datetime import UTC, datetime
from pathlib import Path

from engine.ingest import Delivery, SourceSettings

EVENTS = Path(__file__).parent.parent / "events"
ENVELOPE = "envelope.voucher.loyalty_card.points_added"
BARE = (
    "customer.loyalty.tier.upgraded",
    "customer.voucher.loyalty_card.pending_points.updated",
    "customer.voucher.loyalty_card.points_added",
    "voucher.loyalty_card.pending_points.activated",
    "voucher.loyalty_card.pending_points.canceled",
    "voucher.loyalty_card.points_expired",
)
PUBLISHED = (*BARE, ENVELOPE)

RECEIVED = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
VOUCHERIFY = SourceSettings(name="shop", producer="voucherify", secrets=("secretKey",))
NATIVE = SourceSettings(name="till", producer="native", unsigned=True)
CLOUDEVENTS = SourceSettings(name="bus", producer="cloudevents", unsigned=True)


def published(name):
    """A published event as bytes."""
    return (EVENTS / f"{name}.json").read_bytes()


def value_of(name):
    """A published event as a value that may be changed."""
    return json.loads(published(name))


def delivery(body, type_hint=None, *, source=VOUCHERIFY, headers=None, received_at=RECEIVED):
    """A delivery of bytes, or of a value as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(source=source, body=raw, received_at=received_at, headers=headers or {}, type_hint=type_hint)


def deliver_published(name):
    """A published event as it would come in: bare ones with their type from the route."""
    return delivery(published(name), None if name == ENVELOPE else name)


def enveloped(data, event_type, *, event_id="evvou_1", at="2026-01-31T10:00:00.000Z", kind="webhook", written=None):
    """An envelope of API version v2024-01-01."""
    return {
        "id": "whs_1",
        "project_id": "proj_1",
        "created_at": at,
        "type": event_type if written is None else written,
        "data": data,
        "source": {"id": "wh_1", "object": kind, "target_url": "https://example.org/ingest"},
        "event": {"id": event_id, "type": event_type, "created_at": at, "group_id": "v-1"},
    }


def other_family(name):
    """The name under which the other kind of webhook reports the same happening."""
    return name.removeprefix("customer.") if name.startswith("customer.voucher.") else f"customer.{name}"
