"""Whatever is written into rules and templates while the daemon works: nothing bad goes live, and nothing is lost."""

import pytest

from .reloads import prove_reloads

IN_THE_DAEMON = "workers: 0\n"


def told(done, capsys):
    with capsys.disabled():
        print(f"\n{done}")
    assert done.counts.lost == 0, done.counts.lost_ids
    assert done.counts.duplicates == 0
    assert done.counts.unknown == 0
    assert done.surprises == []
    assert done.strangers == set()
    assert done.sets > 1
    assert done.starts == 1
    assert done.good + done.bad <= done.read


async def test_fifty_reloads_under_load_with_broken_and_half_written_files(tmp_path, capsys):
    told(await prove_reloads(tmp_path, reloads=50, seed=20261121, settings=IN_THE_DAEMON), capsys)


@pytest.mark.prove
async def test_a_thousand_reloads_under_load_with_broken_and_half_written_files(tmp_path, capsys):
    told(await prove_reloads(tmp_path, reloads=1_000, seed=1, settings=IN_THE_DAEMON), capsys)


@pytest.mark.prove
async def test_a_hundred_reloads_with_children_that_are_given_each_set(tmp_path, capsys):
    told(await prove_reloads(tmp_path, reloads=100, seed=3, settings="workers: 1\n"), capsys)
