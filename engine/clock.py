"""The clock: the only importer of APScheduler, and the only one who doubts the time.

APScheduler rings, the store remembers. Its job store is in memory and holds a handful of interval jobs; a reminder is
a row with an index, never a job.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from .pipeline import Now, utc_now

TICK = timedelta(seconds=1)
JUMP = timedelta(seconds=120)
"""What a wall clock may be off between two ticks and still be believed: leap seconds, and the steps of NTP."""


def since_boot() -> float:
    """Seconds that nobody can set; a machine that sleeps is counted where the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SteadyTime:
    """The wall clock, for as long as it goes on as time does.

    When it jumps, time goes on as if it had not: nothing comes due early, nothing expires, no lease is over, and what
    comes in is not taken for old. Once the wall clock is back where it should be, it is believed again. If it was right
    to jump, because it had been wrong before, only a person can know: a restart believes it.
    """

    def __init__(self, wall: Now = utc_now, elapsed: Callable[[], float] = since_boot) -> None:
        """``elapsed`` tells seconds since some moment."""
        self._wall = wall
        self._elapsed = elapsed
        self._believed = wall()
        self._then = elapsed()

    def now(self) -> datetime:
        """The time, aware UTC."""
        wall, due = self._wall(), self._due()
        return wall if abs(wall - due) <= JUMP else due

    def look(self) -> timedelta:
        """Compare; to be called at every tick. How far the wall clock has jumped, positive: forward; zero if not."""
        wall, due = self._wall(), self._due()
        if abs(wall - due) > JUMP:
            return wall - due
        self._believed, self._then = wall, self._elapsed()
        return timedelta()

    def _due(self) -> datetime:
        return self._believed + timedelta(seconds=self._elapsed() - self._then)


class Clock:
    """Calls its tasks at their intervals, in the running event loop, never two of the same at once."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()},
            timezone="UTC",
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._minding: asyncio.TimerHandle | None = None

    def every(self, interval: timedelta, task: Callable[[], Awaitable[None]], name: str) -> None:
        """Call ``task`` every ``interval``, for the first time at once."""
        self._scheduler.add_job(
            task, "interval", seconds=interval.total_seconds(), id=name, name=name, next_run_time=datetime.now(UTC)
        )

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()
        self._mind()

    def stop(self) -> None:
        """Stop ticking; a task under way is not waited for."""
        if self._minding is not None:
            self._minding.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _mind(self) -> None:
        """The scheduler goes by the wall clock: put back by a day, that would keep all from ringing for a day."""
        now = datetime.now(UTC)
        for job in self._scheduler.get_jobs():
            if job.next_run_time - now > job.trigger.interval + TICK:
                job.modify(next_run_time=now)
        self._minding = asyncio.get_running_loop().call_later(TICK.total_seconds(), self._mind)
