"""``retention:``: what is kept for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from ..ruleset.times import LONGEST, duration_meant, read_duration
from ..store import Kind, Retention
from .reading import BAD_SETTING, Reading
from .settings import Section

FOREVER = "forever"
SHORTEST = timedelta(days=1)
SHORTEST_STUB = timedelta(days=30)
"""A producer may send a delivery again, and somebody hand in a file again; what is forgotten by then is sent again."""
_SECTION = "retention"


def _kept(value: Any) -> Any:
    """A length of time, or ``None`` for ever."""
    if value == FOREVER:
        return None
    length = read_duration(value) if isinstance(value, str) else None
    if length is None:
        meant = duration_meant(value if isinstance(value, str) else f"{value} days")
        raise ValueError(f'is not a length of time; {meant}, or "{FOREVER}"')
    if not SHORTEST <= length <= LONGEST:
        raise ValueError(f'is not within "1 day" and "{LONGEST.days} days"; "{FOREVER}" is possible, too')
    return length


Kept = Annotated[timedelta | None, BeforeValidator(_kept)]


class RetentionSettings(Section):
    """How long each kind is kept."""

    bodies: Kept = timedelta(days=90)
    """The bodies of deliveries; their keys and what was read out of them stay."""
    messages: Kept = timedelta(days=90)
    """The words of messages; to whom and when they went stays."""
    decisions: Kept = timedelta(days=400)
    events: Kept = timedelta(days=400)
    """What is left of a delivery, with its decisions and messages: from then on it would be new if it came again."""
    timers: Kept = timedelta(days=400)
    """Reminders that are over."""


def retention_of(reading: Reading) -> Retention | None:
    """What the section says; ``None``, with the faults noted, when it cannot be used."""
    said = reading.settings(RetentionSettings, (_SECTION,))
    if said is None:
        return None
    written = reading.keys((_SECTION,))
    if said.events is not None and said.events < SHORTEST_STUB:
        why = "is too short: a delivery that comes again would be taken for a new one, and mailed about again"
        reading.fault((_SECTION, "events"), BAD_SETTING, why, 'write "30 days" or more')
        return None
    kept = {kind: getattr(said, kind.value) for kind in Kind}
    for kind in (Kind.BODIES, Kind.MESSAGES, Kind.DECISIONS):
        if not _outlives(kept[kind], said.events):
            continue
        if kind.value in written:
            why = f"is longer than retention.events ({_in_words(said.events)}), and they go with their event"
            reading.fault((_SECTION, kind.value), BAD_SETTING, why, "keep events as long, or these no longer")
        kept[kind] = said.events
    return Retention(**{kind.value: length for kind, length in kept.items()})


def _outlives(length: timedelta | None, other: timedelta | None) -> bool:
    return other is not None and (length is None or length > other)


def _in_words(length: timedelta | None) -> str:
    return FOREVER if length is None else f"{length.days} days"
