"""What is left of the work on some deliveries, and what came of them."""

from datetime import timedelta

from engine.store import Left, Reports
from engine.store.pauses import Pause, Scope

from .conftest import NOON, delivery, message, queue

ROUTES = ["email", "capture"]


async def left(store, upto=99, routes=ROUTES, now=NOON, most=99):
    found = await store.left(upto, routes, now, most)
    return found.deliveries, found.messages


async def test_deliveries_wait_until_they_are_decided(store):
    await store.add_events([delivery(key) for key in "abc"])
    assert await left(store) == (3, 0)
    assert await left(store, most=2) == (2, 0)
    await store.claim_events(2, NOON)
    assert await left(store) == (3, 0)
    await store.quarantine(1, "no")
    assert await left(store) == (2, 0)
    assert await left(store, upto=1) == (0, 0)


async def test_messages_wait_until_they_are_sent(store):
    await queue(store, message())
    assert await left(store) == (0, 1)
    assert await left(store, upto=0) == (0, 0)
    [claimed] = await store.claim_notifications("email", 9, NOON)
    assert await left(store) == (0, 1)
    await store.permit(claimed, NOON)
    assert await left(store, routes=[]) == (0, 1)


async def test_what_only_time_or_a_person_helps_is_not_waited_for(store):
    await queue(store, message())
    assert await left(store, now=NOON - timedelta(seconds=1)) == (0, 0)
    assert await left(store, routes=["capture"]) == (0, 0)
    until = NOON + timedelta(hours=1)
    await store.pause(Pause(id=0, scope=Scope.ALL, name="", reason="storm", since=NOON, until=until))
    assert await store.claim_notifications("email", 9, NOON) == []
    assert await left(store) == (0, 0)


async def test_deliveries_are_found_by_their_keys_within_their_source(store):
    await store.add_events([delivery("a"), delivery("b"), delivery("a", source="other")])
    assert await store.numbers("voucherify", ["b", "a", "x"]) == {"a": 1, "b": 2}
    assert await store.numbers("other", ["a", "b"]) == {"a": 3}
    assert await store.newest() == 3


async def test_an_empty_store_has_nothing_left(store):
    assert await store.newest() == 0
    assert await store.left(0, ROUTES, NOON, 1) == Left(deliveries=0, messages=0)


async def test_the_outcome_is_that_of_the_deliveries_asked_for(store, tmp_path):
    await queue(store, message("one"), key="a")
    await queue(store, message("two"), message("three"), key="b")
    await store.add_events([delivery("c"), delivery("d")])
    reports = Reports(tmp_path / "pointbell.db")
    assert reports.outcome([(2, 3)]) == {
        "decisions": {},
        "notifications": {"queued": 2},
        "events": {"decided": 1, "stored": 1},
    }
    assert reports.outcome([(1, 1), (4, 4)])["events"] == {"decided": 1, "stored": 1}
    assert reports.outcome([])["events"] == {}
    reports.close()
