"""The day a programme moves in: as many members and cards as there are, in memory that does not grow with them."""

import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.store import Reports

from .moving import write_cards, write_members

ROOT = Path(__file__).parent.parent
FIRST = datetime.now(UTC).date() + timedelta(days=30)


MEASURED = """\
import atexit, runpy, shutil, sys
atexit.register(shutil.copyfile, "/proc/self/status", sys.argv.pop(1))
runpy.run_module("engine", run_name="__main__", alter_sys=True)
"""
"""``ru_maxrss`` would count what the process was forked from: on Linux it outlives ``execve``."""


def pointbell(folder, *words):
    """The command in a process of its own: what it says as JSON, the most memory it took, and its seconds."""
    status = folder / "status.txt"
    command = [sys.executable, "-c", MEASURED, str(status), *map(str, words), "-c", str(folder), "--json"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = datetime.now(UTC)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ, check=False)
    assert done.returncode == 0, done.stdout
    peak = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return json.loads(done.stdout), int(peak) * 1024, (datetime.now(UTC) - started).total_seconds()


def programme(folder):
    subprocess.run(
        [sys.executable, "-m", "engine", "init", str(folder)],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return folder


def move_in(folder, count):
    """Members, then cards: of each import what it said, the most memory it took, and its seconds."""
    members = write_members(folder / "members.csv", count)
    cards = write_cards(folder / "cards.csv", count, FIRST)
    return {what: pointbell(folder, what, "import", file) for what, file in (("members", members), ("cards", cards))}


def check(folder, told, count):
    done, _, _ = told["cards"]
    assert (done["new"], done["rejected"]) == (count, 0)
    assert done["armed"] == done["forecast"]["armed"] > count * 2
    with closing(Reports(folder / "var" / "pointbell.db")) as reports:
        status = reports.status()
    assert (status["members"], status["cards"]) == (count, count)
    assert status["notifications"] == status["events"] == {}, "nobody was mailed, and no event was made"


def test_memory_does_not_grow_with_the_file(tmp_path):
    peaks = {}
    for count in (8_000, 24_000):
        folder = programme(tmp_path / str(count))
        told = move_in(folder, count)
        check(folder, told, count)
        peaks[count] = max(peak for _, peak, _ in told.values())
    assert peaks[24_000] - peaks[8_000] < 12 << 20
    assert peaks[24_000] < 300 << 20


@pytest.mark.prove
def test_two_million_members_and_cards_move_in(tmp_path, capsys):
    count = 2_000_000
    folder = programme(tmp_path / "programme")
    told = move_in(folder, count)
    check(folder, told, count)
    with capsys.disabled():
        for what, (_, peak, seconds) in told.items():
            print(f"\n{count:,} {what}: {seconds:.0f} s, at most {peak >> 20} MiB", end="")
        print(f"\nreminders armed: {told['cards'][0]['armed']:,}; mails sent: 0")
    assert all(peak < 300 << 20 for _, peak, _ in told.values())
