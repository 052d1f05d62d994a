"""A declarative producer: a mapping from any JSON to Pointbell's own, and how its deliveries are signed.

The mapping says where each neutral field lies in a body. What it makes is read as ``native`` reads it, so that dates,
numbers and required facts mean the same whoever sent them. Nothing in a body is ever evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal, TypeAlias

from .body import Json
from .names import neutral_name
from .places import Path, at, is_null

Start: TypeAlias = Literal["part", "body", "route"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One event of a delivery, as a mapping looks at it."""

    part: Json
    """Its own part of the body; the whole body where a delivery is one event."""
    body: Json
    route: str | None = None
    """The type given beside the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value lies, counted from the event's own part, from the body's root, or beside the body."""

    path: Path = ()
    start: Start = "part"
    optional: bool = False
    """Whether a text that is made up of several may do without it."""

    def value(self, seen: Seen) -> Json:
        """What lies there; an empty text is nothing."""
        if self.start == "route":
            return seen.route
        found = at(seen.part if self.start == "part" else seen.body, self.path)
        return None if found == "" else found

    def says_null(self, seen: Seen) -> bool:
        """Whether null is what lies there."""
        return bool(self.path) and is_null(seen.part if self.start == "part" else seen.body, self.path)


Way: TypeAlias = tuple[Place, ...]
"""One place, or several whose values make up a text, with a space between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """How one field is found: the first of the ways that leads to a value, else the constant."""

    ways: tuple[Way, ...] = ()
    otherwise: Json = None
    table: Mapping[str, Json] | None = None
    """What the values found are called here; one that is not in it does not count as found."""
    times: float | None = None
    """Numbers, also those sent as texts, are multiplied by it: minor units to major ones, a debit to its amount."""
    cleared_if: Place | None = None
    """The field is null where it is not found and this is there: its absence is meant."""

    def value(self, seen: Seen) -> Json:
        """The value of the field; ``None`` where there is none."""
        for found in found_by(self.ways, seen):
            if self.table is None:
                return self._scaled(found)
            if text_of(found) in self.table:
                return self.table[text_of(found)]
        return self.otherwise

    def clears(self, seen: Seen) -> bool:
        """Whether a field without a value is null on purpose."""
        if self.cleared_if is not None and self.cleared_if.value(seen) is not None:
            return True
        return any(place.says_null(seen) for way in self.ways for place in way)

    def _scaled(self, value: Json) -> Json:
        if self.times is None:
            return value
        number = _number(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int | float):
            return None
        scaled = round(number * self.times, 9)
        return int(scaled) if isfinite(scaled) and scaled == int(scaled) else scaled


@dataclass(frozen=True, slots=True, kw_only=True)
class TypePick:
    """How an event's type is found, and what it means."""

    ways: tuple[Way, ...] = ()
    meanings: Mapping[str, str | None] = field(default_factory=dict)
    """A neutral name, or ``None`` for what is known and is not about a member."""
    constant: str | None = None
    """The neutral name of all events, where there is but one."""

    def meaning(self, called: str) -> str | None:
        """The neutral name of what the producer calls so, if it has one."""
        return self.meanings[called] if called in self.meanings else neutral_name(called)

    def called(self, seen: Seen) -> str | None:
        """The producer's name of the event: the first that has a meaning, else the first there is."""
        if self.constant is not None:
            return self.constant
        names = [text_of(found) for found in found_by(self.ways, seen) if not isinstance(found, bool | dict | list)]
        names += [seen.route] if seen.route else []
        known = (name for name in names if name in self.meanings or self.meaning(name))
        return next(known, names[0] if names else None)


Part: TypeAlias = str
"""What is signed: ``body`` as it came, the ``url`` it was sent to, ``header:NAME``, or ``text:`` and a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRule:
    """How deliveries are signed: a keyed hash in a header."""

    header: str
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    signed: tuple[Part, ...] = ("body",)
    prefix: str = ""
    """What stands before the signature in the header: ``sha256=``."""
    plain: bool = False
    """The header holds the secret itself; nothing is signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFields:
    """Where the fields of an event lie."""

    id: Pick = field(default_factory=Pick)
    time: Pick = field(default_factory=Pick)
    happening: Pick = field(default_factory=Pick)
    member: Mapping[Path, Pick] = field(default_factory=dict)
    card: Mapping[Path, Pick] = field(default_factory=dict)
    data: Mapping[str, Pick] = field(default_factory=dict)

    def native(self, seen: Seen) -> dict[str, Json]:
        """One event in Pointbell's own JSON."""
        picked = ((name, pick.value(seen)) for name, pick in self.data.items())
        data: dict[str, Json] = {name: value for name, value in picked if value is not None}
        made: dict[str, Json] = {}
        made["data"] = data
        for group, picks in (("member", self.member), ("card", self.card)):
            if inner := _nested(_found(picks, seen)):
                made[group] = inner
        for name, pick in (("id", self.id), ("time", self.time), ("happening", self.happening)):
            if (value := pick.value(seen)) is not None:
                made[name] = value
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyMapping:
    """Where everything lies in one producer's bodies."""

    kind: TypePick
    fields: EventFields
    """Of an event that nothing more is said about."""
    by_event: Mapping[str, EventFields] = field(default_factory=dict)
    """By neutral name: all that is said about these."""
    events: tuple[Place, ...] = ()
    """Lists of events in a body that carries several; a body that has none of them is one event itself."""
    signature: SignatureRule | None = None

    def fields_of(self, name: str | None) -> EventFields:
        """Where the fields of an event of this neutral name lie."""
        return self.by_event.get(name or "", self.fields)

    def parts(self, body: Json) -> list[Json]:
        """The parts of the body that are one event each."""
        for place in self.events:
            found = at(body, place.path)
            if found is not None or is_null(body, place.path):
                return list(found) if isinstance(found, list) else [] if found is None else [found]
        return [body]


def found_by(ways: tuple[Way, ...], seen: Seen) -> Iterator[Json]:
    """What the ways lead to, in their order."""
    for way in ways:
        found = [(place.value(seen), place.optional) for place in way]
        there = [value for value, _ in found if value is not None]
        if not there or any(value is None and not optional for value, optional in found):
            continue
        if len(way) == 1:
            yield there[0]
        elif not any(isinstance(value, dict | list) for value in there):
            yield " ".join(map(text_of, there))


def text_of(value: Json) -> str:
    """A value as it stands in a table or in a text that several make up: ``true``, ``17`` also for 17.0."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _found(picks: Mapping[Path, Pick], seen: Seen) -> Iterator[tuple[Path, Json]]:
    for path, pick in picks.items():
        value = pick.value(seen)
        if value is not None or pick.clears(seen):
            yield path, value


def _nested(found: Iterator[tuple[Path, Json]]) -> dict[str, Json]:
    nested: dict[str, Json] = {}
    for path, value in found:
        inner = nested
        for step in path[:-1]:
            inner = inner.setdefault(str(step), {})  # type: ignore[assignment]  # Only objects lie on the way.
        inner[str(path[-1])] = value
    return nested


def _number(text: str) -> int | float | None:
    try:
        number = int(text) if text.strip().lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
