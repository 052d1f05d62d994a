"""Whether filters, tests and functions are given what they take, as far as it is written out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from inspect import Signature, signature
from typing import Any

from jinja2 import nodes

from ..language.functions import FUNCTIONS
from ..language.problem import suggest
from . import template_codes as codes
from .environment import TemplateEnvironment
from .filters import CURRENCY, DATE_FORMATS
from .template_printed import Finding

_EXAMPLES: Mapping[str, str] = {
    "money": 'for example | money("PLN")',
    "default": 'for example | default("friend")',
    "plural": "for example | plural(strings.points)",
    "counted": "for example | counted(strings.points)",
    "date": 'for example | date("short")',
    "number": "for example | number(2)",
    "fill": "for example | fill(name=name)",
    "join": 'for example | join(", ")',
    "round": "for decimals write | number(2)",
    **{
        name: f"for example {function.example}" for name, function in FUNCTIONS.items() if name not in {"date", "round"}
    },
}
_NAMED = re.compile(r"'(\w+)'")


def findings(node: nodes.Filter | nodes.Test | nodes.Call, environment: TemplateEnvironment) -> Iterator[Finding]:
    """What is wrong with the number, names and fixed words of what is given."""
    table: Mapping[str, Any]
    if isinstance(node, nodes.Call):
        name, table, piped = _called(node), environment.globals, 0
    else:
        name, piped = node.name, 1
        table = environment.filters if isinstance(node, nodes.Filter) else environment.tests
    takes = _signature(table.get(name))
    if takes is None or node.dyn_args is not None or node.dyn_kwargs is not None:
        return
    try:
        takes.bind(*[None] * piped, *node.args, **{str(keyword.key): None for keyword in node.kwargs})
    except TypeError as error:
        yield node.lineno, name, codes.ARGUMENTS, _explained(name, str(error)), _EXAMPLES.get(name)
        return
    if isinstance(node, nodes.Filter) and node.args and isinstance(node.args[0], nodes.Const):
        yield from _fixed_word(node, node.args[0].value)


def _called(node: nodes.Call) -> str:
    return node.node.name if isinstance(node.node, nodes.Name) else ""


def _signature(function: object) -> Signature | None:
    """What one of our own functions takes; Jinja's own are as its documentation says."""
    if not callable(function) or not str(getattr(function, "__module__", "")).startswith(__name__.partition(".")[0]):
        return None
    found = signature(function)
    first = 1 if hasattr(function, "jinja_pass_arg") else 0
    return found.replace(parameters=list(found.parameters.values())[first:])


def _explained(name: str, error: str) -> str:
    named = _NAMED.search(error)
    if named and error.startswith("missing"):
        return f"{name} is not told its {named[1]}"
    if named:
        return f"{name} takes no {named[1]}="
    return f"{name} is given too many values"


def _fixed_word(node: nodes.Filter, word: object) -> Iterator[Finding]:
    if node.name == "date" and word not in DATE_FORMATS:
        fix = suggest(str(word), DATE_FORMATS)
        yield node.lineno, str(word), codes.ARGUMENTS, f'"{word}" is not a date format', fix
    elif node.name == "money" and not (isinstance(word, str) and CURRENCY.fullmatch(word)):
        message = f'"{word}" is not a currency code such as PLN or EUR'
        yield node.lineno, str(word), codes.ARGUMENTS, message, _EXAMPLES["money"]
    elif node.name in {"plural", "counted"}:
        fix = f'write | {node.name}(one="…", other="…"), or a table of forms from strings'
        yield node.lineno, node.name, codes.ARGUMENTS, f"{node.name} takes forms by name", fix
