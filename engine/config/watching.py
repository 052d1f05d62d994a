"""``watch_rules:``, whether the daemon reads rules and templates again when their files change."""

from __future__ import annotations

from ..ruleset.positions import Scalar
from .reading import BAD_SETTING, Reading

_PLACE = ("watch_rules",)
_FIX = "write true, or false to read them again only when told: pointbell reload"


def watching_of(reading: Reading) -> bool:
    """What is written; true where nothing is, or where it means nothing and the fault is noted."""
    node = reading.node(_PLACE)
    if node is None:
        return True
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return node.value
    reading.fault(_PLACE, BAD_SETTING, "is neither true nor false", _FIX)
    return True
