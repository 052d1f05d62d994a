"""A delivery that ends whoever decides it is set aside; everybody else's is decided as if nothing had happened."""

import os
import shutil
import signal
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.programme import EXAMPLE, ruleset_of
from tests.running import until
from tests.test_pipeline import expired

from .conftest import BUSY, PATIENT, POISONED, SILENT, alive, full_house, resident

GOOD = 60
KINDS = {"die": "signal", "leave": "exit", "grow": "memory"}


def named(key, number, points=80):
    return {**expired(key, points=points), "member": {"id": f"m{number}", "email": f"m{number}@example.org"},
            "card": {"id": f"c{number}", "holder_id": f"m{number}"}}  # fmt: skip


async def post_among_others(house, *bad):
    """The bad ones in the middle of good ones, each of a member of its own."""
    for number in range(GOOD):
        await house.post(named(f"good{number}", number))
        if number == GOOD // 2:
            for place, key in enumerate(bad):
                await house.post(named(key, GOOD + place))


@pytest.mark.parametrize("deed", KINDS)
@pytest.mark.parametrize("step", ["read", "decide"])
async def test_the_culprit_is_set_aside_and_the_others_are_decided(house, step, deed):
    bad = f"{step}-{deed}-1"
    await post_among_others(house, bad)
    before = resident()
    await house.decide()
    row = all_but_one_decided(house, bad)
    assert set(house.kept.ends) == {(KINDS[deed], row["seq"])}
    assert resident() - before < 40 << 20
    await house.everybody()


@pytest.mark.parametrize(
    ("bad", "patience", "why"),
    [("read-hang-1", BUSY, "busy with it for 0.3 seconds"), ("decide-stall-1", SILENT, "no answer for 1.5 seconds")],
)
async def test_one_that_never_ends_is_set_aside_and_the_others_are_decided(tmp_path, bad, patience, why):
    limits = replace(PATIENT, in_company=patience, alone=patience)
    async with full_house(tmp_path, 1, program=POISONED, limits=limits) as house:
        await post_among_others(house, bad)
        await house.decide()
        row = all_but_one_decided(house, bad)
        assert ("deadline", row["seq"]) in house.kept.ends
        assert why in row["note"]


def all_but_one_decided(house, bad):
    states = house.states()
    assert states.pop(bad) == "quarantined"
    assert set(states.values()) == {"decided"}
    assert len(house.messages()) == GOOD
    [row] = house.events("quarantined")
    assert "tried alone" in row["note"]
    return row


async def test_several_culprits_in_one_batch_are_all_found(house):
    bad = [f"decide-die-{number}" for number in range(5)] + ["read-grow-1", "read-leave-1"]
    await post_among_others(house, *bad)
    await house.decide()
    states = house.states()
    assert {states.pop(key) for key in bad} == {"quarantined"}
    assert set(states.values()) == {"decided"}
    assert len(states) == GOOD


async def test_what_follows_the_culprit_in_its_lane_is_decided_after_it_in_order(house):
    keys = ["first", "decide-die-1", "second", "third"]
    for key in keys:
        await house.post(expired(key))
    await house.decide()
    assert house.states() == {
        "first": "decided",
        "decide-die-1": "quarantined",
        "second": "decided",
        "third": "decided",
    }
    seqs = [one.seq for one in house.journal.settlements]
    assert seqs == sorted(seqs)


async def test_who_was_near_when_somebody_pulled_the_plug_is_decided(house, tmp_path):
    bad = f"decide-die-once-{tmp_path / 'done'}"
    await post_among_others(house, bad)
    await house.decide()
    assert set(house.states().values()) == {"decided"}
    assert len(house.kept.ends) == 1


@pytest.mark.parametrize("deed", ["fail", "dive"])
async def test_a_defect_that_raises_costs_no_child(house, deed):
    await post_among_others(house, f"decide-{deed}-1")
    await house.decide()
    [row] = house.events("quarantined")
    expected = {"fail": "ZeroDivisionError: unlucky", "dive": "RecursionError"}[deed]
    assert row["note"].startswith(expected)
    assert house.kept.ends == []
    [(step, error)] = house.journal.troubles
    assert (step, type(error).__name__) == ("decide", expected.partition(":")[0])
    assert "poisoned.py" in "".join(error.__notes__)


async def test_without_children_what_a_process_died_of_is_given_to_one(tmp_path):
    async with full_house(tmp_path, 0, program=POISONED) as house:
        keys = ["e1", "e2", "decide-die-1", "e3", "e4"]
        for number, key in enumerate(keys):
            await house.post(named(key, number))
        now = house.clock.now()
        await house.store.claim_events(10, now)
        await house.store.recover(now)
        await house.decide()
        states = house.states()
        assert states.pop("decide-die-1") == "quarantined"
        assert set(states.values()) == {"decided"}


async def test_without_children_and_without_suspects_none_is_begun(tmp_path):
    async with full_house(tmp_path, 0, program=POISONED) as house:
        await house.post(expired("e1"))
        await house.decide()
        assert house.states() == {"e1": "decided"}
        assert house.children.processes == []


async def test_a_child_that_is_killed_while_idle_is_replaced(house):
    await house.post(expired("e1"))
    await house.decide()
    await house.everybody()
    [first, *_] = house.children.processes
    os.kill(first, signal.SIGKILL)
    await until(lambda: house.kept.ends)
    await house.everybody()
    assert not alive(first)
    assert first not in house.children.processes


async def test_one_that_stands_still_while_idle_is_ended_also_when_a_batch_does_not_fit_on_its_way(tmp_path):
    limits = replace(PATIENT, in_company=SILENT)
    async with full_house(tmp_path, 1, program=POISONED, limits=limits) as house:
        await house.pipeline.prepare(house.pipeline.ruleset)
        [child] = house.children.processes
        for number in range(10):
            await house.post({**named(f"e{number}", number), "remarks": "x" * 100_000})
        os.kill(child, signal.SIGSTOP)
        await house.decide()
        assert set(house.states().values()) == {"decided"}
        assert ("deadline", None) in house.kept.ends


BOMBS = {
    "doubling": "{% set s = 'aaaaaaaaaa' %}" + "{% set s = s ~ s %}" * 60 + "{{ s }}",
    "looping": "{% for i in range(900) %}{% for j in range(900) %}x{% endfor %}{% endfor %}",
    "recursing": "{% macro a(n) %}{{ a(n + 1) }}{{ a(n + 1) }}{% endmacro %}{{ a(0) }}",
}


def with_bombs(folder):
    """The example programme, and a rule for each bomb: it goes off at so many points."""
    shutil.copytree(EXAMPLE, folder)
    for points, (name, source) in enumerate(BOMBS.items(), 1):
        rule = f"rule: {name}\non: points_expired\nif: event.points == {points}\nsend: {name}\n"
        (folder / "rules" / f"{name}.yaml").write_text(rule, encoding="utf-8")
        (folder / "templates" / name).mkdir()
        text = f'---\nsubject: "Boom"\n---\n{source}\n'
        (folder / "templates" / name / "email.en.txt").write_text(text, encoding="utf-8")
    return ruleset_of(folder)


async def test_template_bombs_and_poison_under_load_hurt_nobody_else(house, tmp_path):
    house.pipeline.ruleset = with_bombs(tmp_path / "programme")
    before = resident()
    for number in range(200):
        await house.post(named(f"good{number}", number))
        if number % 20 == 0:
            await house.post(named(f"bomb{number}", f"b{number}", points=number // 20 % len(BOMBS) + 1))
        if number % 60 == 0:
            await house.post(named(f"decide-{[*KINDS][number // 60 % 3]}-{number}", f"p{number}"))
    await house.decide()
    states = Counter(house.states().values())
    assert states == {"decided": 210, "quarantined": 4}
    assert Counter(state for state, _ in house.messages()) == {"queued": 200, "held": 10}
    assert resident() - before < 60 << 20
    await house.everybody()


async def test_the_worker_waits_for_nobody_who_is_decided_alone(tmp_path):
    """One child and room for two batches: two deliveries that never end must not be all it works on."""
    limits = replace(PATIENT, in_company=BUSY)
    async with full_house(tmp_path, 1, program=POISONED, limits=limits) as house:
        house.worker.start()
        for number, key in enumerate(["decide-hang-1", "decide-hang-2", "decide-hang-3"]):
            await house.post(named(key, number))
            house.worker.wake()
            await until(lambda count=number: len(house.kept.ends) > count)
        await house.post(named("good", 10))
        house.worker.wake()
        await until(lambda: house.states()["good"] == "decided")
        assert set(house.states().values()) == {"claimed", "decided"}
        await house.worker.stop(timedelta())
