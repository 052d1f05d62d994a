"""What an expression means, between its text and the function it becomes.

The parser makes these nodes without types, the checker returns them typed, the compiler turns them into closures. Reads
of facts are nodes of their own, so that many rules can share them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

from .kinds import BROKEN, Type
from .problem import Span
from .scope import Path

Constant: TypeAlias = "int | float | str | bool"
Comparison: TypeAlias = OneOf["==", "!=", "<", "<=", ">", ">=", "in", "not in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    span: Span
    type: Type = BROKEN
    """Set by the checker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(_Node):
    """``42``, ``"Gold"``, ``true``; ``none`` is no value, it only stands in a ``Presence``."""

    value: Constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(_Node):
    """``["Gold", "Platinum"]``"""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(_Node):
    """``card.balance``"""

    path: Path
    parts: tuple[Span, ...]
    """Where each name of the path stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(_Node):
    """``days(30)``, and ``tier.name | upper`` with ``piped`` and its left side as the first argument."""

    name: str
    name_span: Span
    arguments: tuple[Node, ...]
    piped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic(_Node):
    """``left + right``, and the other three."""

    operator: OneOf["+", "-", "*", "/"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Negative(_Node):
    """``-operand``"""

    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(_Node):
    """``first < second <= third``"""

    operands: tuple[Node, ...]
    operators: tuple[Comparison, ...]
    """One fewer than the operands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence(_Node):
    """``operand is not none``, or ``operand is none`` when it is not ``wanted``."""

    operand: Node
    wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic(_Node):
    """``first and second and third``, or the same with ``or``; gives one of its terms, as in Jinja."""

    operator: OneOf["and", "or"]
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(_Node):
    """``not operand``"""

    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(_Node):
    """``then if test else otherwise``"""

    test: Node
    then: Node
    otherwise: Node


Node: TypeAlias = Literal | Listing | Read | Call | Arithmetic | Negative | Compare | Presence | Logic | Not | Choice


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly within a node, in the order in which they are written."""
    match node:
        case Listing(items=inner) | Call(arguments=inner) | Compare(operands=inner) | Logic(terms=inner):
            return inner
        case Arithmetic():
            return (node.left, node.right)
        case Negative() | Presence() | Not():
            return (node.operand,)
        case Choice():
            return (node.then, node.test, node.otherwise)
        case _:
            return ()


def reads(node: Node) -> Iterator[Read]:
    """Every read of a fact within a node, in the order in which they are written."""
    if isinstance(node, Read):
        yield node
    for child in children(node):
        yield from reads(child)
