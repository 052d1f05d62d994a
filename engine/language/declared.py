"""Declared fields as facts: what a producer sent becomes a value of the declared type, or counts as absent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TypeVar

from ..model import Value
from .kinds import Kind, Type, fits, maybe
from .schema import Fields

K = TypeVar("K")


@dataclass(frozen=True)
class FieldTypes:
    """The types of declared fields, by where rules find them: ``("member", "metadata", "status")``."""

    by_path: Mapping[tuple[str, ...], Type] = field(default_factory=dict)

    @cached_property
    def groups(self) -> Mapping[str, Fields]:
        """The fields that are declared beside the neutral ones, by group."""
        return _nested((path[0], path[1], kind) for path, kind in self.by_path.items() if len(path) == 2)  # noqa: PLR2004

    @cached_property
    def entries(self) -> Mapping[tuple[str, str], Fields]:
        """The entries of open objects, by group and object."""
        return _nested(((path[0], path[1]), path[2], kind) for path, kind in self.by_path.items() if len(path) > 2)  # noqa: PLR2004

    def fields(self, group: str, neutral: Fields) -> Fields:
        """All fields of a group."""
        own = self.groups.get(group)
        return {**neutral, **own} if own else neutral

    def values(self, group: str, values: Mapping[str, Value]) -> Mapping[str, Value]:
        """The values of a group, those of declared fields in their types."""
        if not self.by_path:
            return values
        typed = dict(values)
        for name, kind in self.groups.get(group, {}).items():
            typed[name] = as_type(values.get(name), kind)
        for (root, name), kinds in self.entries.items():
            inner = values.get(name)
            if root == group and isinstance(inner, dict):
                typed[name] = {**inner, **{key: as_type(inner.get(key), kind) for key, kind in kinds.items()}}
        return typed


NONE_DECLARED = FieldTypes()


def as_type(value: Value, kind: Type) -> Value:
    """The value as one of its declared type; ``None`` where it cannot be one.

    Dates and times are texts in JSON (ISO 8601; a time without an offset is UTC), numbers may be. A text is never
    guessed to be yes or no.
    """
    reads = _READS.get(kind.kind)
    if isinstance(value, str) and reads is not None:
        try:
            value = reads(value.strip())
        except (ValueError, OverflowError):
            return None
    if isinstance(value, float) and kind.kind is Kind.WHOLE and value.is_integer():
        value = int(value)
    return value if fits(value, kind) else None


def _number(text: str) -> Value:
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def _day(text: str) -> Value:
    return date.fromisoformat(text) if len(text) <= len("2026-01-31") else _moment(text).date()


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_READS: Mapping[Kind, Callable[[str], Value]] = {
    Kind.NUMBER: _number,
    Kind.WHOLE: _number,
    Kind.DATE: _day,
    Kind.TIME: _moment,
}


def _nested(found: Iterable[tuple[K, str, Type]]) -> dict[K, dict[str, Type]]:
    nested: dict[K, dict[str, Type]] = {}
    for place, name, kind in found:
        nested.setdefault(place, {})[name] = maybe(kind)
    return nested
