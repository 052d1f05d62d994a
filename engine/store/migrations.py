"""How the schema came to be: ordered functions, additive first, each run once.

On SQLite they run by themselves when the daemon starts, after a backup of an existing file; on PostgreSQL with
``pointbell db upgrade``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Connection, Index, Table, bindparam, inspect, select
from sqlalchemy.schema import CreateColumn

from ..errors import StoreOutdated
from .schema import (
    card,
    consent,
    event,
    file_import,
    happening,
    letter,
    member,
    meta,
    metadata,
    notification,
    pause,
    timer,
)

_VERSION = "schema_version"
_PAGE = 1_000


def _going_live(connection: Connection) -> None:
    """Version 2: history, categories, consent and pauses; members by address and cards by code; letters apart."""
    for column in _NEW_COLUMNS:
        _add_column(connection, column)
    for table in (consent, file_import, letter, pause):
        table.create(connection)
    connection.exec_driver_sql(
        "INSERT INTO letter (message_id, payload) SELECT id, payload FROM notification WHERE payload IS NOT NULL"
    )
    connection.exec_driver_sql("ALTER TABLE notification DROP COLUMN payload")
    for table, name in ((timer, "timer_due"), (notification, "notification_due")):
        _index(table, name).drop(connection)
    for table, names in _GOING_LIVE.items():
        for name in names:
            _index(table, name).create(connection)
    _fill(connection, member, "email", lambda said: said.lower())
    _fill(connection, card, "code", lambda said: said)


_NEW_COLUMNS = (
    event.c.history,
    event.c.emptied_at,
    member.c.email,
    member.c.import_id,
    card.c.code,
    card.c.import_id,
    timer.c.waits,
    notification.c.category,
    notification.c.chain,
    notification.c.variant,
    notification.c.again,
    notification.c.cap,
    notification.c.paused_by,
    notification.c.emptied_at,
)
_GOING_LIVE = {
    event: ("event_aside", "event_lane"),
    happening: ("happening_event",),
    member: ("member_email",),
    card: ("card_code",),
    timer: ("timer_due", "timer_over"),
    notification: (
        *("notification_due", "notification_paused", "notification_aside", "notification_event"),
        *("notification_chain", "notification_standby"),
    ),
}
"""The indexes that version 2 makes, or makes anew with other columns."""


def _index(table: Table, name: str) -> Index:
    return next(index for index in table.indexes if index.name == name)


def _add_column(connection: Connection, column: Column[Any]) -> None:
    shape = CreateColumn(column).compile(dialect=connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {shape}")


def _fill(connection: Connection, table: Table, name: str, form: Callable[[str], str]) -> None:
    """Write a fact of each row into the column of its name, page by page."""
    after = ""
    one = table.update().where(table.c.id == bindparam("row")).values({name: bindparam("said")})
    while page := connection.execute(
        select(table.c.id, table.c.facts).where(table.c.id > after).order_by(table.c.id).limit(_PAGE)
    ).all():
        said = ((row.id, json.loads(row.facts).get(name, [None])[0]) for row in page)
        rows = [{"row": id_, "said": form(value)} for id_, value in said if isinstance(value, str)]
        if rows:
            connection.execute(one, rows)
        after = page[-1].id


STEPS: tuple[Callable[[Connection], None], ...] = (_going_live,)
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
