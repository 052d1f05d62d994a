"""A delivery answers for the children that ended over it, and for no others."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from engine.deciders import InProcess, Overcome
from engine.settling import IN_VAIN, PATIENCE
from engine.store import Store
from tests.programme import ruleset_of
from tests.test_pipeline import SHOP, House, Scripted, expired

ITSELF = 1
"""The first delivery's place."""


class Storm:
    """Whoever decides is ended from outside so many times; then it is over."""

    width = 1
    trouble = None

    def __init__(self, ends):
        self.ends = list(ends)
        self.sound = InProcess({SHOP.name: SHOP})

    async def prepare(self, desk):
        """Nothing to make ready."""

    @asynccontextmanager
    async def sitting(self, batch, desk, *, alone=False):
        if self.ends:
            raise self.ends.pop()
        async with self.sound.sitting(batch, desk, alone=alone) as sitting:
            yield sitting


@pytest.fixture
async def house(tmp_path):
    """A house with one delivery."""
    store = await Store.open(tmp_path / "p.db")
    opened = House(store, tmp_path / "p.db", Scripted(), ruleset_of())
    await opened.post(expired("e1"))
    yield opened
    await store.close()


@pytest.fixture
def pauses(monkeypatch):
    """The pauses somebody wants to make; nobody makes them."""
    made, sound = [], asyncio.sleep

    async def sleep(seconds):
        made.append(seconds)
        await sound(0)

    monkeypatch.setattr("engine.settling.asyncio.sleep", sleep)
    return made


def killed(seq=None, times=1):
    return [Overcome("signal", "signal 9", seq)] * times


async def test_children_that_end_before_they_have_begun_are_no_fault_of_a_delivery(house, pauses):
    house.pipeline.deciders = Storm(killed(times=IN_VAIN))
    await house.settle()
    assert [row["state"] for row in house.events("decided")] == ["decided"]
    assert pauses.count(PATIENCE.total_seconds()) == IN_VAIN - 1
    assert {(step, str(error)) for step, error in house.journal.troubles} == {("settle", "signal 9")}


async def test_those_that_end_over_it_are_counted_whatever_else_ends_between(house, pauses):
    nursery = Overcome("nursery", "its nursery ended", ITSELF)
    house.pipeline.deciders = Storm([*killed(ITSELF), nursery, *killed(ITSELF), *killed(times=9), *killed(ITSELF, 2)])
    await house.settle()
    [row] = house.events("quarantined")
    assert row["note"].endswith("(signal 9)")
    assert pauses.count(PATIENCE.total_seconds()) == 10


async def test_what_follows_in_a_lane_is_not_decided_before_what_a_child_ended_over(house):
    await house.post(expired("e2"))
    house.pipeline.deciders = Storm(killed(times=2))
    await house.settle()
    assert [one.seq for one in house.journal.settlements] == [1, 2]


async def test_while_no_child_can_begin_the_lane_waits_for_a_later_claim_in_its_order(house, pauses):
    await house.post(expired("e2"))
    house.pipeline.deciders = Storm(killed(times=2 + IN_VAIN))
    await house.settle()
    assert {row["key"] for row in house.events("claimed")} == {"e1", "e2"}
    assert len(pauses) == IN_VAIN
    await house.later(minutes=6)
    assert [one.seq for one in house.journal.settlements] == [1, 2]
    assert {row["state"] for row in house.events(None)} == {"decided"}
