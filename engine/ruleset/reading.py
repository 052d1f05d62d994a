"""From PyYAML's nodes to ours: every value with its type by YAML 1.2, every key a text that stands there once."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

import yaml

from ..language import Severity
from . import codes
from .diagnostics import Diagnostic
from .positions import Block, Listing, Node, Scalar, Source
from .slip import Slip, invisible_value, lost_to_comment, odd_space

MAX_DIGITS = 30
MAX_FINDINGS = 100
"""Per file: more of them help nobody."""

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, bool | None] = MappingProxyType(
    {"": None, "~": None}
    | dict.fromkeys(("null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
)
_NO_SPACE = re.compile(r"[A-Za-z_]+:\S")


class Reading:
    """Reads one document; ``findings`` collects what is wrong with it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.findings: list[Diagnostic] = []

    def node(self, node: yaml.Node) -> Node:
        """The node with its places. The composer has bounded its depth."""
        start, end = node.start_mark.index, node.end_mark.index
        if isinstance(node, yaml.MappingNode):
            return Block(entries=self._entries(node), start=start, end=end)
        if isinstance(node, yaml.SequenceNode):
            return Listing(items=tuple(self.node(item) for item in node.value), start=start, end=end)
        return self._scalar(node)

    def _entries(self, node: yaml.MappingNode) -> tuple[tuple[Scalar, Node], ...]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            value = self.node(value_node)
            if key is None:
                continue
            if node.flow_style and not self._has_colon(key, value):
                self._no_value(key)
            elif key.text in entries:
                self._twice(key, entries[key.text][0])
            else:
                entries[key.text] = key, value
        return tuple(entries.values())

    def _key(self, node: yaml.Node) -> Scalar | None:
        if not isinstance(node, yaml.ScalarNode):
            self._report(self._no_key(node.start_mark.index, node.end_mark.index))
            return None
        key = self._scalar(node)
        if not isinstance(key.value, str):
            message = f"the key {key.text} is not read as a text"
            self._report(Slip(key.start, key.end, codes.KEY_NOT_TEXT, message, f'put it in quotes: "{key.text}"'))
            return None
        return key

    def _no_key(self, start: int, end: int) -> Slip:
        if self._source.text[start - 1 : start + 1] != "{{":
            return Slip(start, end, codes.KEY_NOT_TEXT, "a list or mapping cannot be a key")
        message = "text that starts with {{ needs quotes"
        return Slip(start - 1, end + 1, codes.UNQUOTED_TEMPLATE, message, 'put the whole text in quotes: "…"')

    def _has_colon(self, key: Scalar, value: Node) -> bool:
        return ":" in self._source.text[key.end : value.start]

    def _no_value(self, key: Scalar) -> None:
        if _NO_SPACE.match(key.text):
            at = key.start + key.text.index(":") + 1
            self._report(Slip(at, at + 1, codes.SPACE_AFTER_COLON, 'there is no space after ":"'))
        else:
            message = f'inside {{ }}, "{key.text}" has no value; text with a comma or bracket needs quotes'
            self._report(Slip(key.start, key.end, codes.UNQUOTED_IN_BRACKETS, message))

    def _twice(self, key: Scalar, first: Scalar) -> None:
        line, column = self._source.place(first.start)
        message = f'the key "{key.text}" is already there, in line {line}, column {column}'
        self._report(Slip(key.start, key.end, codes.DUPLICATE_KEY, message, "keep one of them"))

    def _scalar(self, node: yaml.Node) -> Scalar:
        text: str = node.value
        start, end = node.start_mark.index, node.end_mark.index
        style: str | None = node.style if isinstance(node, yaml.ScalarNode) else None
        if style is None:
            self._report(odd_space(text, start))
            self._report(lost_to_comment(self._source.text, end), Severity.WARNING)
            return Scalar(value=self._plain(text, start, end), text=text, start=start, end=end)
        self._report(invisible_value(text, start, end))
        return Scalar(value=text, text=text, start=start, end=end, style=style)

    def _plain(self, text: str, start: int, end: int) -> bool | int | float | str | None:
        if text in _WORDS:
            return _WORDS[text]
        if not _FLOAT.fullmatch(text):
            return text
        whole = _INT.fullmatch(text) is not None
        number = float(text)
        if math.isinf(number) or (whole and len(text) > MAX_DIGITS):
            self._report(
                Slip(start, end, codes.NUMBER_TOO_LARGE, "the number is too large", "if it is text, put it in quotes")
            )
            return None
        return int(text) if whole else number

    def _report(self, slip: Slip | None, severity: Severity = Severity.ERROR) -> None:
        if slip is not None and len(self.findings) < MAX_FINDINGS:
            self.findings.append(slip.found_in(self._source, severity))
