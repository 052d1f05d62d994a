"""The files of ``rules/`` and ``lists/`` as they lie on disk: contents by path, and what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..language import Severity
from . import codes
from .diagnostics import Diagnostic
from .lists import LISTS
from .yaml import MAX_BYTES

RULES = "rules"
MAX_LIST_BYTES = 64 << 20

_YAML = (".yaml", ".yml")


def read_rule_files(root: Path) -> tuple[dict[str, bytes], list[Diagnostic]]:
    """The rule files in order of their names, and what cannot be read."""
    contents: dict[str, bytes] = {}
    problems: list[Diagnostic] = []
    folder = root / RULES
    if not folder.is_dir():
        problems.append(_about(RULES, codes.UNREADABLE, "there is no such folder"))
        return contents, problems
    for path in sorted(folder.iterdir()):
        shown = f"{RULES}/{path.name}"
        if path.name.startswith("."):
            continue
        if path.is_dir():
            problems.extend(_not_read(path, shown))
        elif path.suffix.lower() in _YAML:
            data = _content(path, shown, problems)
            contents |= {} if data is None else {shown: data}
        elif path.suffix.lower() != ".md" and not path.name.endswith("~"):
            message, fix = "not read: rules are in files that end in .yaml", "name it .yaml, or move it elsewhere"
            problems.append(_about(shown, codes.NOT_READ, message, fix, Severity.WARNING))
    return contents, problems


def _content(path: Path, shown: str, problems: list[Diagnostic], most: int = MAX_BYTES) -> bytes | None:
    if not path.is_file():
        problems.append(_about(shown, codes.UNREADABLE, "not a file"))
        return None
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        problems.append(_about(shown, codes.UNREADABLE, f"cannot be read: {error.strerror}"))
        return None


def _not_read(folder: Path, shown: str) -> Iterator[Diagnostic]:
    """Rules in a folder within the folder would silently do nothing."""
    if any(path.suffix.lower() in _YAML for path in folder.rglob("*")):
        message, fix = "rules in this folder are not read", f"move its files to {RULES}/"
        yield _about(shown, codes.NOT_READ, message, fix, Severity.WARNING)


def read_list_files(root: Path) -> tuple[dict[str, bytes], list[Diagnostic]]:
    """The CSV files of ``lists/``, in order of their names; a programme need not have the folder."""
    contents: dict[str, bytes] = {}
    problems: list[Diagnostic] = []
    folder = root / LISTS
    for path in sorted(folder.glob("*.csv")) if folder.is_dir() else ():
        shown = f"{LISTS}/{path.name}"
        data = _content(path, shown, problems, MAX_LIST_BYTES)
        if data is not None and len(data) > MAX_LIST_BYTES:
            problems.append(_about(shown, codes.TOO_LARGE, f"the list is larger than {MAX_LIST_BYTES >> 20} MiB"))
        elif data is not None:
            contents[shown] = data
    return contents, problems


def _about(
    file: str, code: str, message: str, suggestion: str | None = None, severity: Severity = Severity.ERROR
) -> Diagnostic:
    return Diagnostic(file=file, line=1, column=1, code=code, message=message, suggestion=suggestion, severity=severity)
