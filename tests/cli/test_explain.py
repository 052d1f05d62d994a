"""``explain``: every rule that listens, and everything it looks at."""

import json

import pytest

EXPIRED = "voucher.loyalty_card.points_expired.json"
SHARED = """
audiences:
  abroad: member.email | default("") in lists.abroad or member.first_name == "Jack"
categories:
  loyalty: {consent: opt_out}
defaults: {category: loyalty}
"""
EVENT = {
    "id": "x1",
    "type": "points_expired",
    "member": {"id": "anna", "email": "anna@example.org", "first_name": "Anna"},
    "card": {"id": "card-a"},
    "data": {"points": 10},
}


@pytest.fixture
def event(pointbell):
    return pointbell.write("event.json", json.dumps(EVENT))


def test_every_expression_is_told_with_its_values_and_place(pointbell, event):
    shown = pointbell("explain", event, "--source", "shop")
    assert (
        "points-expired: would not send: its condition does not hold: event.points >= 50 (event.points = 10)" in shown
    )
    assert "✗  event.points >= 50" in shown
    assert "rules/points-expired.yaml:4:5" in shown
    assert "category loyalty, opt_out" in shown
    assert "points-expire-soon: would not send: card.next_expiration_date is not known" in shown
    assert shown.endswith("2 other rules do not listen to points_expired.\n")
    assert not (pointbell.folder / "var").exists()


def test_names_and_addresses_are_masked_unless_asked_for(pointbell, event):
    (pointbell.folder / "lists").mkdir()
    pointbell.write("lists/abroad.csv", "email\nbo@example.org\n")
    pointbell.write("rules/shared.yaml", SHARED)
    rule = (pointbell.folder / "rules" / "points-expired.yaml").read_text(encoding="utf-8")
    pointbell.write("rules/points-expired.yaml", f"{rule}audience: abroad\n")
    for form in ([], ["--json"]):
        shown = pointbell("explain", event, "--source", "shop", "--rule", "points-expired", *form)
        assert "anna@example.org" not in shown
        assert '"Anna"' not in shown
        assert "a***@example.org" in shown
        whole = pointbell("explain", event, "--source", "shop", "--rule", "points-expired", "--show-values", *form)
        assert "anna@example.org" in whole
    assert "not in it" in pointbell("explain", event, "--source", "shop")
    assert "rules/shared.yaml:3:11" in pointbell("explain", event, "--source", "shop")


def test_the_looks_are_data_too(pointbell, event):
    told = pointbell.json("explain", event, "--source", "shop", "--rule", "points-expired")
    [rule] = told["rules"]
    assert (told["decided"], rule["decisions"][0]["reason"]) == ("now", "condition")
    assert rule["looks"][0] == {
        "part": "if",
        "sign": "✗",
        "text": "event.points >= 50",
        "values": {"event.points": 10},
        "note": None,
        "place": "rules/points-expired.yaml:4:5",
    }


def test_a_rule_that_does_not_listen_says_so(pointbell, event):
    pointbell("explain", event, "--source", "shop", "--rule", "tier-reached", code=1)
    assert "tier-reached listens to tier_joined, tier_upgraded, and the event is points_expired" in pointbell.said
    pointbell("explain", event, "--source", "shop", "--rule", "points-expird", code=2)
    assert 'did you mean "points-expired"?' in pointbell.said


def test_of_an_event_that_came_in_the_decisions_are_those_of_then(history):
    rows = history.json("events", "list")
    seq = next(row["seq"] for row in rows if row["name"] == "points_expired")
    shown = history("explain", seq)
    assert "points-expired: nothing sent: its condition does not hold: event.points >= 50 (event.points = 10)" in shown
    assert "Decided then; what the rules look at is as it is now." in history.said
    told = history.json("explain", seq, "--rule", "points-expired")
    assert (told["decided"], told["rules"][0]["decisions"][0]["outcome"]) == ("then", "skip")
    history("explain", 999999, code=1)


def test_reminders_that_were_scheduled_then_are_told(history):
    rows = history.json("events", "list")
    seq = next(row["seq"] for row in rows if row["member_id"] == "anna")
    shown = history("explain", seq)
    assert "points-expire-soon: scheduled 30 days: 2999-12-01 10:00" in shown  # nine o'clock in London


def test_another_member_can_stand_in(history):
    shown = history("explain", history.events / EXPIRED, "--member", "crm-1", "--show-values")
    assert "member anna" in shown
    assert 'member.email = "anna@example.org"' in shown
