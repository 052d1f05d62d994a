"""A backup in the place of the database: looked at first, made safe, and exchanged in one step.

Everything that can fail happens to a copy of the backup beside the database. The present database is kept under another
name before the copy takes its place; there is no moment at which none is there, and whatever breaks off leaves the one
before or the one after.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from ..errors import StoreBusy, StoreError, StoreOutdated
from ..model import TimerState
from . import installation, migrations, sqlite, witness
from .copies import Progress, check, copy, make_durable, part_of
from .dialect import stands
from .restored import Unsure, copied_at, last_sign_of_life, went_back
from .rows import NotificationState
from .schema import card, event, member, notification, timer
from .upgrading import free_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a backup is. A copy of it lies ready beside the database."""

    backup: Path
    part: Path
    taken_at: datetime
    """The moment it shows, aware UTC: as it says itself, else the last thing that happened in it."""
    schema: int
    ours: bool | None
    """Whether it is of this very installation; ``None`` where there is nothing to compare it with."""
    holds: Mapping[str, int]
    """How many ``events``, ``sent`` messages, ``members``, ``cards`` and armed ``reminders`` are in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """The backup is the database now."""

    unsure: Unsure
    aside: Path | None
    """Where the database is that was there before; ``None`` where there was none."""


@contextmanager
def examined(backup: Path, database: Path, progress: Progress | None = None) -> Iterator[Found]:
    """Copy a backup to beside the database and look it over. The caller must own the database.

    Raises:
        StoreError: it is not there, cannot be read, is not sound, or is not a database of Pointbell.
        StoreOutdated: a newer Pointbell wrote it.
    """
    _refuse(backup, database)
    database.parent.mkdir(parents=True, exist_ok=True)
    with part_of(database, f"cannot write to {database.parent}") as part:
        try:
            copy(lambda: _at_rest(backup), part, progress)
            with closing(sqlite3.connect(part)) as connection:
                check(connection)
                _check_references(connection)
        except sqlite3.Error as error:
            raise StoreError(f"cannot use {backup}: {error}") from error
        yield _look(backup, part, database)


def put_in_place(found: Found, database: Path, now: datetime) -> Exchanged:
    """Bring the copy up to date, hold what may have been sent since, and make it the database.

    Raises:
        StoreError: it cannot be done; the database is as it was.
    """
    seen = witness.read(database)
    with _open(found.part) as connection:
        migrations.upgrade(connection)
    with _open(found.part) as connection:
        unsure = went_back(connection, min(found.taken_at, now), now)
        # Ahead of the file beside the database: that it is older than before is known by now.
        witness.beat(connection, now, at_least=seen.number if seen else 0)
    try:
        _take_over_rights(found.part, database)
        make_durable(found.part)
        aside = _keep(database, now) if database.exists() else None
        found.part.replace(database)
        make_durable(database.parent)
    except OSError as error:
        raise StoreError(f"cannot put {found.backup} in the place of {database}: {error}") from error
    return Exchanged(unsure=unsure, aside=aside)


def _refuse(backup: Path, database: Path) -> None:
    if not backup.is_file():
        raise StoreError(f"there is no backup at {backup}")
    if database.exists() and backup.samefile(database):
        raise StoreError(f"{backup} is the database itself")


def _at_rest(backup: Path) -> sqlite3.Connection:
    """The backup as it lies there; nothing is written beside it unless it has a WAL that must be read, too."""
    wal = backup.with_name(f"{backup.name}-wal")
    alone = not wal.exists() or not wal.stat().st_size
    how = "immutable=1" if alone else "mode=ro"
    return sqlite3.connect(f"{backup.absolute().as_uri()}?{how}", uri=True, isolation_level=None)


def _check_references(connection: sqlite3.Connection) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise StoreError(f"the copy is not sound: a row of {broken[0]} refers to a {broken[2]} that is not there")


@contextmanager
def _open(path: Path) -> Iterator[Connection]:
    """One transaction on a file that nobody else knows; its WAL is gone at the end."""
    engine = sqlite.writing_engine(path)
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreError(f"cannot use the copy at {path}: {error.orig}") from error
    finally:
        engine.dispose()


def _look(backup: Path, part: Path, database: Path) -> Found:
    with _open(part) as connection:
        schema = migrations.version(connection)
        if not schema:
            raise StoreError(f"{backup} is not a database of Pointbell")
        if schema > migrations.NEWEST:
            known = f"this Pointbell knows {migrations.NEWEST}"
            raise StoreOutdated(f"{backup} has schema {schema}, {known}: use a newer Pointbell")
        modified = datetime.fromtimestamp(backup.stat().st_mtime, UTC)
        return Found(
            backup=backup,
            part=part,
            taken_at=copied_at(connection) or last_sign_of_life(connection) or modified,
            schema=schema,
            ours=_ours(installation.fingerprint(connection), database),
            holds=_holds(connection),
        )


def _holds(connection: Connection) -> dict[str, int]:
    armed, gone = stands(timer.c.state, TimerState.ARMED), stands(notification.c.state, NotificationState.SENT)
    questions = {
        "events": select(func.count()).select_from(event),
        "sent": select(func.count()).select_from(notification).where(gone),
        "members": select(func.count()).select_from(member),
        "cards": select(func.count()).select_from(card),
        "reminders": select(func.count()).select_from(timer).where(armed),
    }
    return {name: connection.scalar(question) or 0 for name, question in questions.items()}


def _ours(fingerprint: str, database: Path) -> bool | None:
    """Whether the present database is of the same installation; one that cannot be read says nothing."""
    if not database.exists():
        return None
    try:
        with _open(database) as connection:
            return installation.fingerprint(connection) == fingerprint
    except StoreError:
        return None


def _take_over_rights(part: Path, database: Path) -> None:
    """Give the copy the owner and the mode of the database that it replaces."""
    if not database.exists():
        return
    present = database.stat()
    if os.geteuid() == 0:
        os.chown(part, present.st_uid, present.st_gid)
    part.chmod(present.st_mode & 0o777)


def _keep(database: Path, now: datetime) -> Path:
    """Keep the database under another name as well, and part it from its WAL, which would spoil the one to come."""
    _merge_wal(database)
    aside = free_name(database, f"before-restore-{now:%Y%m%dT%H%M%SZ}")
    try:
        os.link(database, aside)
    except OSError:
        shutil.copy2(database, aside)  # A file system without hard links.
    wal, index = (database.with_name(f"{database.name}-{suffix}") for suffix in ("wal", "shm"))
    if wal.exists() and wal.stat().st_size:
        wal.replace(aside.with_name(f"{aside.name}-wal"))
    wal.unlink(missing_ok=True)
    index.unlink(missing_ok=True)
    return aside


def _merge_wal(database: Path) -> None:
    """Bring what is in the WAL into the file, unless the file is too broken for it.

    Raises:
        StoreBusy: somebody is reading it.
    """
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise StoreBusy(f"cannot close {database}: {error}") from error
    except sqlite3.DatabaseError:
        return  # It is kept with its WAL beside it, for whoever can mend it.
    if busy:
        raise StoreBusy(f"another program is reading {database}: end it, then restore again")
