"""Our own plain JSON, for any other producer."""

from datetime import UTC, date, datetime

import pytest

from engine.errors import BodyError
from engine.ingest import SourceSettings, peek, read

from .ingest_bodies import NATIVE, RECEIVED, delivery

NOW = "2026-01-31T10:00:00Z"
FULL = {
    "id": "evt-1041",
    "type": "points_added",
    "time": NOW,
    "happening": "order-77",
    "member": {
        "id": "m-17",
        "aliases": ["anna@crm", 5, "", "crm-9"],
        "name": "Anna Nowak",
        "first_name": "Anna",
        "last_name": "Nowak",
        "email": "anna@example.org",
        "phone": "+48600000000",
        "locale": "pl",
        "timezone": "Europe/Warsaw",
        "birthdate": "1990-02-28",
        "source_id": "crm-9",
        "tier": {"id": "gold", "name": "Gold"},
        "metadata": {"status": "active"},
        "updated_at": "2026-01-31T09:59:00Z",
    },
    "card": {
        "id": "c-3",
        "holder_id": "m-18",
        "code": "L0Y4L",
        "campaign": "Club",
        "campaign_id": 12,
        "active": True,
        "balance": 120.5,
        "points": 200,
        "redeemed_points": 80,
        "next_expiration_date": "2026-03-31",
        "next_expiration_points": 70,
        "timezone": "Europe/Warsaw",
        "metadata": {},
        "updated_at": "2026-01-31T09:58:00Z",
    },
    "data": {"points": 40, "balance": 120.5, "reason": "Spring", "transaction_id": 9, "order_amount": 23.99},
}


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def read_one(value, kind=None, **more):
    (event,) = read(delivery(value, kind, source=NATIVE, **more)).events
    return event


def test_a_full_body_is_read():
    event = read_one(FULL)
    assert (event.key, event.name, event.source, event.occurred_at) == ("evt-1041", "points_added", "till", at(NOW))
    assert event.happening == "points_added:order-77"
    assert event.facts == {
        "points": 40,
        "balance": 120.5,
        "reason": "Spring",
        "transaction_id": "9",
        "order_amount": 23.99,
    }
    assert (event.member.id, event.member.as_of) == ("m-17", at("2026-01-31T09:59:00Z"))
    assert event.member.aliases == ("crm-9", "anna@crm")
    expected = {key: value for key, value in FULL["member"].items() if key not in ("id", "aliases", "updated_at")}
    assert event.member.fields == expected | {"birthdate": date(1990, 2, 28)}
    assert (event.card.id, event.holder_id, event.card.as_of) == ("c-3", "m-18", at("2026-01-31T09:58:00Z"))
    expected = {key: value for key, value in FULL["card"].items() if key not in ("id", "holder_id", "updated_at")}
    assert event.card.fields == expected | {"campaign_id": "12", "next_expiration_date": date(2026, 3, 31)}
    assert peek(delivery(FULL, source=NATIVE)).lane == "m-18"


def test_little_is_enough():
    event = read_one({"type": "member_created", "member": {"id": 17}})
    assert (event.name, event.member.id, event.card, event.occurred_at) == ("member_created", "17", None, RECEIVED)
    assert (event.happening, event.facts, event.member.fields) == (None, {}, {})
    assert event.key.startswith("sha256:")


@pytest.mark.parametrize(
    "written", [NOW, 1769853600, 1769853600000, 1769853600.0, "2026-01-31T11:00+01:00", "2026-01-31T10:00:00.000000Z"]
)
@pytest.mark.parametrize("key", ["time", "timestamp"])
def test_times_come_in_several_forms(key, written):
    assert read_one({"type": "member_updated", "member": {"id": "m"}, key: written}).occurred_at == at(NOW)


@pytest.mark.parametrize("written", [True, "soon", [], 1e300, -1e300])
def test_a_time_that_is_none_is_noted_and_the_receipt_counts(written):
    reading = read(delivery({"type": "member_updated", "member": {"id": "m"}, "time": written}, source=NATIVE))
    assert reading.events[0].occurred_at == RECEIVED
    assert "time is left out" in reading.notes[0]


def test_the_webhook_id_stands_in_for_an_id():
    value = {"type": "member_updated", "member": {"id": "m"}}
    headers = {"webhook-id": "msg_1"}
    assert read_one(value, headers=headers).key == "msg_1"
    assert read_one(value | {"id": "own"}, headers=headers).key == "own"


def test_a_transactions_id_counts_within_its_source_only():
    value = {"type": "points_redeemed", "member": {"id": "m"}, "data": {"points": 5, "transaction_id": "t1"}}
    assert read_one(value).happening == "points_redeemed:till:t1"


def test_a_producers_spelling_may_be_used():
    value = {"type": "EVENTS.VOUCHER.LOYALTY_CARD.POINTS_ADDED", "card": {"id": "c"}, "data": {"points": 5}}
    event = read_one(value)
    assert (event.name, event.producer_name) == ("points_added", value["type"])


def test_the_type_may_come_from_beside_the_body():
    value = {"member": {"id": "m"}, "data": {"points": 5}}
    assert read_one(value, "points_earned").name == "points_earned"
    assert read_one(value, headers={"x-pointbell-event": "points_earned"}).name == "points_earned"
    assert read_one(value | {"type": "points_added"}, "points_earned").name == "points_added"


def test_amounts_are_positive():
    value = {"member": {"id": "m"}, "data": {"points": -5, "change": -5}}
    assert read_one(value | {"type": "points_added"}).name == "points_removed"
    event = read_one(value | {"type": "pending_points_canceled"})
    assert event.facts == {"points": 5, "change": -5}


def test_nulls_clear_a_card_and_say_nothing_about_a_member():
    card = {"id": "c", "next_expiration_date": None, "next_expiration_points": None, "balance": None, "code": None}
    event = read_one({"type": "card_updated", "card": card, "member": {"id": "m", "email": None, "tier": None}})
    assert event.card.fields == {"next_expiration_date": None, "next_expiration_points": None}
    assert event.member.fields == {}


def test_a_card_without_a_holder_is_the_members():
    value = {"type": "card_updated", "card": {"id": "c"}, "member": {"id": "m"}}
    assert read_one(value).holder_id == peek(delivery(value, source=NATIVE)).lane == "m"


def test_a_card_alone_names_its_holder_as_the_member():
    event = read_one({"type": "card_updated", "card": {"id": "c", "holder_id": "h"}})
    assert (event.member.id, event.holder_id) == ("h", "h")


def test_tier_events_say_which_tier_the_member_is_in():
    value = {"member": {"id": "m"}, "data": {"tier": "Gold", "tier_id": "g"}}
    assert read_one(value | {"type": "tier_joined"}).member.fields["tier"] == {"id": "g", "name": "Gold"}
    assert read_one(value | {"type": "tier_left"}).member.fields["tier"] == {}


def test_a_custom_event_has_a_name_and_data():
    data = {"custom_name": "sign_up", "data": {"from": "app"}}
    assert read_one({"type": "custom", "member": {"id": "m"}, "data": data}).facts == data


def test_dates_are_read_as_dates():
    value = {"member": {"id": "m"}, "data": {"points": 5, "expires_on": "2026-03-31"}}
    assert read_one(value | {"type": "points_expiring"}).facts["expires_on"] == date(2026, 3, 31)


def test_a_deleted_member_is_erased():
    assert read_one({"type": "member_deleted", "member": {"id": "m"}}).erases
    assert not read_one({"type": "member_deleted", "card": {"id": "c"}}).erases


def test_facts_an_event_does_not_have_are_noted():
    value = {
        "type": "order_paid",
        "member": {"id": "m"},
        "data": {"order_id": "o", "colour": "red", "order_amount": "5"},
    }
    reading = read(delivery(value, source=NATIVE))
    assert reading.events[0].facts == {"order_id": "o"}
    assert reading.notes == (
        "data.colour is left out: not a fact of order_paid",
        "data.order_amount is left out: expected a number, found a text",
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "not a JSON object"),
        ({}, "nothing says what kind"),
        ({"type": "points_added", "data": {"points": 5}}, "neither member.id nor card.id"),
        ({"type": "points_added", "member": {"id": "m"}}, "points_added without points"),
        ({"type": "points_transferred", "member": {"id": "m"}, "data": {"points": 1}}, "without direction"),
        (
            {"type": "points_transferred", "member": {"id": "m"}, "data": {"points": 1, "direction": "up"}},
            "direction of in or out",
        ),
        ({"type": "tier_joined", "member": {"id": "m"}, "data": {"tier": "Gold"}}, "without tier_id"),
        ({"type": "segment_entered", "member": {"id": "m"}}, "without segment"),
        ({"type": "custom", "member": {"id": "m"}}, "without custom_name"),
    ],
)
def test_what_cannot_be_read_is_set_aside_with_the_reason(value, reason):
    with pytest.raises(BodyError, match=reason):
        read(delivery(value, source=NATIVE))


def test_unknown_types_are_kept_and_configuration_is_ignored():
    reading = read(delivery({"type": "weather" * 50, "member": {"id": "m"}}, source=NATIVE))
    assert [event.name for event in reading.events] == ["unknown"]
    assert len(reading.events[0].producer_name) < 120
    assert read(delivery({"type": "campaign.created"}, source=NATIVE)).events == ()


def test_a_body_may_not_be_larger_than_its_source_allows():
    small = SourceSettings(name="till", producer="native", unsigned=True, max_bytes=10)
    with pytest.raises(BodyError, match="more than the 10 allowed"):
        read(delivery(FULL, source=small))


def test_a_mistyped_type_in_the_route_is_set_aside_with_what_was_meant():
    with pytest.raises(BodyError, match=r'points_aded_ is not a known type: did you mean "points_added"\?'):
        read(delivery({"member": {"id": "m"}}, "points_aded_", source=NATIVE))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"points": 40, "member": {"id": "m"}}, "points_added without points: points belongs in data.points"),
        (
            {"data": {"points": 40, "member": {"id": "m"}}},
            "neither member.id nor card.id says whom this is about: member belongs at the top level, not in data",
        ),
        (
            {"data": {"points": 40, "card": {"id": "c"}}},
            "neither member.id nor card.id says whom this is about: card belongs at the top level, not in data",
        ),
    ],
)
def test_what_stands_in_the_wrong_place_is_told_where_it_belongs(body, reason):
    with pytest.raises(BodyError) as caught:
        read(delivery({"type": "points_added", **body}, source=NATIVE))
    assert str(caught.value) == reason
