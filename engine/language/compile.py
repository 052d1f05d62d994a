"""Meaning to function: closures over a view, one per node.

What they compute is what Jinja computes for the same text: the same operators on the same values, ``and`` and ``or``
giving one of their terms, comparisons in chains stopping at the first that fails.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from .absent import is_none, refuse_absent
from .functions import JINJA_FILTERS, JINJA_FUNCTIONS
from .ir import Arithmetic, Call, Choice, Compare, Listing, Literal, Logic, Negative, Node, Not, Presence, Read
from .views import View

Evaluate: TypeAlias = Callable[[View], Any]
"""What an expression becomes: facts in, value out. Raises ``ZeroDivisionError`` and ``OverflowError``."""


def compile_node(node: Node) -> Evaluate:
    """The function of a checked node."""
    return _COMPILERS[type(node)](node)


def _literal(node: Literal) -> Evaluate:
    value = node.value
    return lambda _view: value


def _listing(node: Listing) -> Evaluate:
    items = tuple(map(compile_node, node.items))
    if all(isinstance(item, Literal) for item in node.items):
        fixed = [item.value for item in node.items if isinstance(item, Literal)]
        return lambda _view: fixed
    return lambda view: [item(view) for item in items]


def _read(node: Read) -> Evaluate:
    root, *names = node.path
    if len(names) == 1:
        name = names[0]
        return lambda view: view[root][name]  # type: ignore[index]
    if len(names) == 2:  # noqa: PLR2004 - a group, a field, and a name within it
        field, name = names
        return lambda view: view[root][field][name]  # type: ignore[index]
    return lambda view: view[root]


def _call(node: Call) -> Evaluate:
    function = (JINJA_FILTERS if node.piped else JINJA_FUNCTIONS)[node.name]
    arguments = tuple(map(compile_node, node.arguments))
    if len(arguments) == 1:
        only = arguments[0]
        return lambda view: function(only(view))
    return lambda view: function(*[argument(view) for argument in arguments])


def _arithmetic(node: Arithmetic) -> Evaluate:
    apply = _ARITHMETIC[node.operator]
    left, right = compile_node(node.left), compile_node(node.right)
    return lambda view: apply(left(view), right(view))


def _negative(node: Negative) -> Evaluate:
    operand = compile_node(node.operand)
    return lambda view: -operand(view)


def _compare(node: Compare) -> Evaluate:
    operands = tuple(map(compile_node, node.operands))
    tests = tuple(_COMPARISONS[name] for name in node.operators)
    if len(tests) > 1:
        return _chain(operands, tests)
    (left, right), test = operands, tests[0]
    if isinstance(node.operands[1], Literal):
        value = node.operands[1].value
        return lambda view: test(left(view), value)
    return lambda view: test(left(view), right(view))


def _chain(operands: tuple[Evaluate, ...], tests: tuple[Callable[[Any, Any], Any], ...]) -> Evaluate:
    first, pairs = operands[0], tuple(zip(tests, operands[1:], strict=True))

    def run(view: View) -> Any:
        left = first(view)
        for test, operand in pairs:
            right = operand(view)
            if not test(left, right):
                return False
            left = right
        return True

    return run


def _presence(node: Presence) -> Evaluate:
    operand = compile_node(node.operand)
    if node.wanted:
        return lambda view: not is_none(operand(view))
    return lambda view: is_none(operand(view))


def _logic(node: Logic) -> Evaluate:
    *before, last = map(compile_node, node.terms)
    terms = tuple(before)
    return _conjunction(terms, last) if node.operator == "and" else _disjunction(terms, last)


def _conjunction(terms: tuple[Evaluate, ...], last: Evaluate) -> Evaluate:
    def run(view: View) -> Any:
        for term in terms:
            value = term(view)
            if not value:
                return value
        return last(view)

    return run


def _disjunction(terms: tuple[Evaluate, ...], last: Evaluate) -> Evaluate:
    def run(view: View) -> Any:
        for term in terms:
            value = term(view)
            if value:
                return value
        return last(view)

    return run


def _not(node: Not) -> Evaluate:
    operand = compile_node(node.operand)
    return lambda view: not operand(view)


def _choice(node: Choice) -> Evaluate:
    test, then, otherwise = map(compile_node, (node.test, node.then, node.otherwise))
    return lambda view: then(view) if test(view) else otherwise(view)


def _within(left: Any, right: Any) -> bool:
    if isinstance(right, str):
        refuse_absent(left)  # Python's own error would be that of a program at fault.
    return left in right


def _not_within(left: Any, right: Any) -> bool:
    return not _within(left, right)


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": _within,
    "not in": _not_within,
}
_COMPILERS: Mapping[type, Callable[[Any], Evaluate]] = {
    Literal: _literal,
    Listing: _listing,
    Read: _read,
    Call: _call,
    Arithmetic: _arithmetic,
    Negative: _negative,
    Compare: _compare,
    Presence: _presence,
    Logic: _logic,
    Not: _not,
    Choice: _choice,
}
