"""A file with a table in it, CSV or JSON lines, read row by row in constant memory.

CSV as people export it: comma, semicolon or tab, with or without a byte order mark, UTF-8, UTF-16 or an encoding that
is named; quoting as in RFC 4180, except that no value may hold a line break.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BufferedReader, TextIOWrapper
from typing import Literal, Protocol, TypeAlias

from ..errors import BodyError, ImportFileError
from ..ingest.body import decode
from ..language.problem import closest

Format: TypeAlias = Literal["csv", "jsonl"]

LONGEST_LINE = 1 << 20
"""Characters. A longer line is no row, and must not be held in memory."""
METADATA = "metadata."
"""``metadata.status`` is one entry of the metadata."""

_BOM = "\ufeff"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Which columns a table may have."""

    what: str
    """What it is a table of: ``members``."""
    columns: tuple[str, ...]
    required: tuple[str, ...]
    also: Mapping[str, str] = field(default_factory=dict)
    """Other names of columns, as people call them."""
    metadata: bool = False
    """Whether there may be columns such as ``metadata.status``."""

    def knows(self, name: str) -> bool:
        """Whether there may be a column, or a key of a JSON line, of this name."""
        if name in self.columns:
            return True
        return self.metadata and name.startswith(METADATA) and name != METADATA and name.isprintable()

    def named(self, written: str) -> str:
        """A column's own name, of what stands in a header."""
        name = written.strip()
        if not name.lower().startswith(METADATA):
            name = name.lower().replace(" ", "_").replace("-", "_")
        return self.also.get(name, name)

    def listed(self) -> str:
        """All columns."""
        names = [name for name in self.columns if name != "metadata"]
        return ", ".join([*names, *(["metadata.<name>"] if self.metadata else [])])

    def suggestion(self, name: str) -> str:
        """``"e_mail" (did you mean "email"?)``."""
        near = closest(name, [*self.columns, *self.also])
        return f'"{name}" (did you mean "{near}"?)' if near else f'"{name}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that cannot be used, and why."""

    line: int
    """Counted from 1, the header included."""
    reason: str
    column: str | None = None
    """The column at fault, where it is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A line as it stands in the file."""

    line: int
    cells: Mapping[str, object]


class _Reader(Protocol):
    """What ``csv.reader`` makes; the type has no public name."""

    @property
    def line_num(self) -> int: ...
    def __next__(self) -> list[str]: ...
    def __iter__(self) -> Iterator[list[str]]: ...


def read_table(
    file: BufferedReader, sheet: Sheet, *, form: Format, encoding: str | None = None, ignore_unknown: bool = False
) -> Iterator[TableRow | Rejected]:
    """The rows of a table, in its order.

    Raises:
        ImportFileError: the file as a whole cannot be used: a required column is missing, a column or the encoding is
            not known.
    """
    if form == "csv":
        return _csv_rows(file, sheet, encoding=encoding, ignore_unknown=ignore_unknown)
    return _json_rows(file, sheet, ignore_unknown=ignore_unknown)


def guess_format(name: str, file: BufferedReader) -> Format:
    """The format by the file's name, else by how it begins."""
    if name.lower().endswith((".jsonl", ".ndjson")):
        return "jsonl"
    if name.lower().endswith((".csv", ".tsv")):
        return "csv"
    start = file.peek(64).lstrip(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"["):
        raise ImportFileError(f"{name} holds a JSON list: write one object per line instead (JSON lines), or CSV")
    return "jsonl" if start.startswith(b"{") else "csv"


# --- CSV ---


def _csv_rows(
    file: BufferedReader, sheet: Sheet, *, encoding: str | None, ignore_unknown: bool
) -> Iterator[TableRow | Rejected]:
    text = TextIOWrapper(file, encoding=_encoding(file, encoding), errors="surrogateescape", newline="")
    try:
        yield from _table(_lines(text, sheet), sheet, ignore_unknown=ignore_unknown)
    finally:
        if not file.closed:  # As it is where the caller was interrupted.
            text.detach()  # The file belongs to the caller.


def _table(lines: Iterator[str], sheet: Sheet, *, ignore_unknown: bool) -> Iterator[TableRow | Rejected]:
    header_line, header = next(((number, line) for number, line in enumerate(lines, 1) if line.strip()), (0, ""))
    if not header:
        raise ImportFileError("the file is empty")
    delimiter = max(_DELIMITERS, key=header.count)
    columns = _columns(next(csv.reader([header], delimiter=delimiter)), sheet, ignore_unknown=ignore_unknown)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    for line, cells in _records(reader, before=header_line):
        if isinstance(cells, str):
            yield Rejected(line=line, reason=cells)
        elif len(cells) != len(columns):
            yield Rejected(line=line, reason=f"it has {len(cells)} columns, the header has {len(columns)}")
        else:
            yield TableRow(line=line, cells={name: cell for name, cell in zip(columns, cells, strict=True) if name})


def _records(reader: _Reader, before: int) -> Iterator[tuple[int, list[str] | str]]:
    """The first line of each record, and its cells or what is wrong with it. ``before``: lines already read."""
    while True:
        line = before + reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield line, f"{_in_words(error)} between here and line {before + reader.line_num}: {error}"
            continue
        if cells is None:
            return
        last = before + reader.line_num
        if last != line:
            yield line, f"a quoted value runs on to line {last}; line breaks are not accepted"
        elif any(cell.strip() for cell in cells):
            yield line, cells


def _in_words(error: csv.Error) -> str:
    if "field limit" not in str(error):
        return "the quotes do not match"
    return f"a value is longer than {csv.field_size_limit():,} characters, or a quote is never closed,"


def _columns(header: list[str], sheet: Sheet, *, ignore_unknown: bool) -> list[str | None]:
    """The column names as they are known here; ``None`` for those to leave out."""
    names = [sheet.named(written) for written in header]
    unknown = [name for name in names if not sheet.knows(name) or name == "metadata"]
    if len(unknown) == len(names):
        raise ImportFileError(f"the first line must name the columns: {sheet.listed()}")
    if unknown and not ignore_unknown:
        listed = ", ".join(sheet.suggestion(name) for name in unknown)
        raise ImportFileError(
            f"unknown column {listed}. Columns are {sheet.listed()}; --ignore-unknown leaves others out"
        )
    missing = [name for name in sheet.required if name not in names]
    if missing:
        raise ImportFileError(f"there is no column {missing[0]}. Columns are {sheet.listed()}")
    repeated = [name for name, count in Counter(names).items() if count > 1 and sheet.knows(name)]
    if repeated:
        raise ImportFileError(f"the column {repeated[0]} is there twice")
    return [None if name in unknown else name for name in names]


def _encoding(file: BufferedReader, named: str | None) -> str:
    if named is not None:
        try:
            "".encode(named)  # Not all that encodes encodes text.
            return codecs.lookup(named).name
        except (LookupError, UnicodeError):
            message = f"there is no encoding {named}: examples are utf-8, cp1250 and iso-8859-2"
            raise ImportFileError(message) from None
    start = file.peek(4)
    return next((encoding for mark, encoding in _BOMS if start.startswith(mark)), "utf-8")


def _lines(text: TextIOWrapper, sheet: Sheet) -> Iterator[str]:
    number = 0
    try:
        while line := text.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                message = f"line {number} is longer than a million characters: this is no file of {sheet.what}"
                raise ImportFileError(message)
            yield line.removeprefix(_BOM) if number == 1 else line
    except UnicodeError as error:
        message = f"after line {number} the file cannot be read as {text.encoding}: {error}"
        raise ImportFileError(message) from None


# --- JSON lines ---


def _json_rows(file: BufferedReader, sheet: Sheet, *, ignore_unknown: bool) -> Iterator[TableRow | Rejected]:
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
        if len(line) == LONGEST_LINE:
            raise ImportFileError(f"line {number} is longer than a million bytes: this is no file of {sheet.what}")
        text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if text.strip():
            yield _json_row(number, text, sheet, ignore_unknown=ignore_unknown)


def _json_row(number: int, line: bytes, sheet: Sheet, *, ignore_unknown: bool) -> TableRow | Rejected:
    try:
        found = decode(line)
    except BodyError as error:
        return Rejected(line=number, reason=str(error).replace(", line 1 column", ", column"))
    if not isinstance(found, dict):
        return Rejected(line=number, reason="it is not a JSON object")
    cells = {sheet.named(name): value for name, value in found.items()}
    if len(cells) < len(found):
        return Rejected(line=number, reason="one thing is said under two names")
    unknown = [name for name in cells if not sheet.knows(name)]
    if unknown and not ignore_unknown:
        listed = ", ".join(sheet.suggestion(name) for name in unknown)
        return Rejected(line=number, reason=f"unknown key {listed}; --ignore-unknown leaves others out")
    return TableRow(line=number, cells={name: value for name, value in cells.items() if sheet.knows(name)})
