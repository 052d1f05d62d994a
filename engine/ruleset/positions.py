"""Where things stand in a YAML file: the nodes with their places, and the place of every character of a text.

Offsets count characters (code points) from the start of the text; lines and columns count from 1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from ..language import Severity
from .diagnostics import Diagnostic

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
"""What a YAML document holds once read."""

_LINE_END = re.compile(r"\r\n|\n|\r")
_ESCAPE_LENGTH = {"x": 4, "u": 6, "U": 10}


@dataclass(frozen=True)
class Source:
    """The text of one file, or of a part of it that starts at ``first_line``."""

    file: str
    text: str
    first_line: int = 1

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE_END.finditer(self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of the character at ``offset``."""
        index = bisect_right(self._starts, offset) - 1
        return index + self.first_line, offset - self._starts[index] + 1

    def line_at(self, offset: int) -> str:
        """The whole line the offset lies in, without its end."""
        start = self._starts[bisect_right(self._starts, offset) - 1]
        found = _LINE_END.search(self.text, start)
        return self.text[start : found.start() if found else len(self.text)]

    def finding(
        self,
        start: int,
        end: int,
        code: str,
        message: str,
        suggestion: str | None = None,
        *,
        severity: Severity = Severity.ERROR,
    ) -> Diagnostic:
        """A finding about the characters from ``start`` to ``end``; what goes beyond the line is not underlined."""
        line, column = self.place(start)
        text = self.line_at(start)
        return Diagnostic(
            file=self.file,
            line=line,
            column=column,
            code=code,
            severity=severity,
            message=message,
            suggestion=suggestion,
            source_line=text or None,
            length=max(1, min(end - start, len(text) - column + 1)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text, number, yes/no or nothing."""

    value: bool | int | float | str | None
    text: str
    """As written, without quotes and folding."""
    start: int
    end: int
    style: str | None = None
    """``None`` for plain text, else ``'``, ``"``, ``|`` or ``>``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A YAML sequence."""

    items: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A YAML mapping; its keys are texts, each there once."""

    entries: tuple[tuple[Scalar, Node], ...]
    start: int
    end: int

    def get(self, key: str) -> Node | None:
        """The value under ``key``."""
        return next((value for name, value in self.entries if name.text == key), None)

    def key(self, name: str) -> Scalar | None:
        """The key itself, for its place."""
        return next((key for key, _ in self.entries if key.text == name), None)


Node: TypeAlias = Scalar | Listing | Block


def plain(node: Node) -> Plain:
    """The node as plain data, without places."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key.text: plain(value) for key, value in node.entries}


def descend(node: Node, path: Sequence[str | int]) -> Node:
    """The node at ``path``; as far as the path leads."""
    for step in path:
        inner: Node | None = None
        if isinstance(node, Block) and isinstance(step, str):
            inner = node.get(step)
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            inner = node.items[step]
        if inner is None:
            return node
        node = inner
    return node


def span(source: Source, scalar: Scalar, start: int, length: int) -> tuple[int, int]:
    """Offsets in the file of ``length`` characters of the scalar's text, from its character ``start`` on.

    Exact for every style: quoted, escaped, folded over lines, in a ``|`` or ``>`` block.
    """
    offsets = character_offsets(source, scalar)
    if not offsets:
        return scalar.start, scalar.end
    if start >= len(offsets):
        return offsets[-1] + 1, offsets[-1] + 2
    last = min(start + max(1, length), len(offsets)) - 1
    return offsets[start], offsets[last] + 1


def character_offsets(source: Source, scalar: Scalar) -> list[int]:
    """For each character of ``scalar.text``, the offset in the file it comes from."""
    if scalar.style in ("|", ">"):
        return list(_in_block(source.text, scalar))
    inset = 0 if scalar.style is None else 1
    return list(_in_line(source.text, scalar.start + inset, scalar.end - inset, scalar.style))[: len(scalar.text)]


def _in_line(text: str, at: int, end: int, style: str | None) -> Iterator[int]:
    """Plain and quoted scalars: a run of white space with line ends in it folds, all else stands for itself."""
    while at < end:
        if text[at] in " \t\r\n":
            stop = next((here for here in range(at, end) if text[here] not in " \t\r\n"), end)
            yield from _folded(text, at, stop)
            at = stop
        elif style == "'" and text.startswith("''", at):
            yield at
            at += 2
        elif style == '"' and text[at] == "\\":
            after = _after_escape(text, at)
            if text[at + 1] in "\r\n":
                stop = next((here for here in range(after, end) if text[here] not in " \t\r\n"), end)
                yield from (found.start() for found in _LINE_END.finditer(text, after, stop))
                after = stop
            else:
                yield at
            at = after
        else:
            yield at
            at += 1


def _folded(text: str, start: int, stop: int) -> Iterator[int]:
    breaks = [found.start() for found in _LINE_END.finditer(text, start, stop)]
    if not breaks:
        yield from range(start, stop)
    else:
        yield from breaks[1:] or breaks


def _after_escape(text: str, at: int) -> int:
    if text.startswith("\r\n", at + 1):
        return at + 3
    return at + _ESCAPE_LENGTH.get(text[at + 1], 2)


def _in_block(text: str, scalar: Scalar) -> Iterator[int]:
    """``|`` and ``>`` scalars: the value's characters stand in the file in the same order, indentation left out."""
    written = list(_block_characters(text, scalar))
    at = 0
    for char in scalar.text:
        while at < len(written) - 1 and not _stands_for(written[at][0], char):
            at += 1
        yield written[at][1]
        at = min(at + 1, len(written) - 1)


def _stands_for(written: str, char: str) -> bool:
    return written == char or (written == "\n" and char == " ")


def _block_characters(text: str, scalar: Scalar) -> Iterator[tuple[str, int]]:
    lines = _block_lines(text, scalar)
    indent = _indent(text, lines, scalar.text)
    for start, end in lines:
        yield from ((text[here], here) for here in range(start + indent, end))
        yield "\n", end


def _block_lines(text: str, scalar: Scalar) -> list[tuple[int, int]]:
    """Start and end of the lines after the ``|`` or ``>``."""
    header = _LINE_END.search(text, scalar.start, scalar.end)
    if header is None:
        return []
    ends = [(found.start(), found.end()) for found in _LINE_END.finditer(text, header.end(), scalar.end)]
    starts = [header.end(), *(after for _, after in ends)]
    stops = [*(before for before, _ in ends), scalar.end]
    return list(zip(starts, stops, strict=True))


def _indent(text: str, lines: list[tuple[int, int]], value: str) -> int:
    written = next((text[start:end] for start, end in lines if text[start:end].strip(" ")), "")
    meant = next((line for line in value.split("\n") if line.strip(" ")), "")
    return (len(written) - len(written.lstrip(" "))) - (len(meant) - len(meant.lstrip(" ")))
