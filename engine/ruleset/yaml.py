"""YAML 1.2 as people mean it, with the place of everything, and strict.

PyYAML's pure scanner, parser and composer under our own constructor; never the C loader, which a small file can crash.
Plain text stays text: ``on``, ``NO``, ``22:00``, ``010`` and ``2026-01-31`` are what they look like. Only ``true`` and
``false``, decimal numbers without leading zeros, and ``null`` or ``~`` mean something else (YAML 1.2.2, section 10.3,
without its octal and hexadecimal numbers, infinities and NaN).

Refused, each with its place: whatever could mean two things (a key twice, aliases, merge keys, tags, several
documents), whatever cannot be seen, and whatever is too large or too deep.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from . import codes
from .diagnostics import Diagnostic, Severity
from .mistakes import explain, lost_to_comment, template_key
from .positions import Block, Listing, Node, Scalar, Source

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
MAX_DIGITS = 40

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, None | bool] = {"": None, "~": None}
_WORDS |= {spelling: value for word, value in (("null", None), ("true", True), ("false", False))
           for spelling in (word, word.title(), word.upper())}
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML file: its nodes, and what is wrong with it."""

    source: Source
    root: Node | None
    """``None`` when the file is empty or cannot be read at all."""
    diagnostics: tuple[Diagnostic, ...] = ()


class _Refused(Exception):
    def __init__(self, start: int, end: int, code: str, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.start, self.end, self.code, self.message, self.suggestion = start, end, code, message, suggestion


def read_yaml(data: bytes, file: str) -> Document:
    """The document in a file's bytes. ``file`` is how its findings name it. Never raises."""
    if len(data) > MAX_BYTES:
        return _unreadable(Source(file, ""), codes.TOO_LARGE, f"the file is larger than {MAX_BYTES >> 20} MiB")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _unreadable(Source(file, ""), codes.NOT_UTF8, "the file is saved as UTF-16", "save it as UTF-8")
    try:
        # Windows editors write a byte order mark; YAML 1.2 allows it at the start.
        return parse_yaml(Source(file, data.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        return _not_utf8(Source(file, data.decode("utf-8-sig", "replace")), data, error)


def parse_yaml(source: Source) -> Document:
    """The document in a text, which may be a part of a file. Never raises."""
    unseen = _UNSEEN.search(source.text)
    if unseen is not None:
        return _refused(source, _invisible(unseen.start(), unseen.group()))
    try:
        node = _StrictComposer(source.text).get_single_node()
        if node is None:
            return Document(source=source, root=None)
        reading = _Reading(source)
        root = reading.node(node)
    except _Refused as refused:
        return _refused(source, refused)
    except yaml.MarkedYAMLError as error:
        return Document(source=source, root=None, diagnostics=(explain(source, error),))
    return Document(source=source, root=root, diagnostics=tuple(reading.findings))


class _StrictComposer(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML's composer, stopped at whatever these files may not hold before it is built."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0

    def compose_document(self) -> yaml.Node | None:
        node = super().compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            mark = self.peek_event().start_mark
            message = "another document starts here; a file holds one"
            raise _Refused(mark.index, mark.index + 3, codes.MORE_DOCUMENTS, message, "put the rules in a list under rules:")
        return node

    def compose_node(self, parent: yaml.Node | None, index: yaml.Node | int | None) -> yaml.Node | None:
        event = self.peek_event()
        _refuse_special(event, self.buffer)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            start = event.start_mark.index
            raise _Refused(start, start + 1, codes.TOO_DEEP, f"nested more than {MAX_DEPTH} deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node
