"""Children come, go and are replaced, with their rules and with their parent."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from engine.errors import ChildrenDown
from tests.programme import EXAMPLE, ruleset_of
from tests.running import until
from tests.test_pipeline import SIGNED, expired

from .conftest import alive, full_house
from .test_poison import named

KILLS = 20


async def test_children_killed_at_random_lose_nothing_double_nothing_and_cost_nobody_their_message(house):
    random, killed, posted = Random(4), 0, 0

    async def kill():
        nonlocal killed
        while killed < KILLS:
            await until(lambda: house.children.processes)
            for _ in range(random.randrange(400)):
                await asyncio.sleep(0)
            if house.children.processes:
                os.kill(random.choice(house.children.processes), signal.SIGKILL)
                killed += 1

    killing = asyncio.create_task(kill())
    while not killing.done():
        for _ in range(40):
            await house.post(named(f"e{posted}", posted % 100))
            posted += 1
        await house.decide()
    await house.decide()
    states = house.states()
    assert len(states) == posted
    assert set(states.values()) == {"decided"}
    assert len(house.messages()) == posted
    assert {kind for kind, _ in house.kept.ends} == {"signal"}


async def test_a_nursery_that_is_killed_is_replaced_with_its_children(house):
    await house.post(named("e1", 1))
    await house.decide()
    before = house.children.processes
    house.children._current._nurse.kill()
    await until(lambda: house.kept.ends)
    await house.post(named("e2", 2))
    await house.decide()
    assert house.states() == {"e1": "decided", "e2": "decided"}
    await until(lambda: not any(alive(process) for process in before))


def marked(folder, mark):
    """The example programme with a word of its own in a subject."""
    source = EXAMPLE / "templates" / "points-expired" / "email.en.html"
    text = source.read_text(encoding="utf-8").replace('subject: "', f'subject: "{mark} ')
    for path in EXAMPLE.rglob("*"):
        if path.is_file():
            copy = folder / path.relative_to(EXAMPLE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (folder / "templates" / "points-expired" / "email.en.html").write_text(text, encoding="utf-8")
    return ruleset_of(folder)


async def test_a_batch_is_decided_wholly_under_the_rules_whose_hash_it_is_stored_with(house, tmp_path):
    sets = [marked(tmp_path / mark, mark) for mark in ("RED", "BLUE", "GREEN")]
    posted = 0
    deciding = None
    for ruleset in sets:
        for _ in range(100):
            await house.post(named(f"e{posted}", posted))
            posted += 1
        deciding = asyncio.gather(deciding, house.decide()) if deciding else asyncio.ensure_future(house.decide())
        await house.pipeline.prepare(ruleset)
        house.pipeline.ruleset = ruleset
    await deciding
    await house.decide()
    marks = {ruleset.hash: mark for ruleset, mark in zip(sets, ("RED", "BLUE", "GREEN"), strict=True)}
    seen = set()
    for settlement in house.journal.settlements:
        for worded in settlement.worded:
            mark = marks.get(settlement.ruleset)
            assert (mark is None) == (not worded.notification.words.subject.startswith(("RED", "BLUE", "GREEN")))
            assert mark is None or worded.notification.words.subject.startswith(mark)
            seen.add(mark)
    assert len(house.journal.settlements) == posted
    assert "GREEN" not in seen or len(seen) > 1


async def test_when_the_rules_change_the_children_of_the_old_ones_go(house, tmp_path):
    await house.post(named("e1", 1))
    await house.decide()
    before = house.children.processes
    ruleset = marked(tmp_path / "new", "NEW")
    await house.pipeline.prepare(ruleset)
    house.pipeline.ruleset = ruleset
    await house.post(named("e2", 2))
    await house.decide()
    assert house.journal.settlements[-1].worded[0].notification.words.subject.startswith("NEW")
    await until(lambda: not any(alive(process) for process in before))


async def test_rules_that_no_child_can_be_given_do_not_take_the_place_of_those_that_work(house):
    await house.post(named("e1", 1))
    await house.decide()
    made_by_hand = replace(house.pipeline.ruleset, hash="by hand", sources=None)
    with pytest.raises(ChildrenDown, match="not read from files"):
        await house.pipeline.prepare(made_by_hand)
    await house.post(named("e2", 2))
    await house.decide()
    assert house.states() == {"e1": "decided", "e2": "decided"}


async def test_a_child_whose_rules_come_out_otherwise_does_not_decide(house):
    other = replace(house.pipeline.ruleset, hash="0123456789abcdef")
    with pytest.raises(ChildrenDown, match="not as 0123456789abcdef"):
        await house.pipeline.prepare(other)
    assert "not as 0123456789abcdef" in house.children.trouble


async def test_a_nursery_that_cannot_start_is_reported_and_tried_again(tmp_path):
    async with full_house(tmp_path, 1, program=("-c", "raise SystemExit(1)")) as house:
        await house.post(expired("e1"))
        with pytest.raises(ChildrenDown):
            await house.pipeline.prepare(house.pipeline.ruleset)
        assert house.children.trouble
        with pytest.raises(ChildrenDown):
            await house.pipeline.process()
        assert house.states() == {"e1": "stored"}
        house.children._program = ("-m", "engine.children.nursery")
        house.children._failed = replace(house.children._failed, not_before=0.0)
        await house.pipeline.prepare(house.pipeline.ruleset)
        assert house.children.trouble is None
        await house.decide()
        assert house.states() == {"e1": "decided"}


STILLBORN = "from engine.children import child, nursery; child.Child.serve = lambda *_: exit(3); nursery.main()"


def no_sleep(monkeypatch):
    """The pauses somebody wants to make; nobody makes them."""
    pauses, sound = [], asyncio.sleep

    async def sleep(seconds):
        pauses.append(seconds)
        await sound(0)

    monkeypatch.setattr("engine.children.household.asyncio.sleep", sleep)
    return pauses


async def test_children_that_do_not_live_are_born_again_and_again_with_pauses(tmp_path, monkeypatch):
    async with full_house(tmp_path, 1, program=("-c", STILLBORN)) as house:
        await house.pipeline.prepare(house.pipeline.ruleset)
        pauses = no_sleep(monkeypatch)
        await until(lambda: len(house.kept.ends) > 3)
        monkeypatch.undo()
        assert {kind for kind, _ in house.kept.ends} == {"exit"}
        assert [seconds for seconds in pauses if seconds][:3] == [0.2, 0.4, 0.8]


async def test_a_child_that_ended_over_a_delivery_is_replaced_without_a_pause(house, monkeypatch):
    for number in range(4):
        await house.post(named(f"read-leave-{number}", number))
    pauses = no_sleep(monkeypatch)
    await house.decide()
    await house.everybody()
    assert [seconds for seconds in pauses if seconds] == []
    assert set(house.states().values()) == {"quarantined"}


def environment(process):
    """What a process was told when it began."""
    return Path(f"/proc/{process}/environ").read_text(encoding="utf-8").split("\0")


async def test_children_are_told_no_secret_by_their_environment(house, monkeypatch):
    for name in ("SMTP_PASSWORD", "LC_TIME", "PYTHONUTF8"):
        monkeypatch.setenv(name, "1")
    await house.pipeline.prepare(house.pipeline.ruleset)
    for process in (*house.children.processes, house.children._current._nurse._process.pid):
        told = environment(process)
        assert {"LC_TIME=1", "PYTHONUTF8=1", f"PATH={os.environ['PATH']}"} <= set(told)
        assert not any(line.startswith("SMTP_PASSWORD") for line in told)


async def test_a_nursery_of_another_pointbell_bears_no_children(house, monkeypatch):
    monkeypatch.setattr(house.children, "_build", "0.0.9 0123456789abcdef")
    with pytest.raises(ChildrenDown, match="Pointbell was upgraded: restart it"):
        await house.pipeline.prepare(house.pipeline.ruleset)


ORPHANS = """
import asyncio, sys
from pathlib import Path
from tests.children.conftest import POISONED, full_house
from tests.test_pipeline import SIGNED, expired

async def main():
    async with full_house(Path(sys.argv[1]), 2, program=POISONED) as house:
        await house.pipeline.prepare(house.pipeline.ruleset)
        await house.everybody()
        await house.post(expired("decide-hang-1"))
        deciding = asyncio.create_task(house.decide())
        while not any(hand._progress.look()[1] for hand in house.children._current._hands):
            await asyncio.sleep(0)
        print(*house.children.processes, house.children._current._nurse._process.pid, flush=True)
        await deciding

asyncio.run(main())
"""


async def test_children_do_not_outlive_their_parent(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", ORPHANS, str(tmp_path)], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - it starts at once.
    with parent:
        processes = [int(word) for word in parent.stdout.readline().split()]
        assert len(processes) == 3
        assert all(alive(process) for process in processes)
        parent.kill()
        parent.wait()
    await until(lambda: not any(alive(process) for process in processes))


async def test_what_is_told_to_the_whole_group_is_for_the_parent_to_hear(house):
    await house.pipeline.prepare(house.pipeline.ruleset)
    await house.everybody()
    family = [*house.children.processes, house.children._current._nurse._process.pid]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for process in family:
            os.kill(process, number)
    await house.post(named("e1", 1))
    await house.decide()
    assert house.states() == {"e1": "decided"}
    assert [*house.children.processes, house.children._current._nurse._process.pid] == family


async def test_no_secret_of_a_source_is_given_to_a_child(house):
    assert SIGNED.secrets
    assert {inlet.secrets for inlet in house.children._inlets.values()} == {()}
