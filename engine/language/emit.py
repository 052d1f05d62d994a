"""Meaning to source: what the conditions of many rules compute, as text of Python made from their typed nodes.

Not a character of it is an author's: what they wrote stands in a table (``names``) under a name of ours. Equal parts
have equal texts, whoever wrote them, which is how what several rules share is found. See ``compile`` for the meaning
that every text here has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from jinja2 import StrictUndefined, UndefinedError

from .absent import Absent, is_none
from .compile import compile_node
from .condition import Block, Joined, Tree
from .functions import DEFAULT, JINJA_FILTERS, JINJA_FUNCTIONS
from .ir import Arithmetic, Call, Choice, Compare, Listing, Literal, Logic, Negative, Node, Not, Presence, Read, reads
from .kinds import Kind
from .scope import Path

NOTHING = object()
"""No constant: ``None`` would be a value."""

_FEW = 4
"""So many constants are compared one after the other as fast as they are looked up."""
_WORD: Mapping[Joined, str] = {Joined.ALL: " and ", Joined.ANY: " or ", Joined.NONE: " or "}
_HASHED = frozenset({Kind.TEXT, Kind.WHOLE, Kind.NUMBER, Kind.DATE, Kind.TIME, Kind.DURATION})


class Emitter:
    """Writes nodes as text, and keeps what stands behind the names in it."""

    def __init__(self) -> None:
        self.names: dict[str, object] = {
            "Absent": Absent,
            "is_none": is_none,
            # Whatever is done with it raises, so a shared part without a value fails whoever uses it, and nobody else.
            "LOST": StrictUndefined(name="a shared part"),
            **{f"f_{name}": function for name, function in JINJA_FUNCTIONS.items()},
            **{f"p_{name}": function for name, function in JINJA_FILTERS.items()},
        }
        self._constants: dict[tuple[type, str], str] = {}
        self._reads: dict[Path, str] = {}
        self._written: dict[int, str] = {}
        self._folded: dict[int, object] = {}
        self._alive: list[Node] = []

    def text(self, node: Node) -> str:
        """The node in full."""
        found = self._written.get(id(node))
        if found is None:
            found = self._written[id(node)] = self._text(node, self.text)
            self._alive.append(node)  # An id is a node's own only while the node lives.
        return found

    def with_shared(self, node: Node, shared: Mapping[str, str]) -> str:
        """The node with the names of what has been computed before in place of its parts."""
        known = shared.get(self.text(node))
        return known if known is not None else self._text(node, lambda inner: self.with_shared(inner, shared))

    def tree(self, tree: Tree, write: Callable[[Node], str]) -> str:
        """A whole condition."""
        if not isinstance(tree, Block):
            return write(tree.expression.node)
        inner = f"({_WORD[tree.joined].join(self.tree(member, write) for member in tree.members)})"
        return f"(not {inner})" if tree.joined is Joined.NONE else inner

    def read(self, path: Path) -> str:
        """The name of a fact."""
        return self._reads.setdefault(path, f"r{len(self._reads)}")

    def getting(self, path: Path) -> str:
        """How the fact is got from ``view``."""
        return "view" + "".join(f"[{self._named(name)}]" for name in path)

    def constant(self, node: Node) -> object:
        """The value of a node that looks at no fact; ``NOTHING`` when it does, or has none."""
        found = self._folded.get(id(node), self)
        if found is self:
            found = self._folded[id(node)] = _constant(node)
            self._alive.append(node)
        return found

    def searched(self, looked_for: Node, node: Node) -> str | None:
        """The name of a list of constants in which something is looked for; ``None`` for any other list."""
        items = self.constant(node)
        if not isinstance(items, list):
            return None
        many = len(items) > _FEW and looked_for.type.kind in _HASHED
        return self._named(frozenset(items) if many else tuple(items))

    def _text(self, node: Node, write: Callable[[Node], str]) -> str:
        if isinstance(node, Read):
            return self.read(node.path)
        value = self.constant(node)
        return self._named(value) if value is not NOTHING else _WRITERS[type(node)](self, node, write)

    def _named(self, value: object) -> str:
        """The value's name; small numbers and truth values are written out."""
        if isinstance(value, bool) or (isinstance(value, int) and 0 <= value <= 2**62):
            return repr(value)
        key = type(value), repr(value)
        name = self._constants.setdefault(key, f"k{len(self._constants)}")
        self.names.setdefault(name, value)
        return name


# --- One writer per node; ``write`` writes what is within -------------------------------------------------------------

_Write: TypeAlias = Callable[[Node], str]


def _listing(_: Emitter, node: Listing, write: _Write) -> str:
    return f"[{', '.join(map(write, node.items))}]"


def _call(emitter: Emitter, node: Call, write: _Write) -> str:
    first, *others = node.arguments
    if node.piped and node.name == DEFAULT and isinstance(first, Read) and emitter.constant(others[0]) is not NOTHING:
        return f"({write(others[0])} if {write(first)}.__class__ is Absent else {write(first)})"
    return f"{'p' if node.piped else 'f'}_{node.name}({', '.join(map(write, node.arguments))})"


def _arithmetic(_: Emitter, node: Arithmetic, write: _Write) -> str:
    return f"({write(node.left)} {node.operator} {write(node.right)})"


def _negative(_: Emitter, node: Negative, write: _Write) -> str:
    return f"(-{write(node.operand)})"


def _compare(emitter: Emitter, node: Compare, write: _Write) -> str:
    *before, last = node.operands
    words = [word for pair in zip(map(write, before), node.operators, strict=True) for word in pair]
    searched = emitter.searched(before[-1], last) if "in" in node.operators[-1] else None
    return f"({' '.join([*words, searched or write(last)])})"


def _presence(_: Emitter, node: Presence, write: _Write) -> str:
    operand = write(node.operand)
    if isinstance(node.operand, Read):
        return f"({operand}.__class__ is {'not ' if node.wanted else ''}Absent)"
    return f"(not is_none({operand}))" if node.wanted else f"is_none({operand})"


def _logic(_: Emitter, node: Logic, write: _Write) -> str:
    return f"({f' {node.operator} '.join(map(write, node.terms))})"


def _not(_: Emitter, node: Not, write: _Write) -> str:
    return f"(not {write(node.operand)})"


def _choice(_: Emitter, node: Choice, write: _Write) -> str:
    return f"({write(node.then)} if {write(node.test)} else {write(node.otherwise)})"


def _constant(node: Node) -> object:
    if isinstance(node, Literal):
        return node.value
    if any(True for _ in reads(node)):
        return NOTHING
    try:
        return compile_node(node)({})
    except (ArithmeticError, UndefinedError):
        return NOTHING


_WRITERS: Mapping[type, Callable[[Emitter, Any, _Write], str]] = {
    Listing: _listing,
    Call: _call,
    Arithmetic: _arithmetic,
    Negative: _negative,
    Compare: _compare,
    Presence: _presence,
    Logic: _logic,
    Not: _not,
    Choice: _choice,
}
