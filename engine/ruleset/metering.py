"""Meters in compiled templates: whatever can run more than once takes from the message's allowance each time."""

from __future__ import annotations

from typing import Any, TypeAlias

from jinja2 import nodes, pass_context
from jinja2.runtime import Context

from .printing import take_a_step

WORK, TEXT = "_work", "_text"
"""The filters that do it, under names no author can write."""

_Repeated: TypeAlias = "nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block"


@pass_context
def work(context: Context, weight: int) -> None:
    """One more turn of something that weighs so much."""
    del context  # Asking for it keeps the compiler from running this once and for all.
    take_a_step(weight)


def weigh(tree: nodes.Node) -> int:
    """How much it costs to run through this once."""
    texts = sum(len(data.data) >> 6 for data in tree.find_all(nodes.TemplateData))
    return texts + sum(1 for _ in tree.find_all(nodes.Node))


def meter(tree: nodes.Node) -> None:
    """Puts a meter into everything that can run more than once, and bounds ``~``."""
    repeated: tuple[type[_Repeated], ...] = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)
    for node in list(tree.find_all(repeated)):
        taken = nodes.Filter(nodes.Const(weigh(node)), WORK, [], [], None, None, lineno=node.lineno)
        node.body.insert(0, nodes.ExprStmt(taken, lineno=node.lineno))
    _bound_concatenation(tree)


def _bound_concatenation(node: nodes.Node) -> None:
    for name, value in node.iter_fields():
        if isinstance(value, list):
            value[:] = [_bounded(item) for item in value]
        else:
            setattr(node, name, _bounded(value))


def _bounded(item: Any) -> Any:
    if not isinstance(item, nodes.Node):
        return item
    _bound_concatenation(item)
    if not isinstance(item, nodes.Concat):
        return item
    parts = nodes.List(item.nodes, lineno=item.lineno)
    return nodes.Filter(parts, TEXT, [], [], None, None, lineno=item.lineno)
