"""``delivery.allow``: patterns of addresses that can be meant."""

from __future__ import annotations

from ..routing import fault_of
from ..ruleset.positions import Listing
from .reading import BAD_SETTING, NOBODY, Reading
from .settings import DeliverySettings

_PLACE = ("delivery", "allow")


def check_allowlist(reading: Reading, delivery: DeliverySettings) -> None:
    """Note what is wrong with the patterns, and that nobody is written to where there are none."""
    listed = isinstance(reading.node(_PLACE), Listing)
    for index, pattern in enumerate(delivery.allow):
        fault = fault_of(pattern)
        if fault is not None:
            meaning, fix = fault
            reading.fault((*_PLACE, index) if listed else _PLACE, BAD_SETTING, meaning, fix)
    if delivery.mode == "allowlist" and not delivery.allow:
        why = "is allowlist, and nobody is listed: nobody is written to"
        reading.warn(("delivery", "mode"), NOBODY, why, 'list who is: `allow: ["*@example.com"]`')
