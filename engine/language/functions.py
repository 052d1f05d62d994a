"""The functions, filters and tests of the language: one implementation each, for rules and templates alike."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date as calendar_date
from datetime import timedelta
from types import MappingProxyType

from .absent import is_defined, is_none, refuse_absent, refuse_undeclared
from .kinds import DATE, DURATION, TEXT, WHOLE, YES_NO, Kind, Type
from .node import Node

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _days(amount: float) -> timedelta:
    return timedelta(days=_finite(amount))


def _hours(amount: float) -> timedelta:
    return timedelta(hours=_finite(amount))


def _minutes(amount: float) -> timedelta:
    return timedelta(minutes=_finite(amount))


def read_date(text: str) -> calendar_date:
    """A calendar date written as ``2026-01-31`` (ISO 8601, extended form only). Raises ``ValueError``."""
    _need_text(text)
    if not _ISO_DATE.fullmatch(text):
        raise ValueError(f"{text!r} is not a date like 2026-01-31")
    return calendar_date.fromisoformat(text)


def _lower(text: str) -> str:
    _need_text(text)
    return text.lower()


def _upper(text: str) -> str:
    _need_text(text)
    return text.upper()


def _starts_with(text: str, beginning: str) -> bool:
    _need_text(text, beginning)
    return text.startswith(beginning)


def _ends_with(text: str, ending: str) -> bool:
    _need_text(text, ending)
    return text.endswith(ending)


def _any_of(items: object, name: str, value: object) -> bool:
    """Whether one of the items has this value under this name. Total like equality: what is no list has no items."""
    refuse_undeclared(items)
    if not isinstance(items, list | tuple):
        return False
    return any(isinstance(item, Node) and item[name] == value for item in items)


def _count(items: list[object]) -> int:
    refuse_absent(items)
    return len(items)


def _round(amount: float) -> int:
    """The nearest whole number; halves go away from zero, as people round."""
    amount = _finite(amount)
    if isinstance(amount, int):
        return amount
    whole = math.floor(abs(amount))
    whole += abs(amount) - whole >= 0.5  # noqa: PLR2004 - a half
    return whole if amount >= 0 else -whole


def _default(value: object, fallback: object) -> object:
    return fallback if is_none(value) else value


def _need_text(*values: object) -> None:
    """Templates can be given what rules are refused: raise ``TypeError`` then, ``UndefinedError`` for absent values."""
    refuse_absent(*values)
    if not all(isinstance(value, str) for value in values):
        raise TypeError("a text is needed here")


def _finite(amount: float) -> float:
    refuse_absent(amount)
    if not math.isfinite(amount):
        raise OverflowError("a number out of range")
    return amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a function accepts in one place."""

    kinds: frozenset[Kind]
    literal: bool = False
    """It has to be written out in the expression, so that it can be checked when rules are loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of the language, and how its use is checked."""

    run: Callable[..., object]
    takes: tuple[Parameter, ...]
    gives: Type
    example: str


_A_NUMBER = Parameter(kinds=frozenset({Kind.WHOLE, Kind.NUMBER}))
_A_TEXT = Parameter(kinds=frozenset({Kind.TEXT}))
_A_FIXED_TEXT = Parameter(kinds=frozenset({Kind.TEXT}), literal=True)
_A_LIST = Parameter(kinds=frozenset({Kind.LIST}))
_A_LIST_OR_FREE = Parameter(kinds=frozenset({Kind.LIST, Kind.FREE}))
_A_VALUE = Parameter(kinds=frozenset({Kind.TEXT, Kind.WHOLE, Kind.NUMBER, Kind.YES_NO, Kind.DATE, Kind.TIME}))

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "days": Function(run=_days, takes=(_A_NUMBER,), gives=DURATION, example="days(30)"),
        "hours": Function(run=_hours, takes=(_A_NUMBER,), gives=DURATION, example="hours(12)"),
        "minutes": Function(run=_minutes, takes=(_A_NUMBER,), gives=DURATION, example="minutes(30)"),
        "date": Function(run=read_date, takes=(_A_FIXED_TEXT,), gives=DATE, example='date("2026-01-31")'),
        "lower": Function(run=_lower, takes=(_A_TEXT,), gives=TEXT, example="lower(tier.name)"),
        "starts_with": Function(
            run=_starts_with, takes=(_A_TEXT, _A_TEXT), gives=YES_NO, example='starts_with(card.id, "GOLD-")'
        ),
        "ends_with": Function(
            run=_ends_with, takes=(_A_TEXT, _A_TEXT), gives=YES_NO, example='ends_with(member.id, "-test")'
        ),
        "any_of": Function(
            run=_any_of,
            takes=(_A_LIST_OR_FREE, _A_FIXED_TEXT, _A_VALUE),
            gives=YES_NO,
            example='any_of(event.data["items"], "sku", "A-1")',
        ),
        "count": Function(run=_count, takes=(_A_LIST,), gives=WHOLE, example="count(items)"),
        "round": Function(run=_round, takes=(_A_NUMBER,), gives=WHOLE, example="round(card.balance / 100)"),
    }
)
"""What may be called, as ``name(argument)``."""

DEFAULT = "default"
"""The filter that takes an argument; its result depends on both sides."""

FILTERS: Mapping[str, Function] = MappingProxyType(
    {
        "lower": FUNCTIONS["lower"],
        "upper": Function(run=_upper, takes=(_A_TEXT,), gives=TEXT, example="tier.name | upper"),
        "round": FUNCTIONS["round"],
    }
)
"""What may stand behind ``|``, besides ``default``."""

JINJA_FUNCTIONS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {name: function.run for name, function in FUNCTIONS.items()}
)
JINJA_FILTERS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {DEFAULT: _default, **{name: function.run for name, function in FILTERS.items()}}
)
JINJA_TESTS: Mapping[str, Callable[[object], bool]] = MappingProxyType({"none": is_none, "defined": is_defined})
"""What a template environment registers (as globals, filters, tests) so that the same words mean the same there."""
