"""What belongs to this one installation: its secret, what it remembers, and whether its database takes writes."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, select

from .dialect import insert
from .schema import meta

PLANNED_UNDER = "planned_under"
"""The ruleset under which all cards' reminders were last planned."""

_SECRET = "installation_secret"  # noqa: S105 - the name of the row, not the secret.
_PROBE = "probe"
_SECRET_BYTES = 32
_PROBE_SIZE = 8192
"""Larger than a page, so that room for a new one is needed."""


def secret(connection: Connection) -> bytes:
    """The secret of this installation, made when it is asked for the first time."""
    fresh = {"name": _SECRET, "value": secrets.token_hex(_SECRET_BYTES)}
    connection.execute(insert(connection, meta).on_conflict_do_nothing(index_elements=["name"]).values(fresh))
    kept: str = connection.execute(select(meta.c.value).where(meta.c.name == _SECRET)).scalar_one()
    return bytes.fromhex(kept)


def probe(connection: Connection) -> None:
    """Write something and take it back."""
    connection.execute(meta.insert().values(name=_PROBE, value="." * _PROBE_SIZE))
    connection.execute(meta.delete().where(meta.c.name == _PROBE))


def noted(connection: Connection, name: str) -> str | None:
    """What was last noted under a name."""
    found: str | None = connection.scalar(select(meta.c.value).where(meta.c.name == name))
    return found


def note(connection: Connection, name: str, value: str) -> None:
    """Remember a value under a name."""
    statement = insert(connection, meta).values(name=name, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
