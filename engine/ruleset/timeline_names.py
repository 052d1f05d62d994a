"""What the tests of a programme may refer to, and the times they are written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ..model import Programme, Value
from .positions import Node, Plain, Scalar
from .report import Report, kind_of
from .rule import Rule
from .shared import Shared
from .timeline_codes import BAD_MOMENT
from .vocabulary import no_other_spelling

_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
_LOOSE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2})[:.](\d{2}))?.*")


def _any_file(_name: str) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Rules, templates, channels, categories: all that is in force."""

    rules: Mapping[str, Rule | None]
    """By name; ``None`` for one that is there but has mistakes of its own."""
    templates: frozenset[str]
    programme: Programme
    shared: Shared
    spellings: Callable[[str], str | None] = no_other_spelling
    is_file: Callable[[str], bool] = field(default=_any_file)
    """Whether a recorded event is where a test says it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The members and cards that tests may name. One with mistakes is ``None``."""

    members: Mapping[str, Mapping[str, Value] | None]
    cards: Mapping[str, Mapping[str, Plain] | None]


def read_moment(report: Report, node: Node | None, name: str, zone: ZoneInfo) -> datetime | None:
    """A time in ``zone`` unless it carries an offset, as aware UTC; ``None``, reported, for anything else."""
    if node is None:
        return None
    text = node.text.strip() if isinstance(node, Scalar) else ""
    found = _moment(text, zone)
    if found is None:
        said = f'"{text}" is not a time' if text else f'"{name}" must be a time, not {kind_of(node)}'
        report.error(node, BAD_MOMENT, said, _meant(text))
    return found


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _meant(text: str) -> str:
    loose = _LOOSE.fullmatch(text)
    if loose is not None:
        year, month, day, hour, minute = (int(part or 0) for part in loose.groups())
        written = f"{year}-{month:02}-{day:02} {hour:02}:{minute:02}"
        if _moment(written, ZoneInfo("UTC")) is not None:
            return f'write "{written}"'
    return "write it like 2026-01-31 09:00"
