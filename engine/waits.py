"""Happenings that wait to be told, as text: what a timer keeps of them, and the event that it becomes brings back.

Of an event only what is told of it is kept: what it said of its member and card is known by then, and may have changed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from .model import Event, Value

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def waiting(event: Event) -> Event:
    """What is kept of an event while it waits."""
    card_id = event.card.id if event.card else event.card_id
    return replace(event, member=None, card=None, card_id=card_id)


def pack_waits(events: Sequence[Event]) -> str:
    """The events as JSON text."""
    return _encode([_packed(event) for event in events])


def unpack_waits(text: str) -> tuple[Event, ...]:
    """The events of ``pack_waits``."""
    return tuple(_unpacked(said) for said in json.loads(text))


def _packed(event: Event) -> dict[str, Any]:
    return {
        "key": event.key,
        "source": event.source,
        "name": event.name,
        "producer_name": event.producer_name,
        "occurred_at": event.occurred_at.isoformat(),
        "arrived_at": event.arrived_at.isoformat() if event.arrived_at else None,
        "happening": event.happening,
        "holder_id": event.holder_id,
        "card_id": event.card_id,
        "facts": {name: _plain(value) for name, value in event.facts.items()},
    }


def _unpacked(said: dict[str, Any]) -> Event:
    facts = {name: _value(plain) for name, plain in said["facts"].items()}
    arrived = said.get("arrived_at")
    times = {
        "occurred_at": datetime.fromisoformat(said["occurred_at"]),
        "arrived_at": datetime.fromisoformat(arrived) if arrived else None,
    }
    return Event(**{**said, **times, "facts": facts})


def _plain(value: Value) -> Any:
    """The value in JSON. What JSON has no word for, and what may hold such a thing, says what it is."""
    if isinstance(value, datetime):
        return ["time", value.isoformat()]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    if isinstance(value, list):
        return ["list", [_plain(item) for item in value]]
    if isinstance(value, dict):
        return ["map", {name: _plain(item) for name, item in value.items()}]
    return value


def _value(plain: Any) -> Value:
    if not isinstance(plain, list):
        return plain  # type: ignore[no-any-return]  # A text, a number, a yes or no, or nothing.
    kind, inner = plain
    if kind == "list":
        return [_value(item) for item in inner]
    if kind == "map":
        return {name: _value(item) for name, item in inner.items()}
    return datetime.fromisoformat(inner) if kind == "time" else date.fromisoformat(inner)
