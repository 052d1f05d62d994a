"""Between rows and the nouns: times as integer microseconds, facts as JSON with dates marked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from ..model import Card, Fact, Member, Reason, Timer, TimerState
from ..waits import pack_waits, unpack_waits

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


class NotificationState(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    PERMITTED = "permitted"
    SENT = "sent"
    CAPTURED = "captured"
    HELD = "held"
    """Its template cannot be worded; waits for someone to mend it."""
    FAILED = "failed"
    """Refused for good."""
    UNKNOWN = "unknown"
    """The connection was lost after the final dot: only the recipient knows."""
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    """Its useful time was over before it could be delivered."""
    DROPPED = "dropped"
    """It does not go any more: somebody decided that, or it stood by and was not needed."""
    STANDBY = "standby"
    """Goes only if the same message is refused by the channel before it."""
    REPLACED = "replaced"
    """Refused for good; the same message goes over the next channel."""


TO_RESOLVE = (NotificationState.HELD, NotificationState.FAILED, NotificationState.UNKNOWN, NotificationState.EXPIRED)
"""States out of which only a person helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A worded message out of the store, leased to one sender."""

    key: str
    channel: str
    route: str
    address: str
    payload: bytes
    attempts: int
    lease: str
    on_ambiguous: str


# All facts of a snapshot are of one moment, and all that is decided together is decided at one.
@lru_cache(1_024)
def micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


@lru_cache(1_024)
def moment(value: int) -> datetime:
    """The aware UTC time of ``micros``."""
    return _EPOCH + value * _MICROSECOND


def maybe_micros(value: datetime | None) -> int | None:
    """``micros``, or ``None`` for ``None``."""
    return None if value is None else micros(value)


def maybe_moment(value: int | None) -> datetime | None:
    """``moment``, or ``None`` for ``None``."""
    return None if value is None else moment(value)


def pack_facts(facts: Mapping[str, Fact]) -> str:
    """Facts as JSON text."""
    plain = {name: _packed(fact) for name, fact in facts.items()}
    return _encode(plain)


def unpack_facts(text: str) -> dict[str, Fact]:
    """The facts of ``pack_facts``."""
    return {name: _unpacked(*packed) for name, packed in json.loads(text).items()}


def member_of(row: Mapping[str, Any], aliases: frozenset[str]) -> Member:
    """A member out of its row."""
    return Member(id=row["id"], aliases=aliases, facts=unpack_facts(row["facts"]))


def card_of(row: Mapping[str, Any]) -> Card:
    """A card out of its row."""
    return Card(id=row["id"], facts=unpack_facts(row["facts"]))


def timer_of(row: Mapping[str, Any]) -> Timer:
    """A timer out of its row."""
    return Timer(
        rule=row["rule"],
        subject=row["subject"],
        slot=row["slot"],
        member_id=row["member_id"],
        lane=row["lane"],
        about=date.fromisoformat(row["about"]),
        due_at=moment(row["due_at"]),
        state=TimerState(row["state"]),
        generation=row["generation"],
        reason=Reason(row["reason"]) if row["reason"] else None,
        sent_at=maybe_moment(row["sent_at"]),
        sent_about=date.fromisoformat(row["sent_about"]) if row["sent_about"] else None,
        waits=unpack_waits(row["waits"]) if row["waits"] else (),
    )


def offset_of(slot: str) -> str:
    """The offset in a reminder's slot: of ``7 days/points-expire-soon/email`` the ``7 days`` of its timer."""
    return slot.partition("/")[0]


def timer_row(timer: Timer) -> dict[str, Any]:
    """A timer as a row."""
    return {
        "rule": timer.rule,
        "subject": timer.subject,
        "slot": timer.slot,
        "member_id": timer.member_id,
        "lane": timer.lane,
        "about": timer.about.isoformat(),
        "due_at": micros(timer.due_at),
        "state": timer.state.value,
        "generation": timer.generation,
        "reason": timer.reason.value if timer.reason else None,
        "sent_at": maybe_micros(timer.sent_at),
        "sent_about": timer.sent_about.isoformat() if timer.sent_about else None,
        "waits": _waits(timer),
    }


def _waits(timer: Timer) -> str | None:
    """What waits for the timer; of one that will not ring nothing is kept but that something did."""
    if not timer.waits:
        return None
    return pack_waits(timer.waits if timer.state is TimerState.ARMED else ())


def _packed(fact: Fact) -> list[Any]:
    """Value and time; of a date or a time also the kind, beside the value, where no producer can write."""
    if isinstance(fact.value, datetime):
        return [fact.value.isoformat(), micros(fact.as_of), "time"]
    if isinstance(fact.value, date):
        return [fact.value.isoformat(), micros(fact.as_of), "date"]
    return [fact.value, micros(fact.as_of)]


def _unpacked(value: Any, as_of: int, kind: str = "") -> Fact:
    if kind:
        value = datetime.fromisoformat(value) if kind == "time" else date.fromisoformat(value)
    return Fact(value=value, as_of=moment(as_of))
