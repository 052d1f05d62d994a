"""A fault at every boundary: nothing acknowledged is lost, nothing is sent twice."""

import asyncio

import pytest

from engine import failpoints, pipeline, settling
from engine.errors import ConfigError, StoreBusy
from engine.failpoints import POINTS, UNITS, WIRE
from tests.kill.harness import Sink

from .life import AT_START, LEASES_ARE_OVER, NOON, Life, Walk, killed, programme, unharmed

AT_THE_HEART = ("add_together", "claim_events", "settle", "promote_timers", "claim_notifications", "permit", "record")


def moments(*units):
    return [f"{unit}.{moment}" for unit in units for moment in failpoints.MOMENTS]


def in_order(points):
    return sorted(points, key=lambda point: (point.partition(".")[0] not in AT_START, point))


async def walk(folder, action, points, policy="park"):
    """Live through one fault after the other, then in peace until all is done."""
    sink, found = Sink(folder / "sink.log"), Walk(policy)
    programme(folder, smtp=sink.port, policy=policy)
    await sink.start()
    try:
        now = await (_deaths if action == "crash" else _faults)(folder, action, points, found)
        await _peace(folder, now)
    finally:
        await sink.stop()
    found.judge(folder, sink.mails())
    return found


async def _faults(folder, action, points, found):
    life = Life(folder, NOON)
    async with unharmed():
        await life.open()
        for point in in_order(points):
            failpoints.arm(f"{point}={action}")
            before = len(failpoints.struck)
            if point.rpartition(".")[0] in AT_START:
                await life.close()
                await life.open()
            else:
                await life.round()
            failpoints.arm("")
            (found.points if len(failpoints.struck) > before else found.missed).append(point)
            await life.later(LEASES_ARE_OVER)
    await life.close()
    return life.clock.now()


async def _deaths(folder, _action, points, found):
    now = NOON
    for point in in_order(points):
        code = await asyncio.to_thread(killed, folder, point, now)
        (found.points if code < 0 else found.missed).append(point)
        now += LEASES_ARE_OVER
    return now


async def _peace(folder, now):
    life = Life(folder, now)
    await life.open()
    await life.work()
    await life.later(LEASES_ARE_OVER)
    await life.until_all_is_out()
    await life.close()


@pytest.fixture
def at_once(monkeypatch):
    """Nobody waits."""
    for module in (settling, pipeline):
        monkeypatch.setattr(module, "PATIENCE", type(settling.PATIENCE)(0))
    monkeypatch.setattr(failpoints, "DELAY_S", 0.0)


def told(found, capsys):
    with capsys.disabled():
        print(f"\n{found}")
    assert not found.violations


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("action", ["raise", "delay"])
async def test_at_every_point_the_database_may_refuse_or_dawdle(tmp_path, capsys, action):
    told(await walk(tmp_path, action, POINTS), capsys)


async def test_at_the_heart_the_process_may_die_at_every_point(tmp_path, capsys):
    told(await walk(tmp_path, "crash", [*moments(*AT_THE_HEART), *WIRE]), capsys)


@pytest.mark.prove
@pytest.mark.parametrize("policy", ["park", "resend"])
@pytest.mark.parametrize("action", list(failpoints.Action))
async def test_every_point_with_every_fault_under_both_policies(tmp_path, capsys, action, policy):
    told(await walk(tmp_path, action, POINTS, policy), capsys)


# --- the table ---


def test_the_table_has_three_moments_of_every_unit_and_the_wire():
    assert len(POINTS) == 3 * len(UNITS) + len(WIRE)
    assert len(set(UNITS)) == len(UNITS)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("settle.before_comit=crash", "there is no point settle.before_comit"),
        ("settle.before_commit=burn", "burn is not one of crash, raise, delay"),
        ("settle.before_commit", "is no fault"),
        ("settle.before_commit=crash@0", "is no fault"),
        ("settle.before_commit=crash;permit.before_commit=crash", "is no fault"),
    ],
)
def test_a_typing_error_is_told_and_nothing_is_armed(said, told):
    with pytest.raises(ConfigError, match=told):
        failpoints.arm(said)
    assert not failpoints.armed


async def test_a_fault_strikes_once_at_the_time_that_was_said():
    async with unharmed():
        failpoints.arm("settle.before_commit=raise@3, permit.before_begin=delay")
        failpoints.reach("settle.before_commit")
        failpoints.reach("settle.before_commit")
        with pytest.raises(StoreBusy):
            failpoints.reach("settle.before_commit")
        failpoints.reach("settle.before_commit")


async def test_a_unit_that_the_table_does_not_know_is_an_error_where_faults_are_armed():
    failpoints.reach("nobody.before_begin")
    async with unharmed():
        failpoints.arm("settle.before_commit=raise")
        with pytest.raises(LookupError, match="nobody"):
            failpoints.reach("nobody.before_begin")
