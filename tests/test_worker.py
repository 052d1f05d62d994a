"""The worker: it begins when woken, and ends with what it has begun."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from engine.deliver import Deferred, Sent
from engine.errors import StoreBusy
from engine.senders import AT_ONCE as SENDERS
from engine.store import Store
from engine.worker import Worker

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


async def test_nothing_more_is_begun_out_of_the_hand_whatever_is_still_being_decided(house, monkeypatch):
    """Else a delivery that hangs would take all the time there is, and the mails begun meanwhile end as unknown."""
    await many(house, SENDERS + 10)
    house.worker.start()
    await until(lambda: house.messages().count(("permitted", 0)) == SENDERS)

    decided, settle = asyncio.Event(), house.store.settle

    async def hang(*settled):
        await decided.wait()
        return await settle(*settled)

    monkeypatch.setattr(house.store, "settle", hang)
    await house.post(expired("the one that hangs"))
    house.worker.wake()
    await until(lambda: house.worker._batches)
    stopping = asyncio.ensure_future(house.worker.stop(timedelta(hours=1)))
    await until(house.worker._loops[-1].done)
    await house.store.check()
    house.channel.answers_now.set()
    await until(lambda: not house.worker._senders.tasks)
    assert Counter(house.messages()) == {("sent", 1): SENDERS, ("queued", 0): 10}
    decided.set()
    await stopping


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


async def many(house, count):
    for number in range(count):
        await house.post(expired(f"e{number}"))
    while await house.pipeline.process():
        pass


async def test_messages_are_claimed_many_at_a_time(house, monkeypatch):
    house.channel.answers_now.set()
    await many(house, 60)
    claims = []
    sound = house.store.claim_notifications

    async def counted(route, limit, now):
        claims.append(await sound(route, limit, now))
        return claims[-1]

    monkeypatch.setattr(house.store, "claim_notifications", counted)
    house.worker.start()
    await until(lambda: len(house.channel.carried) == 60)
    await house.worker.stop()
    assert [len(claim) for claim in claims if claim] == [60]
    assert set(house.messages()) == {("sent", 1)}


async def test_the_next_ones_are_claimed_before_nothing_is_in_hand(house, monkeypatch):
    monkeypatch.setattr("engine.worker.IDLE_S", 10_000)
    house.channel.answers_now.set()
    await many(house, 250)
    carried_before, sound = [], house.store.claim_notifications

    async def noted(route, limit, now):
        carried_before.append(len(house.channel.carried))
        return await sound(route, limit, now)

    monkeypatch.setattr(house.store, "claim_notifications", noted)
    house.worker.start()
    await until(lambda: len(house.channel.carried) == 250)
    await house.worker.stop()
    assert any(0 < carried < 100 for carried in carried_before)


async def test_what_is_in_hand_and_not_begun_goes_back_in_line_when_the_worker_stops(house):
    worker = Worker(house.pipeline, senders=2)
    await many(house, 5)
    worker.start()
    await until(lambda: len(house.channel.asked) == 2)
    stopping = asyncio.ensure_future(worker.stop())
    await until(lambda: ("queued", 0) in house.messages())
    house.channel.answers_now.set()
    await stopping
    assert sorted(house.messages()) == [("queued", 0)] * 3 + [("sent", 1)] * 2


async def test_what_is_in_hand_does_not_beat_on_a_relay_that_is_down(house, monkeypatch):
    monkeypatch.setattr("engine.worker.IDLE_S", 10_000)
    house.channel.answers_now.set()
    down = Deferred("no route to host", about_relay=True, relay_down=True)
    house.channel.answers = [Sent("250 ok")] * 3 + [down] * 20
    worker = Worker(house.pipeline, senders=1)
    await many(house, 8)
    worker.start()
    await until(
        lambda: sorted(house.messages()) == [("queued", 0)] * 5 + [("sent", 1)] * 3 and house.journal.deliveries
    )
    await worker.stop()
    assert len(house.journal.deliveries) == 4
