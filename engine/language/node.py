"""Facts as expressions and templates see them: read by name, never printed whole, nothing but facts inside.

A template that were given a ``dict`` would find its methods: ``order.items`` would be one. A ``Node`` has no public
attributes at all, so every name an author writes is a fact or is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NoReturn

from jinja2 import UndefinedError

from ..model import Value
from .absent import Absent
from .kinds import FREE, Kind, Type, fits


class Node:
    """A group of facts under names, read-only.

    With ``fields`` only those names exist (``KeyError`` for others), and a value that is not of the declared type
    counts as absent. Without, any name may be asked for. Absent values are ``Absent`` objects. What has been read once
    is remembered: the parts of a message ask for the same facts again and again.
    """

    __slots__ = ("_fields", "_path", "_read", "_values")

    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __init__(self, values: Mapping[str, Any], path: str, fields: Mapping[str, Type] | None = None) -> None:
        self._values = values
        self._path = path
        self._fields = fields
        self._read: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        if name in self._read:
            return self._read[name]
        self._read[name] = value = self._value(name)
        return value

    def _value(self, name: str) -> object:
        value = self._values.get(name)
        if self._fields is None:
            return wrapped(value, f'{self._path}["{name}"]')
        declared = self._fields[name]
        if fits(value, declared):
            return wrapped(value, f"{self._path}.{name}")
        return Node({}, f"{self._path}.{name}") if declared.kind is Kind.OBJECT else Absent(f"{self._path}.{name}")

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        declared = FREE if self._fields is None else self._fields.get(name)
        return declared is not None and fits(self._values.get(name), declared)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._values if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and plain(self) == plain(other)

    def __str__(self) -> str:
        return self._never_text()

    def __repr__(self) -> str:
        return self._never_text()

    def _never_text(self) -> NoReturn:
        raise UndefinedError(f"{self._path} is a group of facts, not a text; name one of them")


class Items(tuple[object, ...]):
    """A list among the facts: it can be counted and gone through, and equals a list with the same items."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, tuple(other)) if isinstance(other, list | tuple) else False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return tuple.__hash__(self)

    def __str__(self) -> str:
        return self._never_text()

    def __repr__(self) -> str:
        return self._never_text()

    def _never_text(self) -> NoReturn:
        raise UndefinedError('a list is not a text; go through it, or write list | join(", ")')


def wrapped(value: object, path: str) -> object:
    """A fact as authors get it: null becomes absent, objects and lists become read-only."""
    if value is None:
        return Absent(path)
    if isinstance(value, dict):
        return Node(value, path)
    if isinstance(value, list):
        return Items(wrapped(item, f"{path}[{place}]") for place, item in enumerate(value))
    return value


def plain(value: Any) -> Value:
    """The fact behind what an author got; absent is ``None``."""
    if isinstance(value, Absent):
        return None
    if isinstance(value, Node):
        return {name: plain(value[name]) for name in value}
    if isinstance(value, Items):
        return [plain(item) for item in value]
    return value  # type: ignore[no-any-return]
