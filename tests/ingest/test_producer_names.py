"""Every spelling of a type leads to one neutral name."""

import pytest

from engine.ingest import neutral_name
from engine.ingest.facts import FACTS, required
from engine.ingest.names import NAMES, STATE_ONLY, TRANSACTION, canonical, is_configuration, is_known
from engine.language.schema import EVENT_FIELDS, EVERY_EVENT
from engine.model import EVENT_NAMES


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("voucher.loyalty_card.points_added", "points_added"),
        ("customer.voucher.loyalty_card.points_added", "points_added"),
        ("EVENTS.VOUCHER.LOYALTY_CARD.POINTS_ADDED", "points_added"),
        ("EVENTS.CUSTOMER.VOUCHER.LOYALTY_CARD.POINTS_ADDED", "points_added"),
        ("Voucher.Loyalty_Card.Points_Added", "points_added"),
        ("loyalty_card.points_added", "points_added"),
        ("voucher.loyalty_card.points_aded", "points_added"),
        ("points_added", "points_added"),
        (" voucher.loyalty_card.points_expired ", "points_expired"),
        ("customer.voucher.loyalty_card.points_expired", "points_expired"),
        ("voucher.loyalty_card.pending_points.aded", "pending_points_added"),
        ("customer.voucher.loyalty_card.pending_points.added", "pending_points_added"),
        ("loyalty_card.pending_points.updated", "pending_points_updated"),
        ("pending_points.updated", "pending_points_updated"),
        ("EVENTS.VOUCHER.LOYALTY_CARD.PENDING_POINTS.ACTIVATED", "pending_points_activated"),
        ("customer.voucher.loyalty_card.pending_points.canceled", "pending_points_canceled"),
        ("customer.rewarded.loyalty_points", "points_earned"),
        ("rewarded.loyalty_points", "points_earned"),
        ("customer.rewarded", "reward_redeemed"),
        ("customer.reward_redemptions.completed", "reward_redeemed"),
        ("customer.loyalty.tier.joined", "tier_joined"),
        ("EVENTS.CUSTOMER.LOYALTY.TIER.UPGRADED", "tier_upgraded"),
        ("loyalty.tier.downgraded", "tier_downgraded"),
        ("customer.loyalty.tier.prolonged", "tier_prolonged"),
        ("customer.loyalty.tier.left", "tier_left"),
        ("voucher.published", "card_published"),
        ("publication.succeeded", "card_published"),
        ("customer.publication.succeeded", "card_published"),
        ("voucher.disabled", "card_disabled"),
        ("voucher.updated", "card_updated"),
        ("customer.created", "member_created"),
        ("customer.updated", "member_updated"),
        ("customer.deleted", "member_deleted"),
        ("customer.segment.entered", "segment_entered"),
        ("customer.segment.left", "segment_left"),
        ("customer.order.paid", "order_paid"),
        ("order.paid", "order_paid"),
        ("customer.custom_event", "custom"),
    ],
)
def test_a_spelling_leads_to_its_neutral_name(spelling, name):
    assert neutral_name(spelling) == name


@pytest.mark.parametrize(
    "spelling",
    [
        "voucher.loyalty_card.transaction.created",
        "customer.order.created",
        "voucher.gift.balance_added",
        "voucher.gift.balance_aded",
        "campaign.created",
        "created",
        "updated",
        "rewarded",
        "customer.voucher.created.again",
        "Points_Added!",
        "",
        ".",
        "events.",
    ],
)
def test_what_no_rule_can_listen_to_has_no_neutral_name(spelling):
    assert neutral_name(spelling) is None


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_a_neutral_name_is_its_own(name):
    assert neutral_name(name) == name


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_reached_in_both_families_and_both_cases(name):
    for spelling in (name, name.upper(), "EVENTS." + name.upper(), canonical(name)):
        assert neutral_name(spelling) == NAMES[name]
    if name.startswith("loyalty_card."):
        assert neutral_name(f"voucher.{name}") == neutral_name(f"customer.voucher.{name}") == NAMES[name]


def test_upgraded_is_no_misspelt_added():
    assert canonical("customer.loyalty.tier.upgraded") == "customer.loyalty.tier.upgraded"


def test_known_types_need_not_be_for_rules():
    assert all(is_known(name) for name in (*NAMES, *STATE_ONLY, TRANSACTION, "voucher.gift.balance_aded"))
    assert not is_known("customer.something.new")
    assert STATE_ONLY.isdisjoint(NAMES)


def test_configuration_is_told_by_its_prefix():
    assert is_configuration("EVENTS.CAMPAIGN.VOUCHERS.GENERATION.COMPLETED")
    assert is_configuration("campaign.vouchers.aded")
    assert is_configuration("business_validation_rule.assignment.created")
    assert not is_configuration("customer.created")


def test_every_name_leads_to_a_neutral_event():
    assert set(NAMES.values()) <= set(EVENT_NAMES)


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_the_facts_produced_are_those_the_language_declares(name):
    declared = {key: fact for key, fact in EVENT_FIELDS[name].items() if key not in EVERY_EVENT}
    assert set(FACTS[name]) == set(declared)
    always = {key for key, fact in declared.items() if not fact.optional}
    assert set(required(name)) == always - {"data"}


@pytest.mark.parametrize("name", EVENT_NAMES)
@pytest.mark.parametrize("written", [str, str.upper])
def test_a_neutral_name_is_known_however_it_is_written(name, written):
    assert neutral_name(written(name)) == name
    assert is_known(written(name))
