"""A rule as it runs: read, checked and compiled. What a rule file may say is in ``parse``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from typing import TypeAlias

from ..language import Condition
from ..model import Event, OnAmbiguous

AGAIN_AFTER = timedelta(days=20)
"""How soon an offset may repeat when the same points merely move to another date."""

GRACE = timedelta(days=1)
"""How late a reminder may go."""

BOTH_WAYS = frozenset({"in", "out"})

_TRANSFER = "points_transferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """The rule applies when one of these neutral events comes in."""

    names: frozenset[str]
    directions: frozenset[str] = BOTH_WAYS
    """Of ``points_transferred``, those with this ``event.direction``: a group of events may mean one of them only."""

    def covers(self, event: Event) -> bool:
        """Whether the event is one of those."""
        if event.name == _TRANSFER and event.facts.get("direction") not in self.directions:
            return False
        return event.name in self.names


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """How many calendar days before the date."""

    days: int
    text: str
    """The same in words, always in days (``14 days`` for 2 weeks): a timer's slot, which rewording must not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeTrigger:
    """The rule applies ahead of a date, once per offset."""

    field: str
    """``card.next_expiration_date``; the date is one of the programme's calendar."""
    offsets: tuple[Offset, ...]
    """Distinct, the earliest (most days ahead) first."""
    at: time
    """Local time of the member."""
    grace: timedelta | None = GRACE
    """How late an offset may go; ``None``: until the next one is due."""

    @property
    def card_field(self) -> str:
        """The field's name within the card: ``next_expiration_date``."""
        return self.field.partition(".")[2]


Trigger: TypeAlias = EventTrigger | BeforeTrigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One message a rule sends."""

    template: str
    channel: str
    condition: Condition | None = None

    @property
    def slot(self) -> str:
        """Unique within the rule: the part of a message's idempotency key that tells a rule's messages apart."""
        return f"{self.template}/{self.channel}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who is told what, and when."""

    name: str
    """Unique within the ruleset; what is stored about a rule is stored under it."""
    on: Trigger
    sends: tuple[Send, ...]
    condition: Condition | None = None
    again_after: timedelta = AGAIN_AFTER
    """Reminders only."""
    on_ambiguous: OnAmbiguous = OnAmbiguous.PARK
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    category: str | None = None
    file: str = ""
    """Where the rule stands: the file, relative to the programme's folder, and the line of its name."""
    line: int = 1
