"""Timers as rows: one place each, read back as they were."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from engine.decide import Book, Needs
from engine.model import Event, Reason, Timer, TimerState
from engine.store import Conflict, EventState, Settlement

from .conftest import NOON, delivery


def timer(**changes):
    plain = {
        "rule": "r",
        "subject": "card_1",
        "slot": "7 days",
        "member_id": "anna",
        "lane": "anna",
        "about": date(2026, 1, 31),
        "due_at": NOON,
    }
    return Timer(**{**plain, **changes})


async def put(store, *timers, key="evt_1"):
    await store.add_events([delivery(key)])
    [claimed] = await store.claim_events(1, NOON)
    book = Book()
    book.changed_timers = {(one.rule, one.subject, one.slot): one for one in timers}
    await store.settle(book, [Settlement(seq=claimed.seq, state=EventState.DECIDED, at=NOON, ruleset="r")])


async def known_book(store):
    none = frozenset()
    return await store.load(Needs(members=none, cards=frozenset({"card_1"}), happenings=none, erased=none))


async def known(store):
    book = await known_book(store)
    return book.timers.get("card_1", {})


async def test_a_timer_comes_back_as_it_was_put(store):
    whole = timer(
        state=TimerState.SKIPPED,
        generation=3,
        reason=Reason.TOO_LATE,
        sent_at=NOON - timedelta(days=30, microseconds=1),
        sent_about=date(2025, 12, 31),
    )
    await put(store, whole)
    assert await known(store) == {("r", "7 days"): whole}


async def test_a_moved_timer_keeps_its_one_place(store):
    await put(store, timer())
    moved = timer(due_at=NOON + timedelta(days=9), generation=2)
    await put(store, moved, key="evt_2")
    assert await known(store) == {("r", "7 days"): moved}


async def test_a_full_channel_leaves_timers_as_timers(store):
    await put(store, *(timer(slot=f"{number} days") for number in range(5)))
    assert await store.promote_timers(NOON, 3) == 3
    assert await store.promote_timers(NOON, 0) == 0


WAITING = Event(
    key="e1",
    source="shop",
    name="points_expired",
    producer_name="x",
    occurred_at=NOON,
    happening=None,
    card_id="card_1",
)


async def test_of_two_who_gather_at_once_one_must_look_again(store):
    await put(store, timer(waits=(WAITING,)))
    books = [await known_book(store) for _ in range(2)]
    await store.add_events([delivery("evt_2"), delivery("evt_3", lane="cust_2")])
    claimed = await store.claim_events(2, NOON)
    for book in books:
        [group] = book.timers["card_1"].values()
        more = replace(group, waits=(*group.waits, WAITING), generation=group.generation + 1)
        book.changed_timers = {(more.rule, more.subject, more.slot): more}
    ends = [Settlement(seq=one.seq, state=EventState.DECIDED, at=NOON, ruleset="r") for one in claimed]
    await store.settle(books[0], [ends[0]])
    with pytest.raises(Conflict):
        await store.settle(books[1], [ends[1]])
    [group] = (await known(store)).values()
    assert len(group.waits) == 2


async def test_what_has_rung_is_no_longer_among_what_is_known(store):
    await put(store, timer(waits=(WAITING,)))
    assert await store.promote_timers(NOON, 10) == 1
    assert await known(store) == {}
