"""Claim, work, sleep until woken, drain on stop.

Two loops: one has deliveries decided, as many batches at once as there are hands for, one carries messages out. Both
look for work whenever they are woken and at least every ``IDLE_S`` seconds, because a wake-up is a hint and the store
is the truth.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from .pipeline import Pipeline
from .senders import AT_ONCE, IN_HAND, Senders
from .settlement import StoredEvent
from .settling import Lane
from .store import Queued

IDLE_S = 1.0
BATCH = 200
BACKLOG = 2_000
"""Worded messages that may wait: about a minute's work of the channel. Timers beyond it stay timers."""
DRAIN = timedelta(seconds=30)


class Worker:
    """Keeps the pipeline moving until it is stopped."""

    def __init__(self, pipeline: Pipeline, *, senders: int = AT_ONCE) -> None:
        self._pipeline = pipeline
        self._deciding = asyncio.Event()
        self._sending = asyncio.Event()
        self._stopping = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        """The one that has deliveries decided, and the one that has messages sent."""
        self._preparing: asyncio.Future[None] | None = None
        """Whoever decides is being made ready: nobody who wants to stop waits for that."""
        self._batches: set[asyncio.Task[None]] = set()
        """Batches that are being decided."""
        self._lanes: set[asyncio.Task[None]] = set()
        """What is decided alone, because a child ended over it: no batch waits for that."""
        self._senders = Senders(pipeline, self._sending.set, at_once=senders)

    def start(self) -> None:
        """Begin to work in the running event loop."""
        self._loops = [
            asyncio.create_task(self._keep(self._decide, self._deciding), name="pointbell-decide"),
            asyncio.create_task(self._keep(self._senders.claim, self._sending), name="pointbell-send"),
        ]

    def wake(self) -> None:
        """There may be something to do."""
        self._deciding.set()
        self._sending.set()

    async def stop(self, drain: timedelta = DRAIN) -> None:
        """Claim nothing more and finish what has been begun, for ``drain`` at most."""
        self._stopping.set()
        if self._preparing is not None:
            self._preparing.cancel()
        self.wake()
        until = asyncio.get_running_loop().time() + drain.total_seconds()
        # At the same time: a lane that takes all there is would leave nothing to who has a mail half written.
        await asyncio.gather(self._finish_deciding(until), self._finish_sending(until))

    async def _finish_deciding(self, until: float) -> None:
        await _finish(self._loops[:1], until)
        await _finish(self._batches, until)
        await _finish(self._lanes, until)

    async def _finish_sending(self, until: float) -> None:
        await _finish(self._loops[1:], until)
        await _finish([asyncio.create_task(self._senders.stop())], until)
        await _finish(self._senders.tasks, until)

    async def ended(self) -> BaseException | None:
        """Wait until one of the loops has ended; what ended it, ``None`` when it was told to stop."""
        done, _ = await asyncio.wait(self._loops, return_when=asyncio.FIRST_COMPLETED)
        faults = [task.exception() for task in done if not task.cancelled()]
        return next((fault for fault in faults if fault is not None), None)

    async def until_idle(self) -> int:
        """Do all work that is due now, timers included, and return; how many deliveries and messages it was."""
        pipeline, done = self._pipeline, 0
        while True:
            rung = await pipeline.store.promote_timers(pipeline.now(), BACKLOG, pipeline.reach())
            decided = sum(await asyncio.gather(*(pipeline.process(BATCH) for _ in range(pipeline.who.width))))
            messages = await self._due()
            ends = await asyncio.gather(*(pipeline.send(message) for message in messages), return_exceptions=True)
            for fault in ends:
                if fault is not None:
                    raise fault
            done += decided + len(messages)
            if not rung and not decided and not messages:
                return done

    async def promote(self) -> None:
        """Turn due timers into events, and messages whose pause is over into due ones; called by the clock."""
        if await self._pipeline.store.promote_timers(self._pipeline.now(), BACKLOG, self._pipeline.reach()):
            self.wake()

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
        """Claim the next batch and have it decided; while all hands are busy, wait for one."""
        if len(self._batches) >= self._pipeline.who.width:
            await asyncio.wait(self._batches, return_when=asyncio.FIRST_COMPLETED)
            return True
        self._preparing = asyncio.ensure_future(self._pipeline.prepare(self._pipeline.ruleset))
        await self._preparing
        batch = await self._pipeline.claim(BATCH)
        if batch:
            _begin(self._decide_one(batch), self._batches)
        return bool(batch)

    async def _decide_one(self, batch: Sequence[StoredEvent]) -> None:
        try:
            for lane in await self._pipeline.decide(batch):
                _begin(self._decide_alone(lane), self._lanes)
        except Exception as error:  # noqa: BLE001 - a fault in one batch must not end the loop; it is reported.
            self._pipeline.observer.refused("decide", error)
        finally:
            # What follows in these lanes may be claimed now, and what was worded may be sent.
            self.wake()

    async def _decide_alone(self, lane: Lane) -> None:
        try:
            await self._pipeline.decide_alone(lane)
        except Exception as error:  # noqa: BLE001 - a fault in one lane must not end the worker; it is reported.
            self._pipeline.observer.refused("decide", error)
        finally:
            self.wake()

    async def _due(self) -> list[Queued]:
        """The next messages of every route that may be taken now."""
        store, now = self._pipeline.store, self._pipeline.now()
        claims = [await store.claim_notifications(route, IN_HAND, now) for route in self._pipeline.routes()]
        return [message for claimed in claims for message in claimed]


def _begin(work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
    """Have work done in the background, and remember it until it is."""
    task = asyncio.create_task(work)
    among.add(task)
    task.add_done_callback(among.discard)


async def _finish(tasks: Collection[asyncio.Task[None]], until: float) -> None:
    """Wait for the tasks until the loop's clock shows ``until``, then end those that are left."""
    left = tuple(tasks)
    if left:
        await asyncio.wait(left, timeout=max(0.0, until - asyncio.get_running_loop().time()))
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
