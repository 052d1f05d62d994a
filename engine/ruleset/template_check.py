"""What is checked in a template before it may run: only what is listed here is available, and every name exists."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from babel import Locale
from jinja2 import nodes

from ..language.problem import suggest
from . import template_arguments as arguments
from . import template_codes as codes
from .environment import Phrases, TemplateEnvironment
from .filters import PLURAL_FORMS, required_forms
from .printing import placeholders
from .template_printed import Finding
from .template_printed import findings as printed_findings
from .template_printed import phrase_named as _phrase_named

AVAILABLE: frozenset[type[nodes.Node]] = frozenset(
    {
        nodes.Template,
        nodes.Output,
        nodes.TemplateData,
        nodes.Extends,
        nodes.Include,
        nodes.FromImport,
        nodes.Block,
        nodes.If,
        nodes.For,
        nodes.Macro,
        nodes.CallBlock,
        nodes.FilterBlock,
        nodes.With,
        nodes.Assign,
        nodes.AssignBlock,
        nodes.Name,
        nodes.Const,
        nodes.Tuple,
        nodes.List,
        nodes.Keyword,
        nodes.CondExpr,
        nodes.Filter,
        nodes.Test,
        nodes.Call,
        nodes.Getitem,
        nodes.Getattr,
        nodes.Slice,
        nodes.Concat,
        nodes.Compare,
        nodes.Operand,
        nodes.Add,
        nodes.Sub,
        nodes.Mul,
        nodes.Div,
        nodes.FloorDiv,
        nodes.Mod,
        nodes.Not,
        nodes.And,
        nodes.Or,
        nodes.Neg,
        nodes.Pos,
        nodes.Scope,
    }
)
"""The parts a template may be made of."""

_REFUSALS: Mapping[type[nodes.Node], tuple[str, str]] = {
    nodes.Pow: ("**", "** is not available"),
    nodes.Import: ("import", "import … as … is not available: write {% from … import … %}"),
    nodes.ScopedEvalContextModifier: ("autoescape", "autoescape is not available: HTML is always escaped, text never"),
    nodes.NSRef: ("set", "namespaces are not available"),
    nodes.Dict: ("{", "tables of values are not available; plural forms go into strings.<locale>.yaml"),
}

_UNQUOTED = re.compile(r"<[^<>]*\s[\w-]+\s*=\s*\Z")
_SPECIAL_CALLS = frozenset({"super", "caller"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A shared file that a template extends, includes or imports from."""

    name: str
    line: int


def findings(tree: nodes.Template, environment: TemplateEnvironment) -> Iterator[Finding]:
    """What is wrong with one parsed file, names that exist nowhere aside."""
    macros = set(_local_macros(tree))
    for node in tree.find_all(nodes.Node):
        if type(node) not in AVAILABLE:
            yield _refusal(node)
        elif check := _CHECKS.get(type(node)):
            yield from check(node, environment, macros)
    yield from printed_findings(tree, environment.phrases)


def unquoted(tree: nodes.Template) -> Iterator[Finding]:
    """Attributes whose value is written without quotes: escaping cannot keep a value inside them."""
    for output in tree.find_all(nodes.Output):
        for text, value in pairwise(output.nodes):
            if isinstance(text, nodes.TemplateData) and _UNQUOTED.search(text.data):
                yield value.lineno, "", codes.NOT_AVAILABLE, "an attribute's value needs quotes", 'write ="{{ … }}"'


def references(tree: nodes.Template) -> Iterator[Reference]:
    """The shared files the template names."""
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.FromImport)):
        name = node.template  # type: ignore[attr-defined]
        if isinstance(name, nodes.Const) and isinstance(name.value, str):
            yield Reference(name=name.value, line=node.lineno)


def assigned(tree: nodes.Template) -> Iterator[str]:
    """Names the template sets itself; a layout may use what its template has set."""
    for node in tree.find_all((nodes.Assign, nodes.AssignBlock)):
        for name in node.find_all(nodes.Name):
            if name.ctx == "store":
                yield name.name


def _refusal(node: nodes.Node) -> Finding:
    words, message = _REFUSALS.get(type(node), ("", f"{type(node).__name__.lower()} is not available in templates"))
    return node.lineno, words, codes.NOT_AVAILABLE, message, None


def _local_macros(tree: nodes.Template) -> Iterator[str]:
    for node in tree.find_all((nodes.Macro, nodes.FromImport)):
        if isinstance(node, nodes.Macro):
            yield node.name
        elif isinstance(node, nodes.FromImport):
            yield from (name[1] if isinstance(name, tuple) else name for name in node.names)


def _check_filter(node: nodes.Filter, environment: TemplateEnvironment, _macros: Collection[str]) -> Iterator[Finding]:
    known = [name for name in environment.filters if not name.startswith("_")]
    if node.name not in known:
        yield (
            node.lineno,
            node.name,
            codes.NOT_AVAILABLE,
            f'there is no filter "{node.name}"',
            suggest(node.name, known),
        )
    yield from _check_arguments(node, environment)
    if node.name in {"plural", "counted"}:
        yield from _check_plural(node, environment)
    elif node.name == "fill":
        yield from _check_fill(node, environment.phrases)


def _check_test(node: nodes.Test, environment: TemplateEnvironment, _macros: Collection[str]) -> Iterator[Finding]:
    if node.name not in environment.tests:
        message = f'there is no test "is {node.name}"'
        yield node.lineno, node.name, codes.NOT_AVAILABLE, message, suggest(node.name, environment.tests)
    yield from _check_arguments(node, environment)


def _check_call(node: nodes.Call, environment: TemplateEnvironment, macros: Collection[str]) -> Iterator[Finding]:
    function = node.node
    functions = {name for name, value in environment.globals.items() if callable(value)}
    if isinstance(function, nodes.Name):
        if function.name not in functions | set(macros) | _SPECIAL_CALLS:
            message = f'there is no function or macro "{function.name}"'
            yield (
                node.lineno,
                function.name,
                codes.NOT_AVAILABLE,
                message,
                suggest(function.name, {*functions, *macros}),
            )
    elif not (isinstance(function, nodes.Getattr) and _named(function.node, "self")):
        name = function.attr if isinstance(function, nodes.Getattr) else ""
        fix = f"write | {name} instead" if name in environment.filters else None
        yield node.lineno, name, codes.NOT_AVAILABLE, "values cannot be called: there are no methods", fix
    yield from _check_arguments(node, environment)


def _check_arguments(
    node: nodes.Filter | nodes.Test | nodes.Call, environment: TemplateEnvironment
) -> Iterator[Finding]:
    yield from arguments.findings(node, environment)
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        yield node.lineno, "", codes.NOT_AVAILABLE, "arguments are written out one by one, without * or **", None


def _check_plural(node: nodes.Filter, environment: TemplateEnvironment) -> Iterator[Finding]:
    given = _keywords(node)
    if phrase := _phrase_named(node.args[0]) if node.args else None:
        if isinstance(environment.phrases.get(phrase, {}), str):
            yield node.lineno, phrase, codes.STRINGS, f"strings.{phrase} is a phrase, not a table of plural forms", None
        return
    if node.args:
        return
    for message in plural_faults(given, environment.locale):
        yield node.lineno, node.name, codes.PLURAL, message, None


def plural_faults(given: Collection[str], locale: Locale) -> Iterator[str]:
    """What is wrong with a set of plural forms in this language."""
    missing = required_forms(locale) - set(given)
    if missing:
        forms = ", ".join(form for form in PLURAL_FORMS if form in missing)
        language = locale.get_display_name("en")
        yield f"{language} also needs the plural form{'s' if len(missing) > 1 else ''} {forms}"
    for form in sorted(set(given) - set(PLURAL_FORMS)):
        yield f'"{form}" is not a plural form; there are {", ".join(PLURAL_FORMS)}'


def _check_fill(node: nodes.Filter, phrases: Phrases) -> Iterator[Finding]:
    name = _phrase_named(node.node)
    phrase = phrases.get(name or "")
    if isinstance(phrase, str):
        wanted, given = placeholders(phrase), _keywords(node)
        for placeholder in sorted(wanted - given):
            yield node.lineno, "fill", codes.STRINGS, f"strings.{name} needs {placeholder}=…", None
        for extra in sorted(given - wanted):
            message = f"strings.{name} has no {{{extra}}} to fill in"
            yield node.lineno, extra, codes.STRINGS, message, suggest(extra, wanted) if wanted else "leave fill out"


def _check_field(
    node: nodes.Getattr | nodes.Getitem, environment: TemplateEnvironment, _macros: Collection[str]
) -> Iterator[Finding]:
    field = node.attr if isinstance(node, nodes.Getattr) else isinstance(node.arg, nodes.Const) and node.arg.value
    if isinstance(field, str) and field.startswith("_"):
        yield node.lineno, field, codes.NOT_AVAILABLE, "names that begin with _ are not available", None
    name = _phrase_named(node)
    if name is not None and name not in environment.phrases:
        message = f'{environment.phrases.file} has no phrase "{name}"'
        yield node.lineno, name, codes.STRINGS, message, _phrase_meant(name, environment.phrases)


def _phrase_meant(name: str, phrases: Phrases) -> str:
    if phrases:
        return suggest(name, phrases)
    return f"copy the strings file of another language to templates/{phrases.file}, and translate it"


def _check_arithmetic(
    node: nodes.BinExpr, _environment: TemplateEnvironment, _macros: Collection[str]
) -> Iterator[Finding]:
    for side in (node.left, node.right):
        if isinstance(side, nodes.Const) and isinstance(side.value, str):
            message = f"{node.operator} is for numbers and dates"
            yield node.lineno, node.operator, codes.NOT_AVAILABLE, message, "join texts with ~"
    divisor = node.right.value if isinstance(node.right, nodes.Const) else None
    if isinstance(node, nodes.Div | nodes.FloorDiv | nodes.Mod) and isinstance(divisor, int | float) and not divisor:
        yield node.lineno, node.operator, codes.WRONG_KIND, "nothing can be divided by zero", None


def _check_reference(
    node: nodes.Extends | nodes.Include | nodes.FromImport, _environment: TemplateEnvironment, _macros: Collection[str]
) -> Iterator[Finding]:
    if not (isinstance(node.template, nodes.Const) and isinstance(node.template.value, str)):
        yield node.lineno, "", codes.REFERENCE, "the name of a layout or partial is written out, in quotes", None
    if isinstance(node, nodes.Include) and node.ignore_missing:
        yield node.lineno, "missing", codes.REFERENCE, "a missing partial is never ignored", None


def _keywords(node: nodes.Filter) -> set[str]:
    # Jinja's own annotation says Pair; its parser makes Keyword.
    return {str(keyword.key) for keyword in node.kwargs}


def _named(node: nodes.Node, name: str) -> bool:
    return isinstance(node, nodes.Name) and node.name == name


_CHECKS: Mapping[type[nodes.Node], Callable[[Any, TemplateEnvironment, Collection[str]], Iterator[Finding]]] = {
    nodes.Filter: _check_filter,
    nodes.Test: _check_test,
    nodes.Call: _check_call,
    nodes.Getattr: _check_field,
    nodes.Getitem: _check_field,
    **dict.fromkeys((nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod), _check_arithmetic),
    nodes.Extends: _check_reference,
    nodes.Include: _check_reference,
    nodes.FromImport: _check_reference,
}
