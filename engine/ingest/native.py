"""Pointbell's own plain JSON, for any producer that can be told what to send.

::

    {
      "id": "evt-1041",                            the same in every attempt; else the header webhook-id
      "type": "points_added",                      a neutral name, or a producer's in any spelling
      "time": "2026-01-31T10:00:00Z",              when it happened; "timestamp" will do
      "happening": "order-77",                     optional: what other reports of the same happening also say
      "member": {
        "id": "m-17", "aliases": ["anna@crm"],
        "name": "Anna Nowak", "first_name": "Anna", "last_name": "Nowak",
        "email": "anna@example.org", "phone": "+48600000000", "locale": "pl", "timezone": "Europe/Warsaw",
        "birthdate": "1990-02-28", "source_id": "crm-9", "tier": {"id": "gold", "name": "Gold"}, "metadata": {},
        "updated_at": "2026-01-31T09:59:00Z"
      },
      "card": {
        "id": "c-3", "holder_id": "m-17", "code": "L0Y4L", "campaign": "Club", "campaign_id": "club", "active": true,
        "balance": 120, "points": 200, "pending_points": 0, "expired_points": 0, "subtracted_points": 0,
        "redeemed_points": 80, "next_expiration_date": "2026-03-31", "next_expiration_points": 70,
        "timezone": "Europe/Warsaw", "metadata": {},
        "updated_at": "2026-01-31T10:00:00Z"
      },
      "data": {"points": 40, "balance": 120, "reason": "Spring"}
    }

``data`` holds the event's facts (``FACTS`` in ``facts.py``); of the rest, ``type`` and the id of a member or card are
required. Times are ISO 8601, or seconds or milliseconds since 1970; ids may be numbers. A null in ``card`` clears the
field, one in ``member`` means "not known". Signed as Standard Webhooks are.
"""

from __future__ import annotations

from datetime import date, datetime

from ..errors import BodyError
from ..model import Event, Snapshot, Value
from .body import decode, glance
from .delivery import TYPE_HEADERS, Delivery, Peek, Reading, refuse_type
from .facts import FACTS, read_fact, required, settle, told_of_member, with_fields
from .names import is_configuration, neutral_name
from .payload import Payload, first
from .standard_webhooks import ID

_MEMBER_TEXTS = ("name", "first_name", "last_name", "email", "phone", "locale", "timezone")
_CARD_TEXTS = ("code", "campaign", "timezone")
_COUNTERS = (
    "points",
    "pending_points",
    "expired_points",
    "subtracted_points",
    "redeemed_points",
    "next_expiration_points",
)

MEMBER_FIELDS: frozenset[tuple[str, ...]] = frozenset(
    {
        *((name,) for name in (*_MEMBER_TEXTS, "id", "aliases", "source_id", "birthdate", "metadata", "updated_at")),
        ("tier", "id"),
        ("tier", "name"),
    }
)
CARD_FIELDS: frozenset[tuple[str, ...]] = frozenset(
    (name,)
    for name in (
        *_CARD_TEXTS,
        *_COUNTERS,
        "id",
        "holder_id",
        "campaign_id",
        "active",
        "balance",
        "next_expiration_date",
        "metadata",
        "updated_at",
    )
)
"""What may stand under ``member`` and ``card``, as paths."""


def peek(delivery: Delivery) -> Peek:
    """The transport key and the lane, quickly; never raises."""
    body = Payload(glance(delivery.body))
    return Peek(transport_key=_key(delivery, body), lane=lane_of(body), type_hint=delivery.hint)


def lane_of(body: Payload) -> str | None:
    """Whose events must stay in order: the card's holder's, else the member's."""
    return _holder_id(body) or body.child("member").identity("id")


def read(delivery: Delivery) -> Reading:
    """The event of a delivery.

    Raises:
        BodyError: not JSON, not an object, no type, nobody it is about, or without what its type needs.

    """
    value = decode(delivery.body, max_bytes=delivery.source.max_bytes)
    if not isinstance(value, dict):
        raise BodyError("the body is not a JSON object")
    body = Payload(value, zone=delivery.source.timezone)
    kind = body.text("type")
    if kind is None and delivery.hint and not (neutral_name(delivery.hint) or is_configuration(delivery.hint)):
        refuse_type(delivery.hint)
    return read_body(delivery, body, kind or delivery.hint, _key(delivery, body))


def read_body(delivery: Delivery, body: Payload, kind: str | None, key: str, time: datetime | None = None) -> Reading:
    """The event of a body that is already decoded. ``time`` stands in where the body has none."""
    if kind is None:
        raise BodyError(
            "nothing says what kind of event this is: give it as type in the body, in the route (/ingest/SOURCE/TYPE) "
            f"or in the header {' or '.join(TYPE_HEADERS)}"
        )
    at = body.moment("time", epoch=True) or body.moment("timestamp", epoch=True) or time or delivery.received_at
    name = neutral_name(kind)
    if name is not None:
        event = _event(delivery, body, called=name, kind=kind, key=key, at=at)
        return Reading(events=(event,), parts=(body.value,), notes=body.notes)
    return Reading.ignored(kind) if is_configuration(kind) else Reading.unknown(delivery, kind, key, at)


def _event(delivery: Delivery, body: Payload, *, called: str, kind: str, key: str, at: datetime) -> Event:
    name, facts = settle(called, _facts(called, body))
    member, card = _member(body, at), _card(body.child("card"), at)
    if member is None and card is None:
        raise BodyError(f"neither member.id nor card.id says whom this is about{_lost_in_data(body)}")
    return Event(
        key=key,
        source=delivery.source.name,
        name=name,
        producer_name=kind,
        occurred_at=at,
        happening=_happening(delivery, name, body, facts),
        member=with_fields(member, told_of_member(name, facts)),
        card=card,
        holder_id=_holder_id(body),
        facts=facts,
        erases=name == "member_deleted" and member is not None,
    )


def _facts(name: str, body: Payload) -> dict[str, Value]:
    data = body.child("data")
    for key in data.keys():  # noqa: SIM118  # a Payload is no mapping
        if key not in FACTS[name]:
            data.note(f"data.{key[:60]} is left out: not a fact of {name}")
    for key in required(name):
        if body.has(key) and not data.has(key):
            raise BodyError(f"{name} without {key}: {key} belongs in data.{key}")
    return {key: read_fact(data, key, kind) for key, kind in FACTS[name].items()}


def _lost_in_data(body: Payload) -> str:
    """Where the one it is about was put instead."""
    data = body.child("data")
    found = next((key for key in ("member", "card") if isinstance(data.raw(key), dict)), None)
    return f": {found} belongs at the top level, not in data" if found else ""


def _happening(delivery: Delivery, name: str, body: Payload, facts: dict[str, Value]) -> str | None:
    """What the sender says on purpose holds across sources; a transaction's id only within its own."""
    if said := body.identity("happening"):
        return f"{name}:{said}"
    transaction = facts.get("transaction_id")
    return f"{name}:{delivery.source.name}:{transaction}" if transaction else None


def _member(body: Payload, at: datetime) -> Snapshot | None:
    person = body.child("member")
    name = person.identity("id") or _holder_id(body)
    if name is None:
        return None
    tier, source_id = person.child("tier"), person.identity("source_id")
    fields: dict[str, Value] = {key: person.text(key) for key in _MEMBER_TEXTS}
    fields |= {"source_id": source_id, "birthdate": person.day("birthdate"), **_metadata(person)}
    if tier.identity("id") and tier.text("name"):
        fields["tier"] = {"id": tier.identity("id"), "name": tier.text("name")}
    return Snapshot(
        id=name,
        as_of=person.moment("updated_at", epoch=True) or at,
        fields={key: value for key, value in fields.items() if value is not None},
        aliases=tuple(dict.fromkeys([*([source_id] if source_id else []), *_aliases(person)])),
    )


def _card(card: Payload, at: datetime) -> Snapshot | None:
    name = card.identity("id")
    if name is None:
        return None
    fields: dict[str, Value] = {key: card.text(key) for key in _CARD_TEXTS}
    fields |= {"campaign_id": card.identity("campaign_id"), "active": card.flag("active"), **_metadata(card)}
    fields["balance"] = card.number("balance")
    fields = {key: value for key, value in fields.items() if value is not None}
    # An absent counter is not known, a null one is cleared; a null balance says nothing.
    clearable: dict[str, int | float | date | None] = {key: card.number(key) for key in _COUNTERS}
    clearable["next_expiration_date"] = card.day("next_expiration_date")
    for key, value in clearable.items():
        if value is not None or (card.has(key) and card.raw(key) is None):
            fields[key] = value
    return Snapshot(id=name, as_of=card.moment("updated_at", epoch=True) or at, fields=fields)


def _metadata(part: Payload) -> dict[str, Value]:
    return {"metadata": part.mapping("metadata")}


def _aliases(person: Payload) -> list[str]:
    given = person.raw("aliases")
    return [alias for alias in given if isinstance(alias, str) and alias] if isinstance(given, list) else []


def _holder_id(body: Payload) -> str | None:
    card = body.child("card")
    if card.identity("id") is None:
        return None
    return card.identity("holder_id") or body.child("member").identity("id")


def _key(delivery: Delivery, body: Payload) -> str:
    return delivery.key_of(first(body.identity("id"), delivery.headers.get(ID)))
