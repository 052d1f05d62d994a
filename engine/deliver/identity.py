"""The name under which the outside world knows a notification."""

from __future__ import annotations

import hmac
import re
from functools import lru_cache

_NOT_IN_TOKENS = re.compile(r"[^A-Za-z0-9_-]+")


def public_id(key: str, secret: bytes = b"") -> str:
    """32 hexadecimal digits that stand for a notification's key, the same at every attempt.

    Keys name rules and members; the digest (HMAC-SHA256, cut to 128 bits) does not. ``secret`` is the installation's;
    with it nobody outside can tell from an id whether it stands for a guessed key.
    """
    mac = _keyed(secret).copy()  # ``hmac.digest`` would let another thread run, for less than the change takes.
    mac.update(key.encode("utf-8", "surrogatepass"))
    return mac.hexdigest()[:32]


@lru_cache(4)
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod="sha256")


def token(text: str, fallback: str) -> str:
    """``text`` as a token of at most 60 letters, digits, ``-`` and ``_``, safe in any header field."""
    return _NOT_IN_TOKENS.sub("-", text).strip("-")[:60] or fallback
