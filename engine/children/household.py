"""The children of one ruleset: a nursery, and as many children as there should be, replaced when they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from ..deciders import Overcome
from ..errors import ChildrenDown
from .hand import Hand, Patience
from .nurse import PROGRAM, Nurse
from .wire import Recipe

MEMORY = 512 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What children may take. Times are seconds by the clock on the wall."""

    memory: int = MEMORY
    """Bytes of address space on top of what a child begins with."""
    in_company: Patience = Patience(busy_s=0.2, silent_s=2.0)  # noqa: RUF009 - frozen
    """For one delivery of a batch: hundreds of times what it takes. Longer, and it is tried alone."""
    alone: Patience = Patience(busy_s=2.0, silent_s=10.0)  # noqa: RUF009 - frozen
    """For a delivery that is tried alone. Longer, and it counts as one that never ends."""
    start_s: float = 60.0
    """For a nursery to get ready."""
    longest_pause_s: float = 30.0
    """Between two attempts to start what does not stay alive."""


class Watcher(Protocol):
    """Whoever is told how the children are."""

    def children(self, living: int) -> None: ...
    def child_ended(self, end: Overcome) -> None: ...
    def child_began(self, waited_s: float) -> None: ...
    def refused(self, what: str, error: Exception) -> None: ...


class Household:
    """Keeps its children alive from ``open`` to ``close``."""

    def __init__(
        self, recipe: Recipe, size: int, limits: Limits, watcher: Watcher, program: Sequence[str] = PROGRAM
    ) -> None:
        self.ruleset = recipe.ruleset
        self.guests = 0
        """Batches that are decided here."""
        self._recipe = recipe
        self._size = size
        self._limits = limits
        self._watcher = watcher
        self._program = program
        self._numbers = count(1)
        self._nurse: Nurse | None = None
        self._engaging = asyncio.Lock()
        self._hands: list[Hand] = []
        self._present = asyncio.Event()
        """Set while at least one child lives."""
        self._trouble: ChildrenDown | None = None
        self._keepers: list[asyncio.Task[None]] = []
        self._alone = asyncio.Lock()

    async def open(self) -> None:
        """Begin to keep children; returns with the first of them.

        Raises:
            ChildrenDown: none can be started.
        """
        self._add(await self._born())
        first = self._hands[0]
        self._keepers = [
            asyncio.create_task(self._keep(first if place == 0 else None), name=f"pointbell-children-{place}")
            for place in range(self._size)
        ]

    async def close(self) -> None:
        """Let them all go."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        if self._nurse is not None:
            await self._nurse.close()
        await asyncio.gather(*(hand.close() for hand in self._hands))
        self._hands.clear()

    async def hand(self) -> Hand:
        """The child with the least to do.

        Raises:
            ChildrenDown: there is none, and none to come.
        """
        if not self._hands and self._trouble is not None:
            raise ChildrenDown(str(self._trouble))
        try:
            async with asyncio.timeout(self._limits.start_s):
                while not (living := [hand for hand in self._hands if not hand.gone.is_set()]):
                    self._present.clear()
                    await self._present.wait()
        except TimeoutError as error:
            raise ChildrenDown(f"no child process was there in {self._limits.start_s:g} s") from error
        return min(living, key=lambda hand: (hand.stuck, hand.sittings))

    @asynccontextmanager
    async def lone(self) -> AsyncIterator[Hand]:
        """A child of one's own, that gives way to everybody; one at a time."""
        async with self._alone:
            hand = await self._born(nice=19, patience=self._limits.alone)
            try:
                yield hand
            finally:
                ended_by_itself = hand.gone.is_set()
                await hand.close()
                if ended_by_itself:
                    self._watcher.child_ended(hand.end)

    @property
    def trouble(self) -> str | None:
        """Why there are no children, where there are none."""
        return str(self._trouble) if self._trouble is not None and not self._hands else None

    @property
    def processes(self) -> list[int]:
        """The children's process numbers."""
        return [hand.process for hand in self._hands]

    async def _keep(self, hand: Hand | None) -> None:
        """Have one child alive at all times; the longer the pauses, the less they live."""
        early_ends = 0
        while True:
            if hand is None:
                await asyncio.sleep(min(self._limits.longest_pause_s, 0.1 * 2**early_ends) if early_ends else 0)
                hand = await self._replaced()
                early_ends += hand is None
            if hand is not None:
                await hand.gone.wait()
                self._remove(hand)
                early_ends = 0 if _has_lived(hand) else early_ends + 1
                hand = None

    async def _replaced(self) -> Hand | None:
        try:
            hand = await self._born()
        except ChildrenDown as error:
            self._trouble = error
            self._watcher.refused("children", error)
            return None
        self._trouble = None
        self._add(hand)
        return hand

    async def _born(self, nice: int = 0, patience: Patience | None = None) -> Hand:
        try:
            nurse = await self._engaged()
            return await Hand.of(nurse, next(self._numbers), nice=nice, patience=patience or self._limits.in_company)
        except ChildrenDown:
            raise
        except Exception as error:  # Whatever it is, no delivery is to blame, and those who wait have to know.
            raise ChildrenDown(f"no child process can be started: {error}") from error

    async def _engaged(self) -> Nurse:
        async with self._engaging:
            if self._nurse is not None and self._nurse.gone.is_set():
                await self._nurse.close()
                self._nurse = None
            if self._nurse is None:
                self._nurse = await Nurse.engage(self._recipe, self._program, self._limits.start_s)
            return self._nurse

    def _add(self, hand: Hand) -> None:
        self._hands.append(hand)
        self._present.set()
        self._watcher.children(len(self._hands))

    def _remove(self, hand: Hand) -> None:
        self._hands.remove(hand)
        if not self._hands:
            self._present.clear()
        self._watcher.children(len(self._hands))
        self._watcher.child_ended(hand.end)


def _has_lived(hand: Hand) -> bool:
    """Whether its end is no sign that those after it will not live either, so that there is no time to lose.

    One that ended over a delivery has lived, and the delivery is to blame; where the nursery ended, it is not.
    """
    return hand.served or (hand.end.seq is not None and hand.end.kind != "nursery")
