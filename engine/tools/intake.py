"""Files of events, handed in as deliveries.

They go through the pipeline's own door. Whoever can read the file and write the database needs no signature: the
person at this machine is trusted, the network is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from ..errors import BodyError, PointbellError
from ..ingest import Delivery, SourceSettings, read
from ..language.problem import suggest
from .event_files import Piece

BATCH = 250
"""Deliveries that share a commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A body that could not be used, where it stands, and why."""

    file: str
    place: str
    reason: str


@dataclass(slots=True)
class TakenIn:
    """What came of some files."""

    new: int = 0
    repeated: int = 0
    quarantined: list[Trouble] = field(default_factory=list)
    """Stored, but unreadable: set aside with the reason. They count as new, too."""
    refused: list[Trouble] = field(default_factory=list)
    """Not stored: larger than the door lets in."""


def trusted(source: SourceSettings) -> SourceSettings:
    """The source as it is used from this machine: nobody has to vouch for what comes in."""
    return replace(source, secrets=(), unsigned=True)


def source_named(sources: Mapping[str, SourceSettings], name: str | None) -> SourceSettings:
    """The trusted form of the source of this name; without a name, of the first one there is.

    Raises:
        PointbellError: there is no such source.
    """
    if not sources:
        raise PointbellError("config.yaml names no source: add one under sources:")
    name = name or next(iter(sources))
    if name not in sources:
        raise PointbellError(f"there is no source {name} in config.yaml: {suggest(name, sources)}")
    return trusted(sources[name])


def delivery_of(body: bytes, source: SourceSettings, type_hint: str | None, now: datetime) -> Delivery:
    """A body from a file as a delivery. ``source`` must be a trusted one."""
    return Delivery(
        source=source,
        headers={"content-type": "application/json"},
        body=body,
        received_at=now,
        type_hint=type_hint,
    )


async def take_in(
    name: str,
    pieces: Iterable[Piece],
    *,
    source: SourceSettings,
    type_hint: str | None,
    accept: Callable[[Delivery], Awaitable[bool]],
    now: Callable[[], datetime],
    taken: TakenIn,
    progress: Callable[[], None],
) -> None:
    """Hand in the bodies of one file, in order, and count in ``taken`` what came of them.

    Raises:
        StoreBusy: the database refused; what was handed in before stays stored.
    """
    for batch in _batches(pieces):
        small = [piece for piece in batch if not _refuse(name, piece, source, taken)]
        deliveries = [delivery_of(piece.body, source, type_hint, now()) for piece in small]
        news = await asyncio.gather(*(accept(delivery) for delivery in deliveries))
        for piece, delivery, new in zip(small, deliveries, news, strict=True):
            _count(name, piece, delivery, taken, new=new)
        progress()


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    rest = iter(pieces)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _refuse(name: str, piece: Piece, source: SourceSettings, taken: TakenIn) -> bool:
    if len(piece.body) <= source.max_bytes:
        return False
    reason = f"it has {len(piece.body)} bytes, more than the {source.max_bytes} that http.max_body allows"
    taken.refused.append(Trouble(file=name, place=piece.place, reason=reason))
    return True


def _count(name: str, piece: Piece, delivery: Delivery, taken: TakenIn, *, new: bool) -> None:
    if not new:
        taken.repeated += 1
        return
    taken.new += 1
    try:
        read(delivery)
    except BodyError as error:
        taken.quarantined.append(Trouble(file=name, place=piece.place, reason=str(error)))
