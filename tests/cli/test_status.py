"""``status``: the mode first, then what needs attention, in words with commands that help."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from engine.cli.status import _differences, _Rules, in_words
from engine.office.daemon import HowItStands

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


def edit(pointbell, statement, *values):
    with closing(sqlite3.connect(pointbell.folder / "var" / "pointbell.db")) as connection, connection:
        connection.execute(statement, values)


@pytest.fixture
def used(pointbell):
    """A programme with a reminder to come and a message."""
    body = '{"id": "p1", "type": "points_expired", "member": {"id": "z", "email": "z@example.org"}, \
"card": {"id": "c", "balance": 400, "next_expiration_date": "2999-12-31", "next_expiration_points": 400}, \
"data": {"points": 80}}'
    pointbell("ingest", pointbell.write("in.jsonl", body), "--source", "shop")
    return pointbell


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("capture", "capture: messages are kept, none is sent"),
        ("allowlist", "allowlist: only listed addresses are written to, all else is kept"),
        ("live", "live: messages are sent"),
    ],
)
def test_the_mode_is_the_first_thing_it_says(used, mode, words):
    used.replace("config.yaml", "mode: capture", f"mode: {mode}")
    assert used("status").splitlines()[0] == f"Delivery is in mode {words}"
    assert used.json("status")["mode"] == mode


def test_the_commands_that_work_say_the_mode_too(used):
    assert "Delivery is in mode capture" in used.said
    used("replay", "1")
    assert "Delivery is in mode capture" in used.said


def test_a_switch_since_the_last_start_is_told(used):
    used.replace("config.yaml", "mode: capture", "mode: live")
    used("replay", "1")
    assert "warning: the delivery mode has changed, mode live, before capture" in used.said


def test_nothing_needs_attention_where_all_is_well(used):
    shown = used("status")
    assert "\n\n" not in shown
    assert "Daemon" in shown
    assert "none runs: pointbell run" in shown


def test_work_that_waits_too_long_is_told_of(used):
    edit(used, "UPDATE timer SET due_at = 0 WHERE slot = '7 days'")
    edit(used, "UPDATE notification SET state = 'queued', due_at = ?", 10**15)
    shown = used("status")
    assert "The oldest reminder not yet rung has waited for " in shown
    assert "The oldest message not yet sent has waited for " in shown


def test_a_silent_source_is_told_of(used):
    used.replace("config.yaml", "producer: native\n    unsigned: true\n\nchannels",
                 "producer: native\n    unsigned: true\n    silent_after: 2 hours\n\nchannels")  # fmt: skip
    assert "has been silent" not in used("status")
    edit(used, "UPDATE event SET received_at = received_at - ?", 5 * 3600 * 10**6)
    assert "Source shop has been silent for 5 hours." in used("status")
    told = used.json("status")["alarms"]["sources"]["shop"]
    assert told["silent_ratio"] > 2


@dataclass
class Loaded:
    hash: str = "disk"


def standing(**changes):
    plain = {
        "version": "1",
        "process": 1,
        "opened_at": NOW,
        "mode": "capture",
        "ruleset": "disk",
        "rules": 1,
        "in_force_since": NOW,
        "read_at": NOW,
    }
    return HowItStands(**{**plain, **changes})


@pytest.mark.parametrize(
    ("daemon", "said"),
    [
        (standing(), []),
        (standing(mode="live"), ["config.yaml says capture, and the daemon runs in mode live: restart it."]),
        (standing(ruleset="old"), ["The rules on disk are not those in force: pointbell reload"]),
        (
            standing(ruleset="old", reading_error="bad", first_finding="rules/a.yaml:3:7: no"),
            ["The last reload failed, the rules of before stay in force: rules/a.yaml:3:7: no"],
        ),
        (
            standing(clock_ahead_s=-86_400.0),
            [
                (
                    "The machine's clock has jumped back by 24 hours; the daemon goes by elapsed time. "
                    "Set the clock right, or restart the daemon if it is right now."
                )
            ],
        ),
    ],
)
def test_a_daemon_that_is_not_what_the_files_say_is_told_of(daemon, said):
    @dataclass
    class Delivery:
        mode: str = "capture"

    @dataclass
    class Config:
        delivery: Delivery

    assert list(_differences(Config(Delivery()), _Rules(ruleset=Loaded(), check=""), daemon)) == said


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=90), "1 minute"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=3, hours=5), "3 days"),
    ],
)
def test_lengths_are_told_in_the_unit_that_says_most(length, words):
    assert in_words(length) == words
