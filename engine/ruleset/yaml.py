"""YAML 1.2 as people mean it, with the place of everything, and strict.

PyYAML's pure scanner, parser and composer under our own constructor; never the C loader, which a small file can crash.
Plain text stays text: ``on``, ``NO``, ``22:00``, ``010`` and ``2026-01-31`` are what they look like. Only ``true`` and
``false``, decimal numbers without leading zeros, and ``null`` or ``~`` mean something else (YAML 1.2.2, section 10.3,
without its octal and hexadecimal numbers, infinities and NaN).

Refused, each with its place: whatever could mean two things (a key twice, aliases, merge keys, tags, several
documents), whatever cannot be seen, and whatever is too large or too deep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from ..language import Severity
from . import codes
from .diagnostics import Diagnostic
from .mistakes import explain
from .positions import Node, Source
from .reading import Reading
from .slip import Slip, invisible, span_of, tag_slip

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
MAX_NODES = 100_000
"""Keys and values in one file: some ten thousand rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML file: its nodes, and what is wrong with it."""

    source: Source
    root: Node | None
    """``None`` when the file is empty or cannot be read at all."""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing of the file was lost: a key that stands twice and warnings do no harm to the rest."""
        harmless = {codes.DUPLICATE_KEY}
        return all(found.severity is Severity.WARNING or found.code in harmless for found in self.diagnostics)


def read_yaml(data: bytes, file: str) -> Document:
    """The document in a file's bytes. ``file`` is how its findings name it. Never raises."""
    if len(data) > MAX_BYTES:
        slip = Slip(
            0, 0, codes.TOO_LARGE, f"the file is larger than {MAX_BYTES >> 20} MiB", "split it into several files"
        )
        return _refused(Source(file, ""), slip)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _refused(Source(file, ""), Slip(0, 0, codes.NOT_UTF8, "the file is saved as UTF-16", "save it as UTF-8"))
    try:
        # Windows editors write a byte order mark; YAML 1.2 allows it at the start.
        return parse_yaml(Source(file, data.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        return _not_utf8(file, error)


def parse_yaml(source: Source) -> Document:
    """The document in a text, which may be a part of a file. Never raises."""
    unseen = invisible(source.text)
    if unseen is not None:
        return _refused(source, unseen)
    composer = _StrictComposer(source.text)
    try:
        node = composer.get_single_node()
    except _Refused as refused:
        return _refused(source, refused.slip)
    except yaml.MarkedYAMLError as error:
        return _refused(source, explain(source, error))
    except (ValueError, OverflowError):
        # "\UFFFFFFFF" is no character; PyYAML lets the error of chr() through.
        at = composer.get_mark().index
        return _refused(source, Slip(at, at + 1, codes.ESCAPE, "there is no such character"))
    if node is None:
        return Document(source=source, root=None)
    reading = Reading(source)
    return Document(source=source, root=reading.node(node), diagnostics=tuple(reading.findings))


class _Refused(Exception):
    def __init__(self, slip: Slip) -> None:
        super().__init__(slip.message)
        self.slip = slip


class _StrictComposer(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML's composer, stopped at whatever these files may not hold before it is built."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._text = text
        self._depth = 0
        self._nodes = 0

    def compose_document(self) -> yaml.Node | None:
        node = super().compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            at = self.peek_event().start_mark.index  # type: ignore[no-untyped-call]
            message = "another document starts here; a file holds one"
            raise _Refused(Slip(at, at + 3, codes.MORE_DOCUMENTS, message, "put several rules in a list under rules:"))
        return node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self._refuse_special(event, is_key=isinstance(parent, yaml.MappingNode) and index is None)
        self._depth += 1
        self._nodes += 1
        self._refuse_excess(event.start_mark.index)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _refuse_excess(self, at: int) -> None:
        if self._depth > MAX_DEPTH:
            raise _Refused(Slip(at, at + 1, codes.TOO_DEEP, f"nested more than {MAX_DEPTH} deep"))
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES:,} keys and values in one file"
            raise _Refused(Slip(at, at + 1, codes.TOO_LARGE, message, "split it into several files"))

    def _refuse_special(self, event: yaml.NodeEvent, *, is_key: bool) -> None:
        start, end = span_of(event)
        if isinstance(event, yaml.AliasEvent):
            message = f"*{event.anchor} is a YAML alias, which these files do not use"
            raise _Refused(
                Slip(start, end, codes.ALIAS, message, f'if it is text, put it in quotes: "*{event.anchor}"')
            )
        if event.anchor is not None:
            message = f"&{event.anchor} is a YAML anchor, which these files do not use"
            raise _Refused(Slip(start, start + 1, codes.ALIAS, message, "if it is text, put it in quotes"))
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            raise _Refused(tag_slip(self._text, start))
        if is_key and isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.style is None:
            raise _Refused(Slip(start, end, codes.MERGE_KEY, "<< is a YAML merge key, which these files do not use"))


def _refused(source: Source, slip: Slip) -> Document:
    return Document(source=source, root=None, diagnostics=(slip.found_in(source),))


def _not_utf8(file: str, error: UnicodeDecodeError) -> Document:
    data: bytes = error.object
    sound = data[: error.start].decode("utf-8-sig")
    at = len(sound)
    message = f"byte 0x{data[error.start]:02X} is not UTF-8"
    source = Source(file, sound + data[error.start :].decode("utf-8", "replace"))
    return _refused(source, Slip(at, at + 1, codes.NOT_UTF8, message, "save the file as UTF-8"))
