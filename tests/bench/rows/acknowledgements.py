"""Webhooks acknowledged: durable on our side (202 after fsync), in Redis without persistence on the peer's.

Nobody works on what was acknowledged meanwhile, on either side.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..generator import Posted, post
from ..measure import Goal, Plan, Row
from ..pipelines import PATH, CeleryStack, Pipeline, Pointbell
from ..processes import cpu_seconds, free_port
from ..profile import Profile, Share

CELERY = "FastAPI + Celery .delay, Redis without persistence"
OURS, THEIRS, WARM_UP = 20_000, 4_000, 500


@dataclass(frozen=True, slots=True)
class Side:
    """One side, once."""

    posted: Posted
    cpu_us: float


def run(plan: Plan) -> list[Row]:
    """Both sides in turns."""
    ours, theirs = [], []
    for turn in range(plan.rounds):
        theirs.append(_once(lambda: CeleryStack(free_port(), keep=False, working=False), plan.count(THEIRS)))
        ours.append(_once(_door, plan.count(OURS)))
        for name, side in (("FastAPI", theirs[-1]), ("ours", ours[-1])):
            seen = side.posted
            plan.say(f"   {turn + 1}/{plan.rounds} {name}: {seen.per_second:,.0f}/s, p99 {seen.p99_ms:.1f} ms, "
                     f"{side.cpu_us:,.0f} us of CPU, generator {seen.busy:.0%} of a core")  # fmt: skip
    what = "acknowledgements, 32 connections"

    def row(name: str, unit: str, value: Callable[[Side], float], **asked: Goal) -> Row:
        return Row(what=name, unit=unit, peer=CELERY, ours_rounds=tuple(map(value, ours)),
                   peer_rounds=tuple(map(value, theirs)), **asked)  # fmt: skip

    return [
        row(what, "/s", lambda side: side.posted.per_second, goal=Goal(at_least=8), aim=Goal(at_least=10)),
        row(f"{what}: p99", "ms", lambda side: side.posted.p99_ms, aim=Goal(at_most=1 / 5)),
        row(f"{what}: CPU", "us", lambda side: side.cpu_us),
    ]


def profile(plan: Plan) -> tuple[list[Share], float]:
    """Where the time of an acknowledgement goes."""
    with tempfile.TemporaryDirectory(prefix="pointbell-bench-") as folder, _door() as pipeline:
        post(pipeline.port, PATH, first=0, count=WARM_UP)
        taken = Profile(pipeline.pids[0], Path(folder))
        side = _posted(pipeline, plan.count(OURS))
        return taken.stop(), side.cpu_us


def _door() -> Pipeline:
    return Pointbell(free_port(), module="tests.bench.door")


def _once(make: Callable[[], Pipeline], count: int) -> Side:
    with make() as pipeline:
        post(pipeline.port, PATH, first=0, count=WARM_UP)
        return _posted(pipeline, count)


def _posted(pipeline: Pipeline, count: int) -> Side:
    before = cpu_seconds(pipeline.pids)
    posted = post(pipeline.port, PATH, first=WARM_UP, count=count, seconds=300)
    return Side(posted, (cpu_seconds(pipeline.pids) - before) / count * 1e6)
