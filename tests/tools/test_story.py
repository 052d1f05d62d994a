"""A member's story in words: what happened, and why or why not."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.model import Reason
from engine.store import Reports
from engine.tools.story import masked, reason_in_words, tell, tell_timer
from tests.tools.year import winter

WARSAW = ZoneInfo("Europe/Warsaw")
NOW = datetime(2026, 1, 10, 11, 0, tzinfo=UTC)


async def story_of(member, tmp_path):
    await winter(tmp_path / "s.db")
    with closing(Reports(tmp_path / "s.db")) as reports:
        return tell(reports.story(member), reports.silent_events(member), WARSAW)


def lines(entries):
    return [f"{entry.at:%Y-%m-%d %H:%M}  {entry.rule}  {entry.text}" for entry in entries]


async def test_the_story_of_a_winter_is_told_newest_first(tmp_path):
    assert lines(await story_of("anna", tmp_path)) == [
        '2026-01-10 13:00  points-expired  "60 expired" captured for a***@example.org, not sent (after points_expired)',
        "2026-01-10 13:00  points-expire-soon  nothing sent after points_expired: nothing at risk (card.balance is 0)",
        (
            "2026-01-10 13:00  points-expired  nothing sent after points_expired of 2026-01-09 13:00: "
            "its condition does not hold: event.points >= 50 (event.points = 10)"
        ),
        (
            "2026-01-10 13:00  points-expire-soon  nothing sent after points_expired of 2026-01-09 13:00: "
            "nothing at risk (card.balance is 0)"
        ),
        (
            "2026-01-10 13:00  points-expire-soon  cancelled 3 reminders after points_redeemed: "
            "nothing at risk (card.balance is 0)"
        ),
        (
            "2026-01-02 13:00  points-expire-soon  moved 3 reminders after points_earned: "
            "2026-01-01 09:00 -> 2026-03-01 09:00 (30 days), 2026-01-24 09:00 -> 2026-03-24 09:00 (7 days), "
            "2026-01-30 09:00 -> 2026-03-30 09:00 (1 day)"
        ),
        (
            "2026-01-01 09:00  points-expire-soon  points-expire-soon-sms not sent for reminder 30 days: "
            "its condition does not hold: days_left == 1 (days_left = 30)"
        ),
        (
            '2026-01-01 09:00  points-expire-soon  "970 expire in 30 days" captured for a***@example.org, not sent '
            "(for reminder 30 days)"
        ),
        (
            "2025-12-20 18:00  points-expire-soon  scheduled 3 reminders after points_earned: "
            "2026-01-01 09:00 (30 days), 2026-01-24 09:00 (7 days), 2026-01-30 09:00 (1 day)"
        ),
    ]


async def test_the_member_is_not_named_in_their_own_story(tmp_path):
    texts = [entry.text for entry in await story_of("bo", tmp_path)]
    assert "nothing sent after points_expired: no address, the member has no email" in texts


async def test_a_reminder_to_come_says_what_it_is_about(tmp_path):
    await winter(tmp_path / "s.db")
    with closing(Reports(tmp_path / "s.db")) as reports:
        [first, *_] = reports.timers(state="cancelled")
    told = tell_timer(first, WARSAW)
    assert (f"{told.at:%H:%M}", told.text) == ("09:00", "reminder 30 days before 2026-03-31, card card-anna")


def message(state, **fields):
    row = {
        "id": 1,
        "event_seq": 1,
        "member_id": "anna",
        "rule": "points-added",
        "outcome": "notify",
        "event_name": "points_added",
        "occurred_at": NOW,
        "at": NOW,
        "slot": "points-added/email",
        "template": "points-added",
        "subject": "40 points",
        "address": "anna@example.org",
        "message_state": state,
        "message_reason": None,
        "message_due_at": NOW,
        "attempts": 0,
        "reply": None,
        "settled_at": NOW + timedelta(minutes=1),
    }
    [told] = tell([row | fields], [], WARSAW)
    return told.text.removesuffix(" (after points_added)")


@pytest.mark.parametrize(
    ("state", "fields", "text"),
    [
        ("sent", {}, '"40 points" sent 12:01 to a***@example.org'),
        ("sent", {"settled_at": NOW + timedelta(days=1)}, '"40 points" sent 2026-01-11 12:00 to a***@example.org'),
        ("queued", {}, '"40 points" waits to be sent to a***@example.org'),
        ("permitted", {}, '"40 points" waits to be sent to a***@example.org'),
        (
            "queued",
            {"attempts": 1, "reply": "451 busy", "message_due_at": NOW + timedelta(minutes=5), "settled_at": None},
            '"40 points" to a***@example.org not delivered yet, next attempt 12:05 (451 busy)',
        ),
        ("failed", {"reply": "550 no"}, '"40 points" not delivered to a***@example.org: refused (550 no)'),
        ("unknown", {"reply": "lost"}, '"40 points" to a***@example.org: unknown whether it arrived (lost)'),
        (
            "withdrawn",
            {"message_reason": "date_moved"},
            '"40 points" taken back before it was sent: the date has moved',
        ),
        (
            "expired",
            {"message_reason": "useful_time_over"},
            '"40 points" to a***@example.org not sent: its useful time was over',
        ),
        (None, {"address": None, "subject": None}, "its message is no longer kept"),
        ("sent", {"subject": "{title} {0}"}, '"{title} {0}" sent 12:01 to a***@example.org'),
    ],
)
def test_what_became_of_a_message_is_told(state, fields, text):
    assert message(state, **fields) == text


def test_a_held_message_says_what_its_template_lacks():
    held = {"outcome": "skip", "reason": "template_held", "detail": "email.en.html:3: no name", "slot": None}
    assert message(None, **held) == (
        "message held after points_added: the template cannot word it: email.en.html:3: no name"
    )


def test_a_reminder_that_is_planned_too_late_says_so():
    late = {"outcome": "skip", "reason": "too_late", "detail": "was due 2026-01-01 09:00", "slot": "30 days"}
    assert message(None, **late) == "reminder 30 days not scheduled: too late (was due 2026-01-01 09:00)"


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_can_be_told_with_and_without_its_detail(reason):
    alone = reason_in_words(reason, None)
    assert alone
    assert not alone.endswith((" ", ":", "(", "{}"))
    assert "the detail {x}" in reason_in_words(reason, "the detail {x}")


def test_a_reason_of_a_later_version_is_told_as_it_is():
    assert reason_in_words("moon_phase", None) == "moon_phase"
    assert reason_in_words("moon_phase", "full") == "full"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("anna@example.org", "a***@example.org"),
        ("@", "***@"),
        ("+48600000000", "+48***00"),
        ("", "***"),
    ],
)
def test_addresses_are_masked(address, shown):
    assert masked(address) == shown
