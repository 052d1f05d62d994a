"""``outbox resolve`` and ``events drop``: what only a person can decide."""

import asyncio
import re

import pytest
from typer.testing import CliRunner

from engine.cli import app
from engine.cli.status import HINTS
from engine.store import NotificationState, Store, sqlite

from ..store.test_resolve import in_state

S = NotificationState


def put(pointbell, *states):
    """Messages in these states, numbered from 1."""

    async def work():
        store = await Store.open(pointbell.folder / "var" / "pointbell.db")
        for number, state in enumerate(states):
            await in_state(store, state, key=f"m{number}", rule=f"rule-{number}")
        await store.close()

    asyncio.run(work())


def states(pointbell):
    return {row["id"]: row["state"] for row in pointbell.json("outbox", "list")}


def resolve(pointbell, *words, code=0):
    return pointbell.json("outbox", "resolve", *words, "--because", "asked Anna", code=code)


def test_messages_are_resolved_by_their_numbers(pointbell):
    put(pointbell, S.UNKNOWN, S.FAILED)
    come = resolve(pointbell, 1, 2, "--as", "drop")
    assert (come["resolved"], come["first"], come["left"]) == (2, [1, 2], [])
    assert states(pointbell) == {1: "dropped", 2: "dropped"}
    [first, _] = sorted(pointbell.json("outbox", "list"), key=lambda row: row["id"])
    assert re.match(
        r"resolved as drop by \S+ at \d{4}-\d\d-\d\d \d\d:\d\d UTC: asked Anna\. Before: 250 ok", first["reply"]
    )


def test_messages_are_resolved_by_their_state_as_far_as_the_other_options_go(pointbell):
    put(pointbell, S.UNKNOWN, S.UNKNOWN, S.FAILED)
    resolve(pointbell, "--state", "unknown", "--rule", "rule-1", "--as", "sent")
    assert states(pointbell) == {1: "unknown", 2: "sent", 3: "failed"}


def test_a_dry_run_says_what_would_be_done_and_does_nothing(pointbell):
    put(pointbell, S.UNKNOWN, S.FAILED)
    before = states(pointbell)
    come = resolve(pointbell, 1, 2, "--as", "sent", "--dry-run", code=1)
    assert (come["resolved"], come["first"], come["dry_run"]) == (1, [1], True)
    assert come["left"] == [{"id": 2, "why": "is failed: it can be resolved as drop or resend"}]
    assert states(pointbell) == before
    shown = pointbell("outbox", "resolve", "--state", "unknown", "--as", "drop", "--because", "x", "--dry-run")
    assert shown == "1 message would be resolved as drop: 1\n"


def test_what_is_left_alone_is_named_and_the_exit_code_says_so(pointbell):
    put(pointbell, S.SENT)
    shown = pointbell("outbox", "resolve", "1", "9", "--as", "drop", "--because", "x", code=1)
    assert "left alone: message 1 is sent: there is nothing to decide" in shown
    assert "there is no message 9" in pointbell.said


@pytest.mark.parametrize("words", [(), ("1", "--state", "unknown")])
def test_it_must_be_said_which_messages_are_meant(pointbell, words):
    pointbell("outbox", "resolve", *words, "--as", "drop", "--because", "x", code=2)
    assert "say which messages" in pointbell.said


def test_a_resolution_needs_a_reason(pointbell):
    put(pointbell, S.UNKNOWN)
    pointbell("outbox", "resolve", "1", "--as", "drop", "--because", " ", code=2)
    assert "needs a reason" in pointbell.said


def test_many_messages_are_resolved_page_by_page(pointbell, monkeypatch):
    monkeypatch.setattr("engine.cli.resolve.PAGE", 2)
    put(pointbell, *[S.FAILED] * 5)
    assert resolve(pointbell, 1, 2, 3, 4, 5, 6, "--as", "drop", code=1)["unknown"] == [6]
    assert set(states(pointbell).values()) == {"dropped"}


def test_deliveries_that_are_set_aside_are_dropped_and_can_be_replayed(pointbell):
    pointbell("ingest", pointbell.write("in.jsonl", "{broken\n{worse"), "--source", "shop", code=1)
    tried = pointbell.json("events", "drop", "--quarantined", "--because", "a test", "--dry-run")
    assert tried["dropped"] == [1, 2]
    assert pointbell.json("events", "drop", "1", "--because", "a test")["dropped"] == [1]
    pointbell("events", "drop", "1", "--because", "a test", code=1)
    assert "delivery 1 is not set aside" in pointbell.said
    [row] = pointbell.json("events", "list", "--state", "ignored")
    assert "a test. Before: " in row["note"]
    assert pointbell.json("events", "drop", "--quarantined", "--because", "a test")["dropped"] == [2]
    pointbell("replay", "1", code=1)
    assert [row["seq"] for row in pointbell.json("events", "list", "--state", "quarantined")] == [1]


@pytest.mark.parametrize("words", [(), ("1", "--quarantined")])
def test_it_must_be_said_which_deliveries_are_meant(pointbell, words):
    pointbell("events", "drop", *words, "--because", "x", code=2)
    assert "say which deliveries" in pointbell.said


def test_every_command_that_status_names_works(pointbell):
    put(pointbell, S.UNKNOWN, S.FAILED)
    pointbell("ingest", pointbell.write("in.jsonl", "{broken"), "--source", "shop", code=1)
    shown = pointbell("status")
    assert "1 message that may or may not have arrived:" in shown
    assert "1 delivery set aside, unreadable or undecided:" in shown
    for _, _, commands in HINTS.values():
        for command in commands:
            words = command.replace("REASON", "because").split()
            assert words.pop(0) == "pointbell"
            assert CliRunner().invoke(app, words).exit_code in {0, 1}, command
            if "held" not in command:
                assert command in shown


def test_an_export_opens_the_database_once(pointbell, tmp_path, monkeypatch):
    put(pointbell, *[S.SENT] * 3)
    opened, engine = [], sqlite.reading_engine
    monkeypatch.setattr(sqlite, "reading_engine", lambda path: opened.append(path) or engine(path))
    assert len(pointbell("outbox", "export", "--out", tmp_path / "mails").splitlines()) == 3
    assert len(opened) == 1
    pointbell("outbox", "export", "2", "--out", tmp_path / "one")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["000002-rule-1.txt"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--channel", "email"), {1, 2}),
        (("--channel", "sms"), set()),
        (("--reason", "no_consent"), set()),
        (("--since", "2026-01-10 13:00"), {1, 2}),
        (("--since", "2026-01-10 13:01"), set()),
        (("--until", "2026-01-10 13:00"), set()),
        (("--state", "failed", "--rule", "rule-1"), {2}),
    ],
)
def test_lists_are_filtered_by_all_that_is_said(pointbell, words, found):
    put(pointbell, S.UNKNOWN, S.FAILED)
    assert {row["id"] for row in pointbell.json("outbox", "list", *words)} == found
