"""Files of events, handed in as deliveries.

They go through the pipeline's own door. Whoever can read the file and write the database needs no signature: the
person at this machine is trusted, the network is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..errors import BodyError, PointbellError
from ..ingest import Delivery, SourceSettings, read
from ..language.problem import suggest
from ..model import Telling
from .event_files import Piece

BATCH, BATCH_BYTES = 250, 4 << 20
"""Deliveries that are handed in together, and how large they may be together: whoever runs meanwhile is not held up."""


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


def delivery_of(
    body: bytes, source: SourceSettings, type_hint: str | None, now: datetime, telling: Telling = Telling.NEWS
) -> Delivery:
    """A body from a file as a delivery. ``source`` must be a trusted one."""
    return Delivery(
        source=source,
        headers={"content-type": "application/json"},
        body=body,
        received_at=now,
        type_hint=type_hint,
        telling=telling,
    )


async def take_in(
    name: str,
    pieces: Iterable[Piece],
    *,
    source: SourceSettings,
    type_hint: str | None,
    hand_in: Callable[[Sequence[bytes]], Awaitable[Sequence[bool]]],
    now: Callable[[], datetime],
    taken: TakenIn,
    progress: Callable[[], None],
) -> None:
    """Hand in the bodies of one file, in order, and count in ``taken`` what came of them.

    ``hand_in`` stores some bodies and says for each whether it is new.

    Raises:
        StoreBusy: the database refused; what was handed in before stays stored.
    """
    fitting = (piece for piece in pieces if not _refuse(name, piece, source, taken))
    for batch in _batches(fitting):
        news = await hand_in([piece.body for piece in batch])
        for piece, new in zip(batch, news, strict=True):
            _count(name, piece, delivery_of(piece.body, source, type_hint, now()), taken, new=new)
        progress()


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    size = 0
    for piece in pieces:
        if batch and (len(batch) == BATCH or size + len(piece.body) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(piece)
        size += len(piece.body)
    if batch:
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
