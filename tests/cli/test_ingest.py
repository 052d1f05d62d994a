"""``ingest`` and ``replay``: files through the same door as webhooks."""

import json

import pytest

from engine.cli import work
from engine.store import sqlite

GOOD = '{"id": "e1", "type": "points_earned", "member": {"id": "m", "email": "m@example.org"}, "data": {"points": 40}}'


def shop(pointbell, name="shop.jsonl", text=GOOD):
    return ("ingest", pointbell.write(name, text), "--source", "shop")


def test_published_examples_need_no_type_because_their_names_are_one(pointbell):
    told = pointbell.json("ingest", *sorted(pointbell.events.glob("*.json")))
    assert (told["new"], told["repeated"], told["quarantined"], told["refused"]) == (7, 0, [], [])
    assert told["events"] == {"decided": 7}
    assert pointbell.json("status")["events_by_name"]["tier_upgraded"] == 1


def test_what_came_before_is_counted_and_decided_once(pointbell):
    assert "1 delivery: 1 new, 0 repeated, 0 set aside." in pointbell(*shop(pointbell))
    told = pointbell.json(*shop(pointbell, text=f"{GOOD}\n{GOOD}\n"))
    assert (told["new"], told["repeated"], told["decisions"], told["notifications"]) == (0, 2, {}, {})


def test_the_work_that_is_due_is_done(pointbell):
    said = pointbell(*shop(pointbell))
    assert said.splitlines()[-1] == "Decided: 1 to send. Messages: 1 captured."


def test_it_can_be_left_to_the_daemon(pointbell):
    told = pointbell.json(*shop(pointbell), "--no-process")
    assert (told["processed"], told["events"], told["notifications"]) == (False, {"stored": 1}, {})
    pointbell("run", "--until-idle")
    assert pointbell.json("status")["notifications"] == {"captured": 1}


def test_a_body_that_cannot_be_read_is_stored_set_aside_and_named(pointbell):
    lines = f'{GOOD}\n{{broken\n\n{{"type": "points_earned"}}\n'
    shown = pointbell(*shop(pointbell, text=lines), code=1)
    assert "shop.jsonl, line 2: stored and set aside: not JSON" in shown
    assert "shop.jsonl, line 4: stored and set aside: " in shown
    assert "3 deliveries: 3 new, 0 repeated, 2 set aside." in shown
    assert [row["state"] for row in pointbell.json("events", "list")] == ["quarantined", "quarantined", "decided"]


def test_elements_of_a_list_are_deliveries_of_their_own(pointbell):
    text = json.dumps([json.loads(GOOD) | {"id": str(number)} for number in range(3)] + ["?"])
    told = pointbell.json(*shop(pointbell, "list.json", text), code=1)
    assert told["new"] == 4
    assert [trouble["place"] for trouble in told["quarantined"]] == ["element 4"]


def test_many_troubles_are_counted(pointbell):
    shown = pointbell(*shop(pointbell, text="".join(f"{{broken {number}\n" for number in range(25))), code=1)
    assert shown.count("not JSON") == 20
    assert "... and 5 more stored and set aside" in shown


def test_standard_input_is_a_file(pointbell):
    done = pointbell.process("ingest", "-", "--source", "shop", "-c", pointbell.folder, stdin=GOOD.encode())
    said = "Delivery is in mode capture: messages are kept, none is sent."
    assert (done.returncode, done.stderr.decode().splitlines()) == (0, [said])
    assert b"1 delivery: 1 new" in done.stdout


def test_the_type_can_be_given_for_bodies_without_one(pointbell):
    body = (pointbell.events / "voucher.loyalty_card.points_expired.json").read_text(encoding="utf-8")
    path = pointbell.write("body.json", body)
    assert "nothing says what kind of event this is" in pointbell("ingest", path, code=1)
    told = pointbell.json("ingest", path, "--type", "voucher.loyalty_card.points_expired")
    assert (told["new"], told["events"]) == (1, {"decided": 1})


def test_no_signature_is_asked_of_a_file(pointbell):
    pointbell.replace(
        "config.yaml", "    producer: native\n    unsigned: true", "    producer: native\n    secrets: [s3cret]"
    )
    assert pointbell.json(*shop(pointbell))["new"] == 1


def test_a_body_larger_than_the_door_is_not_stored_but_named(pointbell):
    pointbell.replace("config.yaml", "  port: 8080", "  port: 8080\n  max_body: 1 kB")
    large = json.dumps(json.loads(GOOD) | {"padding": "x" * 2000})
    shown = pointbell(*shop(pointbell, text=f"{large}\n{GOOD}\n"), code=1)
    assert "line 1: not stored: it has" in shown
    assert "1 new, 0 repeated, 0 set aside, 1 too large." in shown


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("missing.json",), "cannot read missing.json: No such file"),
        (("rules",), "cannot read rules: Is a directory"),
        (("config.yaml", "--source", "shopp"), 'there is no source shopp in config.yaml: did you mean "shop"?'),
    ],
)
def test_what_cannot_be_taken_in_is_said(words, why, pointbell):
    pointbell("ingest", *words, code=2)
    assert why in pointbell.said


def test_a_database_of_somebody_who_takes_no_commands_is_left_alone(pointbell, monkeypatch):
    monkeypatch.setattr(work, "TRIES", 1)
    pointbell(*shop(pointbell))
    before = pointbell("status")
    members = pointbell.write("m.csv", "id\nm\n")
    with sqlite.owned(pointbell.folder / "var" / "pointbell.db"):
        for words in (shop(pointbell), ("members", "import", members), ("replay", "1"), ("db", "upgrade")):
            pointbell(*words, code=2)
            assert "is in use by process" in pointbell.said
        assert pointbell("status") == before, "questions may be asked all the same"


# --- replay ---


def test_replay_needs_to_know_what(history):
    history("replay", code=2)
    assert "say which deliveries: their numbers, --quarantined or --held" in history.said


def test_what_was_set_aside_can_be_replayed_once_its_cause_is_mended(pointbell):
    body = json.loads(GOOD)
    del body["type"]
    pointbell(*shop(pointbell, "points_earned.txt", json.dumps(body)), code=1)
    told = pointbell.json("replay", "--quarantined", code=1)
    assert (told["replayed"], [row["seq"] for row in told["quarantined"]]) == (1, [1])
    assert "1 is set aside again: " in pointbell("replay", "1", code=1)


def test_replaying_sends_nothing_twice(pointbell):
    pointbell(*shop(pointbell))
    told = pointbell.json("replay", "1")
    assert (told["replayed"], told["notifications"]) == (1, {})


def test_a_dry_run_only_counts(pointbell):
    pointbell(*shop(pointbell, text="{broken"), code=1)
    before = pointbell.json("events", "list")
    assert "1 delivery would be replayed: 1" in pointbell("replay", "--quarantined", "--dry-run")
    assert pointbell.json("events", "list") == before


def test_numbers_that_are_no_delivery_are_named(pointbell):
    pointbell(*shop(pointbell))
    told = pointbell.json("replay", "1", "99", code=1)
    assert (told["deliveries"], told["unknown"]) == ([1], [99])
    assert "there is no delivery 99" in pointbell.said


def test_held_messages_go_out_once_their_template_is_mended(pointbell):
    name = "templates/points-added/email.en.html"
    pointbell.replace("templates/points-added/email.en.html", "<p", "{{ 1 / (event.points - 40) }}<p")
    pointbell(*shop(pointbell))
    assert pointbell.json("status")["notifications"] == {"held": 1}
    assert "1 message held by a template" in pointbell("status")
    assert "message held after points_earned" in pointbell("why", "m")
    pointbell("outbox", "show", "1", code=1)
    assert "it has no words yet" in pointbell.said
    pointbell.replace(name, "{{ 1 / (event.points - 40) }}<p", "<p")
    assert pointbell.json("replay", "--held")["notifications"] == {"captured": 1}


# --- what is old ---

OLD = '{"id": "e1", "type": "points_earned", "time": "2026-01-01T00:00:00Z", ' + GOOD[GOOD.index('"member"') :]


def test_old_events_are_told_to_nobody_unless_asked_for(pointbell):
    assert "1 skipped" in pointbell(*shop(pointbell, text=OLD))
    assert "the event is too old" in pointbell("why", "m")
    told = pointbell.json(*shop(pointbell, text=OLD.replace("e1", "e2")), "--any-age")
    assert told["notifications"] == {"captured": 1}


def test_the_age_can_be_set(pointbell):
    pointbell.replace("config.yaml", "  mode: capture", "  max_age: 3650 days\n  mode: capture")
    assert pointbell.json(*shop(pointbell, text=OLD))["notifications"] == {"captured": 1}


def test_history_only_informs(pointbell):
    told = pointbell.json(*shop(pointbell), "--history")
    assert (told["events"], told["notifications"]) == ({"decided": 1}, {})
    assert [row["note"] for row in pointbell.json("events", "list")] == ["history"]
    assert "history, told to nobody: points_earned" in pointbell("why", "m")


def test_history_and_any_age_contradict_each_other(pointbell):
    pointbell(*shop(pointbell), "--history", "--any-age", code=2)
    assert "choose one" in pointbell.said
