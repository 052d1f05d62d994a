"""What goes between the store and whoever decides: a delivery as it came in, and the settlement it ends in.

Plain data that pickles: a child process knows these, and nothing of databases.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from .model import RULES_CHANGED, TIMER_DUE, Decision, Due, Event, Notification, Telling, Withdrawal
from .waits import unpack_waits

CLOCK = "clock"
"""The source of the events that the clock makes."""


class EventState(StrEnum):
    """Where a delivery stands."""

    STORED = "stored"
    CLAIMED = "claimed"
    DECIDED = "decided"
    IGNORED = "ignored"
    """Of a type that is not about a member, or unknown: kept and counted."""
    QUARANTINED = "quarantined"
    """Cannot be read or decided: kept with the reason, replayable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A delivery as it came in, before anybody has read it."""

    source: str
    key: str
    lane: str
    raw: bytes
    received_at: datetime
    type_hint: str | None = None
    content_type: str | None = None
    telling: Telling = Telling.NEWS


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """A delivery out of the store, with its place in the order of arrival, claimed by whoever has it in hand."""

    seq: int
    received: Received
    attempts: int
    claim: int | None = None
    """Tells this claim from every other of the same delivery: who has lost it cannot settle any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """A message in the bytes it will travel in, and the way it takes."""

    notification: Notification
    payload: bytes
    route: str
    instead_of: str | None = None
    """The key of the message that has to be refused before this one may go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The end of one delivery: its state, what was decided, and what must go out or be taken back."""

    seq: int
    state: EventState
    at: datetime
    ruleset: str
    claim: int | None = None
    """The claim under which it was decided; ``None`` asks only that somebody has claimed it."""
    name: str | None = None
    note: str | None = None
    member_id: str | None = None
    card_id: str | None = None
    occurred_at: datetime | None = None
    decisions: Sequence[Decision] = ()
    worded: Sequence[Worded] = ()
    withdrawals: Sequence[Withdrawal] = ()
    erased: str | None = None
    """A member whose waiting messages must not go out any more."""


def clock_event(received: Received) -> Event:
    """The event in one of the clock's deliveries."""
    said = json.loads(received.raw)
    plain = Event(
        key=received.key,
        source=CLOCK,
        name=received.type_hint or TIMER_DUE,
        producer_name=received.type_hint or TIMER_DUE,
        occurred_at=received.received_at,
        happening=None,
    )
    if received.type_hint == RULES_CHANGED:
        return replace(plain, card_id=said["card_id"], holder_id=said["member_id"])
    about, due_at = date.fromisoformat(said["about"]), datetime.fromisoformat(said["due_at"])
    held_until = datetime.fromisoformat(said["held_until"]) if said.get("held_until") else None
    waits = unpack_waits(said["waits"]) if said.get("waits") else ()
    told = {**said, "about": about, "due_at": due_at, "held_until": held_until, "waits": waits}
    return replace(plain, due=Due(**told))
