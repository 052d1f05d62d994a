"""What templates may print, how much of it, and what one message may cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from jinja2 import TemplateRuntimeError, Undefined
from markupsafe import Markup, escape

from ..language.absent import refuse_absent
from ..language.node import Node

STEPS = 10_000
"""Turns of loops, calls of macros and inclusions that one message may take."""

WORK = 250_000
"""Parts of a template that one message may run through, counting 64 characters as one."""

OUTPUT_LIMIT = 512_000
"""Characters in any one part of a message."""

LONG_TEXT = 512
"""Printing a longer text than this costs work, too."""

LARGEST_NUMBER = 1e18

_SPECIAL = re.compile("[&<>\"']")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class OutOfFuel(TemplateRuntimeError):
    """The template does more than one message may cost."""


@dataclass(slots=True)
class Fuel:
    """What is left of one message's allowance."""

    steps: int = STEPS
    work: int = WORK

    def spend(self, work: int, steps: int = 0) -> None:
        """Take from the allowance; raises ``OutOfFuel``."""
        self.steps -= steps
        self.work -= work
        if self.steps < 0:
            raise OutOfFuel(f"more than {STEPS} turns of loops and calls of macros")
        if self.work < 0:
            raise OutOfFuel("the template does too much for one message")


_FUEL: ContextVar[Fuel] = ContextVar("fuel")


@contextmanager
def fresh_fuel() -> Iterator[None]:
    """Everything rendered inside shares one allowance."""
    token = _FUEL.set(Fuel())
    try:
        yield
    finally:
        _FUEL.reset(token)


def spend(work: int, steps: int = 0) -> None:
    """Take from the allowance of the message that is being rendered; raises ``OutOfFuel``."""
    _FUEL.get().spend(work, steps)


def take_a_step(work: int) -> None:
    """``spend(work, 1)``: every block, macro and turn of a loop asks for it."""
    fuel = _FUEL.get()
    fuel.steps -= 1
    fuel.work -= work
    if fuel.steps < 0 or fuel.work < 0:
        fuel.spend(0)


def plain(value: object) -> str:
    """A value as it stands in a text; raises for whatever is not a text or a number."""
    if isinstance(value, str):
        if len(value) > LONG_TEXT:
            spend(len(value) >> 6)
        return value
    if isinstance(value, Undefined):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = "; write | date after it" if isinstance(value, date) else ""
        raise TemplateRuntimeError(f"{kind_of(value)} cannot be printed{hint}")
    return str(int(value)) if value == int(value) else str(value)


def html(value: object) -> str:
    """The same, safe between tags and inside quoted attributes."""
    if type(value) is Markup:
        return value
    text = value if type(value) is str and len(value) <= LONG_TEXT else plain(value)
    return str(escape(text)) if not text.isalnum() and _SPECIAL.search(text) else text


def bounded_concat(chunks: Iterable[str]) -> str:
    """Puts output together, up to the limit."""
    pieces = list(chunks)
    if sum(map(len, pieces)) > OUTPUT_LIMIT:
        raise OutOfFuel(f"more than {OUTPUT_LIMIT} characters")
    return "".join(pieces)


def join(values: Iterable[object], separator: str = "") -> str:
    """The values one after the other, with a separator between them."""
    pieces = [html(value) if isinstance(value, Markup) else plain(value) for value in values]
    if sum(map(len, pieces)) + len(separator) * len(pieces) > OUTPUT_LIMIT:
        raise OutOfFuel(f"more than {OUTPUT_LIMIT} characters")
    return plain(separator).join(pieces)


def join_texts(parts: list[object]) -> str:
    """What ``~`` does: texts and numbers joined; markup that a macro made stays markup, the rest is escaped."""
    if any(type(part) is Markup for part in parts):
        return Markup(bounded_concat([html(part) for part in parts]))  # noqa: S704 - every part was escaped
    return bounded_concat([plain(part) for part in parts])


def fill(phrase: object, **values: object) -> str:
    """A shared phrase with its ``{placeholders}`` filled in."""
    if not isinstance(phrase, str):
        refuse_absent(phrase)
        raise TypeError("fill takes a phrase from strings")

    texts = list(_split(phrase))
    for place in range(1, len(texts), 2):
        if texts[place] not in values:
            raise ValueError(f"the phrase needs {texts[place]}=…")
        texts[place] = plain(values[texts[place]])
    return "".join(texts)


@lru_cache(1_024)
def _split(phrase: str) -> tuple[str, ...]:
    """The texts of a phrase, and between them the names of its placeholders."""
    return tuple(_PLACEHOLDER.split(phrase))


def placeholders(phrase: str) -> frozenset[str]:
    """The names a phrase leaves to be filled in."""
    return frozenset(_PLACEHOLDER.findall(phrase))


def kind_of(value: object) -> str:
    for kinds, name in _KINDS:
        if isinstance(value, kinds):
            return name
    return "this value"


_KINDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((bool,), "a yes/no value"),
    ((int, float), "a number"),
    ((str,), "a text"),
    ((date,), "a date"),
    ((timedelta,), "a duration"),
    ((list, tuple), "a list"),
    ((type(None),), "an empty value"),
    ((Node, Mapping), "a group of fields"),
)
