"""What belongs to this one installation: its secret, what it remembers, and whether its database takes writes."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import Connection, select

from .dialect import insert
from .schema import meta

PLANNED_UNDER = "planned_under"
"""The ruleset under which all cards' reminders were last planned."""
MODE = "delivery_mode"
"""The delivery mode with which the programme last ran."""

COPIED_AT = "copied_at"
"""In a backup: the moment it shows. A database that bears it is a copy, put in place by whatever means."""
DECISIONS_SINCE = "decisions_since"
"""Up to when decisions have been removed, in microseconds: what was decided before may no longer be told."""
ALIVE = "alive"
"""A number that only grows while a process owns the database; see ``witness``."""

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


def fingerprint(connection: Connection) -> str:
    """What tells this installation from others without giving its secret away."""
    return hashlib.sha256(b"pointbell installation " + secret(connection)).hexdigest()[:16]


def probe(connection: Connection) -> None:
    """Write something and take it back."""
    connection.execute(meta.insert().values(name=_PROBE, value="." * _PROBE_SIZE))
    connection.execute(meta.delete().where(meta.c.name == _PROBE))


def noted(connection: Connection, name: str) -> str | None:
    """What was last noted under a name."""
    found: str | None = connection.scalar(select(meta.c.value).where(meta.c.name == name))
    return found


def forget(connection: Connection, name: str) -> None:
    """Remember nothing under a name."""
    connection.execute(meta.delete().where(meta.c.name == name))


def note(connection: Connection, name: str, value: str) -> None:
    """Remember a value under a name."""
    statement = insert(connection, meta).values(name=name, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
