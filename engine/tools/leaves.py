"""Conditions in words, a line per expression: whether it held, its text, the facts it looked at, its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..language.condition import shown
from ..language.trace import Seen
from ..model import Value

HELD, FAILED, BROKEN, UNASKED = "✓", "✗", "!", "·"

_PERSONAL = {
    "member.email": "e-mail",
    "member.phone": "phone",
    "member.name": "name",
    "member.first_name": "name",
    "member.last_name": "name",
    "member.birthdate": "birthday",
}
"""Facts that tell who somebody is: shown only to those who ask for them."""
MASKED = "***"


def leaf_lines(leaves: Sequence[Seen], places: Sequence[str], *, reveal: bool) -> list[str]:
    """The expressions in order, aligned. An unmasked value stands there only when ``reveal`` says so."""
    rows = [(_sign(leaf), leaf.text, _facts(leaf, reveal=reveal), place) for leaf, place in zip(leaves, places)]  # noqa: B905 - places may be fewer
    return _aligned(rows)


def masked_values(values: Mapping[str, Value], *, reveal: bool) -> dict[str, Value]:
    """The facts as they may be shown: those that tell who somebody is are masked, absent ones stay absent."""
    return {name: value if reveal or value is None else _masked(name, value) for name, value in values.items()}


def masked_detail(detail: str, *, reveal: bool) -> str:
    """The words of a decision without the facts that tell who somebody is."""
    if reveal:
        return detail
    for name in _PERSONAL:
        detail = _masked_after(detail, f"{name} = ")
    return detail


def _masked(name: str, value: Value) -> Value:
    if name not in _PERSONAL:
        return value
    text = str(value)
    local, at, domain = text.rpartition("@")
    return f"{local[:1]}{MASKED}@{domain}" if at and name == "member.email" else MASKED


def _masked_after(text: str, start: str) -> str:
    """The text with the value after each ``start`` masked; values are written as in JSON."""
    before, found, rest = text.partition(start)
    if not found or rest.startswith("absent"):
        return before + found + (_masked_after(rest, start) if found else "")
    end = _end_of_value(rest)
    return f'{before}{found}"{MASKED}"{_masked_after(rest[end:], start)}'


def _end_of_value(text: str) -> int:
    if not text.startswith('"'):
        return next((at for at, char in enumerate(text) if char in ",)"), len(text))
    at = 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _sign(leaf: Seen) -> str:
    if not leaf.asked:
        return UNASKED
    return BROKEN if leaf.holds is None else HELD if leaf.holds else FAILED


def _facts(leaf: Seen, *, reveal: bool) -> str:
    if leaf.error and leaf.asked:
        return leaf.error
    values = masked_values(leaf.values, reveal=reveal)
    return ", ".join(f"{name} = {shown(value)}" for name, value in values.items())


def _aligned(rows: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """Columns as wide as their widest cell, within reason."""
    wide = [min(max((len(row[column]) for row in rows), default=0), _WIDEST) for column in (1, 2)]
    return [f"{sign} {text:<{wide[0]}}  {facts:<{wide[1]}}  {place}".rstrip() for sign, text, facts, place in rows]


_WIDEST = 60
