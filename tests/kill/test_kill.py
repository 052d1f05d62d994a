"""Nothing acknowledged is lost and nothing is sent twice, whenever the process dies."""

import pytest

from .harness import prove


async def test_twenty_kills_lose_nothing_and_send_nothing_twice(tmp_path, capsys):
    counts = await prove(tmp_path, kills=20, policy="park", seed=20260110)
    with capsys.disabled():
        print(f"\n{counts}")
    assert counts.lost == 0, counts.lost_ids
    assert counts.duplicates == 0
    assert counts.unknown <= counts.unknown_bound
    assert counts.delivered + counts.unknown >= counts.acknowledged


async def test_resend_loses_nothing_and_repeats_no_more_than_was_in_flight(tmp_path, capsys):
    counts = await prove(tmp_path, kills=5, policy="resend", seed=7)
    with capsys.disabled():
        print(f"\n{counts}")
    assert (counts.lost, counts.unknown) == (0, 0), counts.lost_ids
    assert counts.duplicates <= counts.unknown_bound


@pytest.mark.prove
@pytest.mark.parametrize("policy", ["park", "resend"])
async def test_two_hundred_kills(tmp_path, capsys, policy):
    counts = await prove(tmp_path, kills=200, policy=policy, seed=1)
    with capsys.disabled():
        print(f"\n{counts}")
    assert counts.lost == 0, counts.lost_ids
    assert counts.duplicates <= (0 if policy == "park" else counts.unknown_bound)
