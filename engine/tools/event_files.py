"""Files of events -> the single bodies in them, exactly as they stand in the file.

One JSON value, a list of them, or one per line (JSON lines); a file's name decides where it can, its content where it
must. Nothing is judged here: what is not JSON is handed on as it is, to be stored and set aside with its place.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import PurePath

from ..errors import ImportFileError
from ..ingest.body import JSON_STRING, glance
from ..ingest.names import is_configuration, is_known, neutral_name

LONGEST_LINE = 16 << 20
"""Bytes; far more than any body may have, and little enough to be held in memory."""
LARGEST_FILE = 256 << 20
"""Bytes of a file that has to be read as a whole: JSON lines have no such limit."""

_LINES = (".jsonl", ".ndjson")
_STRUCTURE = re.compile(JSON_STRING.encode() + rb"|[\[\]{},]", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One body, and its place in the file."""

    place: str
    """``line 3``, ``element 3``, or empty where the file is the body."""
    body: bytes


def read_pieces(name: str, file: BufferedReader) -> Iterator[Piece]:
    """The bodies in a file, in its order.

    Raises:
        ImportFileError: a line or file too large to hold.
    """
    if name.lower().endswith(_LINES):
        yield from _lines(_read_lines(file))
        return
    head, first = _head(file)
    if isinstance(glance(_without_mark(first)), dict):
        yield from _lines(_joined(head, file))
        return
    rest = file.read(LARGEST_FILE + 1)
    if len(rest) > LARGEST_FILE:
        raise ImportFileError(f"{name} is too large to be read as a whole: write one event per line (JSON lines)")
    yield from _whole(b"".join([*head, rest]))


def type_of_name(name: str) -> str | None:
    """The event type a file is named after, as the producer publishes its examples; ``None`` when it is no type."""
    stem = PurePath(name).name
    for suffix in (".json", *_LINES):
        stem = stem.removesuffix(suffix)
    known = is_known(stem) or is_configuration(stem) or neutral_name(stem) is not None
    return stem if known else None


def _head(file: BufferedReader) -> tuple[list[bytes], bytes]:
    """The file up to its first line that is not empty, and that line."""
    head: list[bytes] = []
    for line in _read_lines(file):
        head.append(line)
        if _without_mark(line).strip():
            return head, line
    return head, b""


def _read_lines(file: BufferedReader) -> Iterator[bytes]:
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            raise ImportFileError(f"line {number} is longer than {LONGEST_LINE >> 20} MiB: this is no file of events")
        yield line


def _joined(head: list[bytes], file: BufferedReader) -> Iterator[bytes]:
    yield from head
    yield from _read_lines(file)


def _lines(lines: Iterator[bytes]) -> Iterator[Piece]:
    for number, line in enumerate(lines, 1):
        body = _without_mark(line) if number == 1 else line
        if body.strip():
            yield Piece(place=f"line {number}", body=body.strip())


def _whole(text: bytes) -> Iterator[Piece]:
    body = _without_mark(text).strip()
    if body.startswith(b"["):
        for number, element in enumerate(_elements(body), 1):
            yield Piece(place=f"element {number}", body=element)
    elif glance(body) is None and _is_lines(body):
        yield from _lines(iter(text.splitlines()))
    elif body:
        yield Piece(place="", body=body)


def _is_lines(text: bytes) -> bool:
    """Whether a text that is no JSON value consists of lines of which some are objects."""
    values = (glance(line) for line in text.splitlines())
    return any(isinstance(value, dict) and value for value in values)


def _elements(text: bytes) -> Iterator[bytes]:
    """The elements of a JSON list as they are written; what follows its end counts as one more."""
    depth, start = 0, 1
    for token in _STRUCTURE.finditer(text):
        mark = token[0]
        if depth == 1 and mark in (b",", b"]"):
            yield from _not_empty(text[start : token.start()])
            start = token.end()
        depth += (mark in (b"[", b"{")) - (mark in (b"]", b"}"))
        if depth == 0:
            break
    yield from _not_empty(text[start:])


def _not_empty(body: bytes) -> Iterator[bytes]:
    if body.strip():
        yield body.strip()


def _without_mark(text: bytes) -> bytes:
    """Windows editors write a byte order mark; a file may have one, a body may not."""
    return text.removeprefix(codecs.BOM_UTF8)
