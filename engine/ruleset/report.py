"""Reading one file: the values in it with their types, and a finding for each that is not what it must be."""

from __future__ import annotations

from ..language import Severity
from ..language.problem import closest, suggest
from . import codes
from .diagnostics import Diagnostic
from .keys import Keys
from .positions import Block, Listing, Node, Scalar, Source


class Report:
    """Collects what is wrong with one file while it is read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Diagnostic] = []

    def at(
        self,
        span: tuple[int, int],
        code: str,
        message: str,
        suggestion: str | None = None,
        *,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """A finding about the characters between two offsets of the file."""
        self.findings.append(self.source.finding(*span, code, message, suggestion, severity=severity))

    def error(self, node: Node, code: str, message: str, suggestion: str | None = None) -> None:
        """A finding that keeps the file from going live."""
        self.at((node.start, node.end), code, message, suggestion)

    def warning(self, node: Node, code: str, message: str, suggestion: str | None = None) -> None:
        """A finding that does not."""
        self.at((node.start, node.end), code, message, suggestion, severity=Severity.WARNING)

    def place(self, node: Node) -> str:
        """Where the node stands, in words: ``rules/a.yaml:3:7``."""
        line, column = self.source.place(node.start)
        return f"{self.source.file}:{line}:{column}"

    def entries(self, block: Block, keys: Keys) -> dict[str, Node]:
        """The values under keys that are available; every other key, and every required one missing, is reported."""
        for key, value in block.entries:
            if key.text in keys.available:
                self._refuse_nothing(key, value)
            else:
                self._refuse_key(key, keys)
        for name in keys.required:
            if block.get(name) is None and not _misspelt(name, block, keys):
                first = block.entries[0][0] if block.entries else block
                self.error(first, codes.MISSING_KEY, f'{keys.place} needs "{name}"')
        return {key.text: value for key, value in block.entries if key.text in keys.available and not is_nothing(value)}

    def not_yet(self, node: Node, name: str) -> None:
        """Refuse what a later version will understand."""
        self.error(node, codes.NOT_YET, f"{name} is not yet available in this version", "leave it out for now")

    def text(self, node: Node | None, name: str) -> str | None:
        """A text; ``None``, reported, for anything else, and for no node at all."""
        if node is None:
            return None
        if isinstance(node, Scalar) and isinstance(node.value, str):
            if node.value.strip():
                return node.value
            self.error(node, codes.EMPTY, f'"{name}" is empty')
            return None
        fix = f'put it in quotes: "{node.text}"' if isinstance(node, Scalar) and not is_nothing(node) else None
        self.error(node, codes.WRONG_TYPE, f'"{name}" must be a text, not {kind_of(node)}', fix)
        return None

    def items(self, node: Node, name: str) -> tuple[Node, ...]:
        """The items of a list; a single value counts as a list of one. An empty list is reported."""
        if not isinstance(node, Listing):
            return (node,)
        if not node.items:
            self.error(node, codes.EMPTY, f'"{name}" is an empty list')
        return node.items

    def _refuse_nothing(self, key: Scalar, value: Node) -> None:
        if is_nothing(value):
            self.error(key, codes.EMPTY, f'"{key.text}" is empty')

    def _refuse_key(self, key: Scalar, keys: Keys) -> None:
        if key.text in keys.later:
            self.not_yet(key, f'"{key.text}"')
            return
        self.error(key, codes.UNKNOWN_KEY, f'{keys.place} has no key "{key.text}"', _key_meant(key.text, keys))


def is_nothing(node: Node) -> bool:
    """Whether nothing, or ``null``, stands there."""
    return isinstance(node, Scalar) and node.value is None


def kind_of(node: Node) -> str:
    """What stands there, in words."""
    if isinstance(node, Listing):
        return "a list"
    if isinstance(node, Block):
        return "a mapping"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return "a yes/no value"
    return "a text" if isinstance(node.value, str) else "a number"


def _key_meant(text: str, keys: Keys) -> str:
    if text.lower() in keys.hints:
        return keys.hints[text.lower()]
    near = keys.synonyms.get(text.lower()) or closest(text, keys.available) or closest(text, keys.later)
    return f'did you mean "{near}"?' if near else suggest(text, keys.available)


def _misspelt(name: str, block: Block, keys: Keys) -> bool:
    """Whether the missing key is there under another name, which has been reported already."""
    written = [key.text for key, _ in block.entries]
    unknown = [text for text in written if text not in keys.available | keys.later]
    if any(keys.instead.get(text) == name for text in written):
        return True
    if len(unknown) == len(written):
        return bool(unknown)
    return any(keys.synonyms.get(text.lower()) == name or closest(text, {name}) for text in unknown)
