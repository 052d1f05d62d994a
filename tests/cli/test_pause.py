"""``pause``: begun, listed, seen wherever somebody asks, and ended."""

from zoneinfo import ZoneInfo

import pytest

from engine.cli.moments import length_named, moment_named
from engine.errors import PointbellError

EXPIRED = '{"id": "p1", "type": "points_expired", "member": {"id": "zoe", "email": "zoe@example.org"}, \
"card": {"id": "card-z"}, "data": {"points": 80}}'
TO_COME = '{"id": "p2", "type": "points_earned", "member": {"id": "zoe", "email": "zoe@example.org"}, \
"card": {"id": "card-z", "balance": 400, "next_expiration_date": "2999-12-31", "next_expiration_points": 400}, \
"data": {"points": 400}}'


def paused(pointbell, *words, reason="wrong figures", lasts="2h"):
    return pointbell.json("pause", *words, "--for", lasts, "--reason", reason)


def ingest(pointbell, *bodies):
    return pointbell.json("ingest", pointbell.write("in.jsonl", "\n".join(bodies)), "--source", "shop")


def test_a_pause_holds_and_everybody_who_asks_is_told(pointbell):
    begun = paused(pointbell, "rule", "points-expired")
    assert (begun["scope"], begun["name"], begun["reason"]) == ("rule", "points-expired", "wrong figures")
    assert ingest(pointbell, EXPIRED)["notifications"] == {"queued": 1}
    [row] = pointbell.json("outbox", "list", "--state", "queued")
    assert row["paused"]["reason"] == "wrong figures"
    assert ": wrong figures" in pointbell("outbox", "list").splitlines()[-1]
    assert "waits to be sent to z***@example.org: paused until " in pointbell("why", "zoe")
    shown = pointbell("status")
    assert "PAUSED: rule points-expired, until " in shown
    assert f"(pointbell pause end {begun['id']})" in shown
    assert pointbell.json("status")["pauses"][0]["id"] == begun["id"]


def test_what_a_pause_held_goes_on_when_it_is_ended(pointbell):
    begun = paused(pointbell, "all")
    ingest(pointbell, EXPIRED)
    assert pointbell("pause", "end", begun["id"]) == "Ended: everything.\n"
    pointbell("run", "--until-idle")
    assert [row["state"] for row in pointbell.json("outbox", "list")] == ["captured"]
    assert pointbell.json("pause", "list") == []
    [over] = pointbell.json("pause", "list", "--over")
    assert over["ended_at"] is not None


@pytest.mark.parametrize("what", [("rule", "points-expire-soon"), ("all",), ("channel", "email")])
def test_a_reminder_to_come_says_that_it_is_paused(pointbell, what):
    ingest(pointbell, TO_COME)
    paused(pointbell, *what)
    timers = pointbell("why", "zoe").partition("So far")[0]
    assert timers.count(": wrong figures") == 3


def test_pauses_are_listed_with_what_until_when_and_why(pointbell):
    paused(pointbell, "channel", "email", reason="new relay")
    pointbell("pause", "all", "--until", "2999-01-01", "--reason", "x", code=2)
    assert "a pause lasts 366 days at most" in pointbell.said
    shown = pointbell("pause", "list")
    assert "channel email" in shown
    assert "new relay" in shown
    assert "Europe/Warsaw" in pointbell.said
    pointbell("pause", "end", "--all")
    assert pointbell("pause", "list") == ""
    assert "Nothing is paused." in pointbell.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rule", "point-expired"), "there is no rule 'point-expired'; did you mean \"points-expired\"?"),
        (("channel", "emial"), "there is no channel 'emial'; did you mean \"email\"?"),
    ],
)
def test_a_name_that_is_not_there_is_an_error_with_a_suggestion(pointbell, words, said):
    pointbell("pause", *words, "--for", "2h", "--reason", "x", code=2)
    assert said in pointbell.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say how long: --for 2h, or --until"),
        (("--for", "2h", "--until", "2026-12-01"), "say how long"),
        (("--for", "soon"), "'soon' is not a length of time: write it like"),
        (("--until", "tomorrow"), "'tomorrow' is not a time: write it like"),
        (("--until", "2020-01-01"), "would be over before it begins"),
    ],
)
def test_a_time_that_cannot_be_meant_is_an_error(pointbell, words, said):
    pointbell("pause", "all", "--reason", "x", *words, code=2)
    assert said in pointbell.said


def test_a_pause_needs_a_reason_and_an_end_needs_a_number(pointbell):
    pointbell("pause", "all", "--for", "2h", "--reason", " ", code=2)
    assert "give a reason" in pointbell.said
    pointbell("pause", "end", code=2)
    assert "say which pauses" in pointbell.said
    pointbell("pause", "end", "7", code=1)
    assert "there is no open pause 7" in pointbell.said


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("2h", 7200), ("1 hour", 3600), ("3 days", 259200), ("3d", 259200), ("1 Week", 604800)],
)
def test_lengths_are_read_as_people_write_them(text, seconds):
    assert length_named(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "2", "0h", "-1h", "2 years", "1.5h", "2h 30m", "²h"])
def test_a_length_that_is_none_is_refused(text):
    with pytest.raises(PointbellError, match="is not a length of time"):
        length_named(text)


def test_moments_are_of_the_programmes_zone_unless_they_say_otherwise():
    zone = ZoneInfo("Europe/Warsaw")
    assert moment_named("2026-12-01", zone).isoformat() == "2026-11-30T23:00:00+00:00"
    assert moment_named("2026-12-01 09:00", zone).isoformat() == "2026-12-01T08:00:00+00:00"
    assert moment_named("2026-12-01T09:00:00Z", zone).isoformat() == "2026-12-01T09:00:00+00:00"
