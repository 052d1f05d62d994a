"""The bytes of messages, kept beside them: each has its own, and loses them when it should."""

from datetime import date

from engine.decide import Book
from engine.model import Reason, Skip, Withdrawal
from engine.store import EventState, Messages, Reports, Settlement, Worded

from .conftest import NOON, delivery, message


def reminder(key):
    return message(key, about=date(2026, 1, 31))


async def told(store, *, key="evt_1", withdrawals=(), held=(), **payloads):
    """Messages by their keys, worded with these bytes."""
    await store.add_events([delivery(key)])
    [claimed] = await store.claim_events(1, NOON)
    settlement = Settlement(
        seq=claimed.seq,
        state=EventState.DECIDED,
        at=NOON,
        ruleset="r1",
        worded=[Worded(notification=reminder(name), payload=sent, route="email") for name, sent in payloads.items()],
        decisions=[Skip(rule="rule", reason=Reason.TEMPLATE_HELD, held=reminder(name)) for name in held],
        withdrawals=list(withdrawals),
    )
    await store.settle(Book(), [settlement])


async def carried(store):
    return {one.key: one.payload for one in await store.claim_notifications("email", 10, NOON)}


async def test_each_message_carries_its_own_bytes(store):
    await told(store, a=b"to Anna", b=b"to Ben", c=b"to Cleo")
    assert await carried(store) == {"a": b"to Anna", "b": b"to Ben", "c": b"to Cleo"}


async def test_what_was_taken_back_and_is_told_anew_goes_in_its_new_words(store):
    await told(store, a=b"30 points", b=b"other")
    gone = Withdrawal(rule="rule", subject_id="card_1", reason=Reason.NOTHING_AT_RISK)
    await told(store, key="evt_2", withdrawals=[gone])
    await told(store, key="evt_3", a=b"40 points")
    assert (await carried(store))["a"] == b"40 points"


async def test_what_is_held_has_no_bytes_until_its_template_is_mended(store, tmp_path):
    await told(store, held=["a"], b=b"other")
    reports = Reports(tmp_path / "pointbell.db")
    numbers = {row["key"]: row["id"] for row in reports.notifications()}
    assert [reports.payload(numbers[key])[1] for key in ("a", "b")] == [None, b"other"]
    assert [payload for _, payload in reports.worded(Messages())] == [b"other"]
    await told(store, key="evt_2", a=b"mended")
    assert await carried(store) == {"a": b"mended", "b": b"other"}


async def test_what_was_taken_back_and_is_held_now_has_its_old_words_no_more(store, tmp_path):
    await told(store, a=b"30 points")
    gone = Withdrawal(rule="rule", subject_id="card_1", reason=Reason.NOTHING_AT_RISK)
    await told(store, key="evt_2", withdrawals=[gone])
    await told(store, key="evt_3", held=["a"])
    row, payload = Reports(tmp_path / "pointbell.db").payload(1)
    assert (row["state"], payload) == ("held", None)
