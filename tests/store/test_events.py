"""Deliveries: once, in order, and never lost."""

from datetime import timedelta

import pytest

from engine.decide import Book
from engine.errors import StoreOwned
from engine.store import CLOCK, ClaimLost, EventState, Reports, Settlement, Store, clock_event, events

from .conftest import NOON, delivery
from .test_timers import timer


async def decide_all(store, now=NOON):
    claimed = await store.claim_events(100, now)
    ends = [Settlement(seq=one.seq, state=EventState.DECIDED, at=now, ruleset="r") for one in claimed]
    await store.settle(Book(), ends)
    return claimed


async def test_a_delivery_is_stored_once(store):
    assert await store.add_events([delivery("a"), delivery("b"), delivery("a")]) == [True, True, False]
    assert await store.add_events([delivery("b")]) == [False]
    assert [one.received.key for one in await store.claim_events(10, NOON)] == ["a", "b"]


async def test_the_same_key_of_another_source_is_another_delivery(store):
    assert await store.add_events([delivery("a"), delivery("a", source="shop")]) == [True, True]


async def test_deliveries_are_claimed_in_the_order_of_arrival_and_by_one_only(store):
    await store.add_events([delivery(str(number), lane=str(number)) for number in range(5)])
    first = await store.claim_events(3, NOON)
    second = await store.claim_events(3, NOON)
    assert [one.received.key for one in first + second] == ["0", "1", "2", "3", "4"]


async def test_a_lane_of_which_something_is_claimed_waits_until_that_is_settled(store):
    await store.add_events([delivery(f"{lane}{number}", lane=lane) for number in range(3) for lane in "ab"])
    first = await store.claim_events(3, NOON)
    assert [one.received.key for one in first] == ["a0", "b0", "a1"]
    assert await store.claim_events(10, NOON) == []
    await store.add_events([delivery("c0", lane="c")])
    assert [one.received.key for one in await store.claim_events(10, NOON)] == ["c0"]
    await settle(store, first[1])
    assert [one.received.key for one in await store.claim_events(10, NOON)] == ["b1", "b2"]
    await settle(store, first[0], first[2])
    assert [one.received.key for one in await store.claim_events(10, NOON)] == ["a2"]


async def test_what_is_given_back_is_claimed_before_what_follows_in_its_lane(store):
    await store.add_events([delivery(str(number)) for number in range(3)])
    await store.claim_events(1, NOON)
    await store.recover(NOON)
    assert [one.received.key for one in await store.claim_events(10, NOON)] == ["0", "1", "2"]


async def settle(store, *claimed):
    ends = [Settlement(seq=one.seq, claim=one.claim, state=EventState.DECIDED, at=NOON, ruleset="r") for one in claimed]
    await store.settle(Book(), ends)


async def test_who_has_lost_a_claim_settles_nothing_more(store):
    await store.add_events([delivery("a", lane="a"), delivery("b", lane="b")])
    slow = await store.claim_events(10, NOON)
    later = NOON + timedelta(minutes=6)
    [again, _] = await store.claim_events(10, later)
    with pytest.raises(ClaimLost):
        await settle(store, *slow)
    assert await store.claim_events(10, later) == []
    await settle(store, again)
    with pytest.raises(ClaimLost):
        await settle(store, again)


async def test_what_nobody_has_claimed_cannot_be_settled(store):
    await store.add_events([delivery("a")])
    [claimed] = await store.claim_events(10, NOON)
    await store.recover(NOON)
    with pytest.raises(ClaimLost):
        await settle(store, claimed)
    assert [one.received.key for one in await store.claim_events(10, NOON)] == ["a"]


async def test_a_claim_that_is_never_settled_comes_back(store):
    await store.add_events([delivery()])
    await store.claim_events(1, NOON)
    assert await store.claim_events(1, NOON + timedelta(minutes=4)) == []
    [again] = await store.claim_events(1, NOON + timedelta(minutes=6))
    assert again.attempts == 1


async def test_a_delivery_that_was_there_at_every_end_of_the_process_is_set_aside_at_last(store, tmp_path, monkeypatch):
    monkeypatch.setattr(events, "MAX_ATTEMPTS", 10)
    await store.add_events([delivery("unlucky"), delivery("fine")])
    for witnessed in range(10):
        claimed = await store.claim_events(1, NOON)
        assert [(one.received.key, one.attempts) for one in claimed] == [("unlucky", witnessed)]
        await store.recover(NOON)
    assert [one.received.key for one in await store.claim_events(10, NOON)] == ["fine"]
    [row] = Reports(tmp_path / "pointbell.db").events(state="quarantined")
    assert row["key"] == "unlucky"
    assert "10 attempts" in row["note"]


async def test_a_settled_delivery_can_be_put_back_in_line(store):
    await store.add_events([delivery("a"), delivery("b")])
    first, _ = await decide_all(store)
    assert await store.replay([first.seq]) == 1
    assert [one.received.key for one in await store.claim_events(10, NOON)] == ["a"]


async def test_a_timer_rings_once_as_an_event_with_what_it_was_about(store):
    book = Book()
    book.changed_timers = {("r", "card_1", "7 days"): timer(due_at=NOON)}
    await store.add_events([delivery()])
    [claimed] = await store.claim_events(1, NOON)
    end = Settlement(seq=claimed.seq, state=EventState.DECIDED, at=NOON, ruleset="r")
    await store.settle(book, [end])
    assert await store.next_due() == NOON
    assert await store.promote_timers(NOON - timedelta(seconds=1), 100) == 0
    assert await store.promote_timers(NOON, 100) == 1
    assert await store.promote_timers(NOON, 100) == 0
    [bell] = await store.claim_events(10, NOON)
    assert bell.received.source == CLOCK
    due = clock_event(bell.received).due
    assert (due.rule, due.subject, due.slot, due.about) == ("r", "card_1", "7 days", timer().about)


@pytest.mark.usefixtures("store")
async def test_a_second_process_is_refused_with_a_clear_message(tmp_path):
    with pytest.raises(StoreOwned, match=r"in use by process \d+.*config\.yaml"):
        await Store.open(tmp_path / "pointbell.db")


async def test_what_was_stored_is_there_after_closing_and_opening_again(tmp_path):
    path = tmp_path / "pointbell.db"
    first = await Store.open(path)
    await first.add_events([delivery("kept")])
    await first.close()
    second = await Store.open(path)
    assert [one.received.key for one in await second.claim_events(10, NOON)] == ["kept"]
    await second.close()


async def test_being_there_when_a_process_ends_is_no_offence(store):
    """A machine that is cut off again and again must not cost an acknowledged delivery."""
    await store.add_events([delivery()])
    for _ in range(50):
        assert len(await store.claim_events(10, NOON)) == 1
        await store.recover(NOON)
    assert len(await store.claim_events(10, NOON)) == 1
