"""A file of members into the directory, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ..model import Snapshot
from ..store import Store
from .members_file import Rejected

BATCH = 500
"""Members per transaction."""


@dataclass(slots=True)
class Imported:
    """What came of a file."""

    accepted: int = 0
    rejected: int = 0
    rejections: list[Rejected] = field(default_factory=list)
    """The first of them, as many as were asked for."""


async def import_members(
    rows: Iterable[Snapshot | Rejected],
    store: Store | None,
    now: Callable[[], datetime],
    *,
    keep: int | None,
    progress: Callable[[], None],
) -> Imported:
    """Bring the good rows in and count the others. Without a store nothing is written.

    ``keep`` is how many rejections to remember, ``None`` for all; ``progress`` is called after each batch.
    """
    done, batch = Imported(), list[Snapshot]()
    for row in rows:
        if isinstance(row, Rejected):
            _reject(done, row, keep)
            continue
        batch.append(row)
        if len(batch) == BATCH:
            await _write(batch, store, now, done)
            batch.clear()
            progress()
    await _write(batch, store, now, done)
    progress()
    return done


async def _write(batch: list[Snapshot], store: Store | None, now: Callable[[], datetime], done: Imported) -> None:
    if store is not None and batch:
        await store.import_members(batch, now())
    done.accepted += len(batch)


def _reject(done: Imported, row: Rejected, keep: int | None) -> None:
    done.rejected += 1
    if keep is None or len(done.rejections) < keep:
        done.rejections.append(row)
