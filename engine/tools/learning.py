"""Proposals for declared fields: metadata, data, and what bodies say beyond the neutral fields."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ..ingest import Reading
from ..language import Path
from ..language.schema import CARD_FIELDS, EVENT_FIELDS, MEMBER_FIELDS, OPEN_OBJECTS
from ..language.scope import path_text
from ..model import Event, Value
from ..ruleset.declared import TYPES
from ..ruleset.shared import Shared
from .field_list import PERSONAL, values_in

MOST_TEXTS, FEWEST_VALUES = 10, 50
"""A text is one of a few when it has at most so many forms in at least so many values."""
_DEEPEST = 4
_MOST_FIELDS = 2_000
_CONSTANT_FROM = 20
"""What says the same so many times tells a rule nothing."""
_TEXTS_KEPT = 200
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PERSONAL_NAME = re.compile(
    r"name|mail|phone|mobile|address|street|city|zip|postal|birth|gender|iban|passport|token|secret|\bip\b|(^|_)id$",
    re.IGNORECASE,
)
_PERSONAL_VALUE = re.compile(r"@|\d{5,}|[0-9a-fA-F]{8}-|^\+?[\d ()-]{7,}$|^https?:")
_GROUPS = {"customer": "member", "member": "member", "contact": "member", "voucher": "card", "card": "card"}
_NEUTRAL = {
    "member": frozenset(MEMBER_FIELDS) | {"tier", "erased"},
    "card": frozenset(CARD_FIELDS) | {"member_id"},
    "event": frozenset(name for fields in EVENT_FIELDS.values() for name in fields),
}
_NAME = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(slots=True)
class Column:
    """Everything one place had to say."""

    kinds: Counter[str] = field(default_factory=Counter)
    texts: set[str] = field(default_factory=set)
    count: int = 0
    told: int = 0
    """How often the value was no neutral field's."""

    def add(self, value: Value, *, known: bool) -> None:
        """Count a value."""
        self.count += 1
        self.told += not known
        self.kinds[_kind(value)] += 1
        if len(self.texts) < _TEXTS_KEPT:
            self.texts.add(str(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A declaration that could be made."""

    path: Path
    type: str
    one_of: tuple[str, ...] = ()
    body_path: str | None = None
    count: int
    of: int
    """In how many of how many events it was."""

    @property
    def yaml(self) -> str:
        """The line for ``fields`` in ``rules/shared.yaml``."""
        parts = [f"type: {self.type}"]
        parts += [f"one_of: [{', '.join(map(_quoted, self.one_of))}]"] if self.one_of else []
        parts += [f"path: {_quoted(self.body_path)}"] if self.body_path else []
        return f"  {path_text(self.path)}: {{{', '.join(parts)}}}"


class Learner:
    """Looks at readings one by one and proposes at the end."""

    def __init__(self, shared: Shared) -> None:
        self._declared = {one.path for one in shared.fields}
        self._paths = {one.body_path for one in shared.fields}
        self._entries: dict[Path, Column] = {}
        self._body: dict[str, Column] = {}
        self.events = 0

    def add(self, reading: Reading) -> None:
        """Look at what a delivery said."""
        for event, part in zip(reading.events, reading.parts, strict=True):
            self.events += 1
            seen = values_in([event], frozenset({event.name}))
            for path, value in seen.items():
                if path[:2] in OPEN_OBJECTS and len(path) > 2:  # noqa: PLR2004 - an entry
                    self._count(self._entries, path, value, known=False)
            known = {str(value) for value in _known(event, seen.values())}
            inside = {id(value) for value in _open_values(part)}
            for text, value in _leaves(part, inside):
                self._count(self._body, text, value, known=str(value) in known)

    def proposals(self) -> list[Proposal]:
        """What could be declared, the most frequent first."""
        found = [
            self._proposal(path, None, column) for path, column in self._entries.items() if path not in self._declared
        ]
        taken = set(self._declared)
        for text, column in self._body.items():
            if text not in self._paths and column.told and not _says_nothing(column):
                path = _named(text, taken)
                taken.add(path)
                found.append(self._proposal(path, text, column))
        made = [one for one in found if one is not None]
        return sorted(made, key=lambda one: (-one.count, one.path))

    def _count(self, columns: dict[Any, Column], key: Any, value: Value, *, known: bool) -> None:
        if value is not None and (key in columns or len(columns) < _MOST_FIELDS):
            columns.setdefault(key, Column()).add(value, known=known)

    def _proposal(self, path: Path, body_path: str | None, column: Column) -> Proposal | None:
        kind = _type_of(column)
        if kind is None:
            return None
        one_of = _few(path, body_path, column) if kind == "text" else ()
        return Proposal(path=path, type=kind, one_of=one_of, body_path=body_path, count=column.count, of=self.events)


def _type_of(column: Column) -> str | None:
    """The one type that all values have; ``None`` for what is mixed, or is no value."""
    kinds = set(column.kinds)
    if kinds == {"whole number", "number"}:
        return "number"
    if kinds == {"date", "time"}:
        return "time"
    if len(kinds) > 1 and kinds <= {"text", "date", "time"}:
        return "text"
    [*found] = kinds
    return found[0] if len(found) == 1 and found[0] in TYPES else None


def _few(path: Path, body_path: str | None, column: Column) -> tuple[str, ...]:
    """The texts, where they are few, often enough, and nobody's own."""
    if column.count < FEWEST_VALUES or len(column.texts) > MOST_TEXTS:
        return ()
    if _PERSONAL_NAME.search(path[-1]) or _PERSONAL_NAME.search(body_path or "") or path[-1] in PERSONAL:
        return ()
    if any(_PERSONAL_VALUE.search(text) or len(text.split()) > 3 for text in column.texts):  # noqa: PLR2004 - words
        return ()
    return tuple(sorted(column.texts))


def _says_nothing(column: Column) -> bool:
    return column.count >= _CONSTANT_FROM and len(column.texts) == 1


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "yes/no"
    if isinstance(value, int):
        return "whole number"
    if isinstance(value, float):
        return "whole number" if value.is_integer() else "number"
    if isinstance(value, list):
        inner = {_kind(item) for item in value}
        numbers = bool(inner) and inner <= {"whole number", "number"}
        return "list of numbers" if numbers else "list of texts" if inner and inner <= {"text", "date", "time"} else "?"
    return _kind_of_text(value) if isinstance(value, str) else "?"


def _kind_of_text(text: str) -> str:
    try:
        if _DAY.fullmatch(text):
            date.fromisoformat(text)
            return "date"
        if _DAY.match(text) and len(text) > len("2026-01-31T"):
            datetime.fromisoformat(text)
            return "time"
    except ValueError:
        pass
    return "text"


def _known(event: Event, values: Iterable[Value]) -> Iterator[Value]:
    """What the event says in neutral fields."""
    yield from (event.key, event.name, event.producer_name, event.holder_id, event.occurred_at.isoformat())
    yield from (part.id for part in (event.member, event.card) if part is not None)
    yield from event.member.aliases if event.member else ()
    yield from (event.happening or "").split(":")
    for value in values:
        yield from value.values() if isinstance(value, dict) else (value,)


def _leaves(part: object, inside: set[int], path: str = "", depth: int = 0) -> Iterator[tuple[str, Value]]:
    """The values of a body that are no objects, with their paths; lists count as values."""
    if not isinstance(part, dict) or depth > _DEEPEST or id(part) in inside:
        return
    for key, value in part.items():
        text = _joined(path, key)
        if isinstance(value, dict):
            yield from _leaves(value, inside, text, depth + 1)
        else:
            yield text, value


def _open_values(part: object) -> Iterator[object]:
    """The objects in a body that producers fill freely: their entries have a name already."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("metadata", "data"):
                yield value
            else:
                yield from _open_values(value)


def _joined(path: str, key: str) -> str:
    if re.fullmatch(r"[^\W\d][\w-]*", key):
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key)}]" if path and '"' not in key and "'" not in key else f"{path}.{key}"


def _named(text: str, taken: set[Path]) -> Path:
    """A name for what lies at this path: its last words, as few as are needed."""
    words = [_NAME.sub("_", _CAMEL.sub("_", word).lower()).strip("_") for word in re.split(r"[.\[\]\"]+", text) if word]
    group = _GROUPS.get(words[0], "event") if len(words) > 1 else "event"
    for length in range(1, len(words) + 1):
        name = "_".join(words[-length:])
        if (group, name) not in taken and re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _NEUTRAL[group]:
            return group, name
    return group, f"field_{len(taken)}"


def _quoted(text: str) -> str:
    return (
        text
        if re.fullmatch(r"[A-Za-z][\w.-]*", text) and text.lower() not in ("true", "false", "null")
        else json.dumps(text)
    )
