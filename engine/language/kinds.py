"""The types of the rule language: what a fact or an expression may be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What sort of value; the value of each member is what people call it."""

    WHOLE = "whole number"
    NUMBER = "number"
    TEXT = "text"
    YES_NO = "yes/no"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    LIST = "list"
    OBJECT = "group of facts"
    FREE = "value without a declared type"
    """Data the producer added freely (metadata): it can be equal to something, but has no order and no arithmetic."""
    MIXED = "value of varying type"
    """One type or another, depending on the facts: it can be true or false, nothing else."""
    BROKEN = "broken expression"
    """Already reported: whatever is built on it stays quiet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A kind, and what else is known at load time."""

    kind: Kind
    optional: bool = False
    """May be absent when the rule runs."""
    one_of: tuple[str, ...] = ()
    """The texts it can be, where they are known."""
    item: Type | None = None
    """What a list holds."""
    whole_days: bool = False
    """A duration that cannot end in the middle of a day, so that a date can be moved by it."""

    @property
    def numeric(self) -> bool:
        return self.kind in {Kind.WHOLE, Kind.NUMBER}

    def __str__(self) -> str:
        return f"{self.kind.value} of {self.item.kind.value}s" if self.item else self.kind.value


WHOLE = Type(kind=Kind.WHOLE)
NUMBER = Type(kind=Kind.NUMBER)
TEXT = Type(kind=Kind.TEXT)
YES_NO = Type(kind=Kind.YES_NO)
DATE = Type(kind=Kind.DATE)
TIME = Type(kind=Kind.TIME)
DURATION = Type(kind=Kind.DURATION)
DAYS = Type(kind=Kind.DURATION, whole_days=True)
OBJECT = Type(kind=Kind.OBJECT)
FREE = Type(kind=Kind.FREE)
MIXED = Type(kind=Kind.MIXED)
BROKEN = Type(kind=Kind.BROKEN)


def maybe(kind: Type) -> Type:
    """The same, but it may be absent."""
    return replace(kind, optional=True)


def always(kind: Type) -> Type:
    """The same, proven present."""
    return replace(kind, optional=False)


def list_of(item: Type) -> Type:
    return Type(kind=Kind.LIST, item=item)


def join(left: Type, right: Type) -> Type:
    """What something is that is either the one or the other."""
    optional = left.optional or right.optional
    if BROKEN.kind in {left.kind, right.kind}:
        return BROKEN
    if left.kind is right.kind:
        same_texts = tuple(dict.fromkeys(left.one_of + right.one_of)) if left.one_of and right.one_of else ()
        item = join(left.item, right.item) if left.item and right.item else None
        whole_days = left.whole_days and right.whole_days
        return Type(kind=left.kind, optional=optional, one_of=same_texts, item=item, whole_days=whole_days)
    if left.numeric and right.numeric:
        return replace(NUMBER, optional=optional)
    return replace(MIXED, optional=optional)


_LARGEST = sys.float_info.max
"""Beyond it a whole number, which JSON may hold with thousands of digits, can neither be divided nor printed."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and _is_number(value)


def _is_date(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _is_time(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


_FITS: Mapping[Kind, Callable[[object], bool]] = {
    Kind.WHOLE: _is_whole,
    Kind.NUMBER: _is_number,
    Kind.TEXT: lambda value: isinstance(value, str),
    Kind.YES_NO: lambda value: isinstance(value, bool),
    Kind.DATE: _is_date,
    Kind.TIME: _is_time,
    Kind.DURATION: lambda value: isinstance(value, timedelta),
    Kind.LIST: lambda value: isinstance(value, list),
    Kind.OBJECT: lambda value: isinstance(value, dict),
}


def fits(value: object, declared: Type) -> bool:
    """Whether a fact is of the type that was declared for it. What does not fit counts as absent."""
    check = _FITS.get(declared.kind)
    if check is None or value is None:
        return value is not None
    if declared.item is not None and isinstance(value, list):
        return all(fits(item, declared.item) for item in value)
    return check(value)
