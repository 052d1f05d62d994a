"""The daemon and its database: signs of life, older copies, and tidying on request."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta

from engine.office.upkeep import Tidy
from engine.pipeline import utc_now
from engine.store import Kind, backup

from ..running import EVENT, running, until

YEAR = timedelta(days=365)


def sql(path, statement, *values):
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def database(folder):
    return folder / "pointbell.db"


async def test_a_daemon_gives_signs_of_life(tmp_path):
    async with running(tmp_path) as here:
        witness = tmp_path / "pointbell.db.alive"
        await until(witness.exists)
        before = witness.read_text(encoding="ascii")
        await here.store.beat(utc_now() + timedelta(minutes=1))
        assert int(before.split()[1]) < int(witness.read_text(encoding="ascii").split()[1])
        assert (
            here.said("an older copy was put in the place of the database: what may have been sent since is held") == []
        )


async def test_a_daemon_says_that_it_runs_on_an_older_copy(tmp_path):
    async with running(tmp_path) as here:
        await here.post("/ingest/open", EVENT.read_bytes())
        await here.settled()
        backup(database(tmp_path), tmp_path / "copy.db", utc_now())
    shutil.copy(tmp_path / "copy.db", database(tmp_path))
    async with running(tmp_path) as here:
        [line] = here.said("an older copy was put in the place of the database: what may have been sent since is held")
        assert (line["level"], line["messages_held"]) == ("warning", 0)


async def test_what_has_been_kept_long_enough_is_removed_by_the_daemon_that_is_asked(office, daemon):
    path = daemon.daemon.config.database
    await daemon.post("/ingest/open", EVENT.read_bytes())
    await daemon.settled()
    year = int(YEAR.total_seconds()) * 1_000_000
    for table, columns in {
        "event": ("received_at", "decided_at"),
        "notification": ("created_at", "settled_at"),
    }.items():
        moved = ", ".join(f"{column} = {column} - {year}" for column in columns)
        sql(path, f"UPDATE {table} SET {moved}")
    done = await office.ask(Tidy())
    assert done.removed[Kind.BODIES] == 1
    assert done.further is None
    assert sql(path, "SELECT raw, emptied_at IS NOT NULL FROM event") == [(b"", 1)]
    assert await daemon.metric("pointbell_tidied_rows_total", kind="bodies") == 1
    assert (await office.ask(Tidy(at=(Kind.EVENTS, 0)))).removed == {}
