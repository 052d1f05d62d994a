"""What is wrong with a file, where, and the likely fix: for people first, for programs too.

Lines and columns count from 1, columns in characters (code points), as editors show them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from ..language.problem import Severity

WIDEST = 120
"""Characters of a source line that are shown; of a longer line, the part around the column."""

_IN_MESSAGE = "%\r\n"
_IN_PROPERTY = f"{_IN_MESSAGE}:,"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding, at one place. ``code`` is stable: one of ``codes.CODES``."""

    file: str
    """Path relative to the programme's folder, with forward slashes."""
    line: int
    column: int
    code: str
    message: str
    severity: Severity = Severity.ERROR
    suggestion: str | None = None
    """The likely fix as a phrase: ``did you mean "balance"?``"""
    source_line: str | None = None
    """The line as it stands in the file; ``None`` where the finding is about the file as a whole."""
    length: int = 1
    """Characters to underline; ends with the line at the latest."""


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The findings by file and place, without repetitions."""
    return tuple(
        sorted(dict.fromkeys(diagnostics), key=lambda found: (found.file, found.line, found.column, found.code))
    )


def format_text(diagnostics: Iterable[Diagnostic]) -> str:
    """The findings for a terminal: place, message, the line with a caret, the likely fix."""
    return "\n".join(_block(found) for found in diagnostics)


def to_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, str | int | None]]:
    """One row per finding, for editors and build servers."""
    return [
        {
            "file": found.file,
            "line": found.line,
            "column": found.column,
            "code": found.code,
            "severity": found.severity.value,
            "message": found.message,
            "suggestion": found.suggestion,
        }
        for found in diagnostics
    ]


def to_github(diagnostics: Iterable[Diagnostic], folder: str = "") -> str:
    """The findings as GitHub's workflow commands, which show them beside the lines of a change.

    ``folder`` is the programme's, relative to the repository. Source: docs.github.com, "Workflow commands".
    """
    return "\n".join(_annotation(found, folder) for found in diagnostics)


def _annotation(found: Diagnostic, folder: str) -> str:
    file = f"{folder}/{found.file}" if folder else found.file
    place = {"file": file, "line": found.line, "col": found.column, "title": found.code}
    said = f"{found.message}; {found.suggestion}" if found.suggestion else found.message
    properties = ",".join(f"{name}={_escaped(str(value), _IN_PROPERTY)}" for name, value in place.items())
    return f"::{found.severity.value} {properties}::{_escaped(said, _IN_MESSAGE)}"


def _escaped(text: str, marks: str) -> str:
    """GitHub ends a command at a line break, and a property at a comma or colon."""
    return "".join(f"%{ord(char):02X}" if char in marks else char for char in text)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """How many findings there are, in words: ``3 errors, 1 warning``."""
    severities = [found.severity for found in diagnostics]
    return ", ".join(_counted(severities.count(severity), severity) for severity in Severity if severity in severities)


def _counted(count: int, severity: Severity) -> str:
    return f"{count} {severity.value}{'' if count == 1 else 's'}"


def _block(found: Diagnostic) -> str:
    head = f"{found.file}:{found.line}:{found.column}: {found.severity.value}[{found.code}] {_printable(found.message)}"
    hint = _printable(found.suggestion or "")
    if found.source_line is None:
        return f"{head}\n  | {hint}" if hint else head
    number = str(found.line)
    margin = " " * len(number)
    shown, lead, marked = _excerpt(found.source_line, found.column - 1, found.length)
    caret = f"{' ' * _width(lead)}{'^' * max(1, _width(marked))} {hint}".rstrip()
    return f"{head}\n{margin} |\n{number} | {shown}\n{margin} | {caret}"


def _excerpt(line: str, start: int, length: int) -> tuple[str, str, str]:
    """The part of the line to show, what of it stands before the mark, and what is marked."""
    line = _printable(line).rstrip()
    first = max(0, min(start - WIDEST // 3, len(line) - WIDEST)) if len(line) > WIDEST else 0
    last = first + WIDEST
    before, after = "…" if first else "", "…" if last < len(line) else ""
    end = min(start + length, last)
    return f"{before}{line[first:last]}{after}", f"{before}{line[first:start].ljust(start - first)}", line[start:end]


def _printable(text: str) -> str:
    """The text without anything that would move a terminal's cursor: tabs as a space, control characters as U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", text.replace("\t", " "))


def _width(text: str) -> int:
    """Terminal cells: wide characters take two, combining ones none."""
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
