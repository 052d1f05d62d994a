"""Where words may stand: finds what is missing, left over or not closed, and says so in our own words.

Python's parser decides in the end; its messages change from version to version and speak of Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .problem import InvalidExpression, Problem, Span, problem_at
from .tokens import Sort, Token

MAX_DEPTH = 50
"""How deep brackets, and what is built with operators, may be nested."""

_CLOSING = {"(": ")", "[": "]"}
_BINARY = frozenset(["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "|", ",", "and", "or", "in", "if", "else"])
_AFTER_TEST = frozenset({")", "]", ",", "and", "or", "else"})
"""What may follow ``is none``: before anything else Jinja would look for an argument of the test."""


def check_grammar(tokens: Sequence[Token], text: str) -> None:
    """Raise ``InvalidExpression`` for the first word that stands where it cannot."""
    if not tokens:
        raise InvalidExpression([problem_at(Span(start=0, end=len(text)), "PB200", "the expression is empty")])
    walk = _Walk(tokens=tokens)
    while walk.place < len(tokens):
        if walk.wants_value:
            walk.value()
        else:
            walk.operator()
    walk.finish()


@dataclass(slots=True)
class _Walk:
    """Goes through the words, knowing at each whether a value or an operator has to come."""

    tokens: Sequence[Token]
    place: int = 0
    wants_value: bool = True
    open: list[Token] = field(default_factory=list)

    def value(self) -> None:
        token = self.tokens[self.place]
        if token.sort in {Sort.NAME, Sort.NUMBER, Sort.TEXT}:
            self._step(wants_value=False)
        elif token.text in _CLOSING:
            self._enter(token)
        elif token.text in {"not", "-"}:
            self._step(wants_value=True)
        elif token.text in _CLOSING.values() and self._may_be_empty():
            self._leave(token)
        else:
            raise self._no_value(token)

    def operator(self) -> None:
        token = self.tokens[self.place]
        if token.text in _CLOSING and self._may_be_applied(token):
            self._enter(token)
        elif token.text in _CLOSING.values():
            self._leave(token)
        elif token.text == "is":
            self._test(token)
        elif token.text == ".":
            self._field(token)
        elif token.text == "not" and self._next_text() == "in":
            self._step(count=2, wants_value=True)
        elif token.text in _BINARY:
            self._separator(token)
        else:
            raise self._two_values(token)

    def finish(self) -> None:
        last = self.tokens[-1]
        if self.open:
            bracket = self.open[-1]
            raise _stop(bracket, "PB201", f"{bracket.text} is never closed", f"add {_CLOSING[bracket.text]}")
        if self.wants_value:
            raise _stop(last, "PB201", f"a value is missing after {last.text}")

    def _step(self, *, wants_value: bool, count: int = 1) -> None:
        self.place += count
        self.wants_value = wants_value

    def _enter(self, token: Token) -> None:
        self.open.append(token)
        if len(self.open) > MAX_DEPTH:
            raise _stop(token, "PB213", f"more than {MAX_DEPTH} brackets within each other")
        self._step(wants_value=True)

    def _leave(self, token: Token) -> None:
        if not self.open or _CLOSING[self.open[-1].text] != token.text:
            raise _stop(token, "PB201", f"{token.text} closes nothing", "remove it, or open it before")
        self.open.pop()
        self._step(wants_value=False)

    def _separator(self, token: Token) -> None:
        if token.text == "," and not self.open:
            raise _stop(token, "PB201", "a comma stands only in a list or between arguments", "write and, or or")
        self._step(wants_value=True)

    def _test(self, token: Token) -> None:
        """``is`` has exactly four right sides, and a place where both languages see its end."""
        count = 2 if self._next_text() == "not" else 1
        named = self.place + count < len(self.tokens) and self.tokens[self.place + count].text in {"none", "defined"}
        if not named:
            fix = "write ==" if count == 1 else "write !="
            raise _stop(token, "PB203", "is goes with none, not none, defined and not defined only", fix)
        self._step(count=count + 1, wants_value=False)
        if self.place < len(self.tokens) and self.tokens[self.place].text not in _AFTER_TEST:
            test = Span(start=token.span.start, end=self.tokens[self.place - 1].span.end)
            message = "the end of this test is not clear"
            raise InvalidExpression(
                [problem_at(test, "PB212", message, "put parentheses around the test: (x is none)")]
            )

    def _field(self, token: Token) -> None:
        if self.place + 1 >= len(self.tokens) or self.tokens[self.place + 1].sort is not Sort.NAME:
            raise _stop(token, "PB201", "the name of a field is missing after the point")
        self._step(count=2, wants_value=False)

    def _may_be_applied(self, token: Token) -> bool:
        """``name(`` is a call, ``path[`` looks into a group; after numbers and texts a bracket is left over."""
        before = self.tokens[self.place - 1]
        if token.text == "(":
            return before.sort is Sort.NAME
        return before.sort is Sort.NAME or before.text in {")", "]"}

    def _may_be_empty(self) -> bool:
        """``[]`` and ``f()`` hold nothing, and a list may end in a comma; ``()`` is no value."""
        before = self.tokens[self.place - 1] if self.place else None
        if before is None or before.text == ",":
            return before is not None
        if before.text == "(":
            return self.place > 1 and self.tokens[self.place - 2].sort is Sort.NAME
        return before.text == "["

    def _next_text(self) -> str:
        return self.tokens[self.place + 1].text if self.place + 1 < len(self.tokens) else ""

    def _no_value(self, token: Token) -> InvalidExpression:
        if token.text == "+":
            return _stop(token, "PB203", "a number has no plus sign in front", "remove it")
        if not self.place and token.text == "if":
            return _stop(token, "PB203", "an expression begins without if", "remove it")
        if not self.place:
            return _stop(token, "PB201", f"a value is missing before {token.text}")
        before = self.tokens[self.place - 1]
        return _stop(token, "PB201", f"a value is missing between {before.text} and {token.text}")

    def _two_values(self, token: Token) -> InvalidExpression:
        before = self.tokens[self.place - 1]
        message = f"something is missing between {before.text} and {token.text}"
        if token.text == "not":
            return _stop(token, "PB201", message, "write not in, or and not")
        return _stop(token, "PB201", message, "a comparison, and, or?")


def _stop(token: Token, code: str, message: str, fix: str | None = None) -> InvalidExpression:
    return InvalidExpression([problem_at(token.span, code, message, fix)])


def unreadable(tokens: Sequence[Token], place: int) -> Problem:
    """What to say where only Python's parser knows that something is wrong."""
    words = [token.text for token in tokens if token.sort is Sort.WORD]
    if words.count("if") != words.count("else"):
        token = next(token for token in tokens if token.text in {"if", "else"} and token.sort is Sort.WORD)
        return problem_at(token.span, "PB201", "if and else belong together", "write a if condition else b")
    token = next((token for token in tokens if token.span.end > place), tokens[-1])
    fix = "put parentheses around not …" if "not" in words else None
    return problem_at(token.span, "PB201", f"the expression cannot be read at {token.text}", fix)
