"""Whose cards a batch knows, while they change hands within it."""

from datetime import UTC, datetime

from engine.decide import Book
from engine.model import Card, Event, Fact, Facts, Snapshot

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


def card(name, owner):
    return Card(id=name, facts={"member_id": Fact(value=owner, as_of=NOON)})


def moves(member, name):
    """The member moves to another time zone, as an event about one of their cards tells."""
    person = Snapshot(id=member, fields={"timezone": "Asia/Tokyo"}, as_of=NOON)
    about = Snapshot(id=name, fields={}, as_of=NOON)
    return Event(key="e", source="shop", name="card_updated", producer_name="card_updated", occurred_at=NOON,
                 happening=None, member=person, card=about)  # fmt: skip


def others(book, member, name):
    return [facts.card.id for facts in book.other_cards(moves(member, name), None)]


def test_a_card_that_changes_hands_follows_its_new_owner_and_leaves_the_former():
    book = Book(cards={name: card(name, "anna") for name in ("c1", "c2", "c3")})
    assert others(book, "anna", "c1") == ["c2", "c3"]
    sold = Facts(member=None, card=card("c2", "ben"))
    book.note(moves("ben", "c2"), 1, sold, [])
    assert others(book, "anna", "c1") == ["c3"]
    assert others(book, "ben", "c9") == ["c2"]
