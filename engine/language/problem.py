"""What can be wrong with an expression: stable codes, and a place and a fix for each."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ..errors import PointbellError

CODES: Mapping[str, str] = {
    "PB200": "The expression is empty.",
    "PB201": "The expression cannot be read: something is missing, left over or not closed.",
    "PB202": "Written as in another language; the message says how it is written here.",
    "PB203": "Not part of the rule language.",
    "PB204": "No such field.",
    "PB205": "No such name.",
    "PB206": "No such function or filter.",
    "PB207": "A function or filter got the wrong number or sort of arguments.",
    "PB208": "The types do not go together.",
    "PB209": "Compared with a text that the field can never be.",
    "PB210": "The value may be absent here.",
    "PB211": "The field exists, but not in this place.",
    "PB212": "Parentheses are needed: rules and templates would read this differently.",
    "PB213": "Too long, too deep or too large.",
    "PB214": "Not a condition: it does not depend on any fact.",
    "PB215": "The value has no declared type, so it can only be tested or compared for equality.",
    "PB216": "The block of conditions is malformed.",
    "PB250": "Warning: a raw field for which there is a better one.",
    "PB251": "Warning: a presence test of something that is always there.",
    "PB252": "Warning: a decimal point where a thousands separator may have been meant.",
}
"""Every code this package reports, with one line each. Codes keep their meaning for ever."""

DataPath: TypeAlias = tuple[str | int, ...]
"""A place in YAML data: keys and list positions (from 0)."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the expression's text, in characters from its start: ``start`` is in, ``end`` is not."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding.

    ``column`` counts characters from 0 at the start of the expression's text, line breaks included. ``path`` leads to
    the text within a block of conditions, and ``on_key`` says that the last key of the path is at fault, not its value.
    """

    code: str
    message: str
    column: int
    length: int
    suggestion: str | None = None
    """The likely fix, in words that fit behind the caret."""
    available: tuple[str, ...] = ()
    """What could stand here instead."""
    severity: Severity = Severity.ERROR
    path: DataPath = ()
    on_key: bool = False


class InvalidExpression(PointbellError):
    """The expression or condition cannot be used."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))


class EvaluationError(PointbellError):
    """A condition could not be decided on these facts: a division by zero, or a number or date out of range."""

    def __init__(self, message: str, *, leaf: str, path: DataPath = ()) -> None:
        super().__init__(f"{leaf}: {message}")
        self.leaf = leaf
        self.path = path


def problem_at(
    span: Span,
    code: str,
    message: str,
    suggestion: str | None = None,
    *,
    available: Iterable[str] = (),
    severity: Severity = Severity.ERROR,
) -> Problem:
    """A problem about a stretch of the text; the caret is at least one character wide."""
    return Problem(
        code=code,
        message=message,
        column=span.start,
        length=max(1, span.end - span.start),
        suggestion=suggestion,
        available=tuple(available),
        severity=severity,
    )


def closest(word: str, names: Collection[str]) -> str | None:
    """The name most likely meant by a misspelt one, if any is near."""
    by_lower = {name.lower(): name for name in names}
    found = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def suggest(word: str, names: Collection[str]) -> str:
    """The suggestion for a misspelt name: the one meant, or all there are."""
    if not names:
        return "there is none yet"
    near = closest(word, names)
    return f'did you mean "{near}"?' if near else f"available: {', '.join(sorted(names))}"
