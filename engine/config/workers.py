"""``workers:``, how many child processes decide."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..children.pool import cores, possible
from ..ruleset.positions import Scalar
from .reading import BAD_SETTING, Reading

Workers: TypeAlias = int | Literal["auto"]
MOST = 64
_AT_LEAST, _AT_MOST = 2, 4
_PLACE = ("workers",)
_FIX = f"write auto, 0 to decide in the daemon itself, or a number up to {MOST}"


def workers_of(reading: Reading) -> Workers | None:
    """What is written; ``None``, with the fault noted, when it means nothing."""
    node = reading.node(_PLACE)
    if node is None:
        return "auto"
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, str):
        value = reading.text(_PLACE)  # It may come from the environment.
        if value == "auto":
            return "auto"
        value = int(value) if value and value.isdecimal() else value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        if value != "":  # Of a variable that is not set enough has been said.
            reading.fault(_PLACE, BAD_SETTING, "is not a number of child processes", _FIX)
        return None
    if value and not possible():
        reading.fault(_PLACE, BAD_SETTING, "needs Linux for child processes", "write auto or 0")
        return None
    return value


def children_for(workers: Workers) -> int:
    """How many children there are to be.

    ``auto`` leaves a core to the daemon itself, which stores and sends. Two at least, so that a delivery that holds up
    one of them holds up nobody else; four at most, because by then the daemon is the one who is waited for.
    """
    if workers == "auto":
        return min(max(_AT_LEAST, cores() - 1), _AT_MOST) if possible() else 0
    return workers
