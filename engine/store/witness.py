"""A number beside the database that only grows, and shows when the database itself has gone back in time.

While a process owns the database it raises a number in it, then writes the same number to a small file beside it. The
database is written first, so it is never behind the file, unless an older copy was put in its place: by ``cp``, by
Litestream, by whatever means. A machine that is taken back as a whole takes the file back, too; nothing on it can tell.

The machine's own name or id would be no better witness: containers get a new one each time they are made, a clone
keeps the old one, and a database that was moved on purpose is no older for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from ..errors import StoreBusy
from . import installation
from .restored import Unsure, copied_at, went_back
from .rows import micros, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A sign of life: which installation gave it, and its number."""

    installation: str
    number: int
    """Microseconds since 1970 UTC, or more: it grows also where the clock is put back."""


def witness_of(database: Path) -> Path:
    """The file beside the database."""
    return database.with_name(f"{database.name}.alive")


def beat(connection: Connection, now: datetime, at_least: int = 0) -> Sign:
    """Give a sign of life: in the database, whose commit has to come before ``write``."""
    number = max(_last(connection) + 1, at_least + 1, micros(now))
    installation.note(connection, installation.ALIVE, str(number))
    return Sign(installation=installation.fingerprint(connection), number=number)


def begin(connection: Connection, database: Path, now: datetime) -> tuple[Sign, Unsure | None]:
    """Give the first sign of life of a process. Should the database have gone back in time, hold what may be sent."""
    seen = read(database)
    known = seen is not None and seen.installation == installation.fingerprint(connection)
    number = seen.number if seen is not None and known else 0
    since = copied_at(connection)
    if since is None and number > _last(connection):
        since = moment(_last(connection))
    unsure = went_back(connection, since, now) if since is not None else None
    return beat(connection, now, at_least=number), unsure


def read(database: Path) -> Sign | None:
    """What the file says; ``None`` where there is none, or where it breaks off."""
    try:
        words = witness_of(database).read_text(encoding="ascii", errors="replace").split()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreBusy(f"cannot read {witness_of(database)}: {error.strerror}") from error
    whole = len(words) == len(("installation", "number")) and words[1].isdecimal()
    return Sign(installation=words[0], number=int(words[1])) if whole else None


def write(database: Path, sign: Sign) -> None:
    """Put the sign into the file.

    Raises:
        StoreBusy: it cannot be written.
    """
    path = witness_of(database)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(f"{sign.installation} {sign.number}\n", encoding="ascii")
        part.replace(path)
    except OSError as error:
        raise StoreBusy(f"cannot write {path}: {error.strerror}") from error


def _last(connection: Connection) -> int:
    return int(installation.noted(connection, installation.ALIVE) or 0)
