"""APScheduler's SQL job store with its defaults: ``python -m tests.bench.peers.job_store JOBS`` prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

NOW = datetime(2030, 1, 1, tzinfo=UTC)
IN_MEMORY = 20_000
TICKS = 500


def main(jobs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="pointbell-bench-") as folder:
        store = SQLAlchemyJobStore(url=f"sqlite:///{Path(folder) / 'peer.db'}")
        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.add_jobstore(store)
        scheduler.start(paused=True)
        start = time.perf_counter()
        for number in range(jobs):
            _add(scheduler, number)
        inserted = time.perf_counter()
        for number in range(jobs):
            scheduler.reschedule_job(f"card-{number}", trigger="date", run_date=NOW + timedelta(days=1, minutes=number))
        moved = time.perf_counter()
        idle = _idle(store)
        scheduler.shutdown()
    return {
        "insert": jobs / (inserted - start),
        "move": jobs / (moved - inserted),
        "idle": idle,
        "kib_per_job": _memory(),
    }


def _add(scheduler: BackgroundScheduler, number: int) -> None:
    due = NOW + timedelta(minutes=number)
    scheduler.add_job("builtins:len", "date", run_date=due, args=[f"member-{number}"], id=f"card-{number}")


def _idle(store: SQLAlchemyJobStore) -> float:
    """Microseconds of what each wake-up asks: what is due, and when to wake up next."""
    seen = []
    for _ in range(TICKS):
        start = time.perf_counter()
        store.get_due_jobs(NOW - timedelta(days=1))
        store.get_next_run_time()
        seen.append(time.perf_counter() - start)
    return statistics.median(seen) * 1e6


def _memory() -> float:
    """KiB of one job that is kept in memory."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore(MemoryJobStore())
    scheduler.start(paused=True)
    before = _rss_kib()
    for number in range(IN_MEMORY):
        _add(scheduler, number)
    more = _rss_kib() - before
    scheduler.shutdown()
    return more / IN_MEMORY


def _rss_kib() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
