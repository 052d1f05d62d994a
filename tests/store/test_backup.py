"""A backup is taken while others write: one moment, checked, for its owner's eyes, there as a whole or not at all."""

import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime

import pytest

from engine.errors import StoreError
from engine.store import Store, backup, default_name

from .conftest import NOON, delivery


def keys(path):
    with closing(sqlite3.connect(path)) as connection:
        return [key for (key,) in connection.execute("SELECT key FROM event ORDER BY seq")]


def folder(path):
    return sorted(one.name for one in path.iterdir())


async def filled(store, count=300):
    await store.add_events([delivery(str(number), raw=b"x" * 2_000) for number in range(count)])


async def test_it_is_a_sound_copy_and_never_overwrites(store, tmp_path):
    await store.add_events([delivery("kept")])
    backup(tmp_path / "pointbell.db", tmp_path / "copy.db", NOON)
    with pytest.raises(StoreError, match="never overwrites"):
        backup(tmp_path / "pointbell.db", tmp_path / "copy.db", NOON)
    copy = await Store.open(tmp_path / "copy.db")
    assert [one.received.key for one in await copy.claim_events(10, NOON)] == ["kept"]
    await copy.close()


async def test_it_shows_one_moment_and_keeps_nobody_from_writing(store, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.store.copies._STEP", 8)
    await filled(store)
    steps = []
    with closing(sqlite3.connect(tmp_path / "pointbell.db", timeout=0, isolation_level=None)) as other:

        def write_meanwhile(done, _of):
            # Every step of the copy meets a commit: it neither blocks that nor begins anew.
            assert len(steps) < 1_000
            other.execute("INSERT INTO meta VALUES (?, 'written meanwhile')", [f"step {len(steps)}"])
            steps.append(done)

        backup(tmp_path / "pointbell.db", tmp_path / "copy.db", NOON, write_meanwhile)
    assert len(steps) > 10
    assert steps == sorted(set(steps))
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT count(*) FROM meta WHERE name LIKE 'step %'").fetchone() == (0,)
    assert len(keys(tmp_path / "copy.db")) == 300


@pytest.mark.usefixtures("store")
async def test_it_is_one_file_that_only_its_owner_may_read(tmp_path):
    (tmp_path / "backups").mkdir()
    made = backup(tmp_path / "pointbell.db", tmp_path / "backups" / "copy.db", NOON)
    assert folder(tmp_path / "backups") == ["copy.db"]
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert made.size == made.path.stat().st_size
    # Versions 1 in the header: a rollback journal, so that it can be read where nothing can be written.
    assert made.path.read_bytes()[18:20] == b"\x01\x01"


async def test_it_says_when_it_was_taken(store, tmp_path):
    backup(tmp_path / "pointbell.db", tmp_path / "copy.db", NOON)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy, closing(sqlite3.connect(store._path)) as original:
        said = "SELECT value FROM meta WHERE name = 'copied_at'"
        assert copy.execute(said).fetchone() == (str(int(NOON.timestamp()) * 1_000_000),)
        assert original.execute(said).fetchone() is None


async def test_what_breaks_off_leaves_nothing_behind(store, tmp_path):
    await filled(store)
    (tmp_path / "backups").mkdir()

    def give_up(_done, _of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(tmp_path / "pointbell.db", tmp_path / "backups" / "copy.db", NOON, give_up)
    assert folder(tmp_path / "backups") == []


async def test_a_damaged_database_is_no_backup(store, tmp_path):
    await filled(store)
    await store.close()
    path = tmp_path / "pointbell.db"
    data = bytearray(path.read_bytes())
    data[20 * 4096 : 21 * 4096] = b"\xff" * 4096
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"not sound|malformed"):
        backup(path, tmp_path / "copy.db", NOON)
    assert not (tmp_path / "copy.db").exists()


def test_where_nothing_can_be_written_it_says_so(tmp_path):
    (tmp_path / "pointbell.db").write_bytes(b"")
    with pytest.raises(StoreError, match=r"cannot back up to .*: No such file or directory"):
        backup(tmp_path / "pointbell.db", tmp_path / "no" / "such" / "copy.db", NOON)


def test_names_sort_by_time(tmp_path):
    at = datetime(2026, 1, 31, 2, 0, 5, tzinfo=UTC)
    assert default_name(tmp_path / "pointbell.db", at) == "pointbell-20260131T020005Z.db"
