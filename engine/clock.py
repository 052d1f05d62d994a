"""The clock: the only importer of APScheduler.

APScheduler rings, the store remembers. Its job store is in memory and holds a handful of interval jobs; a reminder is
a row with an index, never a job.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler

TICK = timedelta(seconds=1)


class Clock:
    """Calls its tasks at their intervals, in the running event loop, never two of the same at once."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()},
            timezone="UTC",
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def every(self, interval: timedelta, task: Callable[[], Awaitable[None]], name: str) -> None:
        """Call ``task`` every ``interval``, for the first time at once."""
        self._scheduler.add_job(
            task, "interval", seconds=interval.total_seconds(), id=name, name=name, next_run_time=datetime.now(UTC)
        )

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop ticking; a task under way is not waited for."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
