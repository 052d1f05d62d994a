"""Wall-clock times in zones, in gaps and folds."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.decide.calendar import deadline, instant, next_at
from engine.model import Programme

WARSAW = ZoneInfo("Europe/Warsaw")


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected"),
    [
        (date(2026, 1, 1), time(9), "Europe/Warsaw", utc(2026, 1, 1, 8)),
        (date(2026, 7, 1), time(9), "Europe/Warsaw", utc(2026, 7, 1, 7)),
        # 29 March 2026: 02:00 to 03:00 does not exist; the first instant after it is 03:00 summer time.
        (date(2026, 3, 29), time(2, 30), "Europe/Warsaw", utc(2026, 3, 29, 1)),
        # 25 October 2026: 02:30 happens twice; the first is summer time.
        (date(2026, 10, 25), time(2, 30), "Europe/Warsaw", utc(2026, 10, 25, 0, 30)),
        # Midnight that does not exist.
        (date(2026, 9, 6), time(0), "America/Santiago", utc(2026, 9, 6, 4)),
        # A whole day that does not exist: Samoa went from 29 to 31 December 2011.
        (date(2011, 12, 30), time(9), "Pacific/Apia", utc(2011, 12, 30, 10)),
    ],
)
def test_a_wall_time_means_one_instant(day, at, zone, expected):
    assert instant(day, at, ZoneInfo(zone)) == expected


def test_the_deadline_is_the_programmes_midnight_after_the_date():
    programme = Programme(name="P", timezone="Europe/Warsaw")
    assert deadline(date(2026, 1, 31), programme) == utc(2026, 1, 31, 23)


def test_next_at_is_today_when_the_hour_is_ahead_and_tomorrow_when_it_has_passed():
    assert next_at(utc(2026, 1, 20, 8), time(9), WARSAW) == utc(2026, 1, 20, 8)
    assert next_at(utc(2026, 1, 20, 8, 0, 1), time(9), WARSAW) == utc(2026, 1, 21, 8)


@given(
    st.dates(date(2026, 1, 1), date(2036, 12, 31)),
    st.times(),
    st.sampled_from(sorted(available_timezones())),
)
def test_an_instant_shows_the_wall_time_asked_for_or_the_end_of_a_gap(day, at, name):
    zone = ZoneInfo(name)
    shown = instant(day, at, zone).astimezone(zone).replace(tzinfo=None)
    wall = datetime.combine(day, at)
    assert shown == wall or shown > wall
    if shown != wall:
        before = instant(day, at, zone).timestamp() - 1
        assert datetime.fromtimestamp(before, zone).replace(tzinfo=None) < wall
