"""A preview decides and words as the daemon would, and stores and sends nothing."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from engine.decide import Book
from engine.errors import PointbellError
from engine.ingest import Delivery, read
from engine.model import Card, Fact, Member, Reason
from engine.tools.preview import STAND_IN, preview, trial_of
from tests.programme import channels, ruleset_of
from tests.tools.year import SHOP, event

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
RULESET = ruleset_of()
EXPIRING = {"balance": 970, "next_expiration_date": "2026-01-31", "next_expiration_points": 1000}


def happened(name="points_expired", card=None, email="anna@example.org", **data):
    body = json.loads(event("1", name, NOW, card=card, **({"points": 60} | data)))
    body["member"] |= {"first_name": "Anna", "timezone": "Europe/Warsaw"} | ({"email": email} if email else {})
    [found] = read(Delivery(source=SHOP, body=json.dumps(body).encode(), received_at=NOW)).events
    return found


def shown(rule, happening, book=None, **options):
    trial = trial_of(happening, book or Book(), NOW, **options)
    return preview(RULESET.rule(rule), trial, RULESET, channels())


def test_a_message_is_shown_as_it_would_be_sent():
    [found] = shown("points-expired", happened())
    assert found.reason is None
    assert found.notification.address == "anna@example.org"
    assert "expired" in found.notification.words.subject
    assert b"To: anna@example.org\r\n" in found.payload


def test_a_rule_that_does_not_apply_says_which_part_and_which_values():
    [found] = shown("points-expired", happened(points=10))
    assert (found.reason, found.notification) == (Reason.CONDITION, None)
    assert found.detail == "event.points >= 50 (event.points = 10)"


def test_without_an_address_the_words_are_shown_all_the_same():
    [found] = shown("points-expired", happened(email=None))
    assert found.reason is Reason.NO_ADDRESS
    assert found.notification.address == STAND_IN["email"]
    assert found.payload


def test_a_reminder_is_shown_at_each_offset_as_if_it_were_due():
    found = shown("points-expire-soon", happened(card=EXPIRING))
    assert [(one.slot, f"{one.at:%Y-%m-%d %H:%M}", one.template, one.reason) for one in found] == [
        ("30 days", "2026-01-01 08:00", "points-expire-soon", None),
        ("30 days", "2026-01-01 08:00", "points-expire-soon-sms", Reason.CONDITION),
        ("7 days", "2026-01-24 08:00", "points-expire-soon", None),
        ("7 days", "2026-01-24 08:00", "points-expire-soon-sms", Reason.CONDITION),
        ("1 day", "2026-01-30 08:00", "points-expire-soon", None),
        ("1 day", "2026-01-30 08:00", "points-expire-soon-sms", Reason.NO_ADDRESS),
    ]
    assert "970" in found[0].notification.words.subject


@pytest.mark.parametrize(
    ("card", "reason", "detail"),
    [
        ({"balance": 970}, Reason.ABSENT, "the card has no card.next_expiration_date"),
        ({**EXPIRING, "balance": 0}, Reason.NOTHING_AT_RISK, "card.balance is 0"),
        ({**EXPIRING, "balance": 5}, Reason.CONDITION, "card.expiring_points >= 100 (card.expiring_points = 5)"),
    ],
)
def test_a_reminder_that_would_not_go_says_why(card, reason, detail):
    found = shown("points-expire-soon", happened(card=card))
    assert {(one.reason, one.detail) for one in found} == {(reason, detail)}


def test_a_rule_that_listens_to_something_else_is_refused():
    with pytest.raises(PointbellError, match="points-expired listens to points_expired, and the event is points_added"):
        shown("points-expired", happened("points_added"))


def fact(value):
    return Fact(value=value, as_of=NOW - timedelta(days=1))


def test_another_member_of_the_directory_can_be_told():
    bo = Member(id="bo", facts={"email": fact("bo@example.org"), "locale": fact("pl")})
    [found] = shown("points-expired", happened(), Book(members={"bo": bo}), member_id="bo")
    assert (found.notification.member_id, found.notification.address) == ("bo", "bo@example.org")


def test_the_member_of_the_event_is_recognised_by_an_alias():
    known = Member(id="m-1", facts={"email": fact("known@example.org")})
    book = Book(members={"m-1": known}, aliases={"anna": "m-1"})
    [found] = shown("points-expired", happened(email=None), book, member_id="m-1")
    assert (found.notification.member_id, found.notification.address) == ("m-1", "known@example.org")


def test_the_member_is_recognised_by_an_alias_the_event_brings():
    known = Member(id="crm-1", facts={"email": fact("known@example.org")})
    body = json.loads(event("1", "points_expired", NOW, points=60))
    body["member"]["aliases"] = ["crm-1"]
    [found] = read(Delivery(source=SHOP, body=json.dumps(body).encode(), received_at=NOW)).events
    [told] = shown("points-expired", found, Book(members={"crm-1": known}), member_id="crm-1")
    assert (told.notification.member_id, told.notification.address) == ("crm-1", "known@example.org")


def test_what_the_store_knows_of_the_card_counts():
    card = Card(
        id="card-anna",
        facts={
            "next_expiration_date": fact(date(2026, 2, 28)),
            "next_expiration_points": fact(500),
            "balance": fact(500),
        },
    )
    found = shown("points-expire-soon", happened(), Book(cards={"card-anna": card}))
    assert [one.slot for one in found if one.reason is None] == ["30 days", "7 days", "1 day"]


def test_the_language_can_be_chosen():
    [found] = shown("points-expired", happened(), locale="de")
    assert found.notification.locale == "en", "the example programme speaks English only"


def test_a_deleted_member_gets_nothing():
    erased = Fact(value=True, as_of=datetime.max.replace(tzinfo=UTC))
    book = Book(members={"anna": Member(id="anna", facts={"erased": erased})})
    [found] = shown("points-expired", happened(), book)
    assert (found.reason, found.notification) == (Reason.ERASED, None)
