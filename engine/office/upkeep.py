"""Asks about the database itself."""

from __future__ import annotations

from ..janitor import UNITS
from ..store import Kind, Place
from ..workshop import Workshop
from .ask import Answer, Ask


class Tidied(Answer):
    """What one round of tidying came to."""

    removed: dict[Kind, int]
    """Rows by kind; of bodies and words, those that were emptied."""
    further: tuple[Kind, int] | None
    """Where to go on; ``None`` when all is done."""


class Tidy(Ask[Tidied]):
    """Remove what ``retention:`` no longer wants kept, one round of it. Ask again with ``further``."""

    at: tuple[Kind, int] = (Kind.BODIES, 0)


async def tidy(shop: Workshop, ask: Tidy) -> Tidied:
    """Ten rounds of the daemon at once, with as many turns for everybody else in between."""
    kind, after = ask.at
    done = await shop.janitor.round(Place(kind=kind, after=after), 10 * UNITS)
    further = done.further
    return Tidied(removed=dict(done.removed), further=None if further is None else (further.kind, further.after))
