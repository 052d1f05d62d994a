"""A database that is full, locked or busy: the producer is told to try again, and nothing that was stored is lost."""

import asyncio
import sqlite3
import threading
from datetime import timedelta

from sqlalchemy import event as listen

from engine.store import sqlite as sqlite_store

from ..running import running, until

PAGES = 120


def body(number):
    return f'{{"number": {number}, "filling": "{"x" * 7_000}"}}'.encode()


def limit(store, pages):
    listen.listen(
        store._engine, "begin", lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    )


async def test_a_full_database_refuses_loses_nothing_and_recovers(tmp_path):
    async with running(tmp_path) as daemon:
        limit(daemon.store, PAGES)
        number = 0
        while (answer := await daemon.post("/ingest/open", body(number))).status_code == 202:
            number += 1
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert await daemon.metric("pointbell_deliveries_total", source="open", result="busy") == 1
        ready = await daemon.client.get("/readyz")
        assert ready.status_code == 503
        assert "full" in ready.json()["reasons"][0]
        assert (await daemon.client.get("/healthz")).status_code == 200
        limit(daemon.store, 10_000)
        assert (await daemon.client.get("/readyz")).status_code == 200
        assert (await daemon.post("/ingest/open", body(number))).status_code == 202
        assert len(daemon.events()) == number + 1


async def test_a_locked_database_refuses_and_recovers(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_store, "BUSY_TIMEOUT_MS", 20)
    async with running(tmp_path) as daemon:
        other = sqlite3.connect(tmp_path / "pointbell.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        answer = await daemon.post("/ingest/open", body(1))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert "locked" in (await daemon.client.get("/readyz")).json()["reasons"][0]
        other.execute("ROLLBACK")
        other.close()
        assert (await daemon.post("/ingest/open", body(1))).status_code == 202
        assert len(await daemon.settled()) == 1


async def test_a_database_that_does_not_answer_is_not_ready(tmp_path, monkeypatch):
    async with running(tmp_path) as daemon:
        with Held(daemon.store), monkeypatch.context() as patience:
            patience.setattr("engine.daemon.ANSWER", timedelta(milliseconds=20))
            answer = await daemon.client.get("/readyz")
        assert answer.json() == {"ready": False, "reasons": ["the database has not answered for 0.02 seconds"]}
        assert (await daemon.client.get("/readyz")).json() == {"ready": True, "reasons": []}


async def test_deliveries_that_come_together_share_their_commits(tmp_path):
    async with running(tmp_path) as daemon:
        commits = []
        listen.listen(daemon.store._engine, "commit", lambda _: commits.append(1))
        waiting = daemon.store._writer._units
        with Held(daemon.store):
            posts = [asyncio.ensure_future(daemon.post("/ingest/open", body(number))) for number in range(200)]
            await until(lambda: waiting.qsize() >= 200)
            assert not any(post.done() for post in posts)
            before = len(commits)
        answers = await asyncio.gather(*posts)
        assert {answer.status_code for answer in answers} == {202}
        assert len(commits) - before < 20


class Held:
    """Keeps the store's writer busy, as a slow disk would."""

    def __init__(self, store):
        self._release = threading.Event()
        self._held = asyncio.ensure_future(store._writer.do(lambda _: self._release.wait()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._release.set()
