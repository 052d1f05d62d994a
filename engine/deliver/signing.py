"""Signatures that receivers check with any Standard Webhooks library (specification 1.0.0, symmetric scheme ``v1``)."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode

_PREFIX = "whsec_"
_LENGTHS = range(24, 65)  # bytes


def signing_key(secret: str) -> bytes:
    """The bytes behind ``whsec_...``. Raises ``ValueError``."""
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"a secret is written {_PREFIX} and then base64") from None
    if len(key) not in _LENGTHS:
        raise ValueError("a secret has 24 to 64 bytes")
    return key


def sign(key: bytes, webhook_id: str, timestamp: int, payload: bytes) -> str:
    """One entry of ``webhook-signature``; ``timestamp`` in seconds since 1970."""
    signed = f"{webhook_id}.{timestamp}.".encode("ascii") + payload
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode("ascii")
