"""When the system refuses what children need, they are there again when it does not, and no delivery is blamed."""

import asyncio
import errno
import os
import signal
import tempfile
from dataclasses import replace

import pytest

from engine.errors import ChildrenDown
from tests.running import until

from .conftest import POISONED, full_house
from .test_life import no_sleep
from .test_poison import named

FULL = OSError(errno.EMFILE, "Too many open files")


async def test_children_need_no_room_on_a_disk(house, tmp_path, monkeypatch):
    """A page that a full disk has no room for would end the daemon at its first look."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    await house.post(named("e1", 1))
    await house.decide()
    assert house.states() == {"e1": "decided"}


@pytest.mark.parametrize(
    ("who", "call", "refusal"),
    [
        ("the children", "nurse.os.memfd_create", FULL),
        ("the children", "hand.asyncio.open_unix_connection", FULL),
        ("the nursery", "nurse.socket.socketpair", FULL),
        ("the nursery", "nurse.asyncio.to_thread", RuntimeError("can't start new thread")),
    ],
)
async def test_who_ends_while_the_system_refuses_is_replaced_when_it_does_not(house, monkeypatch, who, call, refusal):
    def refuse(*_, **__):
        raise refusal

    await house.pipeline.prepare(house.pipeline.ruleset)
    await house.everybody()
    with monkeypatch.context() as shortage:
        no_sleep(shortage)
        shortage.setattr(f"engine.children.{call}", refuse)
        if who == "the nursery":
            house.children._current._nurse.kill()
        else:
            for process in house.children.processes:
                os.kill(process, signal.SIGKILL)
        await until(lambda: house.children.trouble)
        assert str(refusal) in house.children.trouble
    await house.everybody()
    await house.post(named("e1", 1))
    await house.decide()
    assert house.states() == {"e1": "decided"}


async def test_who_waits_in_vain_for_a_child_is_told_that_there_is_none(house, monkeypatch):
    await house.pipeline.prepare(house.pipeline.ruleset)
    household = house.children._current
    monkeypatch.setattr(household, "_born", asyncio.Event().wait)
    household._nurse.kill()
    await until(lambda: not house.children.processes)
    monkeypatch.setattr(household, "_limits", replace(household._limits, start_s=0.0))
    with pytest.raises(ChildrenDown, match="in 0 s"):
        await household.hand()


CHILDLESS = """
import os
from pathlib import Path
from engine.children import nursery

def fork(sound=os.fork):
    if Path(os.environ["PYTHONPATH"].split(os.pathsep)[-1], "full").exists():
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return sound()

os.fork = fork
nursery.main()
"""


async def test_where_no_other_process_may_begin_those_that_live_go_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with full_house(tmp_path, 2, program=("-c", CHILDLESS)) as house:
        await house.pipeline.prepare(house.pipeline.ruleset)
        await house.everybody()
        (tmp_path / "full").touch()
        [first, second] = house.children.processes
        with monkeypatch.context() as shortage:
            pauses = no_sleep(shortage)
            os.kill(first, signal.SIGKILL)
            await until(lambda: {0.2, 0.4, 0.8} <= set(pauses))
        assert house.children.processes == [second]
        (tmp_path / "full").unlink()
        await house.everybody()
        assert second in house.children.processes
        assert {step for step, _ in house.journal.troubles} == {"children"}


async def test_a_nursery_that_ends_is_not_blamed_on_the_delivery_in_hand(tmp_path, monkeypatch):
    async with full_house(tmp_path, 1, program=POISONED) as house:
        await house.post(named(f"read-hang-once-{tmp_path / 'done'}", 1))
        deciding = asyncio.create_task(house.decide())
        await until((tmp_path / "done").exists)
        pauses = no_sleep(monkeypatch)
        house.children._current._nurse.kill()
        await deciding
        assert house.kept.ends[0][0] == "nursery"
        assert house.kept.ends[0][1] is not None
        assert 0.2 in pauses
        assert set(house.states().values()) == {"decided"}
