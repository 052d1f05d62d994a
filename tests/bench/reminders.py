"""Reminders as rows against APScheduler's own SQL job store."""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from engine.decide import Book
from engine.model import Timer
from engine.store import EventState, Received, Settlement, Store

from .measure import Row

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OURS, PEERS, GROUP = 50_000, 500, 200


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="pointbell-bench-") as folder:
        insert, move = asyncio.run(_ours(Path(folder)))
        peer_insert, peer_move = _peer(Path(folder))
    return [
        Row(
            what="reminders, insert",
            peer="APScheduler SQLAlchemyJobStore",
            ours_us=insert,
            peer_us=peer_insert,
            goal=40,
        ),
        Row(what="reminders, move", peer="APScheduler SQLAlchemyJobStore", ours_us=move, peer_us=peer_move, goal=20),
    ]


async def _ours(folder: Path) -> tuple[float, float]:
    store = await Store.open(folder / "ours.db")
    insert = await _write(store, generation=1)
    move = await _write(store, generation=2)
    await store.close()
    return insert, move


async def _write(store: Store, generation: int) -> float:
    """Microseconds per timer, written in groups as the pipeline settles them, each group with its deliveries."""
    spent = 0.0
    for first in range(0, OURS, GROUP):
        timers = [_timer(number, generation) for number in range(first, first + GROUP)]
        said = [
            Received(source="s", key=f"{generation}-{timer.subject}", lane=timer.lane, raw=b"{}", received_at=NOW)
            for timer in timers
        ]
        await store.add_events(said)
        claimed = await store.claim_events(GROUP, NOW)
        book = Book(changed_timers={(one.rule, one.subject, one.slot): one for one in timers})
        ends = [Settlement(seq=one.seq, state=EventState.DECIDED, at=NOW, ruleset="r") for one in claimed[:1]]
        start = time.perf_counter()
        await store.settle(book, ends)
        spent += time.perf_counter() - start
    return spent / OURS * 1e6


def _timer(number: int, generation: int) -> Timer:
    due = NOW + timedelta(minutes=number * generation)
    return Timer(
        rule="points-expire-soon",
        subject=f"card-{number}",
        slot="7 days",
        member_id=f"member-{number}",
        lane=f"member-{number}",
        about=date(2026, 1, 31),
        due_at=due,
        generation=generation,
    )


def _peer(folder: Path) -> tuple[float, float]:
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore(SQLAlchemyJobStore(url=f"sqlite:///{folder / 'peer.db'}"))
    scheduler.start(paused=True)
    start = time.perf_counter()
    for number in range(PEERS):
        scheduler.add_job("builtins:len", "date", run_date=NOW + timedelta(days=9999), args=["x"], id=f"card-{number}")
    inserted = time.perf_counter()
    for number in range(PEERS):
        scheduler.reschedule_job(f"card-{number}", trigger="date", run_date=NOW + timedelta(days=9000))
    moved = time.perf_counter()
    scheduler.shutdown()
    return (inserted - start) / PEERS * 1e6, (moved - inserted) / PEERS * 1e6
