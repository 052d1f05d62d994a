"""The worker: it begins when woken, and ends with what it has begun."""

import asyncio
from datetime import timedelta

import pytest

from engine.errors import StoreBusy
from engine.store import Store

from .programme import ruleset_of
from .running import until
from .test_pipeline import House, Scripted, expired

AT_ONCE = timedelta(0)


class Thoughtful(Scripted):
    """Answers only when it is told to."""

    def __init__(self):
        super().__init__()
        self.has_it, self.answers_now = asyncio.Event(), asyncio.Event()

    async def send(self, message, permit):
        answer = await super().send(message, permit)
        self.has_it.set()
        await self.answers_now.wait()
        return answer


@pytest.fixture
async def house(tmp_path):
    store = await Store.open(tmp_path / "p.db")
    yield House(store, tmp_path / "p.db", Thoughtful(), ruleset_of())
    await store.close()


async def at_work(house):
    house.worker.start()
    await house.post(expired())
    house.worker.wake()
    await house.channel.has_it.wait()


async def test_stopping_waits_for_a_message_under_way(house):
    await at_work(house)
    stopping = asyncio.ensure_future(house.worker.stop())
    await until(house.worker._stopping.is_set)
    assert house.messages() == [("permitted", 0)]
    house.channel.answers_now.set()
    await stopping
    assert house.messages() == [("sent", 1)]


async def test_stopping_does_not_wait_for_ever_and_what_is_unclear_is_called_so(house):
    await at_work(house)
    await house.worker.stop(AT_ONCE)
    assert house.messages() == [("permitted", 0)]
    await house.store.recover(house.clock.now())
    assert house.messages() == [("unknown", 1)]


async def test_nothing_is_begun_after_stopping(house):
    house.worker.start()
    await house.worker.stop()
    await house.post(expired())
    house.worker.wake()
    assert [row["state"] for row in house.events(None)] == ["stored"]


async def test_a_database_that_refuses_does_not_keep_the_worker_from_stopping(house, monkeypatch):
    async def refuse(*_):
        raise StoreBusy

    monkeypatch.setattr(house.store, "settle", refuse)
    house.worker.start()
    await house.post(expired())
    house.worker.wake()
    await until(lambda: house.journal.troubles)
    await house.worker.stop(AT_ONCE)
    await house.store.recover(house.clock.now())
    assert [row["state"] for row in house.events(None)] == ["stored"]


async def test_a_fault_in_one_message_is_reported_and_does_not_end_the_sender(house, monkeypatch):
    house.channel.answers_now.set()
    sound = house.channel.send

    async def faulty(*_):
        monkeypatch.setattr(house.channel, "send", sound)
        raise ZeroDivisionError

    monkeypatch.setattr(house.channel, "send", faulty)
    house.worker.start()
    await house.post(expired("e1"))
    house.worker.wake()
    await until(lambda: house.journal.troubles)
    await house.post(expired("e2"))
    house.worker.wake()
    await until(lambda: ("sent", 1) in house.messages())
    await house.worker.stop()
    assert [(step, type(error)) for step, error in house.journal.troubles] == [("send", ZeroDivisionError)]


async def test_a_fault_in_a_loop_is_reported_and_the_next_round_tries_again(house, monkeypatch):
    house.channel.answers_now.set()
    sound = house.store.claim_events

    async def broken(*_):
        monkeypatch.setattr(house.store, "claim_events", sound)
        raise ZeroDivisionError

    monkeypatch.setattr(house.store, "claim_events", broken)
    house.worker.start()
    await house.post(expired())
    await until(lambda: house.journal.troubles)
    house.worker.wake()
    await until(lambda: ("sent", 1) in house.messages())
    await house.worker.stop()
    assert [type(error) for _, error in house.journal.troubles] == [ZeroDivisionError]


async def test_an_end_that_was_asked_for_has_no_cause(house):
    house.worker.start()
    told = asyncio.ensure_future(house.worker.ended())
    await house.worker.stop()
    assert await told is None
