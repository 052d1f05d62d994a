"""Lists: values from CSV files in ``lists/``, for ``member.email in lists.staff``.

One value a line. With a header, the first column counts; a header is a first line that names one of ``HEADERS``.
Upper and lower case, and white space around a value, count for nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import PurePosixPath

from ..language import Severity
from . import codes
from .diagnostics import Diagnostic

LISTS = "lists"
MAX_VALUES = 1_000_000
HEADERS = frozenset({"email", "e-mail", "member", "member_id", "id", "card", "card_id", "value", "phone", "code"})


def read_lists(contents: Mapping[str, bytes]) -> tuple[dict[str, frozenset[str]], list[Diagnostic]]:
    """The lists by name (``lists/staff.csv`` is ``staff``), and what is wrong with their files."""
    found: dict[str, frozenset[str]] = {}
    problems: list[Diagnostic] = []
    for path, data in contents.items():
        name = PurePosixPath(path).stem
        if not name.isidentifier():
            fix = "name it like lists/staff.csv: letters, digits and _"
            problems.append(_about(path, codes.BAD_NAME, f'"{name}" cannot be written after "lists."', fix))
            continue
        try:
            found[name] = frozenset(_values(data.decode("utf-8-sig")))
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            problems.append(_about(path, codes.NOT_UTF8, "the file is not saved as UTF-8", "save it as UTF-8", line))
        except csv.Error as error:
            problems.append(_about(path, codes.SYNTAX, f"not a CSV file: {error}"))
        else:
            problems.extend(_doubts(path, found[name]))
    return found, problems


def folded(value: str) -> str:
    """A value as lists compare it."""
    return value.strip().casefold()


def _values(text: str) -> list[str]:
    rows = [row[0] for row in csv.reader(StringIO(text)) if row and row[0].strip() and not row[0].startswith("#")]
    if rows and folded(rows[0]) in HEADERS:
        rows = rows[1:]
    return [folded(value) for value in rows]


def _doubts(path: str, values: frozenset[str]) -> list[Diagnostic]:
    if not values:
        return [_about(path, codes.EMPTY_FILE, "the list is empty: nobody is in it", severity=Severity.WARNING)]
    if len(values) > MAX_VALUES:
        return [_about(path, codes.TOO_LARGE, f"the list holds more than {MAX_VALUES:,} values")]
    return []


def _about(
    file: str,
    code: str,
    message: str,
    suggestion: str | None = None,
    line: int = 1,
    *,
    severity: Severity = Severity.ERROR,
) -> Diagnostic:
    return Diagnostic(
        file=file, line=line, column=1, code=code, message=message, suggestion=suggestion, severity=severity
    )
