"""Timers as rows: one place each, read back as they were."""

from datetime import date, timedelta

from engine.decide import Book, Needs
from engine.model import Reason, Timer, TimerState
from engine.store import EventState, Settlement

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


async def known(store):
    none = frozenset()
    book = await store.load(Needs(members=none, cards=frozenset({"card_1"}), happenings=none, erased=none))
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
