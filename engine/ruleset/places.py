"""Where the expressions of a checked ruleset stand in its files, for whoever explains a decision."""

from __future__ import annotations

from ..language.problem import DataPath
from .audiences import Audience
from .load import Ruleset
from .positions import Block, Listing, Node, Scalar, descend
from .rule import Rule
from .shared import SHARED
from .yaml import Document, read_yaml


class Places:
    """Finds places in the files a ruleset was made of; each file is read once, when it is first asked for."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._contents = ruleset.sources.rules if ruleset.sources is not None else {}
        self._documents: dict[str, Document] = {}

    def of_rule(self, rule: Rule, *path: str | int) -> str:
        """``rules/points.yaml:3:5``: a value within a rule, as far as the path leads."""
        document = self._document(rule.file)
        block = _named(document.root, rule.name) if document is not None else None
        return f"{rule.file}:{rule.line}" if document is None or block is None else _place(document, block, path)

    def of_send(self, rule: Rule, number: int, path: DataPath) -> str:
        """A part of the condition of one of a rule's messages."""
        document = self._document(rule.file)
        block = _named(document.root, rule.name) if document is not None else None
        several = isinstance(block, Block) and isinstance(block.get("send"), Listing)
        return self.of_rule(rule, "send", *((number,) if several else ()), "if", *path)

    def of_audience(self, audience: Audience, path: DataPath) -> str:
        """A part of the condition of an audience."""
        document = self._document(SHARED) if audience.name else None
        if document is None or document.root is None:
            return f"{audience.file}:{audience.line}"
        return _place(document, document.root, ("audiences", audience.name, *path))

    def _document(self, file: str) -> Document | None:
        if file not in self._documents and file in self._contents:
            self._documents[file] = read_yaml(self._contents[file], file)
        return self._documents.get(file)


def _named(root: Node | None, name: str) -> Node | None:
    """The block of the rule of this name."""
    rules = root.get("rules") if isinstance(root, Block) else None
    blocks = rules.items if isinstance(rules, Listing) else (root,)
    return next((block for block in blocks if isinstance(block, Block) and _says(block.get("rule"), name)), None)


def _says(node: Node | None, name: str) -> bool:
    return isinstance(node, Scalar) and node.text == name


def _place(document: Document, node: Node, path: tuple[str | int, ...]) -> str:
    line, column = document.source.place(descend(node, path).start)
    return f"{document.source.file}:{line}:{column}"
