"""Indexes that wait: into an empty table many rows come in first, and its indexes are made once, at the end.

Nothing depends on these indexes but speed. Whatever happens in between, a database that is opened is whole again.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Index, Table, func, inspect, select

from .schema import card, member, metadata, timer

WORTH = 100_000
"""Rows from which on it is worth while."""
_EMPTY = 4
"""A table is as good as empty for a file that brings so many times what is in it."""
_WAITING: Mapping[str, Mapping[Table, tuple[str, ...]]] = {
    "members": {member: ("member_email",)},
    "cards": {
        card: ("card_member", "card_code"),
        timer: ("timer_due", "timer_over", "timer_subject", "timer_member", "timer_lane"),
    },
}
"""By kind of file: what bringing it in does not look for."""


def put_off_indexes(connection: Connection, kind: str, expected: int) -> None:
    """Take away the indexes that would slow ``expected`` rows down. The caller is alone with the database.

    On PostgreSQL nobody is ever alone.
    """
    if connection.dialect.name != "sqlite" or expected < WORTH:
        return
    for table, names in _WAITING.get(kind, {}).items():
        if _rows(connection, table, expected) * _EMPTY < expected:
            for name in names:
                _index(table, name).drop(connection, checkfirst=True)


def make_whole(connection: Connection) -> None:
    """Make the indexes that are not there."""
    look = inspect(connection)
    for table in metadata.sorted_tables:
        present = {found["name"] for found in look.get_indexes(table.name)}
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            if index.name not in present:
                index.create(connection)


def _rows(connection: Connection, table: Table, most: int) -> int:
    some = select(table.c[0]).limit(most).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def _index(table: Table, name: str) -> Index:
    return next(index for index in table.indexes if index.name == name)
