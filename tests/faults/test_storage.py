"""A disk that fills up, and a database that somebody else holds: 503, nothing lost, nothing twice; then it goes on."""

import asyncio
import os
import resource
import sqlite3
import subprocess
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from engine.store import disk as disk_room
from engine.store.disk import Disk
from tests.kill.harness import Counts, count, loaded
from tests.running import running, until

MIB = 1024 * 1024


def told(counts: Counts, refused, capsys):
    with capsys.disabled():
        print(f"\n{counts}, refused {refused}")
    assert refused
    assert (counts.lost, counts.duplicates, counts.unknown) == (0, 0, 0), counts.lost_ids


# --- the low-water mark ---


def with_room(monkeypatch, mib):
    monkeypatch.setattr(disk_room.os, "statvfs", lambda _: SimpleNamespace(f_bavail=mib * 256, f_frsize=4096))


def test_room_is_measured_once_a_second(monkeypatch, tmp_path):
    now = [0.0]
    disk = Disk(tmp_path, 100 * MIB, lambda: now[0])
    with_room(monkeypatch, 100)
    assert disk.short() is None
    with_room(monkeypatch, 99)
    assert disk.short() is None
    now[0] = 1.0
    assert disk.short() == "the disk is almost full: 99 MiB are free, and http.min_free is 100 MiB"


def test_a_disk_that_cannot_be_measured_has_no_room(tmp_path):
    assert "cannot be measured" in Disk(tmp_path / "gone", 0).short()


async def test_below_the_mark_nothing_is_taken_in_and_what_is_under_way_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_room, "FRESH_S", 0.0)
    async with running(tmp_path) as daemon:
        assert (await daemon.post("/ingest/open", b"{}")).status_code == 202
        with_room(monkeypatch, 255)
        answer = await daemon.post("/ingest/open", b'{"another": 1}')
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        ready = await daemon.client.get("/readyz")
        assert ready.status_code == 503
        assert "http.min_free is 256 MiB" in ready.json()["reasons"][0]
        assert len(await daemon.settled()) == 1
        with_room(monkeypatch, 256)
        assert (await daemon.client.get("/readyz")).status_code == 200
        assert (await daemon.post("/ingest/open", b'{"another": 1}')).status_code == 202
        await until(lambda: len(daemon.events()) == 2)


# --- no room at all ---


async def test_a_file_that_may_not_grow_costs_nothing_that_was_acknowledged(tmp_path, capsys):
    async with loaded(tmp_path, "park", Random(4)) as (sink, daemon, load):
        await daemon.start()
        load.start()
        await load.until(50)
        with unable_to_grow(daemon.pid, (tmp_path / "pointbell.db-wal").stat().st_size):
            await load.until_refused(30)
        await load.until(len(load.acknowledged) + 50)
        await load.stop()
        await daemon.terminate()
        await daemon.finish()
    told(count(tmp_path, sink, load, ends="times full"), load.refused, capsys)


@contextmanager
def unable_to_grow(pid, size):
    """The kernel refuses the process every byte beyond this size of a file, as a full disk would."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.prove
async def test_a_disk_that_is_really_full(tmp_path, capsys):
    """As root: on a file system of 8 MiB in memory, which somebody else fills to the last byte."""
    store = "small/pointbell.db"
    with mounted(tmp_path / "small", mib=8) as small:
        async with loaded(tmp_path, "park", Random(4), min_free="1 MiB", store=store) as (sink, daemon, load):
            await daemon.start()
            load.start()
            await load.until(100)
            for room in (900_000, 0):
                fill(small / "filling", room)
                await load.until_refused(load.refused + 50)
                (small / "filling").unlink()
                await load.until(len(load.acknowledged) + 50)
            await load.stop()
            await daemon.terminate()
            await daemon.finish()
        told(count(tmp_path, sink, load, kills=2, ends="times full", store=store), load.refused, capsys)


@contextmanager
def mounted(folder: Path, *, mib):
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(path: Path, room):
    """Write until so much room is left."""
    with path.open("ab", buffering=0) as file:
        try:
            while (free := os.statvfs(path).f_bavail * os.statvfs(path).f_frsize) > room:
                file.write(b"x" * min(free - room, 65_536))
        except OSError:
            return


# --- a database that another process holds ---


@pytest.mark.prove
async def test_a_database_that_is_locked_for_thirty_seconds(tmp_path, capsys):
    async with loaded(tmp_path, "park", Random(4)) as (sink, daemon, load):
        await daemon.start()
        load.start()
        await load.until(100)
        before = cpu_seconds(daemon.pid)
        with held(tmp_path / "pointbell.db"):
            await asyncio.sleep(30)
        spent = cpu_seconds(daemon.pid) - before
        await load.until(len(load.acknowledged) + 100)
        await load.stop()
        await daemon.terminate()
        await daemon.finish()
    told(count(tmp_path, sink, load, ends="times locked"), load.refused, capsys)
    assert spent < 5, "it waits, and does not run in circles"


@contextmanager
def held(path):
    other = sqlite3.connect(path, isolation_level=None, timeout=60)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def cpu_seconds(pid):
    said = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK")
