"""Declared fields that have a place in bodies: read from there, whoever the producer is, beside the neutral ones.

Values stay as they came: whoever reads them gives them their declared type. Only the dates that reminders run ahead of
are dates from the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Literal, cast

from ..model import METADATA, Event, Snapshot, Value
from .body import Json, glance
from .delivery import Delivery, Reading
from .payload import Payload
from .places import Path, at, is_null

_DATES = frozenset({("member", "birthdate"), ("card", "next_expiration_date")})


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyField:
    """One of them."""

    group: Literal["member", "card", "event"]
    name: str
    """The field, or the open object it is an entry of: ``metadata``, ``data``."""
    entry: str | None = None
    path: Path
    """Counted from the event's own part of the body; where it leads nowhere there, from the body's root."""


def with_body_fields(reading: Reading, delivery: Delivery, fields: Sequence[BodyField]) -> Reading:
    """The reading, each of its events with what the body has for these fields."""
    if not fields or not any(reading.parts):
        return reading
    body = glance(delivery.body)
    pairs = zip(reading.events, reading.parts, strict=True)
    zone = delivery.source.timezone
    events = tuple(
        _told(event, [said for field in fields for said in _said(field, cast("Json", part), body, zone)])
        for event, part in pairs
    )
    return replace(reading, events=events)


def _told(event: Event, found: Iterable[tuple[BodyField, Value]]) -> Event:
    for field, value in found:
        match field.group:
            case "event" if value is not None:
                event = replace(event, facts=_with_fact(event.facts, field, value))
            case "member" if value is not None and event.member is not None:
                event = replace(event, member=_with_field(event.member, field, value))
            case "card" if event.card is not None:
                event = replace(event, card=_with_field(event.card, field, value))
    return event


def _with_fact(facts: Mapping[str, Value], field: BodyField, value: Value) -> dict[str, Value]:
    if field.entry is None:
        return {**facts, field.name: value}
    around = facts.get(field.name)
    return {**facts, field.name: {**(around if isinstance(around, dict) else {}), field.entry: value}}


def _with_field(snapshot: Snapshot, field: BodyField, value: Value) -> Snapshot:
    if field.entry is None:
        return replace(snapshot, fields={**snapshot.fields, field.name: value})
    whole = snapshot.fields.get(field.name)
    if isinstance(whole, dict):
        return replace(snapshot, fields={**snapshot.fields, field.name: {**whole, field.entry: value}})
    return replace(snapshot, fields={**snapshot.fields, f"{METADATA}{field.entry}": value})


def _said(field: BodyField, part: Json, body: Json, zone: tzinfo) -> Iterator[tuple[BodyField, Value]]:
    """The field with its value, an explicit null included; nothing where the body does not have it."""
    for root in (part, body):
        found = at(root, field.path)
        if found is not None:
            is_date = (field.group, field.name) in _DATES and field.entry is None
            value = Payload({"day": found}, zone=zone).day("day") if is_date else cast("Value", found)
            if value is not None:
                yield field, value
            return
        if is_null(root, field.path):
            yield field, None
            return
