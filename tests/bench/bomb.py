"""Other members' mail while somebody's delivery is a bomb: ``python -m tests.bench.bomb``.

Deliveries come in at a steady rate; the time from the acknowledgement to the moment a channel is handed the mail is
taken for each good one. The same run three times: without bombs; with ``some``: one in fifty is a template that doubles
a text, loops or recurses (held), and once each comes a body that kills, fills, leaves or never lets go of the process
that decides it (set aside); and in a ``storm``: one in fifty is a bomb of any kind.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from engine.children.household import Limits
from engine.deliver import Sent
from tests.children.conftest import POISONED, full_house, resident
from tests.programme import EXAMPLE, ruleset_of
from tests.test_pipeline import expired

RATE = 50
"""Good deliveries a second."""
SECONDS = 20
EVERY = 50
"""One in so many is a bomb."""
TEMPLATES = {
    "doubling": "{% set s = 'aaaaaaaaaa' %}" + "{% set s = s ~ s %}" * 60 + "{{ s }}",
    "looping": "{% for i in range(100000000) %}x{% endfor %}",
    "recursing": "{% macro a(n) %}{{ a(n + 1) }}{{ a(n + 1) }}{% endmacro %}{{ a(0) }}",
}
KILLERS = ("decide-die", "decide-grow", "read-leave", "decide-hang")


def programme_with_bombs(folder: Path) -> Path:
    """The example programme, and a rule and a template for each bomb."""
    shutil.copytree(EXAMPLE, folder)
    for points, (name, source) in enumerate(TEMPLATES.items(), 1):
        rule = f"rule: {name}\non: points_expired\nif: event.points == {points}\nsend: {name}\n"
        (folder / "rules" / f"{name}.yaml").write_text(rule, encoding="utf-8")
        template = folder / "templates" / name / "email.en.txt"
        template.parent.mkdir()
        template.write_text(f'---\nsubject: "Boom"\n---\n{source}\n', encoding="utf-8")
    return folder


def delivery(key, member, points=80):
    """A delivery about a member who has one card."""
    return {
        **expired(key, points=points),
        "member": {"id": f"m{member}", "email": f"m{member}@example.org"},
        "card": {"id": f"c{member}", "holder_id": f"m{member}"},
    }


def bombs_of(sort, number):
    """What comes beside the good delivery of this number."""
    turn, rest = divmod(number, EVERY)
    if rest != EVERY // 2 or sort == "none":
        return []
    template = delivery(f"template-{number}", f"bomb{number}", points=turn % len(TEMPLATES) + 1)
    killer = delivery(f"{KILLERS[turn % len(KILLERS)]}-{number}", f"killer{number}")
    if sort == "storm":
        return [killer if turn % 2 else template]
    return [template, killer] if turn % 5 == 0 and turn // 5 < len(KILLERS) else [template]


class Stopwatch:
    """Takes the time at which each mail was handed over."""

    name = "email"
    address_field = "email"

    def __init__(self, writer):
        self.writer_ = writer
        self.carried = {}

    def writer(self):
        return self.writer_

    def prepare(self, notification):
        return self.writer_(notification)

    async def send(self, message, permit):
        await permit()
        self.carried[message.address.partition("@")[0]] = time.monotonic()
        return Sent("250 ok")

    async def close(self):
        """Nothing to let go of."""


@asynccontextmanager
async def at_work(folder, workers):
    """A house at work, by the clock on the wall."""
    async with full_house(folder, workers, program=POISONED, limits=Limits()) as house:
        house.pipeline.now = lambda: datetime.now(UTC)
        house.pipeline.ruleset = ruleset_of(programme_with_bombs(folder / "programme"))
        watch = Stopwatch(house.pipeline.channels["email"].writer())
        house.pipeline.channels = {**house.pipeline.channels, "email": watch}
        await house.pipeline.prepare(house.pipeline.ruleset)
        house.worker.start()
        yield house, watch
        await house.worker.stop()


async def run(workers, sort):
    """One run; what it took."""
    with tempfile.TemporaryDirectory() as name:
        async with at_work(Path(name), workers) as (house, watch):
            begun, before, accepted = time.monotonic(), resident(), {}
            for number in range(RATE * SECONDS):
                await asyncio.sleep(max(0.0, begun + number / RATE - time.monotonic()))
                for bomb in bombs_of(sort, number):
                    await house.post(bomb)
                await house.post(delivery(f"good{number}", number))
                accepted[f"m{number}"] = time.monotonic()
                house.worker.wake()
            while any(member not in watch.carried for member in accepted):  # noqa: ASYNC110 - no event tells of it.
                await asyncio.sleep(0.05)
            waits = sorted(watch.carried[member] - at for member, at in accepted.items())
            while any(house.events(state) for state in ("stored", "claimed")):  # noqa: ASYNC110 - as above.
                await asyncio.sleep(0.1)
            return {
                "workers": workers,
                "bombs": sort,
                "p50_ms": round(1000 * waits[len(waits) // 2], 1),
                "p99_ms": round(1000 * waits[len(waits) * 99 // 100], 1),
                "max_ms": round(1000 * waits[-1], 1),
                "set_aside": len(house.events("quarantined")),
                "held": len(house.held()),
                "children_ended": len(house.kept.ends),
                "memory_growth_mib": round((resident() - before) / (1 << 20), 1),
            }


async def main():
    for workers in [int(word) for word in sys.argv[1:]] or [1, 2]:
        for sort in ("none", "some", "storm"):
            print(json.dumps(await run(workers, sort)), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
