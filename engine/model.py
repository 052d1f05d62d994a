"""The nouns of Pointbell: what every part of the engine talks about.

Everything here is frozen data. Times are aware ``datetime`` values in UTC, dates are calendar dates without a zone
(the zone that gives them meaning is named where it matters), points are plain numbers as the producer counted them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import TypeAlias

from .reasons import Reason as Reason  # noqa: PLC0414 - one of the nouns, in a file of its own for its length.

Value: TypeAlias = "bool | int | float | str | date | datetime | list[Value] | dict[str, Value] | None"
"""What a fact may hold once an event has been read."""

EVENT_NAMES: tuple[str, ...] = (
    "points_added",
    "points_earned",
    "points_redeemed",
    "points_expired",
    "points_refunded",
    "points_transferred",
    "points_removed",
    "points_expiring",
    "card_updated",
    "pending_points_added",
    "pending_points_updated",
    "pending_points_activated",
    "pending_points_canceled",
    "tier_joined",
    "tier_upgraded",
    "tier_downgraded",
    "tier_prolonged",
    "tier_left",
    "reward_redeemed",
    "card_published",
    "card_disabled",
    "order_paid",
    "segment_entered",
    "segment_left",
    "member_created",
    "member_updated",
    "member_deleted",
    "custom",
)
"""Neutral event names: the words rules use, whatever the producer calls the happening."""

TIMER_DUE = "timer.due"
"""The name of the event that the clock makes when a timer comes due; it is addressed to one rule."""

RULES_CHANGED = "rules.changed"
"""The name of the event that asks for a card's reminders to be planned anew: the rules are not what they were."""

UNKNOWN_EVENT = "unknown"
"""An authenticated delivery whose type is not one of ours: kept and counted, never decided on."""


SEGMENT = "segment:"
"""Before the name of a segment: the fact whether a member is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """The loyalty programme: what holds for all its members."""

    name: str
    timezone: str
    """IANA name of the zone that owns the programme's dates."""
    locale: str = "en"
    currency: str | None = None
    brand: Mapping[str, str | None] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=lambda: {"email": "email"})
    """Which field of a member each channel takes its address from."""
    max_age: timedelta | None = None
    """How old an event may be when it comes in and still be told; ``None``: any age."""


# --- What came in -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one event says of a member or a card: only the fields it carried, an explicit null included."""

    id: str
    as_of: datetime
    fields: Mapping[str, Value]
    aliases: tuple[str, ...] = ()
    """Other ids the producer itself gives for the same member."""


class Telling(IntEnum):
    """How a delivery is meant."""

    NEWS = 0
    """As it happens; what is older than the programme's ``max_age`` when it comes in is told to nobody."""
    HISTORY = 1
    """It only informs: facts and reminders follow it, and nobody is told."""
    ANYWAY = 2
    """Handed in on purpose, to be told however old it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One happening about one member, in neutral words."""

    key: str
    """Transport key: the same for every delivery of the same send-out. Unique within ``source``."""
    source: str
    name: str
    """One of ``EVENT_NAMES``, ``TIMER_DUE``, ``RULES_CHANGED`` or ``UNKNOWN_EVENT``."""
    producer_name: str
    """The name as the producer spelled it."""
    occurred_at: datetime
    happening: str | None
    """Key shared by all reports of the same happening within the programme; ``None`` where a producer gives none."""
    member: Snapshot | None = None
    """Who is told: the producer's ``customer``."""
    card: Snapshot | None = None
    holder_id: str | None = None
    """Who owns the card; often, not always, the member. Events of one holder are decided in order."""
    facts: Mapping[str, Value] = field(default_factory=dict)
    """``event.*``: frozen at arrival."""
    due: Due | None = None
    """Set on ``TIMER_DUE`` only: what the timer was about."""
    card_id: str | None = None
    """The card of an event that says nothing of it: of ``RULES_CHANGED``, and of what has waited to be told."""
    erases: bool = False
    """The producer deleted the member's record."""
    telling: Telling = Telling.NEWS
    arrived_at: datetime | None = None
    """When its delivery came in; ``None`` outside the store, where nothing is too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a timer that has come due says: whose it was, and which date it was about."""

    rule: str
    subject: str
    slot: str
    about: date
    due_at: datetime
    member_id: str
    held_until: datetime | None = None
    """When the last pause was over that kept the timer from ringing: grace counts from then."""
    generation: int = 1
    """Of the timer, when it rang."""
    waits: tuple[Event, ...] = ()
    """What was waiting to be told, in the order in which it came in; nothing in a reminder."""


# --- What is known ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A value and the moment of the snapshot it came from."""

    value: Value
    as_of: datetime


METADATA = "metadata."
"""Before the name of a fact that is one entry of the metadata: files bring these in one by one."""


def values_of(facts: Mapping[str, Fact]) -> dict[str, Value]:
    """The present values by name. An entry of metadata that is not older than the whole stands in it."""
    values = {name: fact.value for name, fact in facts.items()}
    entries = [name for name in values if name.startswith(METADATA)]
    if not entries:
        return values
    whole = facts.get("metadata")
    known = whole.value if whole is not None and isinstance(whole.value, dict) else {}
    own = {name: values.pop(name) for name in entries if whole is None or facts[name].as_of >= whole.as_of}
    plain = {name: value for name, value in values.items() if not name.startswith(METADATA)}
    return {**plain, "metadata": {**known, **{name.removeprefix(METADATA): value for name, value in own.items()}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in the programme: the producer's id, its aliases, and what is known."""

    id: str
    aliases: frozenset[str] = frozenset()
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def get(self, name: str) -> Value:
        """The present value of a field; ``None`` when it is unknown or was explicitly cleared."""
        fact = self.facts.get(name)
        return None if fact is None else fact.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A loyalty card and what is known of it."""

    id: str
    facts: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def holder_id(self) -> str:
        """Who owns the card; the card itself where no producer has said so."""
        return str(self.get("holder_id") or self.id)

    @property
    def member_id(self) -> str:
        """Who is told about the card: the customer its events last named, else its holder."""
        return str(self.get("member_id") or self.holder_id)

    def knows(self, name: str) -> bool:
        """Whether a producer ever said anything of the field, an explicit null included."""
        return name in self.facts

    def get(self, name: str) -> Value:
        """The present value of a field; ``None`` when it is unknown or was explicitly cleared."""
        fact = self.facts.get(name)
        return None if fact is None else fact.value


class TimerState(StrEnum):
    """Where a timer stands. Only ``ARMED`` ones come due; the others remember what became of them."""

    ARMED = "armed"
    FIRED = "fired"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A reminder to come: derived state under (rule, subject, slot), moved or cancelled by later events."""

    rule: str
    subject: str
    """The card (or member) the timer is about."""
    slot: str
    """Which of the rule's offsets, as written: ``30 days``."""
    member_id: str
    lane: str
    about: date
    """The date the reminder runs ahead of."""
    due_at: datetime
    state: TimerState = TimerState.ARMED
    generation: int = 1
    """Raised by every move, so that a timer that fired under an older plan is recognised."""
    reason: Reason | None = None
    sent_at: datetime | None = None
    """When a message of this offset was last sent, for whichever date; the outbox writes it when that has happened."""
    sent_about: date | None = None
    waits: tuple[Event, ...] = ()
    """The happenings that wait to be told when it rings, without what they said of member and card; a reminder has
    none. Nothing of them is kept once it has rung: its event carries them on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything ``decide`` may look at besides the event: read once, never fetched later."""

    member: Member | None
    card: Card | None
    timers: Mapping[tuple[str, str], Timer] = field(default_factory=dict)
    """The card's timers under (rule, slot)."""
    duplicate_of: str | None = None
    """The delivery that already reported the same happening."""
    held: frozenset[tuple[str, str]] = frozenset()
    """(rule, slot) of the card's timers whose message waits for its template to be mended."""
    consents: Mapping[str, bool] = field(default_factory=dict)
    """What the member has said about categories; those they have said nothing about are left out."""
    reached: Mapping[str, datetime] = field(default_factory=dict)
    """When the member last got a message of a rule, of the rules that ask for it."""
    gathered: frozenset[str] = frozenset()
    """The rules that have taken up this happening before, to tell it with others."""
    counted: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    """By cap, when the member got something that counts under it: once for each occasion, however many messages."""
    expected: tuple[Timer, ...] = ()
    """Armed timers, of any card of the member, of rules that suppress others."""


# --- What was decided -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A message, worded completely. Channels without a part simply do not use it."""

    subject: str
    text: str
    html: str | None = None
    preheader: str | None = None


class OnAmbiguous(StrEnum):
    """What to do when nobody can know whether the relay took the message (RFC 1047)."""

    PARK = "park"
    RESEND = "resend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one member over one channel. ``words`` is ``None`` only while its template is held."""

    key: str
    """Idempotency key: rule, happening, member and slot. At most one message ever goes out under it."""
    rule: str
    subject_id: str
    """The card or member it is about; with ``about`` it lets a moved date withdraw it."""
    about: date | None
    slot: str
    member_id: str
    channel: str
    address: str
    template: str
    locale: str
    created_at: datetime
    words: Words | None
    send_before: datetime | None = None
    on_ambiguous: OnAmbiguous = OnAmbiguous.PARK
    category: str | None = None
    happened_at: datetime | None = None
    """When what it tells of happened, or when the reminder's own hour was; ``None``: when its delivery came in."""
    untold_at: datetime | None = None
    """Of what has waited to be told and does not say when it happened: when the first of it came in."""
    variant: str | None = None
    """Of the rule's variants the one that words it: the same for a member for ever, and no part of the key."""
    cap: str | None = None
    """The cap under which it counts."""
    again: Timer | None = None
    """Of a message that may go only at certain hours: the timer it becomes again if it has not gone when they end,
    which ``send_before`` is then at the latest.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Decision: send this."""

    rule: str
    notification: Notification
    instead: tuple[Notification, ...] = ()
    """What goes in its place, the first one first, should its channel refuse it: the same over other channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Decision: arm this timer, or move it when ``moved_from`` tells where it stood."""

    rule: str
    timer: Timer
    moved_from: datetime | None = None
    reason: Reason | None = None
    """What is waited for, where it is not the reminder's own hour."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Decision: the timer's reason is gone."""

    rule: str
    timer: Timer
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Decision: not sent, and why, in words."""

    rule: str
    reason: Reason
    detail: str = ""
    slot: str | None = None
    template: str | None = None
    timer: Timer | None = None
    """The timer to be remembered as skipped, where the skip is about one."""
    held: Notification | None = None
    """With ``TEMPLATE_HELD``: the message that waits for its template to be mended."""


Decision: TypeAlias = Notify | Schedule | Cancel | Skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Messages of a rule about a card that must not go out any more, unless they are about ``keep_about``."""

    rule: str
    subject_id: str
    reason: Reason
    keep_about: date | None = None
    slot: str | None = None
    """Only this offset's messages."""
