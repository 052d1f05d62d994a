"""The one place where SQLite and PostgreSQL spell a statement differently."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: Connection, table: Table) -> sqlite.Insert:
    """An INSERT that knows ON CONFLICT, in the dialect of the connection.

    Both dialects offer the same methods for it; the type named here is SQLite's.
    """
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value]  # Same methods, no common base class.
    return sqlite.insert(table)
