"""The view that expressions and templates get of the facts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.language import Absent, build_view, expiring_points
from engine.model import TIMER_DUE, UNKNOWN_EVENT, Card, Event, Fact, Facts, Member

NOW = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")
PROGRAMME = {"name": "Points", "timezone": "Europe/Warsaw", "locale": "pl", "currency": None}


def stored(values):
    return {name: Fact(value=value, as_of=NOW) for name, value in values.items()}


def event(name="points_expired", **facts):
    return Event(
        key="k",
        source="shop",
        name=name,
        producer_name=name,
        occurred_at=NOW,
        happening=None,
        facts={"points": 10, **facts},
    )


def card(**facts):
    return Card(id="c1", facts=stored({"holder_id": "h1", **facts}))


def member(**facts):
    return Member(id="m1", facts=stored(facts))


def view(happened=None, *, about=None, person=None, extra=None, zone=WARSAW):
    facts = Facts(member=person or member(), card=about or card())
    return build_view(happened or event(), facts, PROGRAMME, NOW, zone, extra)


def test_facts_are_read_by_name():
    found = view(event(reason="expiry"), about=card(code="L0Y4L"), person=member(first_name="Anna"))
    assert found["event"]["points"] == 10
    assert found["event"]["name"] == "points_expired"
    assert found["event"]["source"] == "shop"
    assert found["event"]["occurred_at"] == NOW
    assert found["card"]["id"] == "c1"
    assert found["card"]["holder_id"] == "h1"
    assert found["card"]["code"] == "L0Y4L"
    assert found["member"]["id"] == "m1"
    assert found["member"]["first_name"] == "Anna"
    assert found["programme"]["name"] == "Points"


def test_what_is_unknown_or_null_is_absent():
    found = view(event(reason=None), person=member(email=None))
    for group, name in (("event", "reason"), ("event", "balance"), ("member", "email"), ("member", "phone")):
        assert isinstance(found[group][name], Absent)
        assert found[group][name].path == f"{group}.{name}"
    assert isinstance(found["programme"]["currency"], Absent)
    assert isinstance(found["card"]["next_expiration_date"], Absent)


def test_counters_of_a_card_read_as_0_when_they_are_unknown_or_null():
    found = view(about=card(points=None))["card"]
    assert (found["balance"], found["points"], found["pending_points"], found["expiring_points"]) == (0, 0, 0, 0)


def test_a_name_that_is_not_declared_is_not_there():
    found = view(event(secret=1), person=member(tier={"id": "t", "name": "Gold"}, nickname="A"))
    for group, name in (("event", "secret"), ("member", "nickname"), ("member", "tier"), ("card", "balence")):
        with pytest.raises(KeyError):
            found[group][name]


@pytest.mark.parametrize(
    ("announced", "balance", "at_risk"),
    [(970, 970, 970), (23786, 5156, 5156), (100, 5156, 100), (970, None, 0), (None, 970, 0), (970, 0, 0), (5, -20, 0)],
)
def test_points_at_risk_are_never_more_than_the_balance(announced, balance, at_risk):
    about = card(next_expiration_points=announced, balance=balance)
    assert expiring_points(about) == at_risk
    assert view(about=about)["card"]["expiring_points"] == at_risk


@pytest.mark.parametrize(
    ("group", "facts", "name"),
    [
        ("member", {"first_name": 5}, "first_name"),
        ("member", {"birthdate": "1990-01-01"}, "birthdate"),
        ("member", {"birthdate": NOW}, "birthdate"),
        ("member", {"email": ["a@example.org"]}, "email"),
        ("card", {"active": 1}, "active"),
        ("card", {"next_expiration_date": "soon"}, "next_expiration_date"),
    ],
)
def test_a_value_of_another_type_counts_as_absent(group, facts, name):
    found = view(about=card(**facts)) if group == "card" else view(person=member(**facts))
    assert isinstance(found[group][name], Absent)


def test_a_time_without_a_zone_counts_as_absent():
    assert isinstance(view(replace(event(), occurred_at=NOW.replace(tzinfo=None)))["event"]["occurred_at"], Absent)


@pytest.mark.parametrize("value", ["12", True, float("nan"), float("inf"), [1]])
def test_a_counter_of_another_type_counts_as_unknown(value):
    found = view(about=card(balance=value, next_expiration_points=value))["card"]
    assert (found["balance"], found["next_expiration_points"], found["expiring_points"]) == (0, 0, 0)
    assert isinstance(found["balance"], int)


def test_the_day_is_the_members_and_the_time_is_utc():
    found = view(zone=WARSAW)
    assert found["today"] == date(2026, 2, 1)
    assert found["now"] == NOW
    assert found["now"].tzinfo is UTC
    assert view(zone=ZoneInfo("America/New_York"))["today"] == date(2026, 1, 31)


def test_the_tier_is_the_one_a_tier_event_is_about():
    person = member(tier={"id": "t1", "name": "Silver"})
    upgraded = view(event("tier_upgraded", tier="Gold", tier_id="t2"), person=person)
    assert (upgraded["tier"]["name"], upgraded["tier"]["id"]) == ("Gold", "t2")
    assert upgraded["event"]["tier"] == "Gold"
    assert view(person=person)["tier"]["name"] == "Silver"
    assert isinstance(view(person=member(tier=None))["tier"]["name"], Absent)


def test_data_added_by_the_producer_can_be_asked_for_any_name():
    found = view(event("custom", custom_name="x", data=None), person=member(metadata={"sign-up": True, "gone": None}))
    metadata = found["member"]["metadata"]
    assert metadata["sign-up"] is True
    assert isinstance(metadata["gone"], Absent)
    assert metadata["never"].path == 'member.metadata["never"]'
    assert list(metadata) == ["sign-up"]
    assert ("sign-up" in metadata, "gone" in metadata) == (True, False)
    assert not found["event"]["data"]
    assert not found["card"]["metadata"]
    assert isinstance(found["event"]["data"]["x"], Absent)


def test_a_timer_is_no_event_and_brings_its_own_facts():
    found = view(event(TIMER_DUE), extra={"days_left": 7, "offset": timedelta(days=7)})
    assert "event" not in found
    assert (found["days_left"], found["offset"]) == (7, timedelta(days=7))


def test_an_unknown_event_has_what_every_event_has():
    found = view(event(UNKNOWN_EVENT))
    assert found["event"]["name"] == UNKNOWN_EVENT
    with pytest.raises(KeyError):
        found["event"]["points"]


def test_extra_groups_have_the_names_they_come_with():
    brand = view(extra={"brand": {"name": "Shop", "website": None}, "locale": "pl"})["brand"]
    assert brand["name"] == "Shop"
    assert isinstance(brand["website"], Absent)
    with pytest.raises(KeyError):
        brand["colour"]


def test_without_a_card_or_a_member_their_facts_are_absent():
    found = build_view(event(), Facts(member=None, card=None), PROGRAMME, NOW, WARSAW)
    for group, name in (("card", "id"), ("card", "balance"), ("card", "expiring_points"), ("member", "id")):
        assert isinstance(found[group][name], Absent)
    assert not found["card"]
    assert not found["member"]


def test_a_view_cannot_be_changed():
    found = view()
    with pytest.raises(TypeError):
        found["card"] = {}
    with pytest.raises(TypeError):
        found["card"]["balance"] = 5
