"""When to try again."""

from __future__ import annotations

from datetime import timedelta
from random import Random

_MESSAGE = (300.0, 3200.0)
_RELAY = (5.0, 240.0)
_JITTER = 0.25


def retry_after(attempt: int, rng: Random, *, about_relay: bool = False) -> timedelta:
    """How long to wait after the ``attempt``-th attempt (from 1) was deferred.

    A message waits 5 minutes, doubling, never more than 4,000 s (the habit of Postfix and what greylisting expects);
    a relay that is out of order is looked at after 5 s, doubling, at least every 300 s. The jitter only ever adds:
    a greylisting server must not be asked again too early.
    """
    first, last = _RELAY if about_relay else _MESSAGE
    base = min(first * 2 ** min(max(attempt - 1, 0), 16), last)
    return timedelta(seconds=base * (1 + _JITTER * rng.random()))
