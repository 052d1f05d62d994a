"""From the webhook posted to the mail accepted: Pointbell against FastAPI + Celery + Redis + Jinja2 + smtplib."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..journey import Run, once
from ..measure import Goal, Plan, Row
from ..pipelines import CeleryStack, Pipeline, Pointbell
from ..profile import Profile, Share

WARM_UP = 200
MAILS = 4_000
PEER_MAILS = 1_500
"""Fewer, because they take long; the rate does not depend on it."""

CELERY = "FastAPI + Celery -c 2 + Redis + Jinja2 + smtplib"
KEPT = "the same, connection kept"

Sides = Mapping[str, tuple[Callable[[int], Pipeline], int]]


def run(plan: Plan) -> list[Row]:
    """All sides, each started anew, in turns."""
    sides = _sides(plan)
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    for turn in range(plan.rounds):
        for name, (make, mails) in sides.items():
            done = once(make, warm_up=min(WARM_UP, mails), mails=mails)
            runs[name].append(done)
            plan.say(
                f"   {turn + 1}/{plan.rounds} {name}: {done.mails_per_s:,.0f} mails/s, {done.cpu_us:,.0f} us of CPU"
            )
    rows = _rows("one process", runs["one process"], runs, Goal(at_least=6), Goal(at_least=10))
    rows.append(_memory(runs))
    rows += _rows("two workers", runs["two workers"], runs, Goal(at_least=9), Goal(at_least=15))
    return [*rows, *_acknowledged(runs)]


def profile(plan: Plan) -> tuple[list[Share], float]:
    """Where the time of one process goes."""
    return _profiled(plan, 0)


def profile_with_workers(plan: Plan) -> tuple[list[Share], float]:
    """Where the time of the process and its two workers goes."""
    return _profiled(plan, 2)


def _sides(plan: Plan) -> Sides:
    ours, theirs = plan.count(MAILS), plan.count(PEER_MAILS)
    return {
        CELERY: (lambda port: CeleryStack(port, keep=False), theirs),
        "one process": (lambda port: Pointbell(port, workers=0), ours),
        KEPT: (lambda port: CeleryStack(port, keep=True), theirs),
        "two workers": (lambda port: Pointbell(port, workers=2), ours),
    }


def _rows(name: str, ours: Sequence[Run], runs: Mapping[str, Sequence[Run]], goal: Goal, aim: Goal) -> list[Row]:
    celery, kept = runs[CELERY], runs[KEPT]
    what = f"end to end, {name}"
    least = Goal(at_most=1 / 16) if name == "two workers" else None
    return [
        _row(what, "mails/s", CELERY, ours, celery, lambda run: run.mails_per_s, goal, aim),
        _row(what, "mails/s", KEPT, ours, kept, lambda run: run.mails_per_s),
        _row(f"{what}: CPU", "us/mail", CELERY, ours, celery, lambda run: run.cpu_us, None, least),
    ]


def _memory(runs: Mapping[str, Sequence[Run]]) -> Row:
    aim = Goal(limit=64)
    return _row("end to end, one process: memory", "MiB", CELERY, runs["one process"], runs[CELERY],
                lambda run: run.rss_mib, None, aim)  # fmt: skip


def _acknowledged(runs: Mapping[str, Sequence[Run]]) -> list[Row]:
    ours, theirs = runs["one process"], runs[CELERY]
    what = "acknowledgements while mails go out"
    return [
        _row(what, "/s", CELERY, ours, theirs, lambda run: run.acks_per_s),
        _row(f"{what}: p99", "ms", CELERY, ours, theirs, lambda run: run.ack_p99_ms),
    ]


def _row(what: str, unit: str, peer: str, ours: Sequence[Run], theirs: Sequence[Run], value: Callable[[Run], float],
         goal: Goal | None = None, aim: Goal | None = None) -> Row:  # fmt: skip
    return Row(
        what=what,
        unit=unit,
        peer=peer,
        ours_rounds=tuple(map(value, ours)),
        peer_rounds=tuple(map(value, theirs)),
        goal=goal,
        aim=aim,
    )


def _profiled(plan: Plan, workers: int) -> tuple[list[Share], float]:
    shares: list[Share] = []
    with tempfile.TemporaryDirectory(prefix="pointbell-bench-") as folder:
        taken: list[Profile] = []

        def begin(pipeline: Pipeline) -> None:
            taken.append(Profile(pipeline.pids[0], Path(folder)))

        def end() -> None:
            shares.extend(taken[0].stop())

        done = once(lambda port: Pointbell(port, workers=workers), warm_up=WARM_UP, mails=plan.count(MAILS),
                    begin=begin, end=end)  # fmt: skip
    plan.say(f"   {done.mails_per_s:,.0f} mails/s while being looked at")
    return shares, done.cpu_us
