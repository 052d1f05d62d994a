"""A house whose deliveries are decided by children."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from engine.children.hand import Patience
from engine.children.household import Limits
from engine.children.nurse import PROGRAM
from engine.children.pool import Children
from engine.deciders import InProcess
from engine.store import NotificationState, Reports, Store
from tests.programme import channels, ruleset_of
from tests.test_pipeline import SHOP, SIGNED, House, Scripted

POISONED = ("-m", "tests.children.poisoned")
FOR_EVER = Patience(busy_s=60, silent_s=600)
PATIENT = Limits(in_company=FOR_EVER, alone=FOR_EVER, memory=200 << 20)
"""Deadlines that nothing meets, however busy the machine is."""
BUSY = Patience(busy_s=0.3, silent_s=600)
SILENT = Patience(busy_s=60, silent_s=1.5)
"""Deadlines for those who want to see one missed. Whoever is innocent and misses the first has three more."""


ALL = 1_000_000


class Kept:
    """Whoever is told how the children are."""

    def __init__(self, journal):
        self.journal = journal
        self.living = 0
        self.ends = []
        self.waits = []

    def children(self, living):
        self.living = living

    def child_began(self, waited_s):
        self.waits.append(waited_s)

    def child_ended(self, end):
        self.ends.append((end.kind, end.seq))

    def refused(self, what, error):
        self.journal.refused(what, error)


class FullHouse(House):
    """A house with children in it; ``workers=0`` has only the one that suspects are given to."""

    def __init__(self, store, path, workers, program, limits):
        super().__init__(store, path, Scripted(), ruleset_of())
        self.kept = Kept(self.journal)
        # Messages in their real bytes, which children have to write as this process would.
        self.pipeline.channels = channels()
        writers = {name: channel.writer() for name, channel in self.pipeline.channels.items()}
        inlets = {SHOP.name: SHOP, SIGNED.name: SIGNED}
        self.children = Children(
            size=workers or 1, inlets=inlets, writers=writers, watcher=self.kept, limits=limits, program=program
        )
        self.pipeline.deciders = self.children if workers else InProcess(inlets, ward=self.children)

    async def decide(self):
        """Decide all there is, as many batches at once as the worker would."""
        while await self._round():
            pass

    async def _round(self):
        width = self.pipeline.who.width
        return sum(await asyncio.gather(*(self.pipeline.process(10) for _ in range(width))))

    def states(self):
        """What became of each delivery, by its key."""
        with closing(Reports(self.path)) as reports:
            return {row["key"]: row["state"] for row in reports.events(limit=ALL)}

    def messages(self):
        """State and attempts of every message."""
        with closing(Reports(self.path)) as reports:
            return [(row["state"], row["attempts"]) for row in reports.notifications(limit=ALL)]

    def held(self):
        """The messages whose template cannot be worded."""
        with closing(Reports(self.path)) as reports:
            return reports.notifications(state=NotificationState.HELD)

    async def everybody(self):
        """Wait until there are as many children as there should be."""
        while self.kept.living < self.pipeline.who.width // 2:  # noqa: ASYNC110 - what is waited for is in other processes.
            await asyncio.sleep(0)


@asynccontextmanager
async def full_house(folder: Path, workers: int, *, program=PROGRAM, limits=PATIENT):
    store = await Store.open(folder / "p.db")
    house = FullHouse(store, folder / "p.db", workers, program, limits)
    try:
        yield house
    finally:
        await house.children.close()
        await store.close()


@pytest.fixture
async def house(tmp_path):
    """Two children, that meet a defect where a delivery asks for it."""
    async with full_house(tmp_path, 2, program=POISONED) as opened:
        yield opened


def alive(process: int) -> bool:
    """Whether there is such a process (one that has ended and waits to be noticed is not)."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def resident() -> int:
    """Bytes of memory that this process has in use."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
