"""The cells of a table: texts, numbers, days and times as people export them, or what is wrong with one and the fix."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from ..deliver.address import wire_address
from ..errors import AddressError, ImportFileError
from ..language.problem import closest
from ..ruleset.template_files import locale_tag

_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,9})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}([ ,'_\u00a0\u202f.]\d{3})+([.,]\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?( ?(Z|[+-]\d{2}:?\d{2}))?", re.ASCII)
_OTHER_DAY = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})", re.ASCII)
_MONTHS = 12
_LONGEST = 15
_EARLIEST = 1900
_SHOWN = 60

YES = frozenset({"yes", "true", "1", "y", "on", "active"})
NO = frozenset({"no", "false", "0", "n", "off", "inactive", "disabled", "blocked", "closed"})
CLEARED = "none"
"""In a CSV cell that may be cleared: there is no such value, as null says in JSON. An empty cell says nothing."""


class BadCell(ImportFileError):
    """A cell that cannot be used."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class Dates:
    """How the days and times of a file are to be read."""

    zone: tzinfo = UTC
    """The programme's: what times without an offset mean, and in which zone an instant becomes a day."""
    form: str | None = None
    """How days are written, as for ``strptime``, where not as in 2026-12-31."""
    _days: dict[str, date] = field(default_factory=dict, compare=False)
    _moments: dict[str, datetime] = field(default_factory=dict, compare=False)

    def day(self, column: str, value: object) -> date:
        """A calendar day; of a time with an offset the day on which it falls in the programme's zone."""
        written = text(column, value)
        known = self._days.get(written)
        if known is None:
            if len(self._days) > _REMEMBERED:
                self._days.clear()
            known = self._days[written] = self._day(column, written)
        return known

    def moment(self, column: str, value: object) -> datetime:
        """A time, in UTC; a day is its beginning."""
        written = text(column, value)
        known = self._moments.get(written)
        if known is None:
            if len(self._moments) > _REMEMBERED:
                self._moments.clear()
            known = self._moments[written] = self._moment(column, written)
        return known

    def _moment(self, column: str, written: str) -> datetime:
        try:
            if _MOMENT.fullmatch(written) or _DAY.fullmatch(written):
                read = datetime.fromisoformat(written)
                return (read if read.tzinfo else read.replace(tzinfo=self.zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise BadCell(column, f"{column} {quoted(written)} is not a time written as 2026-12-31T09:30:00Z")

    def _day(self, column: str, written: str) -> date:
        read = self._as_told(written) if self.form else self._as_usual(written)
        if read is None:
            raise BadCell(column, f"{column} {quoted(written)} is not a date {self._fix(written)}")
        if read.year < _EARLIEST:
            raise BadCell(column, f"{column} {quoted(written)} is in the year {read.year}")
        return read

    def _as_told(self, written: str) -> date | None:
        try:
            return datetime.strptime(written, self.form or "").date()  # noqa: DTZ007 - a day has no zone.
        except ValueError:
            return None

    def _as_usual(self, written: str) -> date | None:
        try:
            if _DAY.fullmatch(written):
                return date.fromisoformat(written)
            if _MOMENT.fullmatch(written):
                read = datetime.fromisoformat(written)
                return (read.astimezone(self.zone) if read.tzinfo else read).date()
        except (ValueError, OverflowError):
            pass
        return None

    def _fix(self, written: str) -> str:
        if self.form:
            return f"written as --date-format {self.form} says"
        other = _OTHER_DAY.fullmatch(written)
        if other is None:
            return "written as 2026-12-31"
        first, mark, second = int(other[1]), other[2], int(other[3])
        forms = [f"%d{mark}%m{mark}%Y"] * (second <= _MONTHS) + [f"%m{mark}%d{mark}%Y"] * (first <= _MONTHS)
        return "written as 2026-12-31; " + (f"say --date-format {' or '.join(forms)}" if forms else "it has no month")


_REMEMBERED = 20_000
"""Days and times that are kept as they were read: a file has few different ones."""


def text(column: str, value: object, *, number: bool = False) -> str:
    """A text without the spaces around it; ``number``: a whole number will do, as some systems have ids."""
    if number and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise BadCell(column, f"{column} is not a text")
    if not value.isprintable():
        _refuse_invisible(column, value)
    return value.strip()


def is_empty(value: object) -> bool:
    """Whether a cell says nothing. A null says nothing, either, but for what it may clear."""
    return value is None or (isinstance(value, str) and not value.strip())


def said(row: Mapping[str, object]) -> dict[str, object]:
    """The cells of a row that say something."""
    # Most cells of a table are texts: asked here without a call for each.
    return {
        name: value for name, value in row.items() if (value.strip() if isinstance(value, str) else value is not None)
    }


def points(column: str, value: object) -> int | float:
    """A number of points."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise BadCell(column, f"{column} is not a number")
    written = text(column, value)
    if len(written) <= _LONGEST and written.isascii() and written.isdigit():
        return int(written)
    if _GROUPED.fullmatch(written):
        raise BadCell(column, f"{column} {quoted(written)} seems to have a thousands separator: {_ungrouped(written)}")
    if _NUMBER.fullmatch(written):
        return float(written) if "." in written else int(written)
    if _COMMA.fullmatch(written):
        raise BadCell(column, f"{column} {quoted(written)} has a decimal comma: write {written.replace(',', '.')}")
    raise BadCell(column, f"{column} {quoted(written)} is not a number")


def _ungrouped(written: str) -> str:
    whole, mark, fraction = re.fullmatch(r"(.+)(\D)(\d+)", written).groups()  # type: ignore[union-attr]  # It is grouped.
    marks = re.findall(r"[^\d+-]", whole)
    whole = re.sub(r"[^\d+-]", "", whole)
    if mark in ".," and marks and mark not in marks:
        return f"write {whole}.{fraction}"
    either = f", or {written}0 for a fraction" if mark == "." and not marks else ""
    return f"write {whole}{fraction}{either}"


def yes_no(column: str, value: object) -> bool:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    written = str(value).lower() if isinstance(value, int) else text(column, value).lower()
    if written in YES or written in NO:
        return written in YES
    raise BadCell(column, f"{column} {quoted(written)} is neither yes nor no")


def address(column: str, value: object) -> str:
    """A mail address."""
    written = text(column, value)
    try:
        wire_address(written)
    except AddressError:
        raise BadCell(column, f"{column} {quoted(written)} is not an address that can be written to") from None
    return written


def zone(column: str, value: object) -> str:
    """The name of a time zone."""
    written = text(column, value)
    if not _is_zone(written):
        near = _nearest_zone(written[:_SHOWN])
        hint = f'did you mean "{near}"?' if near else "an example is Europe/Warsaw"
        raise BadCell(column, f"there is no time zone {quoted(written)}: {hint}")
    return written


def locale(column: str, value: object) -> str:
    """A language, as it is written everywhere in here."""
    written = text(column, value)
    tag = _tag(written[:_SHOWN])
    if tag is None:
        raise BadCell(column, f"there is no locale {quoted(written)}: examples are en, pl and pt-BR")
    return tag


def quoted(written: str) -> str:
    """A value, short enough to be shown."""
    return f'"{written if len(written) <= _SHOWN else written[:_SHOWN] + "…"}"'


def _refuse_invisible(column: str, value: str) -> None:
    if "\n" in value or "\r" in value:
        raise BadCell(column, f"{column} holds a line break")
    for character in value:
        kind = unicodedata.category(character) if not character.isprintable() else ""
        if kind == "Cs":
            message = f"{column} is not UTF-8: save the file as UTF-8, or say --encoding, such as cp1250"
            raise BadCell(column, message)
        if kind == "Cc":
            raise BadCell(column, f"{column} holds an invisible control character")


@lru_cache
def _tag(written: str) -> str | None:
    return locale_tag(written)


@lru_cache(maxsize=1_000)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # Names no database has; folders of it; paths that lead out of it.
        return False
    return True


@lru_cache
def _nearest_zone(name: str) -> str | None:
    return closest(name, available_timezones())
