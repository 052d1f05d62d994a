"""Text to meaning: the subset of expressions that Python and Jinja read alike, and nothing else.

Python's ``ast`` does the reading. What the two languages would read differently is refused with the parentheses that
make it clear; nothing is evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .grammar import MAX_DEPTH, check_grammar, unreadable
from .ir import (
    Arithmetic,
    Call,
    Choice,
    Compare,
    Comparison,
    Listing,
    Literal,
    Logic,
    Negative,
    Node,
    Not,
    Presence,
    Read,
)
from .problem import InvalidExpression, Problem, Severity, Span, problem_at
from .tokens import VALUE_WORDS, Token, scan

MAX_ITEMS = 200
"""Values in one written list."""

_BREAKS = str.maketrans("\t\r\n", "   ")


def parse(text: str) -> tuple[Node, list[Problem]]:
    """The meaning of an expression, without types, and warnings. Raises ``InvalidExpression``; never anything else."""
    tokens, problems = scan(text)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise InvalidExpression(problems)
    check_grammar(tokens, text)
    return _Builder(text).build(_tree(text, tokens)), problems


def _tree(text: str, tokens: Sequence[Token]) -> ast.expr:
    start = tokens[0].span.start
    # Line breaks mean nothing in an expression, but would end it for Python; texts hold none (see ``scan``).
    source = text[start:].translate(_BREAKS).rstrip()
    try:
        return ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise InvalidExpression([unreadable(tokens, start + (error.offset or 1) - 1)]) from None
    except (RecursionError, MemoryError, ValueError):
        raise _too_deep(Span(start=start, end=len(text))) from None


def _too_deep(span: Span) -> InvalidExpression:
    message = f"more than {MAX_DEPTH} levels within each other"
    return InvalidExpression([problem_at(span, "PB213", message, "use a list of conditions")])


class _Builder:
    """Turns Python's tree into ours, refusing everything that is not in the table."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.skipped = len(text) - len(text.lstrip(" \t\r\n"))
        self.depth = 0

    def build(self, tree: ast.expr) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _too_deep(self.span(tree))
        make = _MAKERS.get(type(tree))
        if make is None:
            raise self.stop(tree, "PB203", f"{self.source(tree)} is not part of rule expressions")
        node = make(self, tree)
        self.depth -= 1
        return node

    def span(self, tree: ast.expr) -> Span:
        return Span(start=self.place(tree.col_offset), end=self.place(tree.end_col_offset or tree.col_offset))

    def place(self, offset: int) -> int:
        """Python counts in bytes of UTF-8; people count characters."""
        if self.text.isascii():
            return self.skipped + offset
        return self.skipped + len(self.text[self.skipped :].encode()[:offset].decode())

    def source(self, tree: ast.expr) -> str:
        span = self.span(tree)
        return self.text[span.start : span.end]

    def stop(self, tree: ast.expr, code: str, message: str, fix: str | None = None) -> InvalidExpression:
        return InvalidExpression([problem_at(self.span(tree), code, message, fix)])

    # --- Values -------------------------------------------------------------------------------------------------------

    def constant(self, tree: ast.Constant) -> Node:
        if not isinstance(tree.value, int | float | str):
            raise self.stop(tree, "PB203", f"{self.source(tree)} is not part of rule expressions")
        return Literal(span=self.span(tree), value=tree.value)

    def listing(self, tree: ast.List) -> Node:
        if len(tree.elts) > MAX_ITEMS:
            raise self.stop(tree, "PB213", f"a list has at most {MAX_ITEMS} values, this one has {len(tree.elts)}")
        return Listing(span=self.span(tree), items=tuple(self.build(item) for item in tree.elts))

    def several(self, tree: ast.Tuple) -> Node:
        raise self.stop(tree, "PB203", "values with commas between them are a list", "write [a, b]")

    def name(self, tree: ast.Name) -> Node:
        span = self.span(tree)
        if tree.id == "none":
            raise self.stop(tree, "PB203", "none is no value, it can only be tested", "write x is none")
        if tree.id in VALUE_WORDS:
            return Literal(span=span, value=tree.id == "true")
        return Read(span=span, path=(tree.id,), parts=(span,))

    def attribute(self, tree: ast.Attribute) -> Node:
        end = self.span(tree).end
        part = Span(start=end - len(tree.attr), end=end)
        if tree.attr.startswith("_"):
            fix = f'write ["{tree.attr}"]'
            raise InvalidExpression([problem_at(part, "PB203", f"{tree.attr} cannot stand after a point", fix)])
        return self._deeper(tree, tree.attr, part)

    def subscript(self, tree: ast.Subscript) -> Node:
        key = tree.slice
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            raise self.stop(key, "PB203", "only a text can stand in these brackets", 'write ["name"]')
        return self._deeper(tree, key.value, self.span(key))

    def _deeper(self, tree: ast.Attribute | ast.Subscript, name: str, part: Span) -> Node:
        inner = self.build(tree.value)
        if not isinstance(inner, Read):
            raise self.stop(tree, "PB203", f"{self.source(tree.value)} has no fields")
        return Read(span=self.span(tree), path=(*inner.path, name), parts=(*inner.parts, part))

    # --- Calls and filters --------------------------------------------------------------------------------------------

    def call(self, tree: ast.Call) -> Node:
        if isinstance(tree.func, ast.Attribute):
            raise self._method(tree.func)
        if not isinstance(tree.func, ast.Name):
            raise self.stop(tree, "PB203", f"{self.source(tree.func)} is not a function")
        arguments = tuple(self.build(argument) for argument in tree.args)
        name = tree.func
        return Call(span=self.span(tree), name=name.id, name_span=self.span(name), arguments=arguments)

    def _method(self, function: ast.Attribute) -> InvalidExpression:
        end = self.span(function).end
        span = Span(start=end - len(function.attr), end=end)
        fix = _METHODS.get(function.attr, "write function(value)").replace("x", self.source(function.value), 1)
        message = f".{function.attr}() is not part of rule expressions: values have no methods"
        return InvalidExpression([problem_at(span, "PB203", message, fix)])

    def pipe(self, tree: ast.BinOp) -> Node:
        """``left | filter``: binds tightest in Jinja, loosest but comparisons in Python."""
        if not self.is_tight(tree.left):
            raise self._loose_left(tree)
        call = tree.right.func if isinstance(tree.right, ast.Call) else tree.right
        if not isinstance(call, ast.Name) or self._before(tree.right) != "|":
            raise self._loose_filter(tree)
        extra = tree.right.args if isinstance(tree.right, ast.Call) else []
        arguments = (self.build(tree.left), *(self.build(argument) for argument in extra))
        span = self.span(tree)
        return Call(span=span, name=call.id, name_span=self.span(call), arguments=arguments, piped=True)

    def _loose_left(self, tree: ast.BinOp) -> InvalidExpression:
        last = tree.left
        while isinstance(last, ast.BinOp | ast.UnaryOp):
            last = last.right if isinstance(last, ast.BinOp) else last.operand
        before = self.text[self.span(tree).start : self.span(last).start]
        piped = self.text[self.span(last).start : self.span(tree).end]
        message = "rules and templates would read this differently without parentheses"
        return self.stop(tree, "PB212", message, f"write {before}({piped})")

    def _loose_filter(self, tree: ast.BinOp) -> InvalidExpression:
        first: ast.expr = tree.right
        while isinstance(first, ast.BinOp):
            first = first.left
        if first is tree.right:
            return self.stop(first, "PB203", "after | stands the name of a filter", 'write x | default("…")')
        piped = self.text[self.span(tree.left).start : self.span(first).end]
        rest = self.text[self.span(first).end : self.span(tree.right).end]
        message = "rules and templates would read this differently without parentheses"
        return self.stop(tree, "PB212", message, f"write ({piped}){rest}")

    def is_tight(self, tree: ast.expr) -> bool:
        """What stands before ``|`` or ``is`` has to be one piece for both languages."""
        if isinstance(tree, _TIGHT) or (isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitOr)):
            return True
        return self.text[self.span(tree).end :].lstrip().startswith(")")

    def _before(self, tree: ast.expr) -> str:
        return self.text[: self.span(tree).start].rstrip()[-1:]

    # --- Operators ----------------------------------------------------------------------------------------------------

    def binary(self, tree: ast.BinOp) -> Node:
        if isinstance(tree.op, ast.BitOr):
            return self.pipe(tree)
        left, right = self.build(tree.left), self.build(tree.right)
        return Arithmetic(span=self.span(tree), operator=_ARITHMETIC[type(tree.op)], left=left, right=right)

    def unary(self, tree: ast.UnaryOp) -> Node:
        operand, span = self.build(tree.operand), self.span(tree)
        if isinstance(tree.op, ast.Not):
            return Not(span=span, operand=operand)
        if isinstance(operand, Literal) and type(operand.value) in {int, float}:
            return Literal(span=span, value=-operand.value)  # type: ignore[operator]
        return Negative(span=span, operand=operand)

    def logic(self, tree: ast.BoolOp) -> Node:
        word = "and" if isinstance(tree.op, ast.And) else "or"
        terms = tuple(self.build(term) for term in tree.values)
        return Logic(span=self.span(tree), operator=word, terms=terms)  # type: ignore[arg-type]

    def choice(self, tree: ast.IfExp) -> Node:
        then, test, otherwise = self.build(tree.body), self.build(tree.test), self.build(tree.orelse)
        return Choice(span=self.span(tree), test=test, then=then, otherwise=otherwise)

    def comparison(self, tree: ast.Compare) -> Node:
        operands = [tree.left, *tree.comparators]
        if len(tree.ops) == 1 and _tests_presence(tree):
            return self._presence(tree, operands)
        if len(tree.ops) > 1 and any(isinstance(operator, _SINGLE) for operator in tree.ops):
            raise self.stop(tree, "PB212", "in, not in and is cannot be part of a chain", "write a and b")
        operators = tuple(_COMPARISONS[type(operator)] for operator in tree.ops)
        return Compare(span=self.span(tree), operands=tuple(map(self.build, operands)), operators=operators)

    def _presence(self, tree: ast.Compare, operands: Sequence[ast.expr]) -> Node:
        wanted = _PRESENCE.get(type(tree.ops[0]))
        if wanted is None:
            raise self.stop(tree, "PB203", "none can only be tested", "write x is none, or x is not none")
        tested = operands[1] if _name_of(operands[0]) == "none" else operands[0]
        if isinstance(tree.ops[0], ast.Is | ast.IsNot) and not self.is_tight(tested):
            message = "rules and templates would read this differently without parentheses"
            raise self.stop(tested, "PB212", message, f"write ({self.source(tested)})")
        if _name_of(operands[1]) == "defined":
            wanted = not wanted
        return Presence(span=self.span(tree), operand=self.build(tested), wanted=wanted)


def _name_of(tree: ast.expr) -> str:
    return tree.id if isinstance(tree, ast.Name) else ""


def _tests_presence(tree: ast.Compare) -> bool:
    """``is`` in all its forms (see ``check_grammar``), and a comparison with none."""
    is_test = isinstance(tree.ops[0], ast.Is | ast.IsNot)
    return is_test or "none" in {_name_of(tree.left), _name_of(tree.comparators[0])}


_TIGHT = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Constant, ast.List)
_SINGLE = (ast.In, ast.NotIn, ast.Is, ast.IsNot)
_PRESENCE: Mapping[type, bool] = {ast.Is: False, ast.Eq: False, ast.IsNot: True, ast.NotEq: True}
_ARITHMETIC: Mapping[type, Any] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS: Mapping[type, Comparison] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_METHODS: Mapping[str, str] = {
    "lower": "write lower(x)",
    "upper": "write x | upper",
    "startswith": 'write starts_with(x, "…")',
    "endswith": 'write ends_with(x, "…")',
    "get": 'write x["…"]',
    "count": "write count(x)",
}
_MAKERS: Mapping[type, Callable[[_Builder, Any], Node]] = {
    ast.Constant: _Builder.constant,
    ast.List: _Builder.listing,
    ast.Tuple: _Builder.several,
    ast.Name: _Builder.name,
    ast.Attribute: _Builder.attribute,
    ast.Subscript: _Builder.subscript,
    ast.Call: _Builder.call,
    ast.BinOp: _Builder.binary,
    ast.UnaryOp: _Builder.unary,
    ast.BoolOp: _Builder.logic,
    ast.IfExp: _Builder.choice,
    ast.Compare: _Builder.comparison,
}
