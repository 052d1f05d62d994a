"""When a rule's messages may go: on the member's clock, whatever is done to the clock."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decide.hours import closing, opening
from engine.model import Reason
from engine.ruleset.hours import Span
from engine.ruleset.rule import EventTrigger, Rule

WARSAW = ZoneInfo("Europe/Warsaw")
ZONES = [ZoneInfo(name) for name in ("Europe/Warsaw", "America/Havana", "Asia/Tokyo", "Australia/Lord_Howe")]


def rule(window=None, quiet=None):
    return Rule(
        name="r", on=EventTrigger(names=frozenset({"points_expired"})), sends=(), window=window, quiet_hours=quiet
    )


def span(text):
    start, end = text.split("-")
    return Span(start=time.fromisoformat(start), end=time.fromisoformat(end))


def at(text, zone=WARSAW):
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "quiet", "moment", "opens", "why"),
    [
        ("09:00-20:00", None, "2026-03-02 08:59", "2026-03-02 09:00", Reason.WINDOW),
        ("09:00-20:00", None, "2026-03-02 09:00", "2026-03-02 09:00", None),
        ("09:00-20:00", None, "2026-03-02 19:59", "2026-03-02 19:59", None),
        ("09:00-20:00", None, "2026-03-02 20:00", "2026-03-03 09:00", Reason.WINDOW),
        ("22:00-02:00", None, "2026-03-02 01:59", "2026-03-02 01:59", None),
        ("22:00-02:00", None, "2026-03-02 02:00", "2026-03-02 22:00", Reason.WINDOW),
        (None, "21:00-08:00", "2026-03-02 23:30", "2026-03-03 08:00", Reason.QUIET_HOURS),
        (None, "13:00-15:00", "2026-03-02 14:00", "2026-03-02 15:00", Reason.QUIET_HOURS),
        ("07:00-20:00", "21:00-08:00", "2026-03-02 20:30", "2026-03-03 08:00", Reason.QUIET_HOURS),
        ("18:00-23:00", "21:00-08:00", "2026-03-02 22:00", "2026-03-03 18:00", Reason.WINDOW),
        (None, None, "2026-03-02 03:00", "2026-03-02 03:00", None),
        # 02:00 to 03:00 is not there on the 29th, and is there twice on the 25th.
        ("02:30-09:00", None, "2026-03-29 01:30", "2026-03-29 03:00", Reason.WINDOW),
        ("02:00-02:45", None, "2026-03-29 01:30", "2026-03-30 02:00", Reason.WINDOW),
        (None, "21:00-02:30", "2026-03-29 01:30", "2026-03-29 03:00", Reason.QUIET_HOURS),
        ("02:30-09:00", None, "2026-10-25 01:30", "2026-10-25 02:30", Reason.WINDOW),
    ],
)
def test_messages_go_at_the_first_instant_that_is_within_all_hours(window, quiet, moment, opens, why):
    told = rule(window and span(window), quiet and span(quiet))
    assert opening(told, at(moment), WARSAW) == (at(opens), why)


TIMES = st.times(max_value=time(23, 59)).map(lambda one: one.replace(second=0, microsecond=0))
SPANS = st.builds(Span, start=TIMES, end=TIMES).filter(lambda one: one.start != one.end)
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@settings(max_examples=150, deadline=None)
@given(SPANS, MOMENTS, st.sampled_from(ZONES))
def test_hours_open_within_themselves_and_close_at_their_end(hours, moment, zone):
    told = rule(window=hours)
    opens, _ = opening(told, moment, zone)
    closes = closing(told, opens, zone)
    assert moment <= opens < closes
    assert opening(told, opens, zone) == (opens, None)
    assert opening(told, closes - timedelta(seconds=1), zone)[1] is None
    assert opens - moment < timedelta(days=2)
    local = opens.astimezone(zone).time()
    assert (
        hours.holds(local)
        or opens.astimezone(zone).utcoffset() != (opens - timedelta(seconds=1)).astimezone(zone).utcoffset()
    )


@settings(max_examples=150, deadline=None)
@given(SPANS, MOMENTS, st.sampled_from(ZONES))
def test_quiet_hours_are_the_rest_of_a_window(hours, moment, zone):
    assert opening(rule(quiet=hours), moment, zone)[0] == opening(rule(window=hours.rest), moment, zone)[0]
