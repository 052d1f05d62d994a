"""Claim, work, sleep until woken, drain on stop.

Two loops: one decides deliveries, one carries messages out. Both look for work whenever they are woken and at least
every ``IDLE_S`` seconds, because a wake-up is a hint and the store is the truth.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta

from .pipeline import Pipeline
from .store import Queued

IDLE_S = 1.0
BATCH = 200
BACKLOG = 2_000
"""Worded messages that may wait: about a minute's work of the channel. Timers beyond it stay timers."""
DRAIN = timedelta(seconds=30)


class Worker:
    """Keeps the pipeline moving until it is stopped."""

    def __init__(self, pipeline: Pipeline, *, senders: int = 20) -> None:
        self._pipeline = pipeline
        self._senders = senders
        self._deciding = asyncio.Event()
        self._sending = asyncio.Event()
        self._stopping = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._out: dict[asyncio.Task[None], str] = {}
        """Messages under way, with the route each takes."""

    def start(self) -> None:
        """Begin to work in the running event loop."""
        self._loops = [
            asyncio.create_task(self._keep(self._decide, self._deciding), name="pointbell-decide"),
            asyncio.create_task(self._keep(self._send, self._sending), name="pointbell-send"),
        ]

    def wake(self) -> None:
        """There may be something to do."""
        self._deciding.set()
        self._sending.set()

    async def stop(self, drain: timedelta = DRAIN) -> None:
        """Claim nothing more and finish what has been begun, for ``drain`` at most."""
        self._stopping.set()
        self.wake()
        until = asyncio.get_running_loop().time() + drain.total_seconds()
        await _finish(self._loops, until)
        await _finish(self._out, until)

    async def ended(self) -> BaseException | None:
        """Wait until one of the loops has ended; what ended it, ``None`` when it was told to stop."""
        done, _ = await asyncio.wait(self._loops, return_when=asyncio.FIRST_COMPLETED)
        faults = [task.exception() for task in done if not task.cancelled()]
        return next((fault for fault in faults if fault is not None), None)

    async def until_idle(self) -> int:
        """Do all work that is due now, timers included, and return; how many deliveries and messages it was."""
        pipeline, done = self._pipeline, 0
        while True:
            rung = await pipeline.store.promote_timers(pipeline.now(), BACKLOG)
            decided = await pipeline.process(BATCH)
            messages = await self._claim({})
            ends = await asyncio.gather(*(pipeline.send(message) for message in messages), return_exceptions=True)
            for fault in ends:
                if fault is not None:
                    raise fault
            done += decided + len(messages)
            if not rung and not decided and not messages:
                return done

    async def promote(self) -> None:
        """Turn due timers into events; called by the clock."""
        if await self._pipeline.store.promote_timers(self._pipeline.now(), BACKLOG):
            self._deciding.set()

    async def _keep(self, work: Callable[[], Awaitable[bool]], woken: asyncio.Event) -> None:
        while not self._stopping.is_set():
            woken.clear()
            try:
                busy = await work()
            except Exception as error:  # noqa: BLE001 - whatever goes wrong is reported, and the next round tries again.
                self._pipeline.observer.refused("claim", error)
                busy = False
            if not busy and not self._stopping.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), IDLE_S)

    async def _decide(self) -> bool:
        decided = await self._pipeline.process(BATCH)
        if decided:
            self._sending.set()
        return bool(decided)

    async def _send(self) -> bool:
        messages = await self._claim(Counter(self._out.values()))
        for message in messages:
            task = asyncio.create_task(self._send_one(message))
            self._out[task] = message.route
            task.add_done_callback(self._out.pop)
        return bool(messages)

    async def _claim(self, under_way: Mapping[str, int]) -> list[Queued]:
        """Fill every route's free places: one whose relay hangs must not keep the others waiting."""
        claimed: list[Queued] = []
        for route in self._pipeline.routes():
            free = self._senders - under_way.get(route, 0)
            if free > 0:
                claimed += await self._pipeline.store.claim_notifications(route, free, self._pipeline.now())
        return claimed

    async def _send_one(self, message: Queued) -> None:
        try:
            await self._pipeline.send(message)
        except Exception as error:  # noqa: BLE001 - a fault in one message must not end the sender; it is reported.
            self._pipeline.observer.refused("send", error)
        finally:
            self._sending.set()


async def _finish(tasks: Collection[asyncio.Task[None]], until: float) -> None:
    """Wait for the tasks until the loop's clock shows ``until``, then end those that are left."""
    left = tuple(tasks)
    if left:
        await asyncio.wait(left, timeout=max(0.0, until - asyncio.get_running_loop().time()))
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
