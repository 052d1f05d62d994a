"""One expression, from its text to the function it becomes."""

from __future__ import annotations

from dataclasses import dataclass

from .check import check
from .compile import Evaluate, compile_node
from .ir import Node, reads
from .kinds import Type
from .parse import parse
from .problem import InvalidExpression, Problem, Severity
from .scope import Path, Scope

MAX_PROBLEMS = 10
"""How many findings one expression gets: more of them are echoes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A checked expression."""

    text: str
    node: Node
    """What it means, typed."""
    evaluate: Evaluate
    """Its value on a view. Raises ``ZeroDivisionError``, ``OverflowError``, and ``jinja2.UndefinedError`` where
    something that is always there is not (a card where there is none)."""
    reads: tuple[Path, ...]
    """The facts it looks at, in the order in which they are written, each once."""
    proves: frozenset[Path]
    """The facts that are present wherever it holds."""
    disproves: frozenset[Path]
    """The facts that are present wherever it does not hold."""
    warnings: tuple[Problem, ...] = ()

    @property
    def type(self) -> Type:
        return self.node.type


def compile_expression(text: str, scope: Scope, *, condition: bool = False) -> Expression:
    """Check an expression and make it run.

    With ``condition`` only its truth is of interest, and it has to depend on a fact. Raises ``InvalidExpression`` with
    every problem found, whatever the text; nothing in the text is ever evaluated here.
    """
    node, notes = parse(text)
    checked, found = check(node, text, scope, condition=condition)
    problems = sorted([*notes, *found], key=lambda problem: problem.column)[:MAX_PROBLEMS]
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise InvalidExpression(problems)
    return Expression(
        text=text,
        node=checked.node,
        evaluate=compile_node(checked.node),
        reads=tuple(dict.fromkeys(read.path for read in reads(checked.node))),
        proves=checked.yes,
        disproves=checked.no,
        warnings=tuple(problems),
    )
