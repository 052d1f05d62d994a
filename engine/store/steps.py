"""Walking an index by its first column: one step per value, however many rows there are of each."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, Connection, func, select


def least_by(
    connection: Connection, group: Column[str], value: Column[int], where: ColumnElement[bool]
) -> dict[str, int]:
    """The least ``value`` of each ``group`` among the rows of which ``where`` holds.

    Needs an index over (group, value) that holds those rows; grouping instead would read all of it.
    """
    first = select(func.min(group).label("name")).where(where).cte("names", recursive=True)
    following = select(func.min(group)).where(where, group > first.c.name).scalar_subquery()
    names = first.union_all(select(following).where(first.c.name.is_not(None)))
    least = select(func.min(value)).where(where, group == names.c.name).scalar_subquery()
    return {name: found for name, found in connection.execute(select(names.c.name, least)) if name is not None}
