"""The signature of Voucherify's webhooks.

``x-voucherify-signature`` is the lower-case hex HMAC-SHA256, under the project's secret key, of the JSON body without
insignificant white space. Nothing else is signed: no time, no id, so only the transport key protects from replays.

Source: docs.voucherify.io, "Introduction to webhooks", with test vectors.
"""

from __future__ import annotations

import hmac
import re

from ...errors import SignatureError
from ..body import JSON_STRING
from ..delivery import Delivery

HEADER = "x-voucherify-signature"

_SPACE_OR_STRING = re.compile(b"(" + JSON_STRING.encode() + rb")|[ \t\r\n]++", re.DOTALL)


def verify(delivery: Delivery) -> None:
    """Check the signature over the bytes as they came, then over their compact form.

    Raises:
        SignatureError: missing or wrong, or the source has neither a secret nor an explicit ``unsigned``.

    """
    secrets = [secret.encode() for secret in delivery.source.secrets if secret]
    if not secrets:
        if delivery.source.unsigned and not delivery.source.secrets:
            return
        raise SignatureError(f"the source {delivery.source.name} has no secret and is not marked as unsigned")
    # Bytes, because comparing texts raises on anything but ASCII.
    given = delivery.headers.get(HEADER, "").strip().lower().encode(errors="replace")
    if not given:
        raise SignatureError(f"the header {HEADER} is missing")
    if not any(_signed(delivery.body, given, secret) for secret in secrets):
        raise SignatureError(f"the header {HEADER} does not match any configured secret")


def compact(body: bytes) -> bytes:
    """The body without white space outside strings. Numbers and escapes stay as written: no re-serialising."""
    return _SPACE_OR_STRING.sub(rb"\1", body)


def _signed(body: bytes, given: bytes, secret: bytes) -> bool:
    if hmac.compare_digest(_digest(body, secret), given):
        return True
    tight = compact(body)
    return tight != body and hmac.compare_digest(_digest(tight, secret), given)


def _digest(body: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, body, "sha256").hex().encode()
