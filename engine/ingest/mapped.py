"""Deliveries of producers that are described by a mapping; see ``mapping`` for what can be described.

One delivery may carry no event, one, or several. Each has a key of its own, so that one that comes again in another
delivery is told from the first by the producer's id, where it gives one.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from ..errors import BodyError, SignatureError
from . import native
from .body import Json, decode, glance
from .delivery import Delivery, Peek, Reading
from .facts import FACTS, Kind
from .mapping import BodyMapping, Seen, SignatureRule, text_of
from .payload import Payload, since_epoch

MOST_EVENTS = 10_000
"""More events in one delivery are refused: a producer that batches sends a thousand."""

LAST_DAYS = frozenset({"next_expiration_date", "expires_on"})
"""Dates that are the last day on which points can be used; producers give the moment at which they are gone."""
_DATES = (
    LAST_DAYS | {"birthdate"} | {name for kinds in FACTS.values() for name, kind in kinds.items() if kind is Kind.DATE}
)
_IDS = frozenset({"id", "holder_id", "source_id", "campaign_id", "happening"}) | {
    name for kinds in FACTS.values() for name, kind in kinds.items() if kind is Kind.ID
}
_INSTANT = len("2026-01-31T")
_BEFORE = timedelta(microseconds=1)


def verify(delivery: Delivery) -> None:
    """Check the signature as the mapping describes it.

    Raises:
        SignatureError: missing or wrong, or the source has neither a secret nor an explicit ``unsigned``.

    """
    source = delivery.source
    if source.unsigned and not source.secrets:
        return
    rule = _mapping(delivery).signature
    secrets = [secret.encode() for secret in source.secrets if secret]
    if rule is None or not secrets:
        raise SignatureError(f"the source {source.name} has no secret and is not marked as unsigned")
    given = delivery.headers.get(rule.header.lower(), "").strip()
    if not given:
        raise SignatureError(f"the header {rule.header} is missing")
    if not any(_matches(given, secret, rule, delivery) for secret in secrets):
        raise SignatureError(f"the header {rule.header} does not match any configured secret")


def peek(delivery: Delivery) -> Peek:
    """The transport key and the lane, quickly; never raises."""
    mapping, body = _mapping(delivery), glance(delivery.body)
    parts = mapping.parts(body)
    single = parts == [body]
    made = Payload(_native(delivery, parts[0] if parts else None, body)[2])
    key = delivery.key_of(made.identity("id") if single else None)
    return Peek(transport_key=key, lane=native.lane_of(made), type_hint=delivery.hint)


def read(delivery: Delivery) -> Reading:
    """The events of a delivery.

    Raises:
        BodyError: not JSON, or one of its events cannot be read; which one is in the message.

    """
    mapping = _mapping(delivery)
    body = decode(delivery.body, max_bytes=delivery.source.max_bytes)
    parts = mapping.parts(body)
    if len(parts) > MOST_EVENTS:
        raise BodyError(f"the body holds {len(parts)} events, more than {MOST_EVENTS}")
    single = parts == [body]
    readings = [_one(delivery, part, body, None if single else place) for place, part in enumerate(parts, 1)]
    return Reading(
        events=tuple(event for reading in readings for event in reading.events),
        parts=tuple(part for reading in readings for part in reading.parts),
        notes=tuple(dict.fromkeys(note for reading in readings for note in reading.notes)),
    )


def _one(delivery: Delivery, part: Json, body: Json, place: int | None) -> Reading:
    if place is None:
        return _event(delivery, part, body, None)
    try:
        return _event(delivery, part, body, place)
    except BodyError as error:
        raise BodyError(f"event {place} of the delivery: {error}") from error


def _event(delivery: Delivery, part: Json, body: Json, place: int | None) -> Reading:
    if not isinstance(part, dict):
        raise BodyError("it is not a JSON object")
    called, name, made = _native(delivery, part, body)
    if called is None:
        raise BodyError(
            "nothing says what kind of event this is: the mapping finds no type in it, and the route "
            "(/ingest/SOURCE/TYPE) gives none"
        )
    meanings = _mapping(delivery).kind.meanings
    if called in meanings and meanings[called] is None:
        return Reading.ignored(called)
    payload = Payload(_dated(made, delivery.source.timezone), zone=delivery.source.timezone)
    key = delivery.key_of(payload.identity("id")) if place is None else _key_of_part(delivery, payload, place)
    if name is None:
        time = payload.moment("time", epoch=True) or delivery.received_at
        return Reading.unknown(delivery, called, key, time)
    reading = native.read_body(delivery, payload, name, key)
    events = tuple(replace(event, producer_name=called) for event in reading.events)
    return replace(reading, events=events, parts=(part,) * len(events))


def _native(delivery: Delivery, part: Json, body: Json) -> tuple[str | None, str | None, dict[str, Json]]:
    """The producer's name of the event, the neutral one, and the event in Pointbell's own JSON."""
    mapping, seen = _mapping(delivery), Seen(part=part, body=body, route=delivery.hint)
    called = mapping.kind.called(seen)
    name = mapping.kind.meaning(called) if called is not None else None
    made = mapping.fields_of(name).native(seen)
    facts = FACTS.get(name or "", {})
    data = made["data"] if isinstance(made["data"], dict) else {}
    made["data"] = {key: value for key, value in data.items() if key in facts}
    return called, name, _with_plain_ids(made)


def _with_plain_ids(made: dict[str, Json]) -> dict[str, Json]:
    """Ids that are whole numbers in a floating-point coat become texts."""
    plain: dict[str, Json] = {}
    for name, value in made.items():
        if isinstance(value, dict) and name in ("member", "card", "data", "tier"):
            plain[name] = _with_plain_ids(value)
        else:
            plain[name] = text_of(value) if name in _IDS and isinstance(value, float) else value
    return plain


def _dated(made: dict[str, Json], zone: tzinfo) -> dict[str, Json]:
    """Moments where a date belongs become the date: the last day before the moment at which points are gone."""
    dated = dict(made)
    for group in ("member", "card", "data"):
        inner = made.get(group)
        if isinstance(inner, dict):
            dated[group] = {
                name: _day(value, zone, last=name in LAST_DAYS) if name in _DATES else value
                for name, value in inner.items()
            }
    return dated


def _day(value: Json, zone: tzinfo, *, last: bool) -> Json:
    moment: datetime | None = None
    if isinstance(value, int | float):
        moment = since_epoch(value)
    elif isinstance(value, str) and len(value) > _INSTANT:
        moment = Payload({"at": value}, zone=zone).moment("at")
    if moment is None:
        return value
    try:
        return (moment - _BEFORE if last else moment).astimezone(zone).date().isoformat()
    except OverflowError:
        return value


def _key_of_part(delivery: Delivery, payload: Payload, place: int) -> str:
    """The key of one of several events: its own id, else its place in the delivery."""
    own = payload.identity("id")
    return replace(delivery, key=None).key_of(own) if own else f"{delivery.key_of()}#{place}"


def _matches(given: str, secret: bytes, rule: SignatureRule, delivery: Delivery) -> bool:
    if not given.startswith(rule.prefix):
        return False
    value = given.removeprefix(rule.prefix)
    if rule.plain:
        return hmac.compare_digest(value.encode(errors="replace"), secret)
    signed = b"".join(_signed(part, delivery) for part in rule.signed)
    expected = hmac.digest(secret, signed, rule.algorithm)
    return hmac.compare_digest(_decoded(value, rule), expected)


def _signed(part: str, delivery: Delivery) -> bytes:
    if part == "body":
        return delivery.body
    if part == "url":
        return (delivery.source.url or "").encode()
    kind, _, rest = part.partition(":")
    return (delivery.headers.get(rest.lower(), "") if kind == "header" else rest).encode(errors="replace")


def _decoded(value: str, rule: SignatureRule) -> bytes:
    try:
        return bytes.fromhex(value) if rule.encoding == "hex" else b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _mapping(delivery: Delivery) -> BodyMapping:
    mapping = delivery.source.mapping
    if mapping is None:
        raise BodyError(f"the source {delivery.source.name} has no mapping")
    return mapping
