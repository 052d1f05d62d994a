"""A JSON object read field by field, tolerant by type.

A producer that changes the type of a field must not take the delivery down with it: the field is left out, and a note
says where and what. Absent and null are both ``None`` here; ``has`` tells them apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TypeVar

from ..model import Value

_SPACES_IN_TIME = re.compile(r"(?<=[T:.-])\s+|\s+(?=[T:.Z+-])")
"""As published: ``2024-05-13T10: 24: 01.084Z``."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 100_000_000_000
"""A larger count of epoch seconds would lie in the year 5138: it is milliseconds."""

T = TypeVar("T")


class Payload:
    """One JSON object, or an empty one where there is none, so that paths can be walked without checks."""

    __slots__ = ("_inner", "_notes", "_path", "_value", "zone")

    def __init__(self, value: object, *, zone: tzinfo = UTC, notes: list[str] | None = None, path: str = "") -> None:
        self._value: Mapping[str, object] = value if isinstance(value, dict) else {}
        self._notes: list[str] = [] if notes is None else notes
        self._path = path
        self._inner: dict[str, Payload] = {}
        self.zone = zone
        """What times without an offset mean, and in which zone an instant becomes a date."""

    def __bool__(self) -> bool:
        return bool(self._value)

    @property
    def value(self) -> Mapping[str, object]:
        """The object as it came."""
        return self._value

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, and why; shared by all parts of one body."""
        return tuple(dict.fromkeys(self._notes))

    def note(self, text: str) -> None:
        """Add a remark about this body."""
        self._notes.append(text)

    def has(self, key: str) -> bool:
        """Whether the key is there, be it null."""
        return key in self._value

    def keys(self) -> list[str]:
        """The keys, in the order of the body."""
        return list(self._value)

    def raw(self, key: str) -> object:
        """The value as it came."""
        return self._value.get(key)

    def child(self, key: str) -> Payload:
        """The object under the key; an empty one when it is absent, null or something else."""
        inner = self._inner.get(key)
        if inner is None:
            value = self._value.get(key)
            if value is not None and not isinstance(value, dict):
                self._drift(key, "an object", value)
            inner = Payload(value, zone=self.zone, notes=self._notes, path=f"{self._path}{key}.")
            self._inner[key] = inner
        return inner

    def children(self, key: str) -> list[Payload]:
        """The objects under the key, which may be a list, one object, or an object of objects."""
        value = self._value.get(key)
        if isinstance(value, dict):
            inner = list(value.values())
            value = inner if inner and all(isinstance(item, dict) for item in inner) else [value]
        elif value is not None and not isinstance(value, list):
            self._drift(key, "a list", value)
        items = value if isinstance(value, list) else []
        path = f"{self._path}{key}[]."
        return [Payload(item, zone=self.zone, notes=self._notes, path=path) for item in items if isinstance(item, dict)]

    def text(self, key: str) -> str | None:
        """A text that is not empty."""
        value = self._value.get(key)
        if value is None or isinstance(value, str):
            return value or None
        self._drift(key, "a text", value)
        return None

    def identity(self, key: str) -> str | None:
        """An id: a text, or a whole number as some producers have it."""
        value = self._value.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(key)

    def number(self, key: str) -> int | float | None:
        """A number."""
        value = self._value.get(key)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        self._drift(key, "a number", value)
        return None

    def flag(self, key: str) -> bool | None:
        """True or false."""
        value = self._value.get(key)
        if value is None or isinstance(value, bool):
            return value
        self._drift(key, "true or false", value)
        return None

    def mapping(self, key: str) -> dict[str, Value] | None:
        """An object, as it came."""
        value = self._value.get(key)
        if value is None or isinstance(value, dict):
            return value  # JSON values are facts
        self._drift(key, "an object", value)
        return None

    def moment(self, key: str, *, epoch: bool = False) -> datetime | None:
        """An instant in UTC, from ISO 8601; with ``epoch`` also from seconds or milliseconds since 1970."""
        value = self._value.get(key)
        if value is None or value == "":
            return None
        found = _instant(value, self.zone) if isinstance(value, str) else since_epoch(value) if epoch else None
        if found is None:
            self._drift(key, "a time", value)
        return found

    def day(self, key: str) -> date | None:
        """A calendar date; an instant is taken as the date it falls on in ``zone``."""
        value = self._value.get(key)
        if value is None or value == "":
            return None
        found = _date(value, self.zone) if isinstance(value, str) else None
        if found is None:
            self._drift(key, "a date", value)
        return found

    def _drift(self, key: str, expected: str, value: object) -> None:
        dated = isinstance(value, str) and expected in ("a time", "a date")
        found = "an unreadable text" if dated else _kind(value)
        self._notes.append(f"{self._path}{key} is left out: expected {expected}, found {found}")


def first(*candidates: T | None) -> T | None:
    """The first candidate that is there."""
    return next((candidate for candidate in candidates if candidate is not None), None)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "something else")


def _instant(text: str, zone: tzinfo) -> datetime | None:
    try:
        read = _iso(text)
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(_SPACES_IN_TIME.sub("", text.strip()))


def since_epoch(value: object) -> datetime | None:
    """The instant of so many seconds, or milliseconds, since 1970; ``None`` for what is no such number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None


def _date(text: str, zone: tzinfo) -> date | None:
    if _DAY.fullmatch(text.strip()):
        try:
            return date.fromisoformat(text.strip())
        except ValueError:
            return None
    instant = _instant(text, zone)
    try:
        return None if instant is None else instant.astimezone(zone).date()
    except OverflowError:
        return None
