"""The seven published events, as neutral events."""

from datetime import UTC, date, datetime

import pytest

from engine.ingest import peek, read

from .ingest_bodies import BARE, ENVELOPE, PUBLISHED, deliver_published, delivery, enveloped, other_family, value_of


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def only(reading):
    (event,) = reading.events
    return event


EXPECTED = {
    "voucher.loyalty_card.pending_points.canceled": {
        "name": "pending_points_canceled",
        "occurred_at": at("2025-01-08T14:10:48.300Z"),
        "happening": "pending_points_canceled:lopp_0ff49105b988dd5c8f",
        "member": ("cust_KiZa6C6R30sgqqpU76o6B7u0", {"name": "Alex Doe", "source_id": "4lx-d03", "metadata": {}}),
        "holder": "cust_KiZa6C6R30sgqqpU76o6B7u0",
        "card": ("v_bITntTcyfRHPvrOMgwdQVSlShsWRZu4v", at("2025-01-08T14:10:48.300Z")),
        "counters": {"points": 23, "balance": 23, "pending_points": 23, "redeemed_points": 0},
        "facts": {
            "points": 23,
            "pending_points_id": "lopp_0ff49105b988dd5c8f",
            "activates_on": date(2025, 1, 9),
            "change": -23,
            "campaign": "Loyalty program",
            "order_id": "ord_0ff3476ebb49a3901d",
            "order_amount": 5.0,
        },
    },
    "customer.voucher.loyalty_card.pending_points.updated": {
        "name": "pending_points_updated",
        "occurred_at": at("2025-03-06T11:39:53.395Z"),
        "happening": "pending_points_updated:lopp_103dd48adba7591619:2025-03-06T11:39:53.395+00:00",
        "member": (
            "cust_IdgAFZxYwwHctOk9pPuMu308",
            {"name": "Jack Webhook", "source_id": "jck-wbhk", "metadata": {"region": "EMEA", "sign-up": "true"}},
        ),
        "holder": "cust_IdgAFZxYwwHctOk9pPuMu308",
        "card": ("v_hjQhSsitD6lAATASbRV1Ef7dUCjpy0iw", at("2025-03-06T11:39:53.395Z")),
        "counters": {
            "points": 28786,
            "balance": 5156,
            "next_expiration_date": date(2026, 1, 31),
            "next_expiration_points": 23786,
            "pending_points": 41,
            "subtracted_points": 4000,
            "redeemed_points": 19630,
        },
        "facts": {
            "points": 35,
            "pending_points_id": "lopp_103dd48adba7591619",
            "activates_on": date(2025, 3, 7),
            "change": 10,
            "campaign": "Loyalty programme",
            "order_id": "ord_103c8af3c09ea311b4",
            "order_amount": 364.5,
        },
    },
    "voucher.loyalty_card.pending_points.activated": {
        "name": "pending_points_activated",
        "occurred_at": at("2025-01-08T14:08:34.127Z"),
        "happening": "pending_points_activated:lopp_0ffd9a0a87c8dd17c9",
        "member": ("cust_KiZa6C6R30sgqqpU76o6B7u0", {"name": "Alex Doe", "source_id": "4lx-d03", "metadata": {}}),
        "holder": "cust_KiZa6C6R30sgqqpU76o6B7u0",
        "card": ("v_bITntTcyfRHPvrOMgwdQVSlShsWRZu4v", at("2025-01-08T14:08:34.127Z")),
        "counters": {"points": 23, "balance": 23, "pending_points": 46, "redeemed_points": 0},
        "facts": {
            "points": 23,
            "balance": 23,
            "pending_points_id": "lopp_0ffd9a0a87c8dd17c9",
            "activates_on": date(2025, 1, 16),
            "campaign": "Loyalty program",
            "transaction_id": "vtx_0ff34b9df109a39357",
            "order_id": "ord_0ff203bb8a0ca13337",
            "order_amount": 5.0,
        },
    },
    "voucher.loyalty_card.points_expired": {
        "name": "points_expired",
        "occurred_at": at("2024-07-09T08:36:55.237Z"),
        "happening": "points_expired:vtx_0f0764c45fd232ef8e",
        "member": (
            "cust_FGtYypgEx2tBL5jB6PuYfSES",
            {
                "name": "Łukasz",
                "email": "lukasz.kulig@voucherify.io",
                "source_id": "charlie",
                "metadata": {"isTrade": True},
            },
        ),
        "holder": "cust_FGtYypgEx2tBL5jB6PuYfSES",
        "card": ("v_66qyRgwumJomTSV2NvkCBa05lP0UOn82", at("2024-07-09T08:36:55.237Z")),
        "counters": {"points": 1000, "balance": 970, "next_expiration_points": 970, "redeemed_points": 30},
        "facts": {
            "points": 10,
            "balance": 970,
            "expired_on": date(2024, 7, 8),
            "campaign": "Loyalty program",
            "transaction_id": "vtx_0f0764c45fd232ef8e",
        },
    },
    "customer.voucher.loyalty_card.points_added": {
        "name": "points_added",
        "occurred_at": at("2024-03-11T15:27:44.884Z"),
        "happening": "points_added:vtx_0e6d44043e9e51d377",
        "member": ("cust_2p0TvCOvB25HWUrW9JFf4czJ", {"name": "Alex Doe", "source_id": "4l3x-d03", "metadata": {}}),
        "holder": "cust_tPTOETl00z1mWL5CzWEEPkNX",
        "card": ("v_mFlEY0ZESRsEyfY12vTvz1VPfVDirAjc", at("2024-03-11T15:27:44.884Z")),
        "counters": {"points": 2641, "balance": 2641, "redeemed_points": 0},
        "facts": {
            "points": 40,
            "balance": 2641,
            "reason": "Spring time",
            "campaign": "Loyalty programme",
            "transaction_id": "vtx_0e6d44043e9e51d377",
        },
    },
    "customer.loyalty.tier.upgraded": {
        "name": "tier_upgraded",
        "occurred_at": at("2024-03-11T12:06:34.423Z"),
        "happening": (
            "tier_upgraded:cust_2p0TvCOvB25HWUrW9JFf4czJ:camp_AQZ1GLRlbGaC2dETd31VbJQ9:"
            "ltr_0e30613ad01f044515+ltr_0e30613ad01f044516:2024-03-11T12:06:34.423+00:00"
        ),
        "member": (
            "cust_2p0TvCOvB25HWUrW9JFf4czJ",
            {
                "name": "Alex Doe",
                "source_id": "4l3x-d03",
                "metadata": {},
                "tier": {"id": "ltr_0e30613ad01f044516", "name": "Loyal gold"},
            },
        ),
        "holder": None,
        "card": None,
        "counters": {},
        "facts": {
            "tier": "Loyal gold",
            "tier_id": "ltr_0e30613ad01f044516",
            "previous_tier": "Loyal silver",
            "previous_tier_id": "ltr_0e30613ad01f044515",
            "campaign": "Loyalty programme",
        },
    },
    ENVELOPE: {
        "name": "points_added",
        "occurred_at": at("2024-01-24T08:28:37.621Z"),
        "happening": "points_added:vtx_0e30615d5ed9b7011b",
        "member": (
            "cust_IdgAFZxYwwHctOk9pPuMu308",
            {"name": "Jack Webhook", "source_id": "jck-wbhk", "metadata": {"region": "EMEA"}},
        ),
        "holder": "cust_IdgAFZxYwwHctOk9pPuMu308",
        "card": ("v_hjQhSsitD6lAATASbRV1Ef7dUCjpy0iw", at("2024-01-24T08:28:37.621033Z")),
        "counters": {"points": 1370, "balance": 1020, "redeemed_points": 350},
        "facts": {
            "points": 50,
            "balance": 1020,
            "campaign": "Loyalty programme",
            "transaction_id": "vtx_0e30615d5ed9b7011b",
        },
    },
}
COUNTERS = (
    "points",
    "balance",
    "pending_points",
    "expired_points",
    "subtracted_points",
    "redeemed_points",
    "next_expiration_points",
    "next_expiration_date",
)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_event_reads_as_expected(name):
    expected, reading = EXPECTED[name], read(deliver_published(name))
    event = only(reading)
    assert reading.notes == ()
    assert (event.name, event.occurred_at, event.happening) == (
        expected["name"],
        expected["occurred_at"],
        expected["happening"],
    )
    assert (event.member.id, event.member.fields) == expected["member"]
    assert event.member.aliases == (event.member.fields["source_id"],)
    assert event.holder_id == expected["holder"]
    assert (event.card and (event.card.id, event.card.as_of)) == expected["card"]
    shown = event.card.fields if event.card else {}
    assert {key: shown[key] for key in COUNTERS if key in shown} == expected["counters"]
    assert event.facts == expected["facts"]
    assert event.source == "shop"
    assert not event.erases


def test_a_card_carries_what_stands_on_it():
    card = only(read(deliver_published("voucher.loyalty_card.pending_points.activated"))).card
    standing = {key: value for key, value in card.fields.items() if key not in COUNTERS}
    assert standing == {
        "code": "67028386",
        "campaign": "Loyalty program",
        "campaign_id": "camp_E14SFSXh2JueXgZ0wFarf3jU",
        "active": True,
        "metadata": {},
    }


@pytest.mark.parametrize("name", [name for name in BARE if "loyalty_card" in name])
def test_both_families_report_the_same_happening(name):
    one, other = (only(read(delivery(value_of(name), kind))) for kind in (name, other_family(name)))
    assert one.happening == other.happening
    assert (one.name, one.facts, one.card, one.member) == (other.name, other.facts, other.card, other.member)
    assert one.key != other.key


@pytest.mark.parametrize("name", BARE)
def test_envelope_and_bare_body_report_the_same_happening(name):
    bare = only(read(deliver_published(name)))
    project = only(read(delivery(enveloped(value_of(name), name))))
    distribution = only(read(delivery(enveloped(value_of(name), name, kind="distribution", written="Hello!"))))
    assert bare.happening == project.happening == distribution.happening
    assert project.producer_name == distribution.producer_name == name


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_peek_agrees_with_the_reading(name):
    glance, event = peek(deliver_published(name)), only(read(deliver_published(name)))
    assert glance.transport_key == event.key
    assert glance.lane == (event.holder_id or event.member.id)


def test_the_event_id_is_the_transport_key():
    assert peek(deliver_published(ENVELOPE)).transport_key == "evvou_0e30615d63d9b7011f"
    assert peek(deliver_published(BARE[0])).transport_key.startswith("sha256:")
