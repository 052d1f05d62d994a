"""Talon.One, LoyaltyLion, Square, Open Loyalty and Brevo, by the mappings that come with Pointbell."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.config.mapping import shipped_mapping
from engine.errors import BodyError, SignatureError
from engine.ingest import SHIPPED, SourceSettings, peek, read, verify

from . import known_producers as bodies
from .ingest_bodies import RECEIVED, delivery

SECRET = "s3cret"
URL = "https://loyalty.example.org/ingest/square"


def source(name, *secrets, zone="Europe/Warsaw"):
    return SourceSettings(
        name=name,
        producer="mapped",
        mapping=shipped_mapping(name),
        unsigned=not secrets,
        secrets=secrets,
        url=URL if name == "square" else None,
        timezone=ZoneInfo(zone),
    )


def told(name, body, route=None, **settings):
    return read(delivery(body, route, source=source(name, **settings))).events


def only(name, body, route=None, **settings):
    (event,) = told(name, body, route, **settings)
    return event


def brief(event):
    return event.name, event.facts.get("points"), event.member.id if event.member else None


# --- Talon.One ---


@pytest.mark.parametrize(
    ("kind", "route", "name"),
    [
        ("LoyaltyPointsAdded", "rule_engine", "points_earned"),
        ("LoyaltyPointsAdded", "campaign_manager", "points_added"),
        ("LoyaltyPointsDeducted", "rule_engine", "points_redeemed"),
        ("LoyaltyPointsDeducted", "management_api", "points_removed"),
    ],
)
def test_talon_one_tells_changes_at_once(kind, route, name):
    event = only("talon_one", bodies.talon_change(kind, route))
    assert brief(event) == (name, 10.99, "prof-7")
    assert (event.card.id, event.holder_id) == ("5 prof-7", "prof-7")
    assert event.facts["reason"] == "Spring"
    assert event.happening == f"{name}:talon_one:tx-1"
    assert event.occurred_at == RECEIVED
    assert "next_expiration_date" not in event.card.fields


def test_talon_one_tells_several_changes_with_the_balance():
    added = {"Amount": 30, "Operation": "addition", "TransactionUUID": "a"}
    spent = {"Amount": 10.5, "Operation": "subtraction", "TransactionUUID": "b"}
    given = delivery(bodies.talon_balances(added, spent), source=source("talon_one"))
    first, second = read(given).events
    assert (brief(first), brief(second)) == (("points_earned", 30, "prof-7"), ("points_redeemed", 10.5, "prof-7"))
    assert [event.card.id for event in (first, second)] == ["5 sub-1 prof-7"] * 2
    assert [event.card.fields["balance"] for event in (first, second)] == [120.5] * 2
    assert (first.key, second.key) == (f"{peek(given).transport_key}#1", f"{peek(given).transport_key}#2")


def test_talon_one_sends_a_thousand_reminders_at_a_time():
    entries = [bodies.talon_expiring(f"prof-{number}", points=number + 0.5) for number in range(1000)]
    events = told("talon_one", bodies.talon_list("LoyaltyPointsExpiring", *entries))
    assert len({event.key for event in events}) == 1000
    assert brief(events[7]) == ("points_expiring", 7.5, "prof-7")
    assert events[7].facts["expires_on"] == date(2026, 3, 31)
    assert events[7].card.fields["next_expiration_date"] == date(2026, 3, 31)
    assert events[7].card.fields["next_expiration_points"] == 7.5


def test_talon_one_may_have_nothing_to_say():
    assert told("talon_one", bodies.talon_list("LoyaltyPointsExpiring")) == ()


def test_a_list_with_one_event_that_cannot_be_read_says_which():
    entries = [bodies.talon_tier(), bodies.talon_tier(now=None)]
    with pytest.raises(BodyError, match=r"event 2 of the delivery: tier_upgraded without tier and tier_id"):
        told("talon_one", bodies.talon_list("TierUpgrade", *entries))


@pytest.mark.parametrize(("kind", "name"), [("TierUpgrade", "tier_upgraded"), ("TierDowngrade", "tier_downgraded")])
def test_talon_one_tells_tiers_with_a_time_without_seconds(kind, name):
    event = only("talon_one", bodies.talon_list(kind, bodies.talon_tier()))
    assert (event.name, event.facts["tier"], event.facts["previous_tier"]) == (name, "Silver", "Bronze")
    assert event.member.fields["tier"] == {"id": "Silver", "name": "Silver"}
    assert event.occurred_at == datetime(2025, 12, 1, 10, 23, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["LoyaltyPointsPendingToActive", "TierWillDowngrade"])
def test_what_has_no_neutral_name_is_custom(kind):
    event = only("talon_one", bodies.talon_list(kind, bodies.talon_tier()))
    assert (event.name, event.facts["custom_name"], event.facts["data"]["OldTier"]) == ("custom", kind, "Bronze")


# --- LoyaltyLion ---


def test_loyaltylion_points():
    transaction = {"id": 998, "points": 40}
    event = only("loyaltylion", bodies.lion("customer.points_earned", transaction=transaction))
    assert brief(event) == ("points_earned", 40, "2134606599")
    assert event.key == "wh-customer.points_earned"
    assert event.facts["transaction_id"] == "998"
    member, card = event.member, event.card
    assert (member.fields["email"], member.fields["name"]) == ("jo@example.org", "Jo White")
    assert member.fields["birthdate"] == date(1990, 1, 29)
    assert member.fields["tier"] == {"id": "16", "name": "Silver"}
    assert member.aliases == ("6932",)
    assert (card.fields["balance"], card.fields["pending_points"], card.fields["redeemed_points"]) == (200, 30, 500)
    assert card.as_of == datetime(2026, 1, 30, 3, tzinfo=UTC)


def test_loyaltylion_points_about_to_expire():
    properties = {"expire_points_at": "2026-04-01T03:00:05.000Z", "points_to_expire": 136}
    event = only("loyaltylion", bodies.lion("customer.approaching_points_expiration", **properties))
    assert brief(event) == ("points_expiring", 136, "2134606599")
    assert event.card.fields["next_expiration_date"] == event.facts["expires_on"] == date(2026, 4, 1)
    assert event.card.fields["next_expiration_points"] == 136


@pytest.mark.parametrize(
    ("at", "last"), [("2026-03-31T22:00:00Z", date(2026, 3, 31)), ("2026-03-31T22:00:01Z", date(2026, 4, 1))]
)
def test_points_that_are_gone_at_midnight_can_be_used_the_day_before(at, last):
    properties = {"expire_points_at": at, "points_to_expire": 1}
    event = only("loyaltylion", bodies.lion("customer.approaching_points_expiration", **properties))
    assert event.facts["expires_on"] == last


def test_loyaltylion_tiers_and_rewards():
    tiers = {"previous_tier": {"id": 15, "name": "Bronze"}, "new_tier": {"id": 16, "name": "Silver"}}
    event = only("loyaltylion", bodies.lion("customer.tier_upgraded", **tiers))
    assert (event.name, event.facts["tier_id"], event.facts["previous_tier"]) == ("tier_upgraded", "16", "Bronze")
    reward = {"claimed_reward": {"title": "Free tea", "point_cost": 50}}
    event = only("loyaltylion", bodies.lion("customer.claimed_reward", **reward))
    assert (event.name, event.facts["reward"], event.facts["points"]) == ("reward_redeemed", "Free tea", 50)


def test_loyaltylion_customers_lie_at_the_root():
    body = {"id": "u1", "topic": "customers/update", "created_at": "2026-01-31T03:00:05Z"}
    event = only("loyaltylion", body | {"customer": bodies.LION_CUSTOMER})
    assert (event.name, event.member.id, event.card.fields["balance"]) == ("member_updated", "2134606599", 200)


# --- Square ---


@pytest.mark.parametrize(
    ("kind", "part", "points", "name"),
    [
        ("ACCUMULATE_POINTS", "accumulate_points", 12, "points_earned"),
        ("ACCUMULATE_PROMOTION_POINTS", "accumulate_promotion_points", 12, "points_earned"),
        ("ADJUST_POINTS", "adjust_points", 12, "points_added"),
        ("ADJUST_POINTS", "adjust_points", -12, "points_removed"),
        ("CREATE_REWARD", "create_reward", -12, "points_redeemed"),
        ("DELETE_REWARD", "delete_reward", 12, "points_refunded"),
        ("EXPIRE_POINTS", "expire_points", -12, "points_expired"),
    ],
)
def test_square_says_in_two_fields_what_happened(kind, part, points, name):
    event = only("square", bodies.square_event(kind, **{part: {"points": points, "order_id": "o1"}}))
    assert brief(event) == (name, 12, None)
    assert (event.card.id, event.holder_id, event.key) == ("acc-1", None, "ev-loyalty.event.created")
    assert event.happening == f"{name}:square:le-{kind}"
    assert event.occurred_at == datetime(2026, 1, 31, 9, 59, 59, tzinfo=UTC)


def test_square_accounts_may_be_below_zero_and_have_deadlines():
    deadlines = [
        {"points": 3, "expires_at": "2026-06-30T23:59:59Z"},
        {"points": 9, "expires_at": "2026-12-31T00:00:00Z"},
    ]
    event = only("square", bodies.square_account(expiring_point_deadlines=deadlines), zone="UTC")
    assert (event.name, event.holder_id, event.member.fields["phone"]) == ("card_updated", "CUST1", "+16295551234")
    assert event.card.fields["balance"] == -5
    assert event.card.fields["next_expiration_date"] == date(2026, 6, 30)
    assert event.card.fields["next_expiration_points"] == 3


def test_a_square_account_without_deadlines_has_none():
    fields = only("square", bodies.square_account()).card.fields
    assert fields["next_expiration_date"] is None
    assert fields["next_expiration_points"] is None
    event = only("square", bodies.square_event("ACCUMULATE_POINTS", accumulate_points={"points": 1}))
    assert "next_expiration_date" not in event.card.fields


def test_a_deleted_square_account_is_switched_off():
    event = only("square", bodies.square_account("loyalty.account.deleted"))
    assert (event.name, event.card.fields["active"]) == ("card_disabled", False)
    assert only("square", bodies.square_account("loyalty.account.created")).card.fields["active"] is True
    assert "active" not in only("square", bodies.square_account()).card.fields


def test_what_square_tells_of_the_programme_is_ignored():
    assert told("square", bodies.square("loyalty.program.updated", loyalty_program={"id": "p"})) == ()


# --- Open Loyalty ---


@pytest.mark.parametrize(("change", "name"), [("40", "points_added"), (-12.5, "points_removed")])
def test_open_loyalty_points_are_signed(change, name):
    event = only("open_loyalty", bodies.open_loyalty("AvailablePointsAmountChanged", amount="120", amountChange=change))
    assert brief(event) == (name, abs(float(change)), "ol-1")
    assert (event.facts["balance"], event.card.fields["balance"], event.card.fields["code"]) == (120, 120, "000123")
    assert event.member.fields["email"] == "jo@example.org"
    assert event.occurred_at == datetime(2026, 1, 31, 9, tzinfo=UTC)


def test_open_loyalty_points_about_to_expire():
    event = only(
        "open_loyalty", bodies.open_loyalty("PointsWillExpire", points=9, pointsWillExpire="2026-03-01T23:59:59+01:00")
    )
    assert brief(event) == ("points_expiring", 9, "ol-1")
    assert event.card.fields["next_expiration_date"] == date(2026, 3, 1)


def test_open_loyalty_levels_are_custom_and_known():
    event = only("open_loyalty", bodies.open_loyalty("CustomerLevelChanged", tier={"name": "Gold"}))
    assert (event.name, event.facts["custom_name"]) == ("custom", "CustomerLevelChanged")
    assert event.member.fields["tier"] == {"id": "Gold", "name": "Gold"}


# --- Brevo ---


@pytest.mark.parametrize("named", [True, False], ids=["in the body", "in the route"])
@pytest.mark.parametrize(
    ("kind", "more", "name", "points"),
    [
        ("balance_value_updated", {"transaction": {"type": "credit", "value": 25}, "value": 125}, "points_added", 25),
        ("balance_value_updated", {"transaction": {"type": "debit", "value": -25}, "value": 75}, "points_redeemed", 25),
        ("balance_value_updated", {"value": 125}, "card_updated", None),
        ("balance_value_expired", {"value": 30}, "points_expired", 30),
        ("balance_expiration_reminder", {"value": 30}, "points_expiring", 30),
        ("tier_association_updated", {"tier": {"id": "t1", "name": "Gold"}}, "custom", None),
        ("subscription_created", {}, "member_created", None),
    ],
)
def test_brevo_names_its_events_in_the_body_or_not_at_all(named, kind, more, name, points):
    event = only("brevo", bodies.brevo(kind if named else None, **more), None if named else kind)
    assert brief(event) == (name, points, "42")
    assert (event.card.id, event.member.fields["email"]) == ("42 bd-1", "jo@example.org")
    if name in {"points_added", "points_redeemed", "card_updated"}:
        assert event.card.fields["balance"] == more["value"]


def test_a_brevo_event_nobody_named_cannot_be_read():
    with pytest.raises(BodyError, match="nothing says what kind of event this is"):
        told("brevo", bodies.brevo(value=1))


# --- signatures ---


def signed(name, body, header, value, *secrets, route=None):
    raw = json.dumps(body).encode()
    return delivery(raw, route, source=source(name, *(secrets or (SECRET,))), headers={header: value})


def mac(message, secret=SECRET):
    return base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256)).decode()


def test_loyaltylion_signs_the_body():
    body = bodies.lion("customer.enrolled")
    good = mac(json.dumps(body).encode())
    verify(signed("loyaltylion", body, "x-loyaltylion-hmac-sha256", good))
    verify(signed("loyaltylion", body, "x-loyaltylion-hmac-sha256", good, "older", SECRET))
    for bad in (mac(b"another"), mac(json.dumps(body).encode(), "other"), "", "!", good[:-2]):
        with pytest.raises(SignatureError):
            verify(signed("loyaltylion", body, "x-loyaltylion-hmac-sha256", bad))


def test_square_signs_the_address_and_the_body():
    body = bodies.square_account()
    raw = json.dumps(body).encode()
    verify(signed("square", body, "x-square-hmacsha256-signature", mac(URL.encode() + raw)))
    for bad in (mac(raw), mac(b"https://else.example.org" + raw)):
        with pytest.raises(SignatureError, match="does not match"):
            verify(signed("square", body, "x-square-hmacsha256-signature", bad))


@pytest.mark.parametrize("name", ["talon_one", "open_loyalty", "brevo"])
def test_the_others_carry_the_secret_in_a_header(name):
    verify(signed(name, {}, "x-pointbell-secret", SECRET))
    with pytest.raises(SignatureError, match="does not match"):
        verify(signed(name, {}, "x-pointbell-secret", SECRET + "x"))
    with pytest.raises(SignatureError, match="is missing"):
        verify(signed(name, {}, "authorization", SECRET))


@pytest.mark.parametrize("name", SHIPPED)
def test_without_a_secret_nobody_is_let_in(name):
    closed = replace(source(name), unsigned=False)
    with pytest.raises(SignatureError, match="has no secret"):
        verify(delivery({}, source=closed))


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[1]", b"{", b"null", b'{"Data": 5}', b'{"Data": [null]}', b'{"topic": {}}']
)
def test_no_body_is_too_strange(name, body):
    given = delivery(body, source=source(name))
    assert peek(given).transport_key
    with pytest.raises(BodyError):
        read(given)
