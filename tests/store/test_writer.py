"""One writer: groups share a commit, and trouble stays with its cause."""

import asyncio
import sqlite3

import pytest
from sqlalchemy import event as listen

from engine.errors import StoreBusy, StoreError, StoreOutdated
from engine.store import Store, sqlite, upgrade

from .conftest import NOON, delivery


async def test_what_gathers_during_a_commit_shares_the_next_one(store):
    commits = []
    listen.listen(store._engine, "commit", lambda _: commits.append(1))
    await asyncio.gather(*(store.add_events([delivery(str(number))]) for number in range(200)))
    assert len(commits) < 20


async def test_a_unit_that_fails_takes_nothing_with_it(store):
    def poison(_):
        raise ZeroDivisionError

    work = [store.add_events([delivery("a")]), store._writer.do(poison), store.add_events([delivery("b")])]
    first, failed, second = await asyncio.gather(*work, return_exceptions=True)
    assert (first, second) == ([True], [True])
    assert isinstance(failed, ZeroDivisionError)
    assert len(await store.claim_events(10, NOON)) == 2


async def fill(store):
    """Store until there is no room; how many deliveries there was room for."""
    for number in range(1000):
        try:
            await store.add_events([delivery(str(number), raw=b"x" * 4000)])
        except StoreBusy as error:
            assert "full" in str(error)  # noqa: PT017 - the error is what is asked for
            return number
    raise AssertionError("there was room for everything")


async def test_a_full_database_refuses_clearly_and_works_again_when_there_is_room(tmp_path):
    store = await Store.open(tmp_path / "pointbell.db")
    listen.listen(store._engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 60"))
    stored = await fill(store)
    listen.listen(store._engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 9999"))
    assert await store.add_events([delivery("after")]) == [True]
    assert len(await store.claim_events(2000, NOON)) == stored + 1
    await store.close()


async def test_a_locked_database_refuses_and_recovers(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    store = await Store.open(tmp_path / "pointbell.db")
    other = sqlite3.connect(tmp_path / "pointbell.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="locked"):
        await store.add_events([delivery()])
    other.execute("ROLLBACK")
    other.close()
    assert await store.add_events([delivery()]) == [True]
    await store.close()


def test_an_upgrade_is_done_once(tmp_path):
    path = tmp_path / "new.db"
    assert upgrade(path) == (0, 2)
    assert upgrade(path) == (2, 2)


def test_a_database_of_a_newer_pointbell_is_refused(tmp_path):
    path = tmp_path / "new.db"
    upgrade(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '99'")
    connection.close()
    with pytest.raises(StoreOutdated, match="schema 99"):
        upgrade(path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "letter.db"
    path.write_text("Dear Anna, " * 500)
    with pytest.raises(StoreBusy, match="not a database"):
        upgrade(path)


async def test_a_closed_store_refuses_instead_of_keeping_its_caller_waiting(tmp_path):
    store = await Store.open(tmp_path / "pointbell.db")
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.add_events([delivery()])


async def test_a_locked_database_is_waited_for_once_per_group_not_once_per_caller(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    store = await Store.open(tmp_path / "pointbell.db")
    other = sqlite3.connect(tmp_path / "pointbell.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = []
    listen.listen(store._engine, "begin", lambda _: begun.append(1), insert=True)
    calls = [store.add_events([delivery(str(number))]) for number in range(100)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    other.execute("ROLLBACK")
    other.close()
    assert {type(answer) for answer in answers} == {StoreBusy}
    assert len(begun) < 10
    await store.close()


async def test_what_is_on_disk_is_open_to_its_own_user_alone(tmp_path):
    """Addresses are in it, and in what SQLite keeps beside it."""
    store = await Store.open(tmp_path / "p.db")
    await store.add_events([delivery("a")])
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("p.db*") if path.suffix != ".lock"}
    await store.close()
    assert {name: modes[name] for name in ("p.db", "p.db-wal", "p.db-shm")} == dict.fromkeys(
        ("p.db", "p.db-wal", "p.db-shm"), 0o600
    )
