"""Whether a file that extends a layout fills blocks which the layout has, and says nothing outside them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from jinja2 import nodes

from ..language.problem import suggest
from . import template_codes as codes
from .template_check import assigned
from .template_printed import Finding


def extended(tree: nodes.Template) -> nodes.Extends | None:
    """The tag that names the layout."""
    return next((node for node in tree.body if isinstance(node, nodes.Extends)), None)


def layout_name(extends: nodes.Extends) -> str:
    """The layout, if its name is written out."""
    return str(extends.template.value) if isinstance(extends.template, nodes.Const) else ""


def block_names(tree: nodes.Template) -> frozenset[str]:
    """The blocks a file has, wherever they stand."""
    return frozenset(block.name for block in tree.find_all(nodes.Block))


def findings(tree: nodes.Template, extends: nodes.Extends, known: Collection[str]) -> Iterator[Finding]:
    """What would be dropped without a word; ``known`` are the layout's blocks, and those of its own layout."""
    yield from _outside(tree.body)
    filled = list(_filled(tree.body))
    for block in filled:
        if block.name not in known:
            message, fix = f'the layout has no block "{block.name}"', suggest(block.name, known) if known else None
            yield block.lineno, block.name, codes.BLOCK, message, fix
    if not filled and not any(assigned(tree)):
        fix = f"write {{% block {_likely(known)} %}}…{{% endblock %}}" if known else None
        yield extends.lineno, "extends", codes.BLOCK, "no block of the layout is filled", fix


def _likely(known: Collection[str]) -> str:
    return "body" if "body" in known else min(known)


def _filled(body: list[nodes.Node]) -> Iterator[nodes.Block]:
    """The blocks that are not within another: those within are new ones."""
    for node in body:
        if isinstance(node, nodes.Block):
            yield node
        elif not isinstance(node, nodes.Macro):
            yield from _filled(list(node.iter_child_nodes()))


def _outside(body: list[nodes.Node]) -> Iterator[Finding]:
    """The first words outside any block."""
    for node in body:
        if isinstance(node, nodes.Block | nodes.Macro | nodes.AssignBlock):
            continue
        if _says(node):
            message = "what stands outside the blocks of a layout is never sent"
            yield node.lineno + _skipped(node), "", codes.BLOCK, message, "move it into a block, such as body"
            return
        if isinstance(node, nodes.If | nodes.For | nodes.With | nodes.FilterBlock):
            yield from _outside([child for child in node.iter_child_nodes() if isinstance(child, nodes.Stmt)])


def _says(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Output):
        return any(not isinstance(part, nodes.TemplateData) or part.data.strip() for part in node.nodes)
    return isinstance(node, nodes.Include | nodes.CallBlock)


def _skipped(node: nodes.Node) -> int:
    """The empty lines before the words."""
    first = node.nodes[0] if isinstance(node, nodes.Output) else None
    if not isinstance(first, nodes.TemplateData):
        return 0
    return first.data[: len(first.data) - len(first.data.lstrip())].count("\n")
