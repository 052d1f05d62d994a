"""Pickles for what travels most: objects as the values of their fields, in C as far as it goes.

A frozen dataclass with slots pickles itself field by field in Python, which costs more than deciding some events does.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeAlias

from ..decide import Book, Changes, Needs
from ..model import (
    Cancel,
    Card,
    Fact,
    Member,
    Notification,
    Notify,
    Schedule,
    Skip,
    Timer,
    Withdrawal,
    Words,
)
from ..settlement import Received, Settlement, StoredEvent, Worded

Values: TypeAlias = tuple[Any, ...]

_PLAIN: tuple[type, ...] = (
    Book,
    Cancel,
    Changes,
    Needs,
    Notification,
    Notify,
    Received,
    Schedule,
    Settlement,
    Skip,
    StoredEvent,
    Timer,
    Withdrawal,
    Worded,
    Words,
)


def pickle_into(buffer: io.BytesIO, message: object) -> None:
    """Write the message where the buffer stands; ``pickle.loads`` reads it."""
    pickler = pickle.Pickler(buffer, protocol=5)
    pickler.dispatch_table = _WAYS
    pickler.dump(message)


def _by_values(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    values = attrgetter(*_NAMES[kind])
    return lambda one: (_made, (kind, values(one)))


def _made(kind: type, values: Values) -> object:
    one: object = object.__new__(kind)
    for put, value in zip(_PUT[kind], values, strict=True):
        put(one, value)
    return one


def _member(one: Member) -> tuple[Any, ...]:
    return _made_member, (one.id, one.aliases, *_flat(one.facts))


def _made_member(id_: str, aliases: frozenset[str], *flat: Values) -> Member:
    return Member(id=id_, aliases=aliases, facts=_facts(*flat))


def _card(one: Card) -> tuple[Any, ...]:
    return _made_card, (one.id, *_flat(one.facts))


def _made_card(id_: str, *flat: Values) -> Card:
    return Card(id=id_, facts=_facts(*flat))


def _flat(facts: Mapping[str, Fact]) -> tuple[Values, Values, Values]:
    """Many facts are of one moment, and a moment that stands for itself is written once."""
    known = facts.values()
    return tuple(facts), tuple([fact.value for fact in known]), tuple([fact.as_of for fact in known])


def _facts(names: Values, values: Values, times: Values) -> dict[str, Fact]:
    return {name: _fact(value, as_of) for name, value, as_of in zip(names, values, times, strict=True)}


def _fact(value: Any, as_of: Any) -> Fact:
    one = object.__new__(Fact)
    _PUT_VALUE(one, value)
    _PUT_AS_OF(one, as_of)
    return one


_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in (*_PLAIN, Fact)}
_PUT = {kind: tuple(getattr(kind, name).__set__ for name in names) for kind, names in _NAMES.items()}
_PUT_VALUE, _PUT_AS_OF = _PUT[Fact]


_WAYS: dict[type, Callable[[Any], Any]] = {**copyreg.dispatch_table, **{kind: _by_values(kind) for kind in _PLAIN}}
_WAYS |= {Member: _member, Card: _card}
