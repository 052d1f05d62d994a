"""SQLite as the default database: one file, owned by one daemon.

WAL with ``synchronous=FULL``, so that what is committed survives a power cut; ``BEGIN IMMEDIATE``, because a deferred
upgrade from read to write fails at once and ignores the busy timeout. Nothing newer than SQLite 3.38 is used.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

from ..errors import StoreBusy, StoreError, StoreOwned

BUSY_TIMEOUT_MS = 5_000


def writing_engine(path: Path) -> Engine:
    """An engine whose transactions take the write lock at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _private(path)
    engine = create_engine(_url(path), pool_size=1, max_overflow=0)
    event.listen(engine, "connect", _prepare_writing)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _private(path: Path) -> None:
    """Have the file made for its own user alone: addresses are in it. SQLite's files beside it take its mode."""
    with suppress(OSError):  # SQLite will say in its own words why the file cannot be opened.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def reading_engine(path: Path) -> Engine:
    """An engine that cannot write; its transactions are short snapshots.

    Raises:
        StoreError: there is no such file.
    """
    if not path.exists():
        raise StoreError(f"there is no database at {path}: start with `pointbell run`, `ingest` or `demo`")
    engine = create_engine(_url(path), pool_size=2)
    event.listen(engine, "connect", _prepare_reading)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Hold the database for this process alone.

    Raises:
        StoreOwned: another process holds it; its number is in the message.
        StoreBusy: the lock file cannot be written.
    """
    lock = path.with_name(path.name + ".lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreBusy(f"cannot open {lock}: {error.strerror}") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            pid = handle.read().strip()
            owner = f"process {pid}" if pid else "another process"
            raise StoreOwned(_owner_message(path, owner), owner) from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def _url(path: Path) -> URL:
    """The path as it is: in a URL written by hand a question mark would end it."""
    return URL.create("sqlite", database=str(path))


def _owner_message(path: Path, owner: str) -> str:
    return (
        f"{path} is in use by {owner}, and one process owns the file. "
        "Stop it first, or give this one another `store:` in its config.yaml."
    )


def _prepare_writing(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    _pragmas(connection, "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON")


def _prepare_reading(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    _pragmas(connection, "query_only = ON")


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "foreign_keys = ON", *pragmas):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
