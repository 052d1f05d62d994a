"""Rule tests as they are written: what comes in and when, and everything that must come of it.

What a test file may say is read in ``timeline_reading``; ``tools.timeline`` runs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from ..model import Value
from .positions import Plain

Outcome: TypeAlias = Literal["send", "skip", "move", "cancel"]
KINDS: tuple[Outcome, ...] = ("send", "skip", "move", "cancel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that comes in."""

    at: datetime | None
    """Aware UTC; ``None`` for a recorded event that comes in when it happened."""
    event: str = ""
    """Its neutral name; empty for a recorded one."""
    card: Mapping[str, Plain] | None = None
    data: Mapping[str, Plain] = field(default_factory=dict)
    recorded: str | None = None
    """A file with a producer's own body, relative to the programme's folder or to that of the test file."""
    source: str | None = None
    """Of a recorded event: which of config.yaml's sources reads it; ``None``: the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One line under ``expect``."""

    at: datetime
    """Aware UTC, to the minute."""
    kind: Outcome
    name: str
    """The template of a send or skip, the rule of a move or cancel."""
    fields: Mapping[str, str | int | tuple[datetime, ...]] = field(default_factory=dict)
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One test: who, what comes in, and what must come of it."""

    name: str
    rules: frozenset[str]
    """The rules that are judged."""
    member_id: str
    member: Mapping[str, Value]
    """What is known of the member before anything comes in."""
    zone: ZoneInfo
    """The member's, in which times without an offset are meant."""
    steps: tuple[Step, ...]
    expect: tuple[Expected, ...]
    consents: Mapping[str, bool | None] = field(default_factory=dict)
    """What the member has said of categories, nothing where ``None``; of the others they have said yes."""
    held_out: bool = False
    """Whether the member is one of those whom ``holdout`` leaves out; by default nobody in a test is."""
    until: datetime | None = None
    """Until when the clock runs; ``None``: until nothing more can come."""
    file: str = ""
    line: int = 1

    @property
    def cards(self) -> frozenset[str]:
        """The fields of cards that any step states."""
        return frozenset(name for step in self.steps for name in step.card or ())


def stated(value: Plain) -> Value:
    """A value out of a file as a fact."""
    if isinstance(value, dict):
        return {name: stated(inner) for name, inner in value.items()}
    return [stated(item) for item in value] if isinstance(value, list) else value


def day_of(text: str) -> date | None:
    """``2026-01-31`` as a date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
