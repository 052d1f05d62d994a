"""Hot statements: written once in SQLAlchemy Core, compiled once per dialect, and run by the driver.

Building a Core statement for every call costs ten times what SQLite needs to run it. Here it is built when it is first
used; what remains per call is to put the values in order. Trouble comes as SQLAlchemy's ``DBAPIError``, as elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import ClauseElement, Column, Connection, CursorResult, Insert, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault


class Prepared:
    """One statement, built for the connection's dialect and for the names of the values it is given.

    All rows of a call have the same names. They are those of the statement's ``bindparam``s, or the columns of an
    INSERT that does not say its own.
    """

    def __init__(self, build: Callable[[Connection, Sequence[str]], ClauseElement]) -> None:
        self._build = build
        self._ready: dict[tuple[str, ...], _Ready] = {}

    def run(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """Run it once."""
        ready = self.ready(connection, values)
        return connection.exec_driver_sql(ready.text, ready.bound(values))

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it for every row, where nobody asks what came of each; how many rows of the table were touched."""
        if not rows:
            return 0
        ready = self.ready(connection, rows[0])
        return connection.exec_driver_sql(ready.text, list(map(ready.bound, rows))).rowcount

    def each(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Run it for every row, in order; of each how many rows of the table it touched."""
        return self._loop(connection, rows, lambda cursor: cursor.rowcount)

    def returned(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[list[tuple[Any, ...]]]:
        """Run it for every row, in order; for each what it returned."""
        return self._loop(connection, rows, lambda cursor: cursor.fetchall())

    def firsts(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...] | None]:
        """Run it for every row, in order; for each the first row it returned."""
        return [found[0] if found else None for found in self.returned(connection, rows)]

    def ready(self, connection: Connection, row: Mapping[str, Any]) -> _Ready:
        """The statement as the driver of this connection takes it."""
        shape = (connection.dialect.name, *row)
        ready = self._ready.get(shape)
        if ready is None:
            ready = self._ready[shape] = _Ready(self._build(connection, list(row)), connection, list(row))
        return ready

    def _loop(
        self, connection: Connection, rows: Sequence[Mapping[str, Any]], result: Callable[[Any], Any]
    ) -> list[Any]:
        if not rows:
            return []
        ready = self.ready(connection, rows[0])
        cursor, results = connection.connection.cursor(), []
        try:
            for row in rows:
                cursor.execute(ready.text, ready.bound(row))
                results.append(result(cursor))
        except Exception as error:
            raise _as_elsewhere(error, connection, ready) from error
        finally:
            cursor.close()
        return results


def every_row(connection: Connection, statement: Select[Any]) -> list[dict[str, Any]]:
    """What a statement finds, by name. The names are asked for once; every row of ``mappings`` asks anew."""
    found = connection.execute(statement)
    names = list(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found]


class _Ready:
    """The text of a statement, and how its values are put in order."""

    def __init__(self, statement: ClauseElement, connection: Connection, names: list[str]) -> None:
        columns = names if isinstance(statement, Insert) else None
        compiled = statement.compile(dialect=connection.dialect, column_keys=columns)
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("only statements that carry values can be prepared")
        if compiled.post_compile_params:
            raise TypeError("a list of values changes the text of its statement: it cannot be prepared")
        self.text = compiled.string
        # What the statement says itself: literals, and the defaults of columns that are not given.
        self._fixed = {name: bind.effective_value for bind, name in compiled.bind_names.items() if not bind.required}
        self._fixed |= {column.key: _default(column) for column in compiled.insert_prefetch}
        self._pick = _picker(compiled.positiontup)

    def bound(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        return self._pick({**self._fixed, **values})


def _picker(names: Sequence[str] | None) -> Callable[[dict[str, Any]], Any]:
    """From values by name to values in order; names stay where the driver takes values by name."""
    if names is None:
        return dict
    if len(names) == 1:
        only = names[0]
        return lambda values: (values[only],)
    return itemgetter(*names) if names else lambda _: ()


def _default(column: Column[Any]) -> Any:
    if not isinstance(column.default, ScalarElementColumnDefault):
        raise TypeError(f"{column} needs a value: its default is not a plain one")
    return column.default.arg


def _as_elsewhere(error: Exception, connection: Connection, ready: _Ready) -> Exception:
    base = connection.dialect.loaded_dbapi.Error
    if not isinstance(error, base):
        return error
    return DBAPIError.instance(ready.text, None, error, base, hide_parameters=True, dialect=connection.dialect)
