"""``why``, ``status``, ``timers``, ``events``: questions to what has happened."""

import json

import pytest

JACK = "cust_IdgAFZxYwwHctOk9pPuMu308"


@pytest.mark.parametrize("name", [JACK, "jck-wbhk", "jack@example.org", "v_hjQhSsitD6lAATASbRV1Ef7dUCjpy0iw", "L0y4L"])
def test_a_member_is_known_by_id_alias_address_and_card(name, history):
    assert history.json("why", name)["member"]["id"] == JACK


def test_why_tells_what_is_to_come_and_what_has_been(history):
    shown = history("why", "anna")
    heading, to_come, so_far = shown.split("\n\n")
    assert heading == "Anna (anna)"
    assert "Times are in Europe/London." in history.said
    assert "2999-12-01 09:00  points-expire-soon  reminder 30 days before 2999-12-31, card card-a" in to_come
    assert '" captured for a***@example.org, not sent (after points_earned)' in so_far
    assert "scheduled 3 reminders after points_earned" in so_far


def test_why_tells_why_not(history):
    shown = history("why", "lukasz.kulig@voucherify.io")
    assert "its condition does not hold: event.points >= 50 (event.points = 10)" in shown


def test_why_tells_of_events_no_rule_listens_to(history):
    shown = history("why", "bo")
    assert "no rule listens to card_published" in shown or "points-expire-soon" in shown
    assert "no e-mail address known" in shown


def test_why_is_data_too(history):
    told = history.json("why", "anna", "--limit", "1")
    assert told["timezone"] == "Europe/London"
    [entry] = told["story"]
    assert entry["rule"]
    assert entry["at"].endswith("+00:00")
    assert {"outcome", "reason", "detail", "event_name", "event_seq", "number", "message_state"} <= entry.keys()


def test_a_name_that_two_share_is_not_guessed(history):
    history("why", "Alex", code=1)
    assert "cust_2p0TvCOvB25HWUrW9JFf4czJ" in history.said
    assert "cust_KiZa6C6R30sgqqpU76o6B7u0" in history.said


def test_an_address_that_two_share_is_not_guessed(pointbell):
    text = "id,email,metadata.friend\nm-1,us@example.org,\nm-2,us@example.org,\nm-3,,us@example.org\n"
    path = pointbell.write("m.csv", text)
    pointbell("members", "import", path)
    pointbell("why", "us@example.org", code=1)
    assert "us@example.org is more than one member: m-1, m-2. Give" in pointbell.said


@pytest.mark.parametrize("name", ["", "%", "_", "'; drop table member; --", "\x1b[31m"])
def test_no_name_confuses_the_search(name, history):
    history("why", name, code=1)
    assert "there is no member" in history.said
    assert "\x1b" not in history.said


def test_a_member_nothing_has_happened_to(pointbell):
    pointbell("members", "import", pointbell.write("m.csv", "id\nm-1\n"))
    assert "the member came in from m.csv" in pointbell("why", "m-1")


def test_status_counts_everything_by_state(history):
    told = history.json("status")
    assert told["programme"] == "Fern Club"
    assert told["mode"] == "capture"
    assert (told["rules"]["count"], told["rules"]["check"]) == (4, "no problems")
    assert told["events"] == {"decided": 9, "ignored": 1, "quarantined": 1}
    assert told["timers"] == {"armed": 3}
    assert sum(told["decisions"]["by_outcome"].values()) >= sum(told["decisions"]["by_reason"].values())
    assert told["notifications"]["captured"] == told["decisions"]["by_outcome"]["notify"]


def test_status_says_what_needs_attention(history):
    shown = history("status")
    assert "capture: messages are kept, none is sent" in shown
    assert "1 delivery set aside, unreadable or undecided:\n  pointbell events list --state quarantined\n" in shown


def test_status_says_that_the_rules_on_disk_cannot_be_loaded(pointbell):
    pointbell("ingest", pointbell.write("e.json", "{broken"), code=1)
    pointbell.replace("rules/points-expired.yaml", "event.points", "event.poins")
    assert "cannot be loaded, checked now: 1 error" in pointbell("status")
    assert pointbell.json("status")["rules"] == {"count": None, "hash": None, "check": "1 error"}


def test_timers_come_soonest_first_and_by_member(history):
    rows = history.json("timers", "--member", "crm-1")
    assert [row["slot"] for row in rows] == ["30 days", "7 days", "1 day"]
    assert rows[0]["due_at"] == "2999-12-01T09:00:00+00:00"
    assert history("timers").splitlines()[0].split() == ["due", "rule", "offset", "ahead", "of", "member", "card"]
    assert history.json("timers", "--member", "bo") == []
    assert history("timers", "--state", "fired") == ""
    assert "No timer is fired." in history.said


def test_events_are_listed_newest_first(history):
    rows = history.json("events", "list")
    assert [row["seq"] for row in rows] == sorted((row["seq"] for row in rows), reverse=True)
    assert "raw" not in rows[0]
    [row] = history.json("events", "list", "--state", "quarantined")
    assert row["note"].startswith("not JSON")
    assert "not JSON" in history("events", "list", "--state", "quarantined")
    assert len(history.json("events", "list", "-n", "2")) == 2


def test_an_event_is_shown_with_its_body(history):
    [row] = history.json("events", "list", "--state", "ignored")
    facts, _, body = history("events", "show", row["seq"]).partition("\n\n")
    assert "state" in facts
    assert json.loads(body)["type"] == "never_heard_of"
    assert json.loads(history.json("events", "show", row["seq"])["body"])["id"] == "a3"


def test_a_body_that_is_no_json_is_shown_as_it_came(history):
    [row] = history.json("events", "list", "--state", "quarantined")
    assert history("events", "show", row["seq"]).endswith("\n\n{broken\n")


def test_a_body_cannot_move_the_cursor(pointbell):
    pointbell("ingest", pointbell.write("e.json", '{"a": "\x1b[2J"'), code=1)
    assert "\x1b" not in pointbell("events", "show", "1")


def test_an_event_that_is_not_there(history):
    history("events", "show", "999", code=1)
    assert "there is no delivery 999" in history.said
