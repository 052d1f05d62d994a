"""Time that is jumped with: nothing is early, nothing is twice, and what was right again is believed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.clock import JUMP, TICK, Clock, SteadyTime
from engine.store import Store

from .programme import ruleset_of
from .running import running, until
from .test_pipeline import NOON, House, Scripted, expired, expiring

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
JUMPS = [HOUR, -HOUR, DAY, -DAY, 3650 * DAY]


class Machine:
    """A wall clock that can be set, and time that passes all the same."""

    def __init__(self, now=NOON):
        self.wall, self.passed = now, timedelta()
        self.steady = SteadyTime(lambda: self.wall, self.seconds)

    def seconds(self):
        return self.passed.total_seconds()

    def now(self):
        return self.steady.now()

    def move(self, to):
        """Let time pass; the house says until when."""
        self.passes(to - self.now())

    def passes(self, time):
        self.wall, self.passed = self.wall + time, self.passed + time

    def jumps(self, by):
        self.wall += by


@pytest.fixture
async def house(tmp_path):
    store = await Store.open(tmp_path / "p.db")
    house = House(store, tmp_path / "p.db", Scripted(), ruleset_of())
    house.clock = Machine()
    house.pipeline.now = house.clock.now
    yield house
    await store.close()


@pytest.mark.parametrize("by", JUMPS)
def test_a_jump_is_told_and_time_goes_on_as_if_it_had_not_been(by):
    machine = Machine()
    machine.passes(HOUR)
    assert machine.steady.look() == timedelta()
    machine.jumps(by)
    assert (machine.now(), machine.steady.look()) == (NOON + HOUR, by)
    machine.passes(HOUR)
    assert (machine.now(), machine.steady.look()) == (NOON + 2 * HOUR, by)


@pytest.mark.parametrize("by", JUMPS)
def test_a_clock_that_is_set_right_again_is_believed(by):
    machine = Machine()
    machine.jumps(by)
    machine.passes(HOUR)
    machine.jumps(-by + SECOND)
    assert (machine.now(), machine.steady.look()) == (NOON + HOUR + SECOND, timedelta())


@pytest.mark.parametrize("by", [JUMP, -JUMP])
def test_small_steps_are_believed_however_many_there_are(by):
    machine = Machine()
    for _ in range(10):
        machine.jumps(by)
        assert machine.steady.look() == timedelta()
        machine.passes(TICK)
    assert machine.now() == NOON + 10 * (by + TICK)


@pytest.mark.parametrize("by", JUMPS)
async def test_a_jump_sends_no_reminder_early_late_or_twice(house, by):
    await house.post(expiring("e1", day="2026-01-20"))
    await house.settle()
    house.clock.jumps(by)
    await house.settle()
    await house.later(days=1)
    assert house.messages() == []
    house.clock.jumps(-by)
    await house.settle()
    assert house.messages() == []
    await house.later(days=2)
    assert house.messages() == [("sent", 1)]
    house.clock.jumps(by)
    await house.settle()
    assert len(house.messages()) == 1


@pytest.mark.parametrize("by", JUMPS)
async def test_what_comes_in_while_the_clock_is_wrong_is_neither_old_nor_lost(house, by):
    house.clock.jumps(by)
    await house.post(expired())
    await house.settle()
    assert house.messages() == [("sent", 1)]


@pytest.mark.parametrize("by", JUMPS)
async def test_a_message_under_way_when_the_clock_jumps_goes_once(house, by):
    jumped = []
    sound = house.channel.send

    async def meanwhile(message, permit):
        answer = await sound(message, permit)
        if not jumped:
            jumped.append(house.clock.jumps(by))
            await house.settle()
        return answer

    house.channel.send = meanwhile
    await house.post(expired())
    await house.settle()
    assert house.messages() == [("sent", 1)]
    assert len(house.channel.carried) == 1


async def test_the_daemon_tells_of_a_jump_once_and_of_its_end(tmp_path):
    async with running(tmp_path) as daemon:
        for seconds in (3600, 3600, 0, 0):
            daemon.shop.note_time(timedelta(seconds=seconds))
            assert await daemon.metric("pointbell_clock_divergence_seconds") == seconds
        jump = "the machine's clock has jumped: work goes on by elapsed time. Restart if the clock is right now"
        assert [line["seconds"] for line in daemon.said(jump)] == [3600]
        assert len(daemon.said("the machine's clock is right again")) == 1


async def test_the_daemon_looks_at_every_tick(tmp_path, monkeypatch):
    monkeypatch.setattr(SteadyTime, "look", lambda _: DAY)
    async with running(tmp_path) as daemon:
        await until(lambda: daemon.shop.divergence == DAY)


async def test_a_clock_that_was_put_back_keeps_nothing_from_ringing():
    clock, rung = Clock(), asyncio.Event()

    async def ring():
        rung.set()

    clock.every(TICK, ring, "ring")
    clock.start()
    await rung.wait()
    rung.clear()
    # What a day back looks like to the scheduler: the next time is a day away.
    clock._scheduler.modify_job("ring", next_run_time=datetime.now(UTC) + DAY)
    clock._mind()
    assert clock._scheduler.get_job("ring").next_run_time < datetime.now(UTC) + DAY / 2
    await rung.wait()
    clock.stop()
