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


STEPS: tuple[Callable[[Connection], None], ...] = ()
"""Step n brings version n + 1 to version n + 2. A new database has the newest shape at once and runs none of them."""
NEWEST = 1 + len(STEPS)


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
    if before > NEWEST:
        raise StoreOutdated(f"the database has schema {before}, this Pointbell knows {NEWEST}: use a newer Pointbell")
    if before == 0:
        metadata.create_all(connection)
        connection.execute(meta.insert().values(name=_VERSION, value=str(NEWEST)))
        return before, NEWEST
    for step in STEPS[before - 1 :]:
        step(connection)
    connection.execute(meta.update().where(meta.c.name == _VERSION).values(value=str(NEWEST)))
    return before, NEWEST
