"""What a condition needs: tests without which it cannot hold, for finding the rules that an event may concern.

Of the parts that all have to hold, the first ones are looked at, as long as none of them can fail. A part that compares
something with constants is a ``Need``: where it is false the condition is false, and nothing after it is even asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from .condition import Block, Joined, Leaf, Tree
from .emit import NOTHING, Emitter
from .functions import DEFAULT
from .ir import Arithmetic, Call, Choice, Compare, Listing, Logic, Node, Not, Presence, Read, children
from .kinds import Kind
from .scope import Path

MAX_PARTS = 12
"""How many parts of one condition are looked at."""
MAX_VALUES = 8
"""How many values a fact may be asked for at once, if it is to be looked up by them."""

Strict: TypeAlias = frozenset[Path]
"""Facts that have to be there for something to have a value."""

_TOTAL_CALLS = frozenset({"lower", "upper", "starts_with", "ends_with", "count", "any_of"})
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One test: ``subject`` is one of ``values``, or from ``low`` to ``high``."""

    subject: Node
    text: str
    """Of the subject: equal for equal subjects."""
    strict: Strict
    """Where one of these is absent, only the condition itself can say what comes of it."""
    values: tuple[Any, ...] = ()
    low: Any = None
    high: Any = None

    @property
    def exact(self) -> bool:
        """Whether it asks for values, not for a range."""
        return bool(self.values)


def needs(tree: Tree, emitter: Emitter) -> list[Need]:
    """The tests of a condition, one for each subject and kind of test."""
    found: dict[tuple[str, bool], Need] = {}
    strict: Strict = frozenset()
    shown: set[Path] = set()
    for place, part in enumerate(_parts(tree)):
        more = _strict(part, emitter) if isinstance(part, Node) and place < MAX_PARTS else None
        if more is None or not isinstance(part, Node):
            break
        strict |= more - shown
        for need in _of_part(part, emitter):
            key = need.text, need.exact
            found[key] = (
                _both(found[key], replace(need, strict=strict)) if key in found else replace(need, strict=strict)
            )
        shown |= _shows(part, emitter)
    return list(found.values())


def _parts(tree: Tree) -> Iterator[Node | Block]:
    """What has to hold, each; in the order in which it is asked."""
    if isinstance(tree, Leaf):
        yield from _terms(tree.expression.node)
    elif tree.joined is Joined.ALL:
        for member in tree.members:
            yield from _parts(member)
    else:
        yield tree


def _terms(node: Node) -> Iterator[Node]:
    if isinstance(node, Logic) and node.operator == "and":
        for term in node.terms:
            yield from _terms(term)
    else:
        yield node


def _strict(node: Node, emitter: Emitter) -> Strict | None:
    """The facts that must be there lest the node fails; ``None`` where it may fail for another reason."""
    if emitter.constant(node) is not NOTHING or isinstance(node, Read):
        return frozenset()
    inner = [_strict(child, emitter) for child in children(node)]
    if not _cannot_fail(node) or None in inner:
        return None
    own = [_given(child) for child in _needed(node)]
    return frozenset[Path]().union(*own, *(one for one in inner if one is not None))


def _given(node: Node) -> Strict:
    """The facts that a node may hand on as they are, absent ones too."""
    match node:
        case Read():
            return frozenset({node.path})
        case Choice():
            return _given(node.then) | _given(node.otherwise)
        case Logic():
            return frozenset[Path]().union(*map(_given, node.terms))
        case Call(name=name, piped=True) if name == DEFAULT:
            return _given(node.arguments[1])
        case _:
            return frozenset()


def _cannot_fail(node: Node) -> bool:
    """Whether it has a value wherever its parts have one and are there."""
    match node:
        case Presence() | Logic() | Not() | Choice() | Listing() | Compare():
            return True
        case Arithmetic():
            # The difference of two days, or of two instants, is always within range.
            return node.operator == "-" and node.left.type.kind is node.right.type.kind in {Kind.DATE, Kind.TIME}
        case Call():
            return node.name in _TOTAL_CALLS or (node.piped and node.name == DEFAULT)
        case _:
            return False


def _needed(node: Node) -> Iterator[Node]:
    """What stands directly within and has to be there."""
    match node:
        case Arithmetic():
            yield from children(node)
        case Call() if node.name not in {DEFAULT, "any_of"}:
            yield from node.arguments
        case Compare():
            for left, operator, right in zip(node.operands, node.operators, node.operands[1:], strict=False):
                # Equality is total, and so is looking for something in a list that is written out.
                if operator not in {"==", "!="} and not ("in" in operator and isinstance(right, Listing)):
                    yield from (left, right)


def _of_part(part: Node, emitter: Emitter) -> Iterator[Need]:
    if not isinstance(part, Compare):
        return
    for left, operator, right in zip(part.operands, part.operators, part.operands[1:], strict=False):
        one, other = emitter.constant(left), emitter.constant(right)
        if one is NOTHING and other is not NOTHING:
            yield from _test(left, operator, other, emitter)
        elif other is NOTHING and one is not NOTHING and operator in _MIRRORED:
            yield from _test(right, _MIRRORED[operator], one, emitter)


def _test(subject: Node, operator: str, value: Any, emitter: Emitter) -> Iterator[Need]:
    blank = Need(subject=subject, text=emitter.text(subject), strict=frozenset())
    if operator == "==" and not isinstance(value, list):
        yield replace(blank, values=(value,))
    elif operator == "in" and len(value) <= MAX_VALUES and not any(isinstance(item, list) for item in value):
        yield replace(blank, values=tuple(dict.fromkeys(value)))
    elif operator in {">", ">="}:
        yield replace(blank, low=value)
    elif operator in {"<", "<="}:
        yield replace(blank, high=value)


def _both(one: Need, other: Need) -> Need:
    """Two tests of one subject as one: what both ask for."""
    if one.exact:
        return min(one, other, key=lambda need: len(need.values))
    lows = [need.low for need in (one, other) if need.low is not None]
    highs = [need.high for need in (one, other) if need.high is not None]
    return replace(other, low=max(lows, default=None), high=min(highs, default=None))


def _shows(part: Node, emitter: Emitter) -> set[Path]:
    """The facts that are there where the part is true."""
    if isinstance(part, Read):
        return {part.path}
    if isinstance(part, Presence) and part.wanted and isinstance(part.operand, Read):
        return {part.operand.path}
    if not isinstance(part, Compare) or part.operators not in {("==",), ("in",)}:
        return set()
    constants = [emitter.constant(operand) for operand in part.operands]
    known = {operand.path for operand in part.operands if isinstance(operand, Read)}
    return known if any(value is not NOTHING for value in constants) else set()
