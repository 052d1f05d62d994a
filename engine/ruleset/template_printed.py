"""What an expression prints in the end, and whether that leaves a hole in the sentence around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from jinja2 import nodes

from . import template_codes as codes
from .environment import Phrases
from .printing import placeholders

Finding: TypeAlias = tuple[int, str, str, str, str | None]
"""Line, the words at fault, code, message, suggestion."""

Leaf: TypeAlias = tuple[nodes.Node, str]
"""What may be printed, and how it stands in for an absent value: ``default``, ``or``, or not at all."""

_KEEPING = frozenset({"upper", "lower", "trim", "capitalize", "title", "e", "escape", "truncate", "striptags"})
_PLACEHOLDERS_FOR_NOTHING = frozenset({"none", "null", "nil", "nan", "undefined"})
_HOLE_FIX = "put the words around it inside {% if … is defined %}, or write words that fit the sentence"


def printed(node: nodes.Node | None, way: str = "") -> Iterator[Leaf]:
    """The expressions one of which is printed: both sides of a choice, a value and what stands in for it."""
    if isinstance(node, nodes.CondExpr):
        yield from printed(node.expr1, way)
        yield from printed(node.expr2, way)
    elif isinstance(node, nodes.Or):
        yield from printed(node.left, way)
        yield from printed(node.right, "or")
    elif parts := _joined(node):
        for part in parts:
            yield from printed(part, way)
    elif isinstance(node, nodes.Filter) and node.name == "default":
        yield from printed(node.node, way)
        for value in (*node.args, *(keyword.value for keyword in node.kwargs)):
            yield from printed(value, "default")
    elif isinstance(node, nodes.Filter) and node.name in _KEEPING:
        yield from printed(node.node, way)
    elif node is not None:
        yield node, way


def _joined(node: nodes.Node | None) -> list[nodes.Expr]:
    """What ``~`` joins; once a template is compiled, ``~`` has become a filter of ours."""
    if isinstance(node, nodes.Concat):
        return node.nodes
    if isinstance(node, nodes.Filter) and node.name == "_text" and isinstance(node.node, nodes.List):
        return node.node.items
    return []


def leaves(output: nodes.Output) -> Iterator[Leaf]:
    """What one run of text and expressions prints, its text aside."""
    for child in output.nodes:
        if not isinstance(child, nodes.TemplateData):
            yield from printed(child)


def findings(tree: nodes.Template, phrases: Phrases) -> Iterator[Finding]:
    """Values that are printed as nothing or as a word for nothing, and phrases that are printed unfilled."""
    for output in tree.find_all(nodes.Output):
        for node, way in leaves(output):
            if isinstance(node, nodes.Const):
                yield from _constant(node, way)
            elif name := phrase_named(node):
                yield from _phrase(node, name, phrases)


def phrase_named(node: nodes.Node | None) -> str | None:
    """``strings.why`` -> ``why``."""
    if not isinstance(node, nodes.Getattr | nodes.Getitem):
        return None
    if not (isinstance(node.node, nodes.Name) and node.node.name == "strings"):
        return None
    if isinstance(node, nodes.Getattr):
        return node.attr
    return str(node.arg.value) if isinstance(node.arg, nodes.Const) else None


def _constant(node: nodes.Const, way: str) -> Iterator[Finding]:
    written = f'default("{node.value}")' if way == "default" else f'or "{node.value}"'
    words = node.value.strip().lower() if isinstance(node.value, str) else None
    if node.value is None:
        yield node.lineno, "none", codes.HOLE, "none cannot be printed", _HOLE_FIX
    elif way and words == "":
        message = f"{written} leaves a hole in the sentence when the value is absent"
        yield node.lineno, way, codes.HOLE, message, _HOLE_FIX
    elif way and words in _PLACEHOLDERS_FOR_NOTHING:
        message = f'{written} tells the reader "{node.value}" when the value is absent'
        yield node.lineno, way, codes.HOLE, message, _HOLE_FIX


def _phrase(node: nodes.Node, name: str, phrases: Phrases) -> Iterator[Finding]:
    phrase = phrases.get(name)
    if isinstance(phrase, Mapping):
        message = f"strings.{name} is a table of plural forms, not a phrase"
        fix = f"write {{{{ … | plural(strings.{name}) }}}}, or | counted(strings.{name}) with the number"
        yield node.lineno, name, codes.STRINGS, message, fix
    elif isinstance(phrase, str) and (gaps := sorted(placeholders(phrase))):
        message = f"strings.{name} has {', '.join(f'{{{gap}}}' for gap in gaps)} to fill in"
        fix = f"write strings.{name} | fill({', '.join(f'{gap}=…' for gap in gaps)})"
        yield node.lineno, name, codes.STRINGS, message, fix
