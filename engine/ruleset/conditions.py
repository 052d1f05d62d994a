"""``if`` in a rule or a send: the language checks it; its findings get their place in the file."""

from __future__ import annotations

from ..language import Condition, InvalidExpression, Problem, Scope, compile_condition
from .positions import Block, Node, Scalar, descend, plain, span
from .report import Report


def read_condition(report: Report, node: Node | None, scope: Scope | None) -> Condition | None:
    """The condition; ``None`` when there is none, when it cannot be used, or when nothing is known of the facts."""
    if node is None or scope is None:
        return None
    try:
        condition = compile_condition(plain(node), scope)
    except InvalidExpression as invalid:
        report_problems(report, node, invalid.problems)
        return None
    report_problems(report, node, condition.warnings)
    return condition


def report_problems(report: Report, node: Node, problems: tuple[Problem, ...]) -> None:
    """Findings about expressions under a node, each at its place in the file."""
    for problem in problems:
        fix = problem.suggestion
        if fix is None and problem.available:
            fix = f"available: {', '.join(problem.available)}"
        report.at(_place(report, node, problem), problem.code, problem.message, fix, severity=problem.severity)


def _place(report: Report, node: Node, problem: Problem) -> tuple[int, int]:
    """The characters of the file that the problem is about."""
    if problem.on_key:
        parent = descend(node, problem.path[:-1])
        key = parent.key(str(problem.path[-1])) if isinstance(parent, Block) else None
        return (key.start, key.end) if key else (parent.start, parent.end)
    found = descend(node, problem.path)
    if isinstance(found, Scalar) and isinstance(found.value, str):
        return span(report.source, found, problem.column, problem.length)
    return found.start, found.end
