"""A file of members, CSV or JSON lines, read row by row in constant memory.

CSV as people export it: comma, semicolon or tab, with or without a byte order mark, UTF-8, UTF-16 or an encoding that
is named; quoting as in RFC 4180, except that no value may hold a line break.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BufferedReader, TextIOWrapper
from typing import Literal, Protocol, TypeAlias

from ..errors import BodyError, ImportFileError
from ..ingest.body import decode
from ..model import Snapshot
from .member_row import COLUMNS, METADATA, is_column, snapshot_of, suggestion

Format: TypeAlias = Literal["csv", "jsonl"]

LONGEST_LINE = 1 << 20
"""Characters. A longer line is not a member, and must not be held in memory."""

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS = ",;\t"
_STEP = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that cannot be used, and why."""

    line: int
    """Counted from 1, the header included."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    line: int
    cells: Mapping[str, object]


class _Reader(Protocol):
    """What ``csv.reader`` makes; the type has no public name."""

    @property
    def line_num(self) -> int: ...
    def __next__(self) -> list[str]: ...
    def __iter__(self) -> Iterator[list[str]]: ...


def read_members(
    file: BufferedReader,
    *,
    form: Format,
    as_of: datetime,
    encoding: str | None = None,
    ignore_unknown: bool = False,
) -> Iterator[Snapshot | Rejected]:
    """What the file says of each member, line by line.

    ``as_of`` is the time for which it holds. Each line counts a microsecond later than the one before, so that of two
    lines about the same member the second wins.

    Raises:
        ImportFileError: the file as a whole cannot be used: no id column, an unknown column, an unknown encoding.
    """
    rows = (
        _csv_rows(file, encoding=encoding, ignore_unknown=ignore_unknown)
        if form == "csv"
        else _json_rows(file, ignore_unknown=ignore_unknown)
    )
    for number, row in enumerate(rows):
        if isinstance(row, Rejected):
            yield row
            continue
        try:
            yield snapshot_of(row.cells, as_of + number * _STEP)
        except ImportFileError as error:
            yield Rejected(line=row.line, reason=str(error))


def guess_format(name: str, file: BufferedReader) -> Format:
    """The format by the file's name, else by how it begins."""
    if name.lower().endswith((".jsonl", ".ndjson")):
        return "jsonl"
    if name.lower().endswith((".csv", ".tsv")):
        return "csv"
    start = file.peek(64).lstrip(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"["):
        raise ImportFileError(f"{name} holds a JSON list: write one member per line instead (JSON lines), or CSV")
    return "jsonl" if start.startswith(b"{") else "csv"


# --- CSV ---


def _csv_rows(file: BufferedReader, *, encoding: str | None, ignore_unknown: bool) -> Iterator[_Row | Rejected]:
    text = TextIOWrapper(file, encoding=_encoding(file, encoding), errors="surrogateescape", newline="")
    try:
        yield from _table(_lines(text), ignore_unknown=ignore_unknown)
    finally:
        text.detach()  # The file belongs to the caller.


def _table(lines: Iterator[str], *, ignore_unknown: bool) -> Iterator[_Row | Rejected]:
    header_line, header = next(((number, line) for number, line in enumerate(lines, 1) if line.strip()), (0, ""))
    if not header:
        raise ImportFileError("the file is empty")
    delimiter = max(_DELIMITERS, key=header.count)
    columns = _columns(next(csv.reader([header], delimiter=delimiter)), ignore_unknown=ignore_unknown)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    for line, cells in _records(reader, before=header_line):
        if isinstance(cells, str):
            yield Rejected(line=line, reason=cells)
        elif len(cells) != len(columns):
            yield Rejected(line=line, reason=f"it has {len(cells)} columns, the header has {len(columns)}")
        else:
            yield _Row(line=line, cells={name: cell for name, cell in zip(columns, cells, strict=True) if name})


def _records(reader: _Reader, before: int) -> Iterator[tuple[int, list[str] | str]]:
    """The first line of each record, and its cells or what is wrong with it. ``before``: lines already read."""
    while True:
        line = before + reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield line, f"the quotes do not match between here and line {before + reader.line_num}: {error}"
            continue
        if cells is None:
            return
        last = before + reader.line_num
        if last != line:
            yield line, f"a quoted value runs on to line {last}; line breaks are not accepted"
        elif any(cell.strip() for cell in cells):
            yield line, cells


def _columns(header: list[str], *, ignore_unknown: bool) -> list[str | None]:
    """The column names as they are known here; ``None`` for those to leave out."""
    names = [_column(written) for written in header]
    unknown = [name for name in names if not is_column(name) or name == "metadata"]
    if len(unknown) == len(names):
        raise ImportFileError(f"the first line must name the columns: {_all_columns()}")
    if unknown and not ignore_unknown:
        listed = ", ".join(suggestion(name) for name in unknown)
        raise ImportFileError(
            f"unknown column {listed}. Columns are {_all_columns()}; --ignore-unknown leaves others out"
        )
    if "id" not in names:
        raise ImportFileError(f"there is no column id. Columns are {_all_columns()}")
    repeated = [name for name, count in Counter(names).items() if count > 1 and is_column(name)]
    if repeated:
        raise ImportFileError(f"the column {repeated[0]} is there twice")
    return [None if name in unknown else name for name in names]


def _column(written: str) -> str:
    name = written.strip()
    return name if name.lower().startswith(METADATA) else name.lower().replace(" ", "_").replace("-", "_")


def _all_columns() -> str:
    return ", ".join((*(name for name in COLUMNS if name != "metadata"), "metadata.<name>"))


def _encoding(file: BufferedReader, named: str | None) -> str:
    if named is not None:
        try:
            return codecs.lookup(named).name
        except LookupError:
            message = f"there is no encoding {named}: examples are utf-8, cp1250 and iso-8859-2"
            raise ImportFileError(message) from None
    start = file.peek(4)
    return next((encoding for mark, encoding in _BOMS if start.startswith(mark)), "utf-8")


def _lines(text: TextIOWrapper) -> Iterator[str]:
    number = 0
    try:
        while line := text.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                raise ImportFileError(f"line {number} is longer than a million characters: this is no file of members")
            yield line
    except UnicodeError as error:
        message = f"after line {number} the file cannot be read as {text.encoding}: {error}"
        raise ImportFileError(message) from None


# --- JSON lines ---


def _json_rows(file: BufferedReader, *, ignore_unknown: bool) -> Iterator[_Row | Rejected]:
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
        if len(line) == LONGEST_LINE:
            raise ImportFileError(f"line {number} is longer than a million bytes: this is no file of members")
        text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if text.strip():
            yield _json_row(number, text, ignore_unknown=ignore_unknown)


def _json_row(number: int, line: bytes, *, ignore_unknown: bool) -> _Row | Rejected:
    try:
        cells = decode(line)
    except BodyError as error:
        return Rejected(line=number, reason=str(error).replace(", line 1 column", ", column"))
    if not isinstance(cells, dict):
        return Rejected(line=number, reason="it is not a JSON object")
    unknown = [name for name in cells if not is_column(name)]
    if unknown and not ignore_unknown:
        listed = ", ".join(suggestion(name) for name in unknown)
        return Rejected(line=number, reason=f"unknown key {listed}; --ignore-unknown leaves others out")
    return _Row(line=number, cells={name: value for name, value in cells.items() if name not in unknown})
