"""Those who carry messages out: so many at a time on each route, with the next ones in hand.

Messages are claimed ahead in batches, because a claim costs as much as carrying one out. What is in hand has no permit
yet: it can still be withdrawn, paused or suppressed, and goes back in line when its route rests or everything stops.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable

from .pipeline import Pipeline
from .store import Queued

AT_ONCE = 20
"""Messages under way on a route; its channel may take fewer at a time."""
IN_HAND = 100
"""Messages of a route that are claimed and not yet begun."""


class Senders:
    """Carries out what is due, until it is stopped."""

    def __init__(self, pipeline: Pipeline, wake: Callable[[], None], *, at_once: int = AT_ONCE) -> None:
        self._pipeline = pipeline
        self._wake = wake
        """Asks for another ``claim``: there is room, and there may be more."""
        self._at_once = at_once
        self._hand: dict[str, deque[Queued]] = {}
        self._more: set[str] = set()
        """Routes whose last claim brought as much as was asked for."""
        self._tasks: dict[asyncio.Task[None], str] = {}
        """Senders at work, with the route each carries on."""

    @property
    def tasks(self) -> Collection[asyncio.Task[None]]:
        """The senders at work; each ends when nothing is in hand for it."""
        return self._tasks.keys()

    async def claim(self) -> bool:
        """Claim what there is room for and begin to carry it out; whether there was anything.

        Every route has its own room: one whose relay hangs must not keep the others waiting.
        """
        routes = self._pipeline.routes()
        await self._give_back([route for route in self._hand if route not in routes])
        busy = False
        for route in routes:
            hand = self._hand.setdefault(route, deque())
            if len(hand) < self._at_once:
                busy = await self._take_in_hand(route, IN_HAND - len(hand)) or busy
            self._begin(route)
        return busy

    async def stop(self) -> None:
        """Begin nothing more, and put what is in hand back in line. Those at work go on: see ``tasks``."""
        await self._give_back(list(self._hand))

    async def _take_in_hand(self, route: str, room: int) -> bool:
        claimed = await self._pipeline.store.claim_notifications(route, room, self._pipeline.now())
        self._hand[route].extend(claimed)
        (self._more.add if len(claimed) == room else self._more.discard)(route)
        return bool(claimed)

    def _begin(self, route: str) -> None:
        free = self._at_once - Counter(self._tasks.values())[route]
        for _ in range(min(free, len(self._hand[route]))):
            task = asyncio.create_task(self._carry(route))
            self._tasks[task] = route
            task.add_done_callback(self._tasks.pop)

    async def _carry(self, route: str) -> None:
        """Carry out what is in hand, one after the other, for as long as the route is open."""
        while (hand := self._hand.get(route)) and route in self._pipeline.routes():
            try:
                await self._pipeline.send(hand.popleft())
            except Exception as error:  # noqa: BLE001 - a fault in one message must not end the sender; it is reported.
                self._pipeline.observer.refused("send", error)
        if hand or route in self._more:  # There is something to give back, or to come.
            self._wake()

    async def _give_back(self, routes: Iterable[str]) -> None:
        waiting = [message for route in routes for message in self._hand.pop(route, ())]
        if waiting:
            await self._pipeline.give_back(waiting)
