"""Our reminders, in a process of its own: ``python -m tests.bench.timers MANY FEW`` prints what they cost as JSON."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from engine.decide import Book
from engine.model import Timer
from engine.store import EventState, Received, Settlement, Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GROUP = 200
TICKS = 500


async def main(many: int, few: int) -> dict[str, float]:
    """Insert, look while idle, insert the rest, look again, move all."""
    with tempfile.TemporaryDirectory(prefix="pointbell-bench-") as folder:
        store = await Store.open(Path(folder) / "ours.db")
        first = await _write(store, range(few), generation=1)
        idle_few, before = await _idle(store), _rss_mib()
        rest = await _write(store, range(few, many), generation=1)
        idle_many = await _idle(store)
        moved = await _write(store, range(many), generation=2)
        more = _rss_mib() - before
        await store.close()
    return {
        "insert": many / (first + rest),
        "move": many / moved,
        "idle_few": idle_few,
        "idle_many": idle_many,
        "more_mib": more,
    }


async def _write(store: Store, numbers: range, generation: int) -> float:
    """Seconds the store took for these timers, in groups as the pipeline settles them, each with a delivery."""
    spent = 0.0
    for start in range(numbers.start, numbers.stop, GROUP):
        group = range(start, min(start + GROUP, numbers.stop))
        timers = [_timer(number, generation) for number in group]
        [end] = [await _delivery(store, f"{generation}-{start}")]
        book = Book(changed_timers={(one.rule, one.subject, one.slot): one for one in timers})
        begun = time.perf_counter()
        await store.settle(book, [end])
        spent += time.perf_counter() - begun
    return spent


async def _delivery(store: Store, key: str) -> Settlement:
    await store.add_events([Received(source="s", key=key, lane=key, raw=b"{}", received_at=NOW)])
    [claimed] = await store.claim_events(GROUP, NOW)
    return Settlement(seq=claimed.seq, state=EventState.DECIDED, at=NOW, ruleset="r")


async def _idle(store: Store) -> float:
    """Microseconds to look for due timers when there is none."""
    seen = []
    for _ in range(TICKS):
        begun = time.perf_counter()
        due = await store.promote_timers(NOW - timedelta(days=1), GROUP)
        seen.append(time.perf_counter() - begun)
        assert not due
    return statistics.median(seen) * 1e6


def _timer(number: int, generation: int) -> Timer:
    return Timer(
        rule="points-expire-soon",
        subject=f"card-{number}",
        slot="7 days",
        member_id=f"member-{number}",
        lane=f"member-{number}",
        about=date(2026, 1, 31),
        # Scattered over two years, as dates are.
        due_at=NOW + timedelta(minutes=number * 7919 % 1_051_200 + generation),
        generation=generation,
    )


def _rss_mib() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))))
