"""Which names have been seen before, exactly, in memory that does not grow with their number."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

_ADD = "INSERT OR IGNORE INTO seen VALUES (?)"


class Seen:
    """A set of names that lives in a file of its own, which is gone with it."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("CREATE TABLE seen (name TEXT PRIMARY KEY) WITHOUT ROWID")
        self.count = 0
        """How many different things there have been."""

    def add(self, things: Iterable[Sequence[str]]) -> list[bool]:
        """Of each thing, in order, whether its first name is new; all its names are known from then on."""
        cursor = self._connection.cursor()
        cursor.execute("BEGIN")
        new = []
        for first, *others in things:
            new.append(cursor.execute(_ADD, (first,)).rowcount == 1)
            cursor.executemany(_ADD, ((other,) for other in others))
        cursor.execute("COMMIT")
        self.count += sum(new)
        return new

    def close(self) -> None:
        """Forget them."""
        self._connection.close()
