"""``-k``: which tests are meant, by words in their names joined with ``and``, ``or`` and ``not``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from ..errors import PointbellError

Choice: TypeAlias = Callable[[str], bool]

_TOKEN = re.compile(r"\s*([()]|[^()\s]+)")
_OPERATORS = frozenset({"and", "or", "not", "(", ")"})


def choice(expression: str) -> Choice:
    """Whether a name is meant, whatever its case: ``expire and not sms``; words side by side are one phrase.

    Raises:
        PointbellError: it cannot be read.
    """
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _TOKEN.findall(text)

    def whole(self) -> Choice:
        found = self._any()
        if self._tokens:
            raise self._unreadable(f'"{self._tokens[0]}" is left over')
        return found

    def _any(self) -> Choice:
        choices = [self._all()]
        while self._take("or"):
            choices.append(self._all())
        return lambda name: any(one(name) for one in choices)

    def _all(self) -> Choice:
        choices = [self._one()]
        while self._take("and"):
            choices.append(self._one())
        return lambda name: all(one(name) for one in choices)

    def _one(self) -> Choice:
        if self._take("not"):
            inner = self._one()
            return lambda name: not inner(name)
        if self._take("("):
            inner = self._any()
            if not self._take(")"):
                raise self._unreadable('a ")" is missing')
            return inner
        return self._phrase()

    def _phrase(self) -> Choice:
        words: list[str] = []
        while self._tokens and self._tokens[0] not in _OPERATORS:
            words.append(self._tokens.pop(0))
        if not words:
            raise self._unreadable("a word is missing")
        phrase = " ".join(words).lower()
        return lambda name: phrase in name.lower()

    def _take(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        self._tokens.pop(0)
        return True

    def _unreadable(self, why: str) -> PointbellError:
        return PointbellError(f'-k "{self._text}": {why}; write it like "expire and not sms"')
