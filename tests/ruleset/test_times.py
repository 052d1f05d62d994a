"""Durations and times of day, and what is made of those written otherwise."""

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ruleset.times import duration_meant, in_words, read_duration, read_time, time_meant

UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}


@given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS)))
def test_a_duration_is_read_as_it_is_written(count, unit):
    assert read_duration(in_words(count, unit)) == count * UNITS[unit]


@pytest.mark.parametrize(
    "text", ["30", "days", "30days", "-1 day", "1.5 days", "1 month", "1 day 2 hours", " 1 day", "\u0663 days"]
)
def test_nothing_else_is_a_duration(text):
    assert read_duration(text) is None


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("30", 'write "30 days"'),
        ("1d", 'write "1 day"'),
        ("48h", 'write "48 hours"'),
        ("2 wks", 'write "2 weeks"'),
        ("10 min", 'write "10 minutes"'),
        ("1 month", "write it in days: months and years vary"),
        ("1 year", "write it in days: months and years vary"),
        ("a while", 'write it like "30 days", "48 hours" or "2 weeks"'),
    ],
)
def test_the_duration_that_was_meant(text, fix):
    assert duration_meant(text) == fix


@pytest.mark.parametrize(
    ("unit", "fix"), [("minute", 'write "30 minutes"'), ("hour", 'write "30 hours"'), ("week", 'write "30 weeks"')]
)
def test_a_bare_number_counts_in_the_unit_of_its_key(unit, fix):
    assert duration_meant("30", unit) == fix


@given(st.times())
def test_a_time_of_day_is_read_as_it_is_written(moment):
    assert read_time(f"{moment:%H:%M}") == moment.replace(second=0, microsecond=0, fold=0)


@pytest.mark.parametrize("text", ["9:00", "24:00", "09:60", "09:00:00", "0900", "9", "", "\u0660\u0669:00"])
def test_nothing_else_is_a_time_of_day(text):
    assert read_time(text) is None


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("9:00", time(9)),
        ("9.30", time(9, 30)),
        ("9", time(9)),
        ("9pm", time(21)),
        ("12am", time(0)),
        ("09:00:00", time(9)),
    ],
)
def test_the_time_of_day_that_was_meant(text, fix):
    assert time_meant(text) == f'write "{fix:%H:%M}"'
