"""What counts under a cap, and for how long."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.decide.caps import over
from engine.model import Reason
from engine.ruleset.shared import Limit

WARSAW = ZoneInfo("Europe/Warsaw")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW).astimezone(UTC)


@pytest.mark.parametrize(
    ("per", "told", "now", "held"),
    [
        (timedelta(hours=24), "2026-03-02 23:00", "2026-03-03 22:59", True),
        (timedelta(hours=24), "2026-03-02 23:00", "2026-03-03 23:00", False),
        ("day", "2026-03-02 00:00", "2026-03-02 23:59", True),
        # The member's midnight, which is 23:00 in UTC.
        ("day", "2026-03-02 23:30", "2026-03-03 00:00", False),
        ("day", "2026-03-03 00:00", "2026-03-03 00:30", True),
        ("week", "2026-03-02 00:00", "2026-03-08 23:59", True),
        ("week", "2026-03-08 23:59", "2026-03-09 00:00", False),
        ("month", "2026-03-01 00:00", "2026-03-31 23:59", True),
        ("month", "2026-03-31 23:59", "2026-04-01 00:00", False),
        ("month", "2025-03-31 23:59", "2026-03-01 00:00", False),
        ("hour", "2026-03-02 12:00", "2026-03-02 12:59", True),
        ("hour", "2026-03-02 12:59", "2026-03-02 13:00", False),
    ],
)
def test_a_limit_holds_for_its_period(per, told, now, held):
    cap = (Limit(at_most=1, per=per),)
    assert (over("few", cap, [at(told)], at(now), WARSAW) is not None) is held


def test_all_limits_of_a_cap_hold():
    cap = (Limit(at_most=3, per=timedelta(days=7)), Limit(at_most=1, per="day"))
    three = [at("2026-03-02 12:00"), at("2026-03-03 12:00"), at("2026-03-04 12:00")]
    assert over("few", cap, three[:2], at("2026-03-04 12:00"), WARSAW) is None
    assert over("few", cap, three[:2], at("2026-03-03 20:00"), WARSAW) == (Reason.CAPPED, "few: 1 of 1 today")
    assert over("few", cap, three, at("2026-03-05 12:00"), WARSAW) == (
        Reason.CAPPED,
        "few: 3 of 3 in the last 7 days",
    )
