"""Of which kind a value in a template is, as far as that is known before it runs, and what each kind is good for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TypeAlias

from jinja2 import nodes

from ..language.functions import FUNCTIONS
from ..language.kinds import Kind

KindOf: TypeAlias = Callable[[nodes.Node], Kind | None]
"""The kind of a fact; ``None`` for whatever is not one."""

NUMBERS = frozenset({Kind.WHOLE, Kind.NUMBER})
_DAYS = frozenset({Kind.DATE, Kind.TIME})
_TEXTS = frozenset({Kind.TEXT})
_UNSURE = frozenset({Kind.FREE, Kind.MIXED, Kind.BROKEN})

TAKES: Mapping[str, frozenset[Kind]] = {
    **dict.fromkeys(("points", "number", "money", "plural", "counted", "round"), NUMBERS),
    "date": _DAYS,
    **dict.fromkeys(("link", "colour", "ink", "greeting_name", "fill"), _TEXTS),
}
"""What our filters can be given."""

_GIVES: Mapping[str, Kind] = {
    **dict.fromkeys(
        ("points", "number", "money", "plural", "counted", "date", "link", "colour", "ink", "fill", "join", "_text"),
        Kind.TEXT,
    ),
    **dict.fromkeys(("upper", "lower", "title", "capitalize", "trim", "truncate", "greeting_name"), Kind.TEXT),
    **dict.fromkeys(("round", "int", "length"), Kind.WHOLE),
}
UNPRINTED: Mapping[Kind, tuple[str, str]] = {
    Kind.YES_NO: ("a yes/no value", 'say it in words: {{ "…" if … else "…" }}'),
    Kind.DATE: ("a date", "write | date after it"),
    Kind.TIME: ("a moment", "write | date after it"),
    Kind.DURATION: ("a duration", "in a reminder, days_left is the number of days"),
    Kind.LIST: ("a list", 'write | join(", ") after it, or go through it with {% for %}'),
    Kind.OBJECT: ("a group of fields", "name one of its fields, such as member.first_name"),
}
"""What people call the kinds that cannot be printed, and what to write instead."""

_CONSTANTS: tuple[tuple[type, Kind], ...] = (
    (bool, Kind.YES_NO),
    (int, Kind.WHOLE),
    (float, Kind.NUMBER),
    (str, Kind.TEXT),
    (datetime, Kind.TIME),
    (date, Kind.DATE),
)
_ALWAYS: Mapping[type[nodes.Node], Kind] = {
    **dict.fromkeys((nodes.Compare, nodes.Not, nodes.Test), Kind.YES_NO),
    **dict.fromkeys((nodes.List, nodes.Tuple), Kind.LIST),
    nodes.Concat: Kind.TEXT,
}
_ARITHMETIC = nodes.Add | nodes.Sub | nodes.Mul | nodes.Div | nodes.FloorDiv | nodes.Mod


def kind_in(node: nodes.Node | None, fact: KindOf) -> Kind | None:
    """The kind of an expression's value when there is one; ``None`` where it is not known."""
    found = _ALWAYS.get(type(node)) if node is not None else None
    if isinstance(node, nodes.Const):
        found = next((kind for base, kind in _CONSTANTS if isinstance(node.value, base)), None)
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in FUNCTIONS:
        found = FUNCTIONS[node.node.name].gives.kind
    elif isinstance(node, nodes.Filter):
        found = _filtered(node, fact)
    elif isinstance(node, _ARITHMETIC):
        found = _computed(kind_in(node.left, fact), kind_in(node.right, fact))
    elif isinstance(node, nodes.Or | nodes.And):
        found = _same(kind_in(node.left, fact), kind_in(node.right, fact))
    elif isinstance(node, nodes.CondExpr):
        found = _same(kind_in(node.expr1, fact), kind_in(node.expr2, fact))
    elif node is not None and found is None:
        found = fact(node)
    return None if found in _UNSURE else found


def family(kind: Kind | None) -> Kind | None:
    """Whole numbers are numbers."""
    return Kind.NUMBER if kind in NUMBERS else kind


def _filtered(node: nodes.Filter, fact: KindOf) -> Kind | None:
    if node.name == "default" and node.args:
        return _same(kind_in(node.node, fact), kind_in(node.args[0], fact))
    return kind_in(node.node, fact) if node.name == "abs" else _GIVES.get(node.name)


def _computed(left: Kind | None, right: Kind | None) -> Kind | None:
    if right is Kind.DURATION:
        return left if left in {*_DAYS, Kind.DURATION} else None
    return Kind.NUMBER if left in NUMBERS and right in NUMBERS else None


def _same(left: Kind | None, right: Kind | None) -> Kind | None:
    return family(left) if family(left) is family(right) else None
