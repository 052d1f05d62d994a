"""A condition looked at as a whole: every expression in order, with what came of it and the facts it looked at.

The evaluation that decides stops at the first answer; this one is for people who ask why. The verdict is that of the
same walk (``first_failed``), fed with answers found beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ..model import Value
from .condition import HOLDS, Condition, Leaf, Verdict, first_failed, leaf_holds, leaves, values_read, words
from .problem import DataPath, EvaluationError
from .views import View

_Answer: TypeAlias = bool | EvaluationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One expression on some facts."""

    text: str
    path: DataPath
    """Its place in the data of the condition."""
    holds: bool | None
    """``None``: it has no value on these facts, see ``error``."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """The facts it looked at, by their written names; absent ones are ``None``."""
    error: str = ""
    asked: bool = True
    """Whether the decision came to it; what stands before may have decided already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What came of a condition, and of every expression in it."""

    verdict: Verdict | None
    """``None``: it cannot be decided on these facts, see ``error``."""
    leaves: tuple[Seen, ...]
    error: EvaluationError | None = None

    def decided(self) -> Verdict:
        """What ``Condition.evaluate`` says of the same facts, its error included."""
        if self.verdict is None:
            raise self.error or EvaluationError("undecided", leaf="")
        return self.verdict


def trace(condition: Condition, view: View) -> Trace:
    """Look at every expression of a condition. Raises nothing that ``Condition.evaluate`` raises: see ``decided``."""
    answers = {leaf.path: _answer(leaf, view) for leaf in leaves(condition.tree)}
    asked: set[DataPath] = set()

    def holds(leaf: Leaf, _: View) -> bool:
        asked.add(leaf.path)
        answer = answers[leaf.path]
        if isinstance(answer, EvaluationError):
            raise answer
        return answer

    try:
        verdict, error = first_failed(condition.tree, view, holds) or HOLDS, None
    except EvaluationError as raised:
        verdict, error = None, raised
    seen = tuple(_seen(leaf, answers[leaf.path], view, asked) for leaf in leaves(condition.tree))
    return Trace(verdict=verdict, leaves=seen, error=error)


def _answer(leaf: Leaf, view: View) -> _Answer:
    try:
        return leaf_holds(leaf, view)
    except EvaluationError as error:
        return error


def _seen(leaf: Leaf, answer: _Answer, view: View, asked: set[DataPath]) -> Seen:
    seen = Seen(
        text=words(leaf),
        path=leaf.path,
        holds=None,
        values=values_read(leaf, view),
        asked=leaf.path in asked,
    )
    if isinstance(answer, EvaluationError):
        return replace(seen, error=str(answer))
    return replace(seen, holds=answer)
