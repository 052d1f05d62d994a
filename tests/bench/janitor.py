"""What tidying costs those who wait for an acknowledgement: ``python -m tests.bench.janitor``.

A million old deliveries, then webhooks stored by sixteen clients at once: alone, with the janitor at the pace it has in
the daemon, and with a janitor that never rests. Prints the latencies; proves nothing on a machine that is busy.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import typer

from engine.janitor import ROUND, UNITS, Janitor
from engine.store import Kind, Place, Received, Retention, Store

CLIENTS = 16
BODY = b'{"x": "' + b"y" * 2_000 + b'"}'
KEPT = Retention(bodies=timedelta(days=90), events=timedelta(days=400))


class Counts(Counter[Kind]):
    """Adds up what was removed."""

    def tidied(self, removed):
        self.update(removed)


def fill(path, rows, old):
    """Old deliveries: half of them with a body to be emptied, half to be removed."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO event (source, key, lane, raw, received_at, decided_at, state, history, attempts) "
            "VALUES ('old', ?, 'l', ?, ?, ?, 'decided', 0, 1)",
            (
                (
                    str(number),
                    BODY,
                    at := int((old - timedelta(days=400 * (number < rows // 2))).timestamp()) * 10**6,
                    at,
                )
                for number in range(rows)
            ),
        )


async def clients(store, seconds):
    """Store deliveries as fast as they are acknowledged; the latencies in milliseconds."""
    waited, end = [], time.monotonic() + seconds

    async def client(name):
        number = 0
        while time.monotonic() < end:
            number += 1
            received = Received(
                source="new", key=f"{name} {time.monotonic_ns()}", lane="l", raw=BODY, received_at=datetime.now(UTC)
            )
            begun = time.perf_counter()
            await store.add_events([received])
            waited.append((time.perf_counter() - begun) * 1_000)

    await asyncio.gather(*(client(name) for name in range(CLIENTS)))
    return sorted(waited)


async def tidying(store, pause):
    """One round after the other, with a pause between them, for ever."""
    ruleset = SimpleNamespace(rules=())
    counts = Counts()
    janitor = Janitor(SimpleNamespace(store=store, ruleset=ruleset, now=lambda: datetime.now(UTC)), KEPT, counts)
    place = Place()
    try:
        while True:
            place = (await janitor.round(place or Place(), UNITS)).further
            await asyncio.sleep(pause)
    finally:
        print(f"{'':18}removed meanwhile: {dict(counts)}")


def told(name, waited, seconds):
    cut = statistics.quantiles(waited, n=1_000)
    print(
        f"{name:18}{len(waited) / seconds:8.0f} acknowledgements/s   p50 {cut[499]:6.2f} ms   p99 {cut[989]:6.2f} ms   "
        f"p99.9 {cut[998]:6.2f} ms   most {waited[-1]:6.2f} ms",
        flush=True,
    )


async def measure(rows, seconds):
    with tempfile.TemporaryDirectory(prefix="pointbell-janitor-") as folder:
        path = Path(folder) / "pointbell.db"
        await (await Store.open(path)).close()
        fill(path, rows, datetime.now(UTC) - timedelta(days=100))
        store = await Store.open(path)
        print(f"{rows} old deliveries, {path.stat().st_size >> 20} MiB; {CLIENTS} clients, {seconds} s each")
        told("without", await clients(store, seconds), seconds)
        for name, pause in (("as in the daemon", ROUND.total_seconds()), ("without a rest", 0.0)):
            janitor = asyncio.create_task(tidying(store, pause))
            told(name, await clients(store, seconds), seconds)
            janitor.cancel()
            await asyncio.gather(janitor, return_exceptions=True)
        await store.close()


def main(
    rows: Annotated[int, typer.Option(help="Old deliveries.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 20,
) -> None:
    """Print how long an acknowledgement takes without and with the janitor."""
    asyncio.run(measure(rows, seconds))


if __name__ == "__main__":
    typer.run(main)
