"""Any order and any repetition of a card's events ends in the same facts and the same reminders."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decide import Book, decide, replan
from engine.model import Event, Snapshot, TimerState
from tests.programme import ruleset_of

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
RULESET = ruleset_of()

CARD_FIELDS = {
    "balance": st.integers(0, 500),
    "next_expiration_points": st.one_of(st.none(), st.integers(0, 500)),
    "next_expiration_date": st.one_of(st.none(), st.dates(date(2025, 12, 1), date(2026, 4, 1))),
    "points": st.integers(0, 500),
}
MEMBER_FIELDS = {
    "email": st.sampled_from([None, "anna@example.org", "a@example.net"]),
    "timezone": st.sampled_from(["Europe/Warsaw", "America/New_York", "Nowhere/At_All"]),
    "name": st.sampled_from([None, "Anna", "Ann"]),
}


def snapshots(id_, fields, **more):
    return st.builds(
        Snapshot,
        id=st.just(id_),
        as_of=st.integers(0, 6).map(lambda hours: NOW - timedelta(hours=hours)),
        fields=st.fixed_dictionaries({}, optional=fields),
        **more,
    )


@st.composite
def events(draw):
    key = draw(st.integers(0, 10**9))
    card = draw(st.one_of(st.none(), snapshots("card", CARD_FIELDS)))
    return Event(
        key=str(key),
        source="s",
        name="card_updated" if card else "member_updated",
        producer_name="x",
        occurred_at=NOW,
        happening=draw(st.one_of(st.none(), st.sampled_from(["h1", "h2"]))),
        member=draw(snapshots("anna", MEMBER_FIELDS)),
        card=card,
        holder_id="anna" if card else None,
    )


def after(ordered):
    book = Book()
    for seq, event in enumerate(ordered):
        facts = book.facts_for(event, seq)
        book.note(event, seq, facts, decide(event, facts, RULESET, NOW))
        for other in list(book.other_cards(event, facts.member)):
            book.note(event, seq, other, replan(other, RULESET, NOW))
    armed = {
        place: (timer.due_at, timer.about, book.cards[timer.subject].member_id)
        for place, timer in book.changed_timers.items()
        if timer.state is TimerState.ARMED
    }
    return book.members, book.cards, armed


@settings(max_examples=300)
@given(st.lists(events(), min_size=1, max_size=8).flatmap(lambda seen: st.tuples(st.just(seen), st.permutations(seen))))
def test_any_order_ends_in_the_same_facts_and_reminders(orders):
    one, other = orders
    assert after(one) == after(other)


@settings(max_examples=100)
@given(st.lists(events(), min_size=1, max_size=6), st.data())
def test_repetition_changes_nothing(seen, data):
    again = data.draw(st.permutations(seen + seen))
    assert after(seen) == after(again)
