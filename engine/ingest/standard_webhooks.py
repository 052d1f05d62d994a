"""The signature of Standard Webhooks, for every producer that has none of its own.

Headers ``webhook-id``, ``webhook-timestamp`` (unix seconds) and ``webhook-signature`` (a list, separated by spaces, of
``v1,<base64>``); signed is ``id.timestamp.body`` with HMAC-SHA256 under the bytes that the secret encodes in base64.

Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from functools import cache

from ..errors import SignatureError
from .delivery import Delivery

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

TOLERANCE = timedelta(minutes=5)
"""How far ``webhook-timestamp`` may lie from the receipt, either way."""

_PREFIX = "whsec_"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 12


def verify(delivery: Delivery) -> None:
    """Check id, time and body together.

    Raises:
        SignatureError: missing, malformed, too old or wrong, or the source has neither a usable secret nor an explicit
            ``unsigned``.

    """
    source = delivery.source
    if source.unsigned and not source.secrets:
        return
    keys = [_key(secret) for secret in source.secrets if secret]
    if not keys:
        raise SignatureError(f"the source {source.name} has no secret and is not marked as unsigned")
    message_id, timestamp, signatures = (_header(delivery, name) for name in (ID, TIMESTAMP, SIGNATURE))
    _check_time(timestamp, delivery.received_at)
    signed = f"{message_id}.{timestamp}.".encode(errors="replace") + delivery.body
    given = [part.removeprefix("v1,").encode(errors="replace") for part in signatures.split() if part.startswith("v1,")]
    expected = [b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    # As bytes, because comparing texts raises on anything but ASCII.
    if not any(hmac.compare_digest(one, other) for one in given for other in expected):
        raise SignatureError(f"the header {SIGNATURE} does not match any configured secret")


@cache
def _key(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise SignatureError(f"a configured secret is not {_PREFIX} followed by base64, as Standard Webhooks has it")
    return key


def _header(delivery: Delivery, name: str) -> str:
    value = delivery.headers.get(name, "").strip()
    if not value:
        raise SignatureError(f"the header {name} is missing")
    return value


def _check_time(timestamp: str, received_at: datetime) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _DIGITS):
        raise SignatureError(f"the header {TIMESTAMP} is not a count of seconds")
    if abs(received_at - _EPOCH - timedelta(seconds=int(timestamp))) > TOLERANCE:
        raise SignatureError(f"the header {TIMESTAMP} is more than 5 minutes away from the time of receipt")
