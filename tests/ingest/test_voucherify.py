"""What the reference producer's bodies mean, by hand-made ones."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from engine.errors import BodyError
from engine.ingest import SourceSettings, peek, read
from engine.model import EVENT_NAMES

from .ingest_bodies import RECEIVED, VOUCHERIFY, delivery, enveloped, published

BEFORE = "2026-01-31T09:00:00.000Z"
NOW = "2026-01-31T10:00:00.000Z"
ADDED = "voucher.loyalty_card.points_added"
TRANSACTION = "voucher.loyalty_card.transaction.created"


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def card(updated_at=NOW, **counters):
    return {
        "id": "v_1",
        "code": "CODE",
        "type": "LOYALTY_CARD",
        "campaign": "club",
        "holder_id": "cust_1",
        "active": True,
        "updated_at": updated_at,
        "loyalty_card": {"points": 100, "balance": 100} | counters,
    }


COUPON = {"id": "v_9", "code": "COUPON", "type": "DISCOUNT_VOUCHER", "holder_id": "cust_1", "updated_at": NOW}


def body(**parts):
    return {
        "customer": {"id": "cust_1", "name": "Anna", "email": None, "object": "customer"},
        "campaign": {"id": "camp_1", "name": "Club"},
        "voucher": card(),
    } | parts


def balance(points, after):
    return {"points": points, "balance": after, "related_object": {"type": "voucher", "id": "v_1"}}


def movement(kind, points=-30, after=70):
    return body(
        balance=balance(points, after),
        transaction={"id": "vtx_1", "type": kind, "reason": None, "created_at": NOW},
        voucher=card(balance=after),
    )


def only(reading):
    (event,) = reading.events
    return event


def read_one(value, kind=None, **more):
    return only(read(delivery(value, kind, **more)))


# --- Points -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "direction"),
    [
        ("POINTS_REDEMPTION", "points_redeemed", None),
        ("POINTS_REFUND", "points_refunded", None),
        ("POINTS_REMOVAL", "points_removed", None),
        ("POINTS_TRANSFER_IN", "points_transferred", "in"),
        ("POINTS_TRANSFER_OUT", "points_transferred", "out"),
    ],
)
def test_movements_without_an_event_of_their_own_are_told_from_the_transaction(kind, name, direction):
    event = read_one(movement(kind), TRANSACTION)
    assert (event.name, event.happening) == (name, f"{name}:vtx_1")
    assert event.facts["points"] == 30
    assert event.facts["balance"] == 70
    assert event.facts.get("direction") == direction


@pytest.mark.parametrize(
    "kind", ["POINTS_ADDITION", "POINTS_ACCRUAL", "POINTS_EXPIRATION", "PENDING_POINTS_ACTIVATION", "SOMETHING_NEW", 7]
)
def test_movements_with_an_event_of_their_own_only_refresh_the_card(kind):
    event = read_one(movement(kind), TRANSACTION)
    assert (event.name, event.happening) == ("card_updated", None)
    assert event.card.fields["balance"] == 70


def test_a_negative_adjustment_is_a_removal_and_meets_its_transaction():
    adjusted = read_one(movement("POINTS_REMOVAL"), ADDED)
    assert adjusted.name == "points_removed"
    assert adjusted.facts["points"] == 30
    assert adjusted.happening == read_one(movement("POINTS_REMOVAL"), TRANSACTION).happening


def test_the_balance_of_the_movement_goes_before_the_vouchers():
    shown = body(balance=balance(40, 140), voucher=card(balance=100))
    event = read_one(shown, ADDED)
    assert event.facts["balance"] == event.card.fields["balance"] == 140


def test_a_voucher_that_already_shows_a_later_movement_keeps_its_balance():
    late = movement("POINTS_ADDITION", 40, 140) | {"voucher": card("2026-01-31T10:00:05.000Z", balance=20)}
    event = read_one(late, ADDED)
    assert event.facts["balance"] == 140
    assert (event.card.fields["balance"], event.card.as_of) == (20, at("2026-01-31T10:00:05Z"))


def test_a_balance_of_another_card_is_not_taken():
    other = {"points": 40, "balance": 999, "related_object": {"type": "voucher", "id": "v_2"}}
    assert read_one(body(balance=other), ADDED).card.fields["balance"] == 100


def test_amounts_may_stand_in_the_transaction_only():
    value = body(transaction={"id": "vtx_1", "details": {"balance": balance(40, 140)}, "created_at": NOW})
    event = read_one(value, ADDED)
    assert (event.facts["points"], event.facts["balance"]) == (40, 140)


def test_points_earned_show_the_card_as_it_was_before():
    value = body(
        voucher=card(BEFORE, points=0, balance=0, next_expiration_date="2026-01-31"),
        balance=balance(900, 900),
        earning_rule={"id": "ern_1"},
        event={"id": "evcus_9", "type": "customer.order.paid", "created_at": "2026-01-31T08:59:59Z"},
    )
    event = read_one(value, "customer.rewarded.loyalty_points")
    assert event.name == "points_earned"
    assert event.facts["balance"] == 900
    assert event.card.fields["balance"] == 900
    assert {"points", "next_expiration_date", "next_expiration_points"}.isdisjoint(event.card.fields)
    assert event.card.as_of == at(BEFORE) + timedelta(microseconds=1)
    assert event.happening == "points_earned:cust_1:v_1:evcus_9:ern_1"
    told_later = read_one(enveloped(value, "customer.rewarded.loyalty_points", at=NOW))
    assert told_later.card.as_of == at(NOW)
    assert told_later.happening == event.happening


def test_points_earned_never_report_the_balance_of_before():
    event = read_one(body(balance={"points": 900}), "customer.rewarded.loyalty_points")
    assert "balance" not in event.facts
    assert "balance" not in event.card.fields


def test_points_earned_without_a_cause_meet_under_the_event_id():
    value = body(balance=balance(900, 900))
    event = read_one(enveloped(value, "customer.rewarded.loyalty_points", event_id="evcus_7"))
    assert event.happening == "points_earned:evcus_7"
    assert read_one(value, "customer.rewarded.loyalty_points").happening is None


@pytest.mark.parametrize(
    "buckets",
    [
        [{"id": "lopb_2", "expires_at": "2026-01-30"}, {"id": "lopb_1", "expires_at": "2026-01-31"}],
        {"a": {"id": "lopb_2"}, "b": {"id": "lopb_1", "expires_at": "2026-01-31"}},
    ],
)
def test_buckets_may_be_a_list_or_an_object(buckets):
    event = read_one(body(points=10, buckets=buckets), "voucher.loyalty_card.points_expired")
    assert event.facts["expired_on"] == date(2026, 1, 31)
    assert event.happening == "points_expired:lopb_1+lopb_2"


def test_a_single_bucket_may_stand_for_itself():
    bucket = {"id": "lopb_1", "bucket": {"total_points": 10}, "expires_at": "2026-01-31"}
    assert read_one(body(points=10, buckets=bucket), "voucher.loyalty_card.points_expired").happening == (
        "points_expired:lopb_1"
    )


def test_expired_points_are_a_positive_amount_wherever_they_stand():
    value = body(transaction={"id": "vtx_1", "details": {"balance": balance(-10, 90)}})
    assert read_one(value, "voucher.loyalty_card.points_expired").facts["points"] == 10


def test_an_activation_meets_its_other_report_though_only_one_has_a_transaction():
    pending = {"id": "lopp_1", "points": 5, "activates_at": "2026-01-29", "created_at": BEFORE}
    project = body(pending_points=pending, balance=balance(5, 105), transaction={"id": "vtx_1", "created_at": NOW})
    distribution = body(pending_points=pending, voucher_pending_points_balance={"points": 5, "total": 12})
    told = read_one(project, "voucher.loyalty_card.pending_points.activated")
    also = read_one(distribution, "customer.voucher.loyalty_card.pending_points.activated")
    assert told.happening == also.happening == "pending_points_activated:lopp_1"
    assert told.facts["balance"] == 105
    assert "change" not in also.facts
    assert "balance" not in also.facts


def test_a_cancellation_did_not_happen_when_the_points_were_promised():
    pending = {"id": "lopp_1", "points": 5, "created_at": "2025-11-03T10:00:00Z"}
    value = body(pending_points=pending)
    assert read_one(value, "voucher.loyalty_card.pending_points.canceled").occurred_at == at(NOW)
    assert read_one(value, "voucher.loyalty_card.pending_points.added").occurred_at == at("2025-11-03T10:00:00Z")


@pytest.mark.parametrize(
    ("kind", "missing"),
    [(ADDED, "points"), ("customer.loyalty.tier.joined", "tier and tier_id"), ("customer.segment.left", "segment")],
)
def test_an_event_without_what_it_is_about_is_set_aside(kind, missing):
    with pytest.raises(BodyError, match=f"without {missing}"):
        read(delivery(body(), kind))


# --- The card ---------------------------------------------------------------------------------------------------------


def test_only_the_keys_the_card_carries_are_taken():
    fields = read_one(body(), "voucher.updated").card.fields
    assert {"next_expiration_date", "next_expiration_points", "pending_points"}.isdisjoint(fields)


def test_an_explicit_null_date_is_kept_and_a_null_balance_is_not():
    shown = card(next_expiration_date=None, next_expiration_points=None, balance=None)
    fields = read_one(body(voucher=shown), "voucher.updated").card.fields
    assert (fields["next_expiration_date"], fields["next_expiration_points"]) == (None, None)
    assert "balance" not in fields


def test_a_date_given_as_an_instant_is_the_date_in_the_programmes_zone():
    shown = card(next_expiration_date="2026-01-30T23:00:00Z")
    source = SourceSettings(name="shop", unsigned=True, timezone=ZoneInfo("Europe/Warsaw"))
    assert read_one(body(voucher=shown), "voucher.updated", source=source).card.fields["next_expiration_date"] == date(
        2026, 1, 31
    )


def test_fields_of_a_wrong_type_are_left_out_and_noted():
    shown = card(next_expiration_date="soon", points="many", pending_points=[1], balance=True) | {
        "active": "yes",
        "metadata": 3,
    }
    reading = read(delivery(body(voucher=shown), "voucher.updated"))
    fields = only(reading).card.fields
    assert {"next_expiration_date", "points", "pending_points", "balance", "active", "metadata"}.isdisjoint(fields)
    assert set(reading.notes) == {
        "voucher.loyalty_card.next_expiration_date is left out: expected a date, found an unreadable text",
        "voucher.loyalty_card.points is left out: expected a number, found a text",
        "voucher.loyalty_card.pending_points is left out: expected a number, found a list",
        "voucher.loyalty_card.balance is left out: expected a number, found true or false",
        "voucher.active is left out: expected true or false, found a text",
        "voucher.metadata is left out: expected an object, found a number",
    }


@pytest.mark.parametrize(
    "written",
    [
        "2024-05-13T10: 24: 01.084Z",
        "2024-05-13T10:24:01.084Z",
        "2024-05-13T10:24:01.084000Z",
        "2024-05-13 10:24:01.084Z",
        "2024-05-13T12:24:01.084+02:00",
        " 2024-05-13T10:24:01.084 ",
    ],
)
def test_time_stamps_are_read_as_published(written):
    assert read_one(body(voucher=card(written)), "voucher.updated").card.as_of == at("2024-05-13T10:24:01.084Z")


@pytest.mark.parametrize("written", ["never", "", None, 5, "0001-01-01T00:00:00+14:00", {}, "2024-13-45T10:00:00Z"])
def test_without_a_readable_time_the_receipt_counts(written):
    event = read_one(body(voucher=card(written)), "voucher.updated")
    assert event.card.as_of == event.occurred_at == RECEIVED


def test_a_coupon_is_no_loyalty_card():
    publication = {"id": "pub_1", "created_at": NOW}
    event = read_one(body(voucher=COUPON, publication=publication), "voucher.published")
    assert (event.name, event.card, event.holder_id) == ("card_updated", None, None)
    assert event.member.id == "cust_1"


def test_a_coupon_nobody_owns_leads_to_nothing_but_a_note():
    reading = read(delivery({"voucher": COUPON | {"holder_id": None}}, "voucher.created"))
    assert reading.events == ()
    assert reading.notes == ("the body shows neither a member nor a loyalty card",)


def test_three_reports_of_a_publication_meet():
    publication = {"id": "pub_1", "created_at": NOW}
    several = {key: part for key, part in body(publication=publication).items() if key != "voucher"}
    reports = [
        read_one(body(publication=publication), "voucher.published"),
        read_one(body(publication=publication), "customer.publication.succeeded"),
        read_one(several | {"vouchers": [COUPON, card()]}, "publication.succeeded"),
    ]
    assert {event.happening for event in reports} == {"card_published:pub_1:v_1"}
    assert {event.name for event in reports} == {"card_published"}
    assert {event.card.id for event in reports} == {"v_1"}


def test_a_disabled_card_names_its_holder_though_not_the_customer():
    event = read_one({"voucher": card() | {"active": False}}, "voucher.disabled")
    assert (event.name, event.holder_id, event.member.id) == ("card_disabled", "cust_1", "cust_1")
    assert event.member.fields == {}
    assert event.card.fields["active"] is False


def test_a_deleted_card_is_no_longer_active():
    event = read_one({"voucher": card(BEFORE)}, "voucher.deleted", received_at=at(NOW))
    assert (event.name, event.card.fields["active"]) == ("card_disabled", False)


def test_a_movement_without_a_voucher_still_names_the_card():
    value = body(voucher=None, balance=balance(40, 140), transaction={"id": "vtx_1", "voucher_id": "v_1"})
    event = read_one(value, ADDED)
    assert (event.card.id, event.card.fields["balance"], event.holder_id) == ("v_1", 140, "cust_1")


# --- People -----------------------------------------------------------------------------------------------------------


def test_the_mail_goes_to_the_customer_and_the_card_belongs_to_the_holder():
    value = body(balance=balance(40, 140)) | {"customer": {"id": "cust_2", "source_id": "two"}}
    event = read_one(value, ADDED)
    assert (event.member.id, event.holder_id, event.member.aliases) == ("cust_2", "cust_1", ("two",))
    assert peek(delivery(value, ADDED)).lane == "cust_1"


@pytest.mark.parametrize("customer", [None, {}, {"id": None}, "cust_1", []])
def test_without_a_customer_the_holder_is_told(customer):
    holder = {"id": "cust_1", "name": "Anna", "email": "anna@example.org", "object": "customer"}
    event = read_one(movement("POINTS_REDEMPTION") | {"customer": customer, "holder": holder}, TRANSACTION)
    assert event.member.id == "cust_1"
    assert event.member.fields == {"name": "Anna", "email": "anna@example.org"}
    held = movement("POINTS_REDEMPTION") | {
        "voucher": card() | {"holder_id": None},
        "holder": holder | {"id": "cust_5"},
    }
    event = read_one(held | {"customer": customer}, TRANSACTION)
    assert (event.member.id, event.holder_id) == ("cust_5", "cust_5")
    alone = read_one(movement("POINTS_REDEMPTION") | {"customer": customer}, TRANSACTION)
    assert (alone.member.id, alone.member.fields) == ("cust_1", {})


def test_a_holder_assignment_is_not_a_person():
    holder = {"id": "rh_1", "object": "redeemable_holder", "customer_id": "cust_2"}
    event = read_one(body(holder=holder, customer=None), "customer.holder.assignment.created")
    assert (event.name, event.member.id) == ("card_updated", "cust_1")


def test_nulls_say_nothing_about_a_member():
    value = {"customer": {"id": "cust_1", "name": None, "email": None, "metadata": None, "source_id": None}}
    event = read_one(value, "customer.updated")
    assert (event.name, event.member.fields, event.member.aliases) == ("member_updated", {}, ())


def test_a_member_record_is_taken_with_its_own_time():
    value = {
        "customer": {
            "id": "cust_1",
            "source_id": "anna",
            "name": "Anna",
            "email": "anna@example.org",
            "phone": "+48600000000",
            "birthdate": "1974-01-02",
            "created_at": BEFORE,
            "updated_at": NOW,
        }
    }
    event = read_one(value, "customer.updated")
    assert event.member.fields == {
        "name": "Anna",
        "email": "anna@example.org",
        "phone": "+48600000000",
        "birthdate": date(1974, 1, 2),
        "source_id": "anna",
    }
    assert event.member.as_of == event.occurred_at == at(NOW)
    assert event.happening == "member_updated:cust_1:2026-01-31T10:00:00.000+00:00"
    assert (event.card, event.holder_id, peek(delivery(value, "customer.updated")).lane) == (None, None, "cust_1")


def test_a_deleted_member_is_erased_under_every_id():
    value = {"customer": {"id": "cust_1", "name": "Anna", "source_id": f"anna_deleted{NOW}", "updated_at": NOW}}
    event = read_one(value, "customer.deleted")
    assert (event.name, event.erases, event.member.fields) == ("member_deleted", True, {})
    assert event.member.aliases == ("anna",)


@pytest.mark.parametrize("kind", ["customer.deleted", ADDED, "customer.loyalty.tier.left"])
def test_an_event_about_nobody_is_set_aside(kind):
    value = {"balance": {"points": 1}, "loyalty_tier": {"id": "t", "name": "T"}}
    with pytest.raises(BodyError, match="names neither a customer nor a loyalty card"):
        read(delivery(value, kind))


# --- Tiers, rewards and the rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "tier"), [("joined", {"id": "ltr_1", "name": "Gold"}), ("prolonged", {"id": "ltr_1", "name": "Gold"})]
)
def test_a_tier_event_tells_which_tier_the_member_is_in(verb, tier):
    value = body(loyalty_tier={"id": "ltr_1", "name": "Gold"}, created_at=NOW, voucher=None)
    event = read_one(value, f"customer.loyalty.tier.{verb}")
    assert event.member.fields["tier"] == tier
    assert event.happening == f"tier_{verb}:cust_1:camp_1:ltr_1:2026-01-31T10:00:00.000+00:00"


def test_who_left_the_tiers_is_in_none():
    value = body(loyalty_tier={"id": "ltr_1", "name": "Gold"}, created_at=NOW, voucher=None)
    event = read_one(value, "customer.loyalty.tier.left")
    assert (event.facts["tier"], event.member.fields["tier"]) == ("Gold", {})


def test_two_reports_of_a_reward_meet_under_the_redemption():
    redemption = {"id": "r_1", "date": NOW, "amount": 50, "reward": {"name": "Bottle"}}
    bought = read_one(body(redemption=redemption, reward={"name": "Bottle"}, balance=None), "customer.rewarded")
    completed = read_one(
        body(
            reward={"name": "Bottle"},
            reward_redemption={"id": "rewr_1", "source_id": "r_1", "source_type": "redemption", "created_at": NOW},
            reward_assignment={"parameters": {"loyalty": {"points": 50}}},
        ),
        "customer.reward_redemptions.completed",
    )
    assert bought.happening == completed.happening == "reward_redeemed:r_1"
    assert bought.facts == completed.facts == {"reward": "Bottle", "points": 50, "campaign": "Club"}
    assert bought.occurred_at == at(NOW)


def test_a_reward_for_a_referral_was_not_redeemed():
    value = body(redemption=None, reward={"name": "Bottle"}, referral_tier={"id": "rft_1"})
    assert read_one(value, "customer.rewarded").name == "card_updated"


def test_an_order_is_told_in_whole_money():
    order = {"id": "ord_1", "status": "PAID", "amount": 2500, "total_amount": 2399, "updated_at": NOW}
    event = read_one({"customer": {"id": "cust_1"}, "order": order}, "customer.order.paid")
    assert (event.name, event.happening) == ("order_paid", "order_paid:ord_1")
    assert event.facts == {"order_id": "ord_1", "order_amount": 23.99}
    assert event.occurred_at == at(NOW)


def test_a_segment_is_told_by_name():
    value = {"customer": {"id": "cust_1"}, "segment": {"id": "seg_1", "name": "Sleepers"}}
    event = read_one(enveloped(value, "customer.segment.entered", event_id="evcus_3"))
    assert event.facts == {"segment": "Sleepers", "segment_id": "seg_1"}
    assert event.happening == "segment_entered:evcus_3"


def test_a_custom_event_keeps_its_own_name_and_data():
    inner = {"id": "event_1", "object": "event", "type": "sign_up", "metadata": {"from": "API"}, "created_at": NOW}
    event = read_one({"customer": {"id": "cust_1"}, "event": inner}, "customer.custom_event")
    assert event.facts == {"custom_name": "sign_up", "data": {"from": "API"}}
    assert (event.happening, event.occurred_at) == ("custom:event_1", at(NOW))
    bare = read_one({"customer": {"id": "cust_1"}, "event": {"type": "sign_up"}}, "customer.custom_event")
    assert bare.facts == {"custom_name": "sign_up", "data": {}}


def test_a_gift_card_refreshes_no_loyalty_card():
    gift = {"id": "v_7", "type": "GIFT_VOUCHER", "gift": {"balance": 5}, "loyalty_card": None, "holder_id": "cust_1"}
    for value in (
        body(voucher=gift),
        body(voucher=None, transaction={"type": "CREDITS_ADDITION", "voucher_id": "v_7"}),
    ):
        event = read_one(value, "voucher.gift.transaction.created")
        assert (event.name, event.card, event.member.id) == ("card_updated", None, "cust_1")


@pytest.mark.parametrize(
    "kind", ["customer.redemption.succeeded", "redemption.rollback.succeeded", "customer.referred"]
)
def test_other_known_types_refresh_facts_only(kind):
    event = read_one(body(), kind)
    assert (event.name, event.happening, event.producer_name) == ("card_updated", None, kind)
    assert event.card.fields["balance"] == 100


# --- The wrapping -----------------------------------------------------------------------------------------------------


def test_a_distributions_typed_name_never_counts():
    value = enveloped(body(balance=balance(1, 101)), "customer.voucher.loyalty_card.points_added", kind="distribution")
    for typed in ("Points for Anna!", "", None, "voucher.loyalty_card.points_expired"):
        assert read_one(value | {"type": typed}).name == "points_added"


def test_a_typed_name_counts_where_the_event_is_missing_and_it_is_one():
    value = enveloped(body(balance=balance(1, 101)), ADDED) | {"event": None}
    assert read_one(value).name == "points_added"
    assert read_one(value | {"type": "Hello"}).name == "unknown"
    assert read_one(value | {"type": "Hello"}, ADDED).name == "points_added"


def test_the_events_type_goes_before_the_routes():
    value = enveloped(body(balance=balance(1, 101)), ADDED)
    assert read_one(value, "voucher.loyalty_card.points_expired").name == "points_added"


def test_the_type_of_a_bare_body_comes_from_the_route_else_from_a_header():
    value, headers = body(balance=balance(1, 101)), {"x-pointbell-event": ADDED}
    assert read_one(value, headers=headers).name == "points_added"
    assert read_one(value, headers={"x-event-type": ADDED}).name == "points_added"
    assert read_one(value | {"points": 1}, "points_expired", headers=headers).name == "points_expired"
    assert peek(delivery(value, headers=headers)).type_hint == ADDED


def test_bodies_with_an_event_or_a_source_of_their_own_are_no_envelopes():
    value = body(
        source={"id": "r_1", "type": "redemption"}, event={"id": "evcus_1", "type": "x"}, balance=balance(1, 2)
    )
    assert peek(delivery(value, ADDED)).transport_key.startswith("sha256:")
    assert read_one(value, ADDED).name == "points_added"
    assert read_one(value | {"project_id": "proj_1"}, ADDED).name == "points_added"


def test_the_same_body_under_two_types_is_two_deliveries():
    value = body(balance=balance(1, 101))
    keys = {peek(delivery(value, kind)).transport_key for kind in (ADDED, "customer." + ADDED, None)}
    assert len(keys) == 3


def test_a_stored_delivery_keeps_its_key():
    stored = delivery(enveloped(body(balance=balance(1, 101)), ADDED))
    kept = type(stored)(source=VOUCHERIFY, body=stored.body, received_at=RECEIVED, key="kept")
    assert only(read(kept)).key == peek(kept).transport_key == "kept"


def test_an_event_id_that_is_no_id_is_not_used():
    for event_id in ("", "x" * 201, "a\nb", 4.5, None, []):
        assert peek(delivery(enveloped(body(), ADDED, event_id=event_id))).transport_key.startswith("sha256:")
    assert peek(delivery(enveloped(body(), ADDED, event_id=77))).transport_key == "77"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (body(), "give the type in the route"),
        ({"id": "ev_1", "object": "event", "webhook_id": "whs_1", "type": ADDED, "data": {}}, "v2018-08-01"),
        ({"project_id": "proj_1", "type": ADDED, "data": None}, "no data object"),
        ([], "not a JSON object"),
        ("text", "not a JSON object"),
        (None, "not a JSON object"),
    ],
)
def test_what_cannot_be_read_is_set_aside_with_the_reason(value, reason):
    with pytest.raises(BodyError, match=reason):
        read(delivery(value))
    assert peek(delivery(value)).transport_key.startswith("sha256:")


def test_an_unknown_type_is_kept_and_decided_on_by_nobody():
    reading = read(delivery(enveloped(body(), "customer.something.new", at=NOW)))
    event = only(reading)
    assert (event.name, event.producer_name, event.happening) == ("unknown", "customer.something.new", None)
    assert (event.member, event.card, event.occurred_at) == (None, None, at(NOW))
    assert reading.notes == ("customer.something.new is not a known type",)


@pytest.mark.parametrize("kind", ["campaign.created", "campaign.loyalty_tier.updated", "EVENTS.BUS_VAL_RULE.CREATED"])
def test_configuration_is_accepted_and_ignored(kind):
    reading = read(delivery({"campaign": {"id": "camp_1"}}, kind))
    assert reading.events == ()
    assert "not about a member" in reading.notes[0]


def test_times_without_an_offset_are_the_sources():
    source = SourceSettings(name="shop", unsigned=True, timezone=timezone(timedelta(hours=2)))
    event = read_one(body(voucher=card("2026-01-31T12:00:00")), "voucher.updated", source=source)
    assert event.card.as_of == at("2026-01-31T10:00:00Z")


@pytest.mark.parametrize("name", ["tier_upgraded", "TIER_UPGRADED", "customer.loyalty.tier.upgraded"])
def test_a_bare_body_takes_its_type_from_the_route_in_any_spelling(name):
    raw = published("customer.loyalty.tier.upgraded")
    as_spelled, as_neutral = (
        only(read(delivery(raw, "customer.loyalty.tier.upgraded"))),
        only(read(delivery(raw, name))),
    )
    assert as_neutral.name == "tier_upgraded"
    assert (as_neutral.facts, as_neutral.happening) == (as_spelled.facts, as_spelled.happening)


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_no_neutral_name_in_the_route_is_unknown(name):
    reason = ""
    try:
        events = read(delivery(published("voucher.loyalty_card.points_expired"), name)).events
    except BodyError as error:
        events, reason = (), str(error)
    assert "not a known type" not in reason
    assert "unknown" not in [event.name for event in events]


@pytest.mark.parametrize(
    ("kind", "near"),
    [
        ("tier_upgradd", 'did you mean "tier_upgraded"?'),
        ("voucher.loyalty_card.points_expred", 'did you mean "voucher.loyalty_card.points_expired"?'),
        ("moon.rose", 'an example is "points_added"'),
    ],
)
def test_a_mistyped_type_beside_the_body_is_set_aside_with_what_was_meant(kind, near):
    with pytest.raises(BodyError) as caught:
        read(delivery(published("voucher.loyalty_card.points_expired"), kind))
    assert str(caught.value) == f"{kind} is not a known type: {near}"


def test_a_type_that_the_envelope_itself_names_is_the_producers_own_affair():
    reading = read(delivery(enveloped(body(), "customer.something.new", at=NOW), "customer.something.new"))
    assert only(reading).name == "unknown"
