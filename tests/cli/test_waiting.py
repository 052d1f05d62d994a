"""News that waits, as the commands tell of it."""

import json

import pytest

RULE = """
rule: expired-together
on: points_expired
collect: 30 minutes
window: 09:00-20:00
send: {template: together, if: collected.count >= 1}
"""
WORDS = """---
subject: "{{ collected.points | points }} points expired"
---
<p>{% for one in events %}{{ one.points | points }} {% endfor %}</p>
"""
EVENT = {
    "type": "points_expired",
    "member": {"id": "anna", "email": "anna@example.org", "first_name": "Anna", "timezone": "Europe/Warsaw"},
    "card": {"id": "card-a", "balance": 7},
    "data": {"points": 10},
}


@pytest.fixture
def shop(pointbell):
    (pointbell.folder / "templates" / "together").mkdir()
    pointbell.write("templates/together/email.en.html", WORDS)
    pointbell.write("templates/together/email.pl.html", WORDS)
    pointbell.write("rules/expired-together.yaml", RULE)
    return pointbell


def bodies(*keys):
    return "".join(json.dumps({**EVENT, "id": key}) + "\n" for key in keys)


def test_a_preview_shows_what_goes_once_it_has_waited(shop):
    event = shop.write("event.json", bodies("e1"))
    shown = shop("preview", "expired-together", "--event", event, "--source", "shop")
    assert "would be sent" in shown
    assert "(after waiting, 20" in shown
    assert "Subject    10 points expired" in shown


def test_an_explanation_says_until_when_it_would_wait(shop):
    event = shop.write("event.json", bodies("e1"))
    shown = shop("explain", event, "--source", "shop", "--rule", "expired-together")
    assert "expired-together: is being collected: until 20" in shown
    assert "collected.count >= 1" in shown
    assert "collected.count = 1" in shown
    told = shop.json("explain", event, "--source", "shop", "--rule", "expired-together")
    [made] = told["rules"][0]["decisions"]
    assert (made["outcome"], made["reason"]) == ("schedule", "collecting")


def test_why_tells_what_waits_and_that_it_was_taken_up(shop):
    shop("ingest", shop.write("events.jsonl", bodies("e1", "e2")), "--source", "shop", "--any-age")
    shown = shop("why", "anna")
    assert "points_expired is being collected" in shown
    assert "after points_expired: is being collected: until 20" in shown
    assert "is being collected: with 1 other, until 20" in shown
    [waiting] = shop.json("timers")
    assert (waiting["rule"], waiting["reason"]) == ("expired-together", "collecting")
    events = shop.json("events", "list")
    seq = next(row["seq"] for row in events if row["name"] == "points_expired")
    assert "expired-together: is being collected: " in shop("explain", seq)
