"""A file, read twice: once to be weighed, and, when somebody has agreed, once to be brought in, batch by batch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from io import BufferedReader
from typing import Generic, Protocol, Self, TypeAlias, TypeVar

from .cells import BadCell
from .table_file import Rejected, TableRow

T = TypeVar("T")
S = TypeVar("S", bound="Sum")

WEIGHED = 1_000
"""Rows that are weighed together."""
_STEP = timedelta(microseconds=1)
_BLOCK = 1 << 20

Rows: TypeAlias = Callable[[BufferedReader], Iterator[TableRow | Rejected]]
Read: TypeAlias = Callable[[TableRow, datetime], T]
"""What a row says, given the time for which it holds. Raises ``BadCell``."""


class Sum(Protocol):
    """What batches come to, taken together."""

    def __add__(self, other: Self) -> Self: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Generic[T]):
    """How the rows of one file are read."""

    rows: Rows
    read: Read[T]

    def items(self, file: BufferedReader, as_of: datetime) -> Iterator[T | Rejected]:
        """What the rows say.

        Each row counts a microsecond later than the one before: of two rows about one thing the second is the newer.

        Raises:
            ImportFileError: the file as a whole cannot be used.
        """
        for number, row in enumerate(self.rows(file)):
            if isinstance(row, Rejected):
                yield row
                continue
            try:
                yield self.read(row, as_of + number * _STEP)
            except BadCell as error:
                yield Rejected(line=row.line, column=error.column, reason=str(error))


@dataclass(slots=True)
class Weighed:
    """How many rows of a file can be used, and how many cannot."""

    good: int = 0
    bad: int = 0


def weigh(
    items: Iterator[T | Rejected],
    count: Callable[[Sequence[T]], None],
    reject: Callable[[Rejected], None],
    progress: Callable[[], None],
) -> Weighed:
    """Have the good rows counted and kept, batch by batch, and the bad ones noted one by one."""
    weighed = Weighed()
    for batch in _batches(items, WEIGHED):
        good = [item for item in batch if not isinstance(item, Rejected)]
        for item in batch:
            if isinstance(item, Rejected):
                reject(item)
        count(good)
        weighed.good += len(good)
        weighed.bad += len(batch) - len(good)
        progress()
    return weighed


async def bring_in(
    items: Iterator[T],
    hand_in: Callable[[Sequence[T], int, bool], Awaitable[S]],
    *,
    rows: int,
    size: int,
    progress: Callable[[int], None],
) -> S:
    """Hand items in, batch by batch, and add up what came of them.

    ``hand_in`` gets some of them, how many rows of the file are then in, and whether they are the last; ``rows`` are
    in already. While one batch is being written the next is read.
    """
    batches = _batches(items, size)
    batch: list[T] | None = next(batches, [])
    under_way: asyncio.Task[S] | None = None
    total: S | None = None
    while batch is not None:
        following = next(batches, None)
        rows += len(batch)
        if under_way is not None:
            total = _added(total, await under_way)
        under_way = asyncio.ensure_future(hand_in(batch, rows, following is None))
        await asyncio.sleep(0)  # So that it is handed over before the next batch is read.
        batch = following
        progress(rows)
    if under_way is None:
        raise RuntimeError("there is always a batch, be it an empty one")
    return _added(total, await under_way)


def digest_of(file: BufferedReader, manner: str) -> str:
    """By what a file is known: its content, and the manner of reading it."""
    digest = sha256(manner.encode())
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _added(total: S | None, more: S) -> S:
    return more if total is None else total + more


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
