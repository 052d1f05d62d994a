"""Durations and times of day as rules write them: ``30 days``, ``48 hours``, ``09:00``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time, timedelta
from types import MappingProxyType

LONGEST = timedelta(days=3650)

_UNITS: Mapping[str, timedelta] = MappingProxyType(
    {
        "minute": timedelta(minutes=1),
        "hour": timedelta(hours=1),
        "day": timedelta(days=1),
        "week": timedelta(weeks=1),
    }
)
_DURATION = re.compile(r"([0-9]{1,7}) +(minute|hour|day|week)s?")
_LOOSE_DURATION = re.compile(r"([0-9]{1,7})\s*([a-z]*)\.?", re.IGNORECASE)
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LOOSE_TIME = re.compile(r"([0-9]{1,2})[:.h]?([0-9]{2})?(?::[0-9]{2})?\s*(am|pm)?", re.IGNORECASE)
_NOON = 12


def read_duration(text: str) -> timedelta | None:
    """The duration; ``None`` when it is not written as in ``30 days``."""
    found = _DURATION.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found else None


def duration_meant(text: str, unit: str = "day") -> str:
    """How the duration would be written that the text may mean; a bare number counts in ``unit``."""
    found = _LOOSE_DURATION.fullmatch(text.strip())
    if found is None:
        return 'write it like "30 days", "48 hours" or "2 weeks"'
    word = found[2].lower() or unit
    meant = next((known for known in _UNITS if known.startswith(word[0])), None)
    if meant is None or (word[0] == "m" and not word.startswith("mi")):
        return "write it in days: months and years vary"
    return f'write "{in_words(int(found[1]), meant)}"'


def in_words(count: int, unit: str) -> str:
    """``1 day``, ``2 days``."""
    return f"{count} {unit}{'' if count == 1 else 's'}"


def read_time(text: str) -> time | None:
    """The time of day; ``None`` when it is not written as HH:MM."""
    found = _TIME.fullmatch(text)
    return time(int(found[1]), int(found[2])) if found else None


def time_meant(text: str) -> str:
    """How the time of day would be written that the text may mean."""
    found = _LOOSE_TIME.fullmatch(text.strip())
    hour = int(found[1]) if found else 24
    if found and found[3]:
        hour = hour % _NOON + (_NOON if found[3].lower() == "pm" else 0)
    minute = int(found[2] or 0) if found else 0
    meant = f"{hour:02}:{minute:02}"
    return f'write "{meant}"' if read_time(meant) else 'write it as HH:MM, like "09:00"'
