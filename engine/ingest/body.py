"""Bytes to a JSON value, strictly: what the rest of the engine may rely on.

RFC 8259 leaves open what to do with duplicate keys, huge numbers and lone surrogates, and parsers differ. A body that
two parsers would read differently is refused here, with a reason that names the fault and never quotes a value.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn, TypeAlias, cast

from pydantic_core import from_json

from ..errors import BodyError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64

JSON_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
"""A JSON string; an unclosed one runs to the end. Possessive, hence linear on hostile input."""

_TOKEN = re.compile(JSON_STRING + r"|[\[\]{}]", re.DOTALL)
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_MAX_DIGITS = 20
_INT64 = range(-(2**63), 2**63)


def decode(body: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Json:
    """The value of a JSON text.

    Raises:
        BodyError: larger than ``max_bytes``, nested deeper than ``max_depth``, not UTF-8, with a byte order mark, not
            JSON, with text after the value, a repeated key, a NUL or lone surrogate, or a number that is not a finite
            64-bit one.

    """
    text = _text(body, max_bytes)
    _check_depth(text, max_depth)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_constant
        )
    except json.JSONDecodeError as problem:
        raise BodyError(f"not JSON: {problem.msg}, line {problem.lineno} column {problem.colno}") from None
    if _SUSPECT.search(text):
        _check_characters(value)
    return cast("Json", value)


def glance(body: bytes) -> Json:
    """The value as far as it can be had quickly, ``None`` for what is not JSON: to find an id, not to be trusted."""
    try:
        return cast("Json", from_json(body))
    except ValueError:
        return None


def _text(body: bytes, max_bytes: int) -> str:
    if len(body) > max_bytes:
        raise BodyError(f"the body has {len(body)} bytes, more than the {max_bytes} allowed")
    if not body.strip():
        raise BodyError("the body is empty")
    try:
        text = body.decode()
    except UnicodeDecodeError as problem:
        raise BodyError(f"the body is not UTF-8: {problem.reason} at byte {problem.start}") from None
    if text.startswith("\ufeff"):
        raise BodyError("the body starts with a byte order mark; JSON is sent without one (RFC 8259, section 8.1)")
    return text


def _check_depth(text: str, limit: int) -> None:
    if text.count("{") + text.count("[") <= limit:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        character = text[token.start()]
        depth += (character in "[{") - (character in "]}")
        if depth > limit:
            raise BodyError(f"the body is nested more than {limit} levels deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise BodyError(f"the key {repeated[:60]!a} appears twice in one object")
    return value


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS or (value := int(digits)) not in _INT64:
        raise BodyError("a whole number does not fit into 64 bits")
    return value


def _real(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise BodyError("a number is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise BodyError(f"{name} is not JSON")


def _check_characters(value: Json) -> None:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, str):
            _check_string(part)


def _check_string(text: str) -> None:
    if "\0" in text:
        raise BodyError("a text contains the NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BodyError("a text contains half of a surrogate pair") from None
