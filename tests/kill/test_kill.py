"""Nothing acknowledged is lost and nothing is sent twice, whenever and however the process ends."""

import pytest

from engine.failpoints import MOMENTS, WIRE

from .harness import prove, prove_points, prove_stops

KILLS, STOPS = 500, 100
UNDER_LOAD = ("add_together", "claim_events", "load", "settle", "claim_notifications", "permit", "record")


def told(counts, capsys):
    with capsys.disabled():
        print(f"\n{counts}")
    assert counts.lost == 0, counts.lost_ids
    assert counts.delivered + counts.unknown >= counts.acknowledged


def parked(counts):
    assert counts.duplicates == 0
    assert counts.unknown <= counts.unknown_bound


def resent(counts):
    assert counts.unknown == 0
    assert counts.duplicates <= counts.unknown_bound


HOLDS = {"park": parked, "resend": resent}


@pytest.mark.parametrize(("policy", "kills"), [("park", 8), ("resend", 4)])
async def test_a_few_kills_lose_nothing_and_repeat_no_more_than_was_in_flight(tmp_path, capsys, policy, kills):
    counts = await prove(tmp_path, kills=kills, policy=policy, seed=20260110)
    told(counts, capsys)
    HOLDS[policy](counts)


async def test_stopping_under_load_leaves_nothing_unknown(tmp_path, capsys):
    counts = await prove_stops(tmp_path, stops=3, seed=5)
    told(counts, capsys)
    assert (counts.unknown, counts.duplicates) == (0, 0)


async def test_the_daemon_itself_dies_at_its_failpoints(tmp_path, capsys):
    faults = ["settle.before_commit=crash@3", "permit.after_commit=crash@2", "wire.after_reply=crash@5"]
    counts = await prove_points(tmp_path, faults=faults, policy="park", seed=3)
    told(counts, capsys)
    parked(counts)


@pytest.mark.prove
@pytest.mark.parametrize("policy", ["park", "resend"])
async def test_five_hundred_kills(tmp_path, capsys, policy):
    counts = await prove(tmp_path, kills=KILLS, policy=policy, seed=1)
    told(counts, capsys)
    HOLDS[policy](counts)


@pytest.mark.prove
async def test_a_hundred_stops_under_load(tmp_path, capsys):
    counts = await prove_stops(tmp_path, stops=STOPS, seed=1)
    told(counts, capsys)
    assert (counts.unknown, counts.duplicates) == (0, 0)


@pytest.mark.prove
@pytest.mark.parametrize("policy", ["park", "resend"])
async def test_the_daemon_dies_at_every_failpoint_it_comes_to_under_load(tmp_path, capsys, policy):
    points = [*(f"{unit}.{moment}" for unit in UNDER_LOAD for moment in MOMENTS), *WIRE]
    counts = await prove_points(tmp_path, faults=[f"{point}=crash@4" for point in points], policy=policy, seed=2)
    told(counts, capsys)
    HOLDS[policy](counts)
