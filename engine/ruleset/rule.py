"""A rule as it runs: read, checked and compiled. What a rule file may say is in ``parse``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from typing import TypeAlias

from ..language import Condition, Expression, Path
from ..model import Event, OnAmbiguous
from .audiences import Audience, Crowd
from .category import Category
from .hours import Span
from .variant import Variant

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


class Mode(StrEnum):
    """Whether a rule sends."""

    LIVE = "live"
    SHADOW = "shadow"
    """It is asked and its messages are worded, and none is sent."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Let:
    """A named expression of a rule, for its conditions and templates."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Lesser news that a rule keeps from its members for a while."""

    rule: str
    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One message a rule sends."""

    template: str
    channels: tuple[str, ...]
    """The first that has an address, consent and accepts; the others stand by."""
    condition: Condition | None = None

    @property
    def slot(self) -> str:
        """Unique within the rule: the part of a message's idempotency key that tells a rule's messages apart.

        The order of the channels is no part of it: putting another one first must not send a message again.
        """
        return f"{self.template}/{'+'.join(sorted(self.channels))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who is told what, and when."""

    name: str
    """Unique within the ruleset; what is stored about a rule is stored under it."""
    on: Trigger
    sends: tuple[Send, ...]
    audience: Audience | Crowd | None = None
    exclude: Audience | Crowd | None = None
    lets: tuple[Let, ...] = ()
    """In order: each may use those before it."""
    condition: Condition | None = None
    variants: tuple[Variant, ...] = ()
    """Between which its members are shared out, always the same way."""
    holdout: float = 0.0
    """The share of members, 0 to 1, who get nothing, so that the effect of the others' messages can be measured."""
    once_per: tuple[Path, ...] = ()
    """The facts that make a happening of their own: one message for each combination of their values, ever."""
    again_after: timedelta | None = None
    """How soon the rule may reach the same member again, or, in a reminder, the same offset may repeat when the same
    points merely move (``AGAIN_AFTER`` by default)."""
    category: Category | None = None
    priority: int = 50
    locale: Expression | None = None
    mode: Mode = Mode.LIVE
    valid_from: date | None = None
    valid_until: date | None = None
    """First and last day, both inclusive, in the member's time zone."""
    useful_for: timedelta | None = None
    """How long a message of it is worth delivering."""
    collect: timedelta | None = None
    """How long what happens to one card is gathered, from the first event on, to be told in one message."""
    window: Span | None = None
    """The only hours in which its messages go, on the member's clock; what falls outside waits."""
    quiet_hours: Span | None = None
    """The hours in which none of its messages goes, on the member's clock: its own, or the programme's."""
    suppresses: tuple[Suppression, ...] = ()
    cap: str | None = None
    """The cap under which its messages count: its own, or its category's."""
    on_ambiguous: OnAmbiguous = OnAmbiguous.PARK
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    file: str = ""
    """Where the rule stands: the file, relative to the programme's folder, and the line of its name."""
    line: int = 1

    @property
    def may_wait(self) -> bool:
        """Whether what it has to tell may have to wait, whatever other rules there are."""
        return self.collect is not None or self.window is not None or self.quiet_hours is not None

    @property
    def reads(self) -> frozenset[Path]:
        """The facts that its conditions and named expressions look at."""
        conditions = (self.condition, *(send.condition for send in self.sends))
        looked = [condition.reads for condition in conditions if condition is not None]
        looked += [frozenset(let.expression.reads) for let in self.lets]
        looked += [frozenset(self.once_per), *(crowd.reads for crowd in (self.audience, self.exclude) if crowd)]
        return frozenset[Path]().union(*looked)
