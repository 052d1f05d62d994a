"""What waits comes back as it was."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from engine.model import Event, Snapshot
from engine.waits import pack_waits, unpack_waits, waiting

PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.dates()
PLAIN |= st.datetimes(timezones=st.just(UTC)) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


def event(**changes):
    plain = {
        "key": "e1",
        "source": "shop",
        "name": "points_expired",
        "producer_name": "Points.Expired",
        "occurred_at": datetime(2026, 1, 10, 11, 0, 0, 123, tzinfo=UTC),
        "happening": None,
    }
    return Event(**{**plain, **changes})


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_facts_come_back_as_they_were_whatever_they_look_like(facts):
    assert unpack_waits(pack_waits([event(facts=facts)])) == (event(facts=facts),)


def test_what_looks_like_a_mark_is_none():
    facts = {"a": ["date", "2026-01-01"], "b": {"date": "2026-01-01"}, "c": date(2026, 1, 1)}
    assert unpack_waits(pack_waits([event(facts=facts)]))[0].facts == facts


def test_what_an_event_said_of_its_member_does_not_wait_with_it():
    said = Snapshot(id="anna", as_of=datetime(2026, 1, 10, tzinfo=UTC), fields={"email": "anna@example.org"})
    card = Snapshot(id="card", as_of=datetime(2026, 1, 10, tzinfo=UTC), fields={})
    kept = waiting(event(member=said, card=card, holder_id="anna"))
    assert kept == event(card_id="card", holder_id="anna")
    assert "example.org" not in pack_waits([kept])
