"""Which types go together: the rules for comparing, adding and calling, and what to say when they are broken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .ir import Listing, Literal, Node
from .kinds import BROKEN, DAYS, DURATION, NUMBER, WHOLE, Kind, Type
from .problem import closest

_LIKE_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?", re.ASCII)
_LIKE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_UNORDERED: Mapping[Kind, str] = {
    Kind.TEXT: "texts have no order",
    Kind.YES_NO: "yes and no have no order",
    Kind.LIST: "lists have no order",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Why two types do not go together, and which side to point at."""

    code: str
    message: str
    suggestion: str | None = None
    at: Node | None = None


def equality(left: Node, right: Node) -> Clash | None:
    """May the two be compared with ``==`` and ``!=``? Absent values may: they equal nothing."""
    one, other = left.type, right.type
    grouped = _grouped(one) or _grouped(other)
    if grouped:
        return grouped
    if not _comparable(one, other):
        return _mismatch(left, right)
    return _never(one, right) or _never(other, left)


def order(left: Node, right: Node, operator: str) -> Clash | None:
    """May the two be compared with ``<`` and its kin, presence aside?"""
    one, other = left.type, right.type
    for kind in (one, other):
        if kind.kind is Kind.FREE:
            return _untyped(f"compared with {operator}")
    grouped = _grouped(one) or _grouped(other)
    if grouped:
        return grouped
    if not _comparable(one, other):
        return _mismatch(left, right)
    if one.kind in _UNORDERED:
        return Clash(code="PB208", message=f"{_UNORDERED[one.kind]}, so {operator} cannot compare them")
    return None


def membership(left: Node, right: Node) -> Clash | None:
    """May ``left in right`` be asked? The right side is a list, or a text that may hold the left one."""
    if Kind.BROKEN in (left.type.kind, right.type.kind):
        return None
    if right.type.kind is Kind.TEXT and not isinstance(right, Literal):
        return None if left.type.kind is Kind.TEXT else _mismatch(left, right)
    if right.type.kind is not Kind.LIST:
        return _not_a_list(right)
    if isinstance(right, Listing):
        return next(filter(None, (equality(left, item) for item in right.items)), None)
    item = right.type.item
    if item is None or _comparable(left.type, item):
        return None
    return Clash(code="PB208", message=f"a {left.type} cannot be in a {right.type}", at=left)


def arithmetic(operator: str, left: Node, right: Node) -> Type | Clash:
    """What a calculation gives, presence aside."""
    one, other = left.type, right.type
    if Kind.BROKEN in (one.kind, other.kind):
        return BROKEN
    if Kind.FREE in (one.kind, other.kind):
        return _untyped("used in a calculation")
    if one.numeric and other.numeric:
        return WHOLE if operator != "/" and one.kind is other.kind is Kind.WHOLE else NUMBER
    if operator == "-" and one.kind is other.kind and one.kind in {Kind.DATE, Kind.TIME}:
        return DAYS if one.kind is Kind.DATE else DURATION
    if operator in {"+", "-"}:
        moved = _moved(operator, one, other)
        if moved is not None:
            return moved
    return _no_calculation(operator, left, right)


def _moved(operator: str, one: Type, other: Type) -> Type | Clash | None:
    """A date, time or duration, longer or shorter by a duration."""
    if one.kind is Kind.DURATION and operator == "+":
        one, other = other, one
    if other.kind is not Kind.DURATION or one.kind not in {Kind.DATE, Kind.TIME, Kind.DURATION}:
        return None
    if one.kind is Kind.DATE and not other.whole_days:
        return Clash(code="PB208", message="a date can be moved by whole days only", suggestion="write days(n), or now")
    return replace(one, optional=False, whole_days=one.whole_days and other.whole_days)


def _comparable(one: Type, other: Type) -> bool:
    quiet = {Kind.BROKEN, Kind.FREE}
    return one.kind in quiet or other.kind in quiet or one.kind is other.kind or (one.numeric and other.numeric)


def _grouped(kind: Type) -> Clash | None:
    if kind.kind is Kind.OBJECT:
        return Clash(code="PB208", message="a group of facts cannot be compared", suggestion="name one of its fields")
    if kind.kind is Kind.MIXED:
        return Clash(code="PB208", message="this is of one type or another, so it cannot be compared")
    return None


def _never(declared: Type, node: Node) -> Clash | None:
    """A text that the field can never be."""
    if not declared.one_of or not isinstance(node, Literal) or not isinstance(node.value, str):
        return None
    if node.value in declared.one_of:
        return None
    near = closest(node.value, declared.one_of)
    message = f'"{node.value}" is not one of {", ".join(declared.one_of)}'
    return Clash(code="PB209", message=message, suggestion=f'did you mean "{near}"?' if near else None, at=node)


def _untyped(use: str) -> Clash:
    return Clash(
        code="PB215",
        message=f"the type of this value is not known, so it cannot be {use}",
        suggestion="compare it with == or in",
    )


def _not_a_list(right: Node) -> Clash:
    if isinstance(right, Literal) and isinstance(right.value, str):
        return Clash(
            code="PB208",
            message="in looks into a list, this is a text",
            suggestion=f'write ["{right.value}"]',
            at=right,
        )
    if right.type.kind is Kind.FREE:
        return replace(_untyped("searched with in"), suggestion="write == or any_of(…)", at=right)
    return Clash(code="PB208", message=f"in looks into a list, this is a {right.type}", at=right)


def _mismatch(left: Node, right: Node) -> Clash:
    message = f"cannot compare a {left.type} with a {right.type}"
    for node, other in ((right, left), (left, right)):
        fix = _literal_fix(node, other.type)
        if fix:
            return Clash(code="PB208", message=message, suggestion=fix, at=node)
    fixes = {
        frozenset({Kind.DATE, Kind.TIME}): "compare the date with today, or the time with now",
        frozenset({Kind.DATE, Kind.DURATION}): "subtract first: date - today",
    }
    return Clash(code="PB208", message=message, suggestion=fixes.get(frozenset({left.type.kind, right.type.kind})))


def _literal_fix(node: Node, wanted: Type) -> str | None:
    """How a written value would have to look to be of the other side's type."""
    if not isinstance(node, Literal):
        return None
    value = node.value
    if isinstance(value, str):
        return _text_fix(value, wanted)
    if isinstance(value, bool):
        return f'put it in quotes: "{str(value).lower()}"' if wanted.kind is Kind.TEXT else None
    if wanted.kind is Kind.DURATION:
        return f"write days({value})"
    return f'put it in quotes: "{value}"' if wanted.kind is Kind.TEXT else None


def _text_fix(value: str, wanted: Type) -> str | None:
    if wanted.numeric and _LIKE_NUMBER.fullmatch(value):
        return "remove the quotes"
    if wanted.kind is Kind.YES_NO and value.lower() in {"true", "false"}:
        return f"write {value.lower()} without quotes"
    if wanted.kind is Kind.DATE and _LIKE_DATE.fullmatch(value):
        return f'write date("{value}")'
    return None


def _no_calculation(operator: str, left: Node, right: Node) -> Clash:
    one, other = left.type, right.type
    message = f"{operator} does not go with a {one} and a {other}"
    if other.numeric and one.kind in {Kind.DATE, Kind.TIME, Kind.DURATION} and operator in {"+", "-"}:
        written = str(right.value) if isinstance(right, Literal) else "…"
        return Clash(code="PB208", message=message, suggestion=f"write days({written})", at=right)
    if one.kind is other.kind is Kind.TEXT:
        return Clash(code="PB208", message=message, suggestion="texts are put together in templates")
    for node, wanted in ((right, one), (left, other)):
        fix = _literal_fix(node, wanted)
        if fix and wanted.numeric:
            return Clash(code="PB208", message=message, suggestion=fix, at=node)
    return Clash(code="PB208", message=message)
