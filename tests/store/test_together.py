"""Those who ask at the same time are served together, and each is answered for himself."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import literal, select

from engine.store import NotificationState, Outcome, attempts, events, facts, letters, outbox, settle, withdrawals
from engine.store.prepared import Prepared
from engine.store.schema import event, notification

from .conftest import NOON, delivery, message, queue


def ended(claimed, **changes):
    said = Outcome(key=claimed.key, lease=claimed.lease, state=NotificationState.SENT, at=NOON, reply="250 ok")
    return replace(said, **changes)


async def test_callers_of_a_verb_share_its_calls_and_each_has_his_own_answer(store):
    calls = []

    def doubled(_, numbers):
        calls.append(list(numbers))
        return [2 * number for number in numbers]

    answers = await asyncio.gather(*(store._writer.together(doubled, number) for number in range(50)))
    assert answers == [2 * number for number in range(50)]
    assert len(calls) < 10


async def test_an_item_that_fails_takes_nothing_with_it(store):
    def picky(connection, keys):
        events.add(connection, [delivery(key) for key in keys])
        if "bad" in keys:
            raise ZeroDivisionError
        return keys

    asked = (store._writer.together(picky, key) for key in ("a", "bad", "b"))
    first, failed, second = await asyncio.gather(*asked, return_exceptions=True)
    assert (first, second) == ("a", "b")
    assert isinstance(failed, ZeroDivisionError)
    assert [one.received.key for one in await store.claim_events(10, NOON)] == ["a", "b"]


async def test_of_equal_deliveries_at_the_same_time_one_is_new(store):
    answers = await asyncio.gather(*(store.add_events([delivery(key)]) for key in ("a", "b", "a", "b", "a")))
    assert answers == [[True], [True], [False], [False], [False]]


async def test_permits_asked_at_the_same_time_are_each_for_one_message(store):
    names = ["first", "stale", "suppressed", "over", "last"]
    await queue(store, *(message(name, address=f"{name}@example.org") for name in names))
    claimed = {one.key: one for one in await store.claim_notifications("email", 10, NOON)}
    await store.record([ended(claimed["first"], lease="", suppress="suppressed@example.org")])
    claimed["stale"] = replace(claimed["stale"], lease="somebody else's")
    late = {"over": NOON.replace(year=2027)}
    given = await asyncio.gather(*(store.permit(claimed[name], late.get(name, NOON)) for name in names))
    assert given == [True, False, False, False, True]


async def test_outcomes_noted_at_the_same_time_are_each_of_one_message(store):
    await queue(store, message("first"), message("second"))
    first, second = await store.claim_notifications("email", 10, NOON)
    lost, *ends = ended(first, lease="lost"), ended(first), ended(second)
    assert await asyncio.gather(store.record([lost, ends[0]]), store.record([]), store.record([ends[1]])) == [1, 0, 1]


END = ("which", "claim", "end", "is", "said", "member", "card", "occurred", "at", "under")
PER_MESSAGE = {
    "permit": (attempts._PERMIT, ("which", "with", "now", "until")),
    "outcome": (attempts._END, ("which", "with", "end", "said", "due", "tries", "settled")),
    "reminder was sent": (attempts._REMEMBER, ("r", "s", "o", "at", "about")),
    "lease": (outbox._LEASE, ("which", "with", "until")),
    "bytes": (letters._READ, ("which",)),
    "withdrawal of a reminder": (withdrawals._OF_REMINDER, ("rule", "subject", "slot", "kept", "why", "at")),
    "withdrawal of all a member's": (withdrawals._OF_MEMBER, ("member", "why", "at")),
    "timer that rang for nothing": (withdrawals._UNRING, ("r", "s", "o", "on", "why")),
    "delivery's end": (settle._END, END),
    "member's change": (facts._CHANGE["member"], ("which", "before", "to_facts")),
}


@pytest.mark.parametrize("name", PER_MESSAGE)
async def test_what_is_run_for_every_message_finds_its_row_by_an_index(store, name):
    statement, values = PER_MESSAGE[name]
    row = dict.fromkeys(values, "x")

    def plan(connection):
        ready = statement.ready(connection, row)
        explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {ready.text}", ready.bound(row))
        return [step[3] for step in explained]

    steps = await store._writer.do(plan)
    assert steps
    assert [step for step in steps if step.startswith("SCAN")] == []


async def test_a_statement_whose_text_depends_on_its_values_is_not_prepared(store):
    changing = Prepared(lambda *_: select(notification.c.id).where(notification.c.id.in_([1, 2, 3])))
    with pytest.raises(TypeError, match="a list of values"):
        await store._writer.do(changing.run)


async def test_a_value_that_is_missing_is_no_null(store):
    stored, rows = Prepared(lambda *_: event.insert().inline()), [{"source": "s", "key": "k"}, {"key": "k"}]
    with pytest.raises(KeyError):
        await store._writer.do(lambda connection: stored.many(connection, rows))


async def test_what_a_statement_says_itself_stays_said(store):
    said = Prepared(lambda *_: select(literal("said"), notification.c.id).where(notification.c.key == literal("none")))
    assert await store._writer.do(lambda connection: said.run(connection).all()) == []
    with pytest.raises(KeyError):
        await store._writer.do(lambda connection: attempts._PERMIT.run(connection, which="k"))
