"""A million reminders: rows of one indexed table against APScheduler's own SQL job store.

The peer is measured on as many jobs as it can write in a few seconds; its rates do not grow with their number.
"""

from __future__ import annotations

import json
import subprocess
import sys

from .. import needs
from ..measure import Goal, Plan, Row
from ..processes import Died

ALL, FEW = 1_000_000, 10_000
JOBS = 1_000
STORE, MEMORY = "APScheduler SQLAlchemyJobStore", "APScheduler MemoryJobStore"


def run(plan: Plan) -> list[Row]:
    """Both sides in processes of their own, so that memory can be told; the peer before and after."""
    timers, jobs = plan.count(ALL), plan.count(JOBS)
    before = _run("tests.bench.peers.job_store", jobs)
    ours = _run("tests.bench.timers", timers, min(FEW, timers // 10))
    after = _run("tests.bench.peers.job_store", jobs)
    plan.say(f"   {timers:,} reminders: {ours}; the peer: {before}, {after}")

    def row(what: str, unit: str, mine: float, name: str, goal: Goal | None = None, aim: Goal | None = None) -> Row:
        return Row(what=what, unit=unit, peer=STORE, ours_rounds=(mine, mine), peer_rounds=(before[name], after[name]),
                   goal=goal, aim=aim)  # fmt: skip

    number = f"{timers:,} reminders"
    return [
        row(f"{number}: insert", "/s", ours["insert"], "insert", Goal(at_least=40)),
        row(f"{number}: move", "/s", ours["move"], "move", Goal(at_least=20)),
        row(f"{number}: tick with none due", "us", ours["idle_many"], "idle"),
        Row(what=f"{number}: tick with none due", unit="us", peer=f"ours at {FEW:,}", ours_rounds=(ours["idle_many"],),
            peer_rounds=(ours["idle_few"],), aim=Goal(at_most=1.2)),
        Row(what=f"{number}: more memory", unit="MiB", peer=MEMORY, note="from 20,000 jobs",
            ours_rounds=(max(ours["more_mib"], 0.1),), peer_rounds=(before["kib_per_job"] * timers / 1024,),
            aim=Goal(limit=8)),
    ]  # fmt: skip


def _run(module: str, *numbers: int) -> dict[str, float]:
    command = [sys.executable, "-m", module, *map(str, numbers)]
    done = subprocess.run(command, cwd=needs.ROOT, capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode:
        raise Died(f"{module} failed: {done.stderr[-1500:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found
