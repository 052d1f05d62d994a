"""Conditions: expressions in blocks of ``all``, ``any`` and ``none``, and what to say when one does not hold.

A list means all of its members; a block with several keys means all of its keys. Members are looked at in the order in
which they are written, and what the earlier ones prove present the later ones may rely on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from jinja2 import UndefinedError

from ..model import Value
from .expression import Expression, compile_expression
from .node import plain
from .problem import DataPath, EvaluationError, InvalidExpression, Problem, suggest
from .scope import Path, Scope, path_text
from .views import View

MAX_LEAVES = 100
MAX_BLOCKS = 10
"""How many expressions one condition may have, and how deep its blocks may be nested."""


class Joined(StrEnum):
    """How the members of a block go together."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """An expression and its place in the data."""

    expression: Expression
    path: DataPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Members that go together in one way."""

    joined: Joined
    members: tuple[Tree, ...]
    path: DataPath


Tree: TypeAlias = Leaf | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a condition holds; when it does not, the part that failed and the facts it looked at.

    ``leaf`` reads as an expression: that of the failed leaf, or of the ``any`` none of whose members held, or
    ``not (...)`` around the member of a ``none`` that did. ``values`` has the facts by their written names; absent ones
    are ``None``.
    """

    holds: bool
    leaf: str | None = None
    path: DataPath = ()
    values: Mapping[str, Value] = field(default_factory=dict)

    def explain(self) -> str:
        """The failed part and the facts it looked at, in words: ``card.balance >= 500 (card.balance = 300)``."""
        facts = ", ".join(f"{name} = {shown(value)}" for name, value in self.values.items())
        return f"{self.leaf} ({facts})" if facts else self.leaf or ""


HOLDS = Verdict(holds=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A checked condition."""

    tree: Tree
    reads: frozenset[Path]
    """The facts it looks at."""
    proves: frozenset[Path]
    """The facts that are present wherever it holds: use it with ``Scope.knowing``."""
    warnings: tuple[Problem, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        """Whether it holds on these facts, and if not, why.

        Raises ``EvaluationError`` for a division by zero, a number or date out of range, and a fact that should always
        be there but is not (the card, where there is none).
        """
        failed = first_failed(self.tree, view, leaf_holds)
        return HOLDS if failed is None else failed


def compile_condition(data: object, scope: Scope) -> Condition:
    """Check a condition as it stands in a rule: a text, a list, or a block of ``all``, ``any``, ``none``.

    Raises ``InvalidExpression`` with every problem found, each with its path into the data.
    """
    builder = _Builder()
    built = builder.build(data, scope, ())
    if builder.problems or built is None:
        raise InvalidExpression([*builder.problems, *builder.warnings])
    return Condition(
        tree=built.tree,
        reads=frozenset(path for leaf in leaves(built.tree) for path in leaf.expression.reads),
        proves=built.yes,
        warnings=tuple(builder.warnings),
    )


def leaves(tree: Tree) -> tuple[Leaf, ...]:
    """All expressions of a condition, in the order in which they are written."""
    if isinstance(tree, Leaf):
        return (tree,)
    return tuple(leaf for member in tree.members for leaf in leaves(member))


# --- Building ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Built:
    tree: Tree
    yes: frozenset[Path] = frozenset()
    no: frozenset[Path] = frozenset()


class _Builder:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.leaves = 0

    def build(self, data: object, scope: Scope, path: DataPath) -> _Built | None:
        if isinstance(data, str):
            return self._leaf(data, scope, path)
        if len(path) > 2 * MAX_BLOCKS:
            return self._refuse(path, "PB213", f"more than {MAX_BLOCKS} blocks within each other")
        if isinstance(data, list):
            return self._block(Joined.ALL, data, scope, path)
        if isinstance(data, dict):
            return self._keys(data, scope, path)
        message = "a condition is an expression in text, a list, or a block of all, any, none"
        return self._refuse(path, "PB216", message, _scalar_fix(data))

    def _leaf(self, text: str, scope: Scope, path: DataPath) -> _Built | None:
        self.leaves += 1
        if self.leaves > MAX_LEAVES:
            return self._refuse(path, "PB213", f"more than {MAX_LEAVES} expressions in one condition")
        try:
            expression = compile_expression(text, scope, condition=True)
        except InvalidExpression as invalid:
            self.problems += [replace(problem, path=path) for problem in invalid.problems]
            return None
        self.warnings += [replace(problem, path=path) for problem in expression.warnings]
        return _Built(tree=Leaf(expression=expression, path=path), yes=expression.proves, no=expression.disproves)

    def _keys(self, data: Mapping[object, object], scope: Scope, path: DataPath) -> _Built | None:
        unknown = [key for key in data if key not in tuple(Joined)]
        for key in unknown:
            fix = _key_fix(key, data[key])
            self._refuse(
                (*path, str(key)), "PB216", f'unknown key "{key}": a block has all, any, none', fix, on_key=True
            )
        blocks = [(str(key), data[key]) for key in data if key not in unknown]
        if unknown or not blocks:
            return None if unknown else self._refuse(path, "PB216", "this block is empty", "add all, any or none")
        built: list[_Built | None] = []
        for key, members in blocks:
            built.append(self._named(Joined(key), members, scope, (*path, key)))
            scope = scope.knowing(_yes(built[-1]))
        return _together(Joined.ALL, built, path) if len(built) > 1 else built[0]

    def _named(self, joined: Joined, members: object, scope: Scope, path: DataPath) -> _Built | None:
        if isinstance(members, list):
            return self._block(joined, members, scope, path)
        fix = f"write [{members}]" if isinstance(members, str) else "write the expressions as a list"
        return self._refuse(path, "PB216", f"{joined} needs a list of conditions", fix)

    def _block(self, joined: Joined, data: Sequence[object], scope: Scope, path: DataPath) -> _Built | None:
        if not data:
            return self._refuse(path, "PB216", "this list of conditions is empty", "remove it, or add a condition")
        built: list[_Built | None] = []
        for place, member in enumerate(data):
            built.append(self.build(member, scope, (*path, place)))
            scope = scope.knowing(_yes(built[-1]) if joined is Joined.ALL else _no(built[-1]))
        return _together(joined, built, path)

    def _refuse(
        self, path: DataPath, code: str, message: str, fix: str | None = None, *, on_key: bool = False
    ) -> _Built | None:
        found = Problem(code=code, message=message, column=0, length=1, suggestion=fix, path=path, on_key=on_key)
        self.problems.append(found)
        return None


def _yes(built: _Built | None) -> frozenset[Path]:
    return built.yes if built else frozenset()


def _no(built: _Built | None) -> frozenset[Path]:
    return built.no if built else frozenset()


def _together(joined: Joined, built: Sequence[_Built | None], path: DataPath) -> _Built | None:
    """A block, and what it proves: as ``and``, ``or`` and ``not or`` do."""
    members = [member for member in built if member is not None]
    if len(members) < len(built):
        return None
    tree = Block(joined=joined, members=tuple(member.tree for member in members), path=path)
    go_on = [member.yes if joined is Joined.ALL else member.no for member in members]
    leave = [member.no if joined is Joined.ALL else member.yes for member in members]
    through, out = frozenset.union(*go_on), frozenset.intersection(*leave)
    return _Built(tree=tree, yes=out, no=through) if joined is Joined.ANY else _Built(tree=tree, yes=through, no=out)


def _scalar_fix(data: object) -> str | None:
    if isinstance(data, bool):
        return "remove it: a rule without a condition always holds" if data else "to switch a rule off, remove it"
    return "write an expression, such as card.balance >= 500"


def _key_fix(key: object, value: object) -> str:
    if isinstance(value, str | int) and "." in str(key):
        written = f'"{value}"' if isinstance(value, str) else str(value).lower()
        return f"write it as an expression: {key} == {written}"
    return suggest(str(key), tuple(Joined))


# --- Evaluating -------------------------------------------------------------------------------------------------------


def first_failed(tree: Tree, view: View, holds: Callable[[Leaf, View], bool]) -> Verdict | None:
    """The verdict of a part that does not hold; ``None`` when it holds. ``holds`` is asked in the order of the text."""
    if isinstance(tree, Leaf):
        return None if holds(tree, view) else _verdict(tree, words(tree), view)
    if tree.joined is Joined.ALL:
        return next((failed for member in tree.members if (failed := first_failed(member, view, holds))), None)
    held = next((member for member in tree.members if first_failed(member, view, holds) is None), None)
    if tree.joined is Joined.ANY:
        return None if held else _verdict(tree, words(tree), view)
    return _verdict(held, f"not ({words(held)})", view) if held else None


def leaf_holds(leaf: Leaf, view: View) -> bool:
    """Whether one expression holds; see ``Condition.evaluate`` for what is raised."""
    try:
        return bool(leaf.expression.evaluate(view))
    except ZeroDivisionError:
        raise EvaluationError("division by zero", leaf=leaf.expression.text, path=leaf.path) from None
    except ArithmeticError:
        message = "a number or a date is out of range"
        raise EvaluationError(message, leaf=leaf.expression.text, path=leaf.path) from None
    except UndefinedError as error:
        raise EvaluationError(str(error), leaf=leaf.expression.text, path=leaf.path) from None


def values_read(tree: Tree, view: View) -> dict[str, Value]:
    """The facts that a part of a condition looks at, by their written names."""
    paths = dict.fromkeys(path for leaf in leaves(tree) for path in leaf.expression.reads)
    return {path_text(path): _value(path, view) for path in paths}


def _verdict(tree: Tree, text: str, view: View) -> Verdict:
    return Verdict(holds=False, leaf=text, path=tree.path, values=values_read(tree, view))


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


def shown(value: Value) -> str:
    """A fact as an expression would write it."""
    if value is None:
        return "absent"
    return _ENCODER.encode(value)


def _value(path: Path, view: View) -> Value:
    value: object = view[path[0]]
    for name in path[1:]:
        value = value[name]  # type: ignore[index]
    return f"{value / timedelta(days=1):g} days" if isinstance(value, timedelta) else plain(value)


@lru_cache(maxsize=10_000)
def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def words(tree: Tree) -> str:
    """A part of a condition as one expression."""
    if isinstance(tree, Leaf):
        return _on_one_line(tree.expression.text)
    inner = [words(member) for member in tree.members]
    if len(inner) == 1:
        return inner[0] if tree.joined is not Joined.NONE else f"not ({inner[0]})"
    word = " and " if tree.joined is Joined.ALL else " or "
    text = word.join(f"({part})" if _loose(part) else part for part in inner)
    return f"not ({text})" if tree.joined is Joined.NONE else text


def _loose(text: str) -> bool:
    return any(f" {word} " in text for word in ("and", "or", "if"))
