"""What goes into ingest and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from typing import Literal, NoReturn, TypeAlias, get_args

from ..errors import BodyError
from ..model import UNKNOWN_EVENT, Event, Telling
from .body import MAX_BYTES
from .mapping import BodyMapping
from .names import meant_by

ProducerName: TypeAlias = Literal["voucherify", "native", "cloudevents", "mapped"]
Shipped: TypeAlias = Literal["brevo", "loyaltylion", "open_loyalty", "square", "talon_one"]
"""Producers whose mapping comes with Pointbell, in ``mappings/``."""
SHIPPED: tuple[str, ...] = get_args(Shipped)

TYPE_HEADERS = ("x-pointbell-event", "x-event-type")
"""Where a body without a type may name it. Headers are not signed: prefer the route where the sender cannot be held to
one type per secret."""

_LONGEST_KEY = 200
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """One configured place where deliveries come in."""

    name: str
    producer: ProducerName = "voucherify"
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Any one of them may have signed: two during a rotation."""
    unsigned: bool = False
    """Explicitly accept deliveries without a signature; heeded only where there are no secrets."""
    timezone: tzinfo = UTC
    """The zone of times that name none: the programme's."""
    max_bytes: int = MAX_BYTES
    mapping: BodyMapping | None = None
    """Of a ``mapped`` producer: where everything lies in its bodies."""
    url: str | None = None
    """The address under which the producer reaches this source, where it signs that, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One body as it was handed in."""

    source: SourceSettings
    body: bytes
    received_at: datetime
    """Aware UTC."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    type_hint: str | None = None
    """The event type as the route, the command line or the store knows it."""
    key: str | None = None
    """The transport key, where it is already known: a stored delivery keeps its key without its headers."""
    telling: Telling = Telling.NEWS
    """How whoever hands it in means it; nothing in the body can say so."""

    @property
    def hint(self) -> str | None:
        """The event type given beside the body: by the route, else by a header."""
        for given in (self.type_hint, *map(self.headers.get, TYPE_HEADERS)):
            if given and (hint := given.strip()):
                return hint
        return None

    @property
    def content_type(self) -> str:
        """The media type, without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def key_of(self, *names: str | None) -> str:
        """The transport key: what is known, else the producer's own id, else a digest of body and type."""
        if self.key is not None:
            return self.key
        for name in names:
            if name and len(name) <= _LONGEST_KEY and name.isprintable():
                return name
        return "sha256:" + sha256(self.body + b"\0" + (self.hint or "").encode(errors="replace")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """What must be known of a delivery before it is stored. Never wrong about a body that can be read."""

    transport_key: str
    lane: str | None = None
    """Events with the same lane are decided in order: the card's holder, else the member."""
    type_hint: str | None = None
    """To be stored beside the body, since headers are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a delivery says."""

    events: tuple[Event, ...] = ()
    """None for what is not about a member: configuration, coupons without an owner."""
    parts: tuple[object, ...] = field(default=(), repr=False)
    """For each event the part of the body that tells of it: Voucherify's ``data``, one entry of a list of events."""
    notes: tuple[str, ...] = ()
    """Remarks for the operator: fields of an unexpected type, why nothing came of it. They quote no values."""

    @staticmethod
    def ignored(kind: str) -> Reading:
        """Of a type that is about the programme's set-up."""
        return Reading(notes=(f"{shortened(kind)} is about the programme's set-up, not about a member",))

    @staticmethod
    def unknown(delivery: Delivery, kind: str, key: str, at: datetime) -> Reading:
        """Of a type nobody has told us about: kept and counted, never decided on."""
        kind = shortened(kind)
        event = Event(
            key=key, source=delivery.source.name, name=UNKNOWN_EVENT, producer_name=kind, occurred_at=at, happening=None
        )
        return Reading(events=(event,), parts=(None,), notes=(f"{kind} is not a known type",))


def refuse_type(kind: str) -> NoReturn:
    """A type that is given beside the body, by the route or the command line, is ours to know: this one is a slip.

    Raises:
        BodyError: always, with what may have been meant.

    """
    raise BodyError(f"{shortened(kind)} is not a known type: {meant_by(kind[:_LONGEST_NAME])}")


def shortened(text: str) -> str:
    """The text, cut to a length that can be shown."""
    return text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """How one producer's deliveries are checked and read."""

    verify: Callable[[Delivery], None]
    peek: Callable[[Delivery], Peek]
    read: Callable[[Delivery], Reading]
