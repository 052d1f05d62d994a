"""The one place where SQLite and PostgreSQL spell a statement differently."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, Connection, Table, func, literal_column, or_, select
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: Connection, table: Table) -> sqlite.Insert:
    """An INSERT that knows ON CONFLICT, in the dialect of the connection.

    Both dialects offer the same methods for it; the type named here is SQLite's.
    """
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value]  # Same methods, no common base class.
    return sqlite.insert(table)


def alone(connection: Connection, lock: int) -> None:
    """Let no other transaction that asks for the same lock run beside this one.

    SQLite's transactions are alone anyway: they begin IMMEDIATE.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(lock)))


def stands(column: Column[str], *states: str) -> ColumnElement[bool]:
    """Whether a row is in one of these states, written out in the statement.

    A partial index serves only where the planner can see that its condition holds; a bound parameter hides it.
    """
    written: list[ColumnElement[str]] = [literal_column("'" + state.replace("'", "''") + "'") for state in states]
    if len(written) == 1:
        return column == written[0]
    return or_(*(column == state for state in written))
