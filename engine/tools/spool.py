"""What a file said, kept aside between weighing it and bringing it in, and given back in the order of its keys.

A database whose keys come in order appends; one whose keys come in any order, as those of most systems do, has to
rewrite a page for every row: ten times the work, and more the larger it gets.
"""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar, cast

T = TypeVar("T")

SORTED_FROM = 20_000
"""Items from which on order is worth its price. Fewer come back as they were put in."""
_PAGE = 1_000


class Spool(Generic[T]):
    """Items in a file of their own, which nobody else can see and which is gone with it."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("CREATE TABLE item (number INTEGER PRIMARY KEY, key TEXT, data BLOB)")
        self.count = 0

    def add(self, items: Iterable[tuple[str, T]]) -> None:
        """Put items in, each with its key."""
        rows = [(key, pickle.dumps(item, pickle.HIGHEST_PROTOCOL)) for key, item in items]
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO item (key, data) VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")
        self.count += len(rows)

    def ordered(self, skip: int = 0) -> Iterator[T]:
        """The items by their keys, those with the same key as they were put in, from the ``skip``-th on."""
        order = "key, number" if self.count >= SORTED_FROM else "number"
        found = self._connection.execute(f"SELECT data FROM item ORDER BY {order} LIMIT -1 OFFSET ?", (skip,))  # noqa: S608 - one of the two above
        while page := found.fetchmany(_PAGE):
            for (data,) in page:
                yield cast("T", pickle.loads(data))  # noqa: S301 - written by this process, seen by nobody else.

    def close(self) -> None:
        """Forget them."""
        self._connection.close()
