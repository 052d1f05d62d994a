"""A value that is declared but absent: it can be tested and defaulted, and never becomes text.

Jinja's own ``StrictUndefined`` is not enough: a JSON null prints as "None" and is not caught by ``default``. An
``Absent`` is falsy, ``is none``, not ``is defined``, and equal to nothing but none and another absent value; everything
that would turn it into text, a number or an order raises ``jinja2.UndefinedError``.
"""

from __future__ import annotations

from typing import NoReturn

from jinja2 import StrictUndefined, Undefined, UndefinedError


class Absent(StrictUndefined):
    """The place of a value that is not there. ``path`` is how an author writes it: ``member.first_name``."""

    __slots__ = ()

    def __init__(self, path: str) -> None:
        super().__init__(name=path)

    @property
    def path(self) -> str:
        return self._undefined_name or ""

    @property
    def _undefined_message(self) -> str:
        return f'{self.path} is absent; test it first, or write {self.path} | default("…")'

    # Jinja declares these as failing, so that any working version of them is an incompatible one for mypy.

    def __bool__(self) -> bool:  # type: ignore[override]
        return False

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return other is None or isinstance(other, Absent)

    def __ne__(self, other: object) -> bool:  # type: ignore[override]
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(None)

    def __format__(self, _spec: str) -> str:
        return self._never_text()

    def __repr__(self) -> str:
        # Printing a list shows the repr of what is in it: that is text, too.
        return self._never_text()

    def _never_text(self) -> NoReturn:
        raise UndefinedError(self._undefined_message)


def is_none(value: object) -> bool:
    """The test ``is none``: absent values are none; what was never declared raises ``UndefinedError``."""
    if not isinstance(value, Undefined):
        return value is None
    refuse_undeclared(value)
    return True


def is_defined(value: object) -> bool:
    """The test ``is defined``: the value is there; what was never declared raises ``UndefinedError``."""
    return not is_none(value)


def refuse_undeclared(value: object) -> None:
    """Raise ``UndefinedError`` for what no schema declares (Jinja's own undefined), but not for an absent value."""
    if isinstance(value, Undefined) and not isinstance(value, Absent):
        value._fail_with_undefined_error()  # noqa: SLF001 - Jinja's way to raise the author's own message.


def refuse_absent(*values: object) -> None:
    """Raise ``UndefinedError`` when one of the values is absent or undeclared."""
    for value in values:
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()  # noqa: SLF001 - Jinja's way to raise the author's own message.
