"""Dates, zones and the instants they mean.

A date such as ``next_expiration_date`` is the last day on which the points can be used, in the programme's zone; the
deadline is that zone's next midnight. Reminders go out at the member's local time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from ..model import Facts, Programme

ONE_DAY = timedelta(days=1)
NEVER = date(9000, 1, 1)
"""Dates from here on are a producer's way to say "never" (9999-12-31 is the usual one)."""
_MIDNIGHT = time(0)


def zone_of(facts: Facts, programme: Programme) -> tzinfo:
    """The member's time zone: the member's, else the card's, else the programme's. Unknown ones are passed over."""
    for name in _zone_names(facts):
        zone = _zone(name)
        if zone is not None:
            return zone
    return ZoneInfo(programme.timezone)


def unknown_zone(facts: Facts) -> str | None:
    """The zone name a member or card carries that no time-zone database knows, for the explanation."""
    return next((name for name in _zone_names(facts) if _zone(name) is None), None)


def instant(day: date, at: time, zone: tzinfo) -> datetime:
    """The UTC instant of a wall-clock time: in a gap the first instant after it, in a fold the first of the two."""
    wall = datetime.combine(day, at)
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    return _end_of_gap(wall, zone)


def deadline(day: date, programme: Programme) -> datetime:
    """The first UTC instant at which points usable until ``day`` are gone."""
    return instant(day + ONE_DAY, _MIDNIGHT, ZoneInfo(programme.timezone))


def next_at(now: datetime, at: time, zone: tzinfo) -> datetime:
    """The next UTC instant, ``now`` included, at which the wall clock of ``zone`` shows ``at``."""
    today = now.astimezone(zone).date()
    moment = instant(today, at, zone)
    return moment if moment >= now else instant(today + ONE_DAY, at, zone)


def _zone_names(facts: Facts) -> Iterator[str]:
    for record in (facts.member, facts.card):
        name = record.get("timezone") if record is not None else None
        if isinstance(name, str) and name:
            yield name


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a directory name is an OSError.
        return None


def _end_of_gap(wall: datetime, zone: tzinfo) -> datetime:
    """The instant at which the clock was put forward over ``wall``, to the second."""
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    old_offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == old_offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
