"""Times and lengths of time as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ..errors import PointbellError

_LENGTH = re.compile(r"([0-9]{1,6}) *([a-z]+)", re.IGNORECASE)
_UNITS = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}
_SHORT = {"m": "minutes", "min": "minutes", "mins": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def length_named(text: str) -> timedelta:
    """``90m``, ``2h``, ``3 days``, ``1 week``.

    Raises:
        PointbellError: it is not written like one of those, or is no time at all.
    """
    found = _LENGTH.fullmatch(text.strip())
    name = found[2].lower() if found else ""
    unit = _UNITS.get(_SHORT.get(name, name)) or _UNITS.get(f"{name}s")
    if found is None or unit is None or not int(found[1]):
        raise PointbellError(f'{text!r} is not a length of time: write it like "90m", "2h", "3 days" or "1 week"')
    return int(found[1]) * unit


def moment_named(text: str, zone: ZoneInfo) -> datetime:
    """``2026-12-01``, which is its midnight, ``2026-12-01 09:00`` in ``zone``, or any time of ISO 8601; as UTC.

    Raises:
        PointbellError: it is not written like one of those.
    """
    try:
        said = datetime.fromisoformat(text.strip())
        return (said if said.tzinfo else said.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PointbellError(f'{text!r} is not a time: write it like "2026-12-01" or "2026-12-01 09:00"') from None
