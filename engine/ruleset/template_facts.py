"""Whether the facts a template names exist where it is sent, and whether it says what to write when one is absent.

The same template may be sent by several rules, so this is checked for each of them, with the rule's own ``Scope``.
Presence is proven the way people read it: ``{% if event.balance is defined %}`` proves it for what stands inside.
Rendering refuses an absent value in any case; here it is found before the rule goes live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from jinja2 import nodes

from ..language.kinds import Kind
from ..language.schema import events_with
from ..language.scope import GATHERED, Missing, Path, Scope, path_text
from . import template_codes as codes
from .diagnostics import Diagnostic
from .template_files import SourceFile
from .template_kinds import NUMBERS, TAKES, UNPRINTED, family, kind_in
from .template_printed import leaves

Finding: TypeAlias = tuple[int, Path, Missing | None]
"""Line, path, and why it leads nowhere; ``None`` where it may merely be absent."""

_TOLERANT_FILTERS = frozenset({"default", "greeting_name"})
_ORDERING = frozenset({"lt", "lteq", "gt", "gteq"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads a template as far as facts are concerned."""

    scope: Scope
    local: frozenset[str] = frozenset()
    """Names that stand for something else here: loop variables, macro arguments, what was set."""

    def knowing(self, paths: frozenset[Path]) -> Reader:
        """The same where these facts are proven present."""
        return replace(self, scope=self.scope.knowing(paths)) if paths else self

    def naming(self, names: frozenset[str]) -> Reader:
        """The same where these names are the template's own."""
        return replace(self, local=self.local | names)

    def going_through_events(self, name: str) -> Reader:
        """The same where this name is one of the events that are told together."""
        scope = self.scope.extended(groups={name: self.scope.groups.get("event", {})})
        return replace(self, scope=scope, local=self.local - {name})

    def block(self, body: list[nodes.Node]) -> Iterator[Finding]:
        """What is wrong in a run of text and tags."""
        for node in body:
            yield from _STATEMENTS.get(type(node), Reader.inside)(self, node)

    def inside(self, node: nodes.Node) -> Iterator[Finding]:
        """What is wrong in whatever a node holds."""
        for child in node.iter_child_nodes():
            yield from self.needed(child) if isinstance(child, nodes.Expr) else self.block([child])

    def output(self, node: nodes.Output) -> Iterator[Finding]:
        """Text and expressions: what is printed must be a text or a number."""
        yield from self.inside(node)
        for leaf, _ in leaves(node):
            if words := UNPRINTED.get(self.kind(leaf) or Kind.TEXT):
                yield self._wrong(leaf, f"{words[0]} cannot be printed", words[1])

    def branch(self, node: nodes.If) -> Iterator[Finding]:
        """``if``: what its test proves holds inside, what it disproves after ``else``."""
        here = self
        for case in (node, *node.elif_):
            yield from here.tested(case.test)
            yield from here.knowing(here.proven(case.test, truth=True)).block(case.body)
            here = here.knowing(here.proven(case.test, truth=False))
        yield from here.block(node.else_)

    def loop(self, node: nodes.For) -> Iterator[Finding]:
        """``for``: its variables are no facts."""
        yield from self.needed(node.iter)
        inner = self.naming(_names(node.target) | {"loop"})
        if self.path(node.iter) == ("events",) and isinstance(node.target, nodes.Name):
            inner = inner.going_through_events(node.target.name)
        if node.test is not None:
            yield from inner.tested(node.test)
        yield from inner.block(node.body)
        yield from self.block(node.else_)

    def macro(self, node: nodes.Macro | nodes.CallBlock) -> Iterator[Finding]:
        """A macro's arguments are no facts."""
        names = frozenset(argument.name for argument in node.args)
        yield from self.naming(names).block(node.body)
        if isinstance(node, nodes.CallBlock):
            yield from self.needed(node.call)

    def assignment(self, node: nodes.Assign) -> Iterator[Finding]:
        """``set``: an absent value may be kept for later; what is done with it then is not followed."""
        if self.path(node.node) is None:
            yield from self.needed(node.node)
        else:
            yield from self.tested(node.node)

    def needed(self, node: nodes.Node) -> Iterator[Finding]:
        """An expression whose value is used: nothing in it may be absent."""
        path = self.path(node)
        if path is not None:
            yield from self._read(node, path, tolerant=False)
        elif handler := _EXPRESSIONS.get(type(node)):
            yield from handler(self, node)
        else:
            yield from self.inside(node)

    def tested(self, node: nodes.Node) -> Iterator[Finding]:
        """An expression that only has to be true or false: absent is false."""
        path = self.path(node)
        if path is not None:
            yield from self._read(node, path, tolerant=True)
        elif isinstance(node, nodes.Not):
            yield from self.tested(node.node)
        elif isinstance(node, nodes.And | nodes.Or):
            yield from self.tested(node.left)
            yield from self.knowing(self.proven(node.left, truth=isinstance(node, nodes.And))).tested(node.right)
        else:
            yield from self.needed(node)

    def choice(self, node: nodes.CondExpr) -> Iterator[Finding]:
        """``a if test else b``."""
        yield from self.tested(node.test)
        yield from self.knowing(self.proven(node.test, truth=True)).needed(node.expr1)
        if node.expr2 is not None:
            yield from self.knowing(self.proven(node.test, truth=False)).needed(node.expr2)

    def either(self, node: nodes.Or) -> Iterator[Finding]:
        """``a or b``: the left may be absent, then the right is used."""
        yield from self.tested(node.left)
        yield from self.knowing(self.proven(node.left, truth=False)).needed(node.right)

    def both(self, node: nodes.And) -> Iterator[Finding]:
        """``a and b``: when the left is absent, the absent value is the result."""
        yield from self.needed(node.left)
        yield from self.needed(node.right)

    def filtered(self, node: nodes.Filter) -> Iterator[Finding]:
        """``value | filter``: two filters take an absent value, and many take values of one kind only."""
        takes, given = TAKES.get(node.name), self.kind(node.node) if node.node is not None else None
        if takes and given and given not in takes:
            yield self._wrong(node.node or node, f"| {node.name} cannot take a {given.value}", _takes(takes))
        if node.node is not None:
            yield from (self.tested if node.name in _TOLERANT_FILTERS else self.needed)(node.node)
        for argument in (*node.args, *(keyword.value for keyword in node.kwargs)):
            yield from self.needed(argument)

    def test(self, node: nodes.Test) -> Iterator[Finding]:
        """``value is test``: presence may be tested, even of what other events send; the rest wants a value."""
        path = self.path(node.node)
        if node.name in _PROVES and path is not None and self._sent_by_others(path):
            return
        yield from (self.tested if node.name in {"defined", "none", "undefined"} else self.needed)(node.node)

    def comparison(self, node: nodes.Compare) -> Iterator[Finding]:
        """Equality takes absent values, order does not."""
        ordered = any(operand.op in _ORDERING for operand in node.ops)
        kinds = {family(self.kind(side)) for side in (node.expr, *(operand.expr for operand in node.ops))}
        plain = all(operand.op in _ORDERING | {"eq", "ne"} for operand in node.ops)
        if plain and None not in kinds and len(kinds) > 1 and not kinds <= {Kind.DATE, Kind.TIME}:
            said = " and a ".join(sorted(kind.value for kind in kinds if kind))
            yield self._wrong(node, f"a {said} cannot be compared", "compare values of one kind")
        for side in (node.expr, *(operand.expr for operand in node.ops)):
            yield from (self.needed if ordered else self.tested)(side)

    def arithmetic(self, node: nodes.BinExpr) -> Iterator[Finding]:
        """``a + b``: numbers with numbers; what is done with dates is not followed."""
        yield from self.inside(node)
        kinds = {kind for side in (node.left, node.right) if (kind := self.kind(side))}
        if wrong := sorted(kinds & {Kind.TEXT, Kind.YES_NO, Kind.OBJECT, Kind.LIST}):
            fix = "join texts with ~" if wrong[0] is Kind.TEXT else "give it numbers"
            yield self._wrong(node, f"{node.operator} cannot take a {wrong[0].value}", fix)

    def kind(self, node: nodes.Node | None) -> Kind | None:
        """The kind of an expression's value here, if it is known."""
        return kind_in(node, self._fact_kind)

    def _fact_kind(self, node: nodes.Node) -> Kind | None:
        path = self.path(node)
        found = self.scope.resolve(path) if path is not None else None
        return None if found is None or isinstance(found, Missing) else found.kind

    def _wrong(self, node: nodes.Node, message: str, fix: str) -> Finding:
        """A value of the wrong kind, shown by the first fact in it."""
        held = (path for part in (node, *node.find_all(nodes.Expr)) if (path := self.path(part)))
        path = next(held, ("",))
        return node.lineno, (path_text(path),), Missing(code=codes.WRONG_KIND, message=message, suggestion=fix)

    def _sent_by_others(self, path: Path) -> bool:
        """A field of another event than this rule's: asking whether it is there is a good question."""
        sent = path[0] == "event" and len(path) > 1 and "event" in self.scope.groups and events_with(path[1])
        return bool(sent) and isinstance(self.scope.resolve(path), Missing)

    def proven(self, node: nodes.Node, *, truth: bool) -> frozenset[Path]:
        """The facts that must be there when the test comes out like this."""
        path = self.path(node)
        if path is not None:
            return frozenset({path}) if truth else frozenset()
        if isinstance(node, nodes.Not):
            return self.proven(node.node, truth=not truth)
        if isinstance(node, nodes.And | nodes.Or):
            left, right = self.proven(node.left, truth=truth), self.proven(node.right, truth=truth)
            return left | right if truth is isinstance(node, nodes.And) else left & right
        if isinstance(node, nodes.Test):
            tested = self.path(node.node)
            return frozenset({tested}) if tested and truth is _PROVES.get(node.name) else frozenset()
        return frozenset(self._compared(node)) if truth and isinstance(node, nodes.Compare) else frozenset()

    def _compared(self, node: nodes.Compare) -> Iterator[Path]:
        """What is equal to something, or smaller, is there."""
        operand = node.ops[0]
        other = isinstance(operand.expr, nodes.Const) and operand.expr.value is not None
        path = self.path(node.expr)
        if path is not None and (operand.op in _ORDERING or (operand.op == "eq" and other)):
            yield path

    def path(self, node: nodes.Node | None) -> Path | None:
        """``card.balance`` as a path, unless its first name is the template's own."""
        if isinstance(node, nodes.Name):
            known = node.name in self.scope.groups or node.name in self.scope.names or node.name in _ELSEWHERE
            return (node.name,) if known and node.name not in self.local else None
        if isinstance(node, nodes.Getattr):
            head = self.path(node.node)
            return (*head, node.attr) if head else None
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            head = self.path(node.node)
            return (*head, node.arg.value) if head else None
        return None

    def _read(self, node: nodes.Node, path: Path, *, tolerant: bool) -> Iterator[Finding]:
        found = self.scope.resolve(path)
        if isinstance(found, Missing):
            if path not in self.scope.present or not self._sent_by_others(path):
                yield node.lineno, path, found
        elif found.optional and not tolerant:
            yield node.lineno, path, None


def diagnosed(finding: Finding, file: SourceFile) -> Diagnostic:
    """A finding with its place in the file."""
    line, path, missing = finding
    if missing is not None:
        return file.finding(line, path[missing.part], missing.code, missing.message, missing.suggestion)
    words = path_text(path)
    message = f"{words} may be absent, and nothing says what to write then"
    fix = f'put it inside {{% if {words} is defined %}}, or write {words} | default("…")'
    return file.finding(line, path_text(path[:2]), codes.MAY_BE_ABSENT, message, fix)


_ELSEWHERE = frozenset({"event", "days_left", "offset", *GATHERED})
"""Facts that exist in some places only: naming one elsewhere is explained by the scope."""

_PROVES: Mapping[str, bool] = {"defined": True, "none": False, "undefined": False}

_STATEMENTS: Mapping[type[nodes.Node], Callable[[Reader, Any], Iterator[Finding]]] = {
    nodes.Output: Reader.output,
    nodes.If: Reader.branch,
    nodes.For: Reader.loop,
    nodes.Macro: Reader.macro,
    nodes.CallBlock: Reader.macro,
    nodes.Assign: Reader.assignment,
}

_EXPRESSIONS: Mapping[type[nodes.Node], Callable[[Reader, Any], Iterator[Finding]]] = {
    nodes.CondExpr: Reader.choice,
    nodes.Or: Reader.either,
    nodes.And: Reader.both,
    nodes.Not: Reader.tested,
    nodes.Filter: Reader.filtered,
    nodes.Test: Reader.test,
    nodes.Compare: Reader.comparison,
    **dict.fromkeys((nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod), Reader.arithmetic),
}


def _takes(kinds: frozenset[Kind]) -> str:
    if kinds == NUMBERS:
        return "it takes numbers"
    return "it takes dates" if Kind.DATE in kinds else "it takes texts"


def _names(target: nodes.Node) -> frozenset[str]:
    names = [target] if isinstance(target, nodes.Name) else target.find_all(nodes.Name)
    return frozenset(name.name for name in names)
