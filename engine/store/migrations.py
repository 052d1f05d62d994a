"""How the schema came to be: ordered functions, additive first, each run once.

On SQLite they run by themselves when the daemon starts, after a backup of an existing file; on PostgreSQL with
``pointbell db upgrade``.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, inspect, select

from ..errors import StoreOutdated
from .schema import meta, metadata

_VERSION = "schema_version"


def _first_tables(connection: Connection) -> None:
    metadata.create_all(connection)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first_tables,)
"""Step n brings version n to version n + 1."""


def version(connection: Connection) -> int:
    """The schema version of the database; 0 for an empty one."""
    if not inspect(connection).has_table(meta.name):
        return 0
    found = connection.scalar(select(meta.c.value).where(meta.c.name == _VERSION))
    return int(found) if found else 0


def upgrade(connection: Connection) -> tuple[int, int]:
    """Bring the schema up to date; the versions before and after.

    Raises:
        StoreOutdated: the database was written by a newer Pointbell.
    """
    before = version(connection)
    if before > len(MIGRATIONS):
        raise StoreOutdated(
            f"the database has schema {before}, this Pointbell knows {len(MIGRATIONS)}: use a newer Pointbell"
        )
    for step in MIGRATIONS[before:]:
        step(connection)
    if before == 0:
        connection.execute(meta.insert().values(name=_VERSION, value=str(len(MIGRATIONS))))
    elif before < len(MIGRATIONS):
        connection.execute(meta.update().where(meta.c.name == _VERSION).values(value=str(len(MIGRATIONS))))
    return before, len(MIGRATIONS)
