"""The words of an expression, and the common slips: what people write who know another language.

Everything that is not one of the language's own words is reported here, with its place, before the grammar is looked
at.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from .problem import Problem, Severity, Span, problem_at

MAX_SOURCE = 2000
"""Characters in one expression."""

MAX_NUMBER = 10**15
"""Numbers in an expression stay where whole numbers and decimals agree."""

OPERATOR_WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else"})
VALUE_WORDS = frozenset({"true", "false", "none"})


class Sort(StrEnum):
    NAME = "name"
    WORD = "word"
    NUMBER = "number"
    TEXT = "text"
    SIGN = "sign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A word of an expression. ``sort`` WORD means one of ``OPERATOR_WORDS``."""

    sort: Sort
    text: str
    span: Span


Found: TypeAlias = tuple[str, str, str | None]
"""Code, message and suggestion."""

_WORDS = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<text>"[^"]*"|'[^']*')
  | (?P<period>(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>days?|hours?|minutes?|weeks?|months?|years?)\b(?!\s*\())
  | (?P<percent>\d+(?:\.\d+)?\s?%(?!\s*[\w(]))
  | (?P<thousands>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w))
  | (?P<number>\d[\w]*(?:\.\d[\w]*)?)
  | (?P<foreign>(?u:(?=\w*[^\W\x00-\x7f])[^\W\d]\w*))
  | (?P<name>[A-Za-z_]\w*)
  | (?P<slip>\{\{|\}\}|\{%|%\}|&&|\|\||===|!==|<>|=>|=<|\*\*|//|:=|\?\?|\?\.|->|!(?!=)|=(?!=)|[&^~@$`;:?%\\#{}])
  | (?P<quoted>[\u2018-\u201f\xab\xbb][^\u2018-\u201f\xab\xbb"']*[\u2018-\u201f\xab\xbb])
  | (?P<quote>[\u2018-\u201f\xab\xbb\u2032\u2033])
  | (?P<sign>==|!=|<=|>=|[<>+\-*/|.,()\[\]])
    """,
    re.VERBOSE | re.ASCII,
)

_UNREADABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, halves of characters, and line breaks by other names."""

_NUMBER = re.compile(r"(?:0|[1-9](?:_?\d)*)(?:\.\d(?:_?\d)*)?", re.ASCII)
_LIKE_THOUSANDS = re.compile(r"[1-9]\d{0,2}\.\d{3}", re.ASCII)

_SLIPS: Mapping[str, Found] = {
    "{{": ("PB202", "an expression is written without {{ }}", "remove the braces"),
    "}}": ("PB202", "an expression is written without {{ }}", "remove the braces"),
    "{%": ("PB202", "an expression is written without {% %}", "remove the braces"),
    "%}": ("PB202", "an expression is written without {% %}", "remove the braces"),
    "&&": ("PB202", "&& is written as a word", "write and"),
    "&": ("PB202", "& is written as a word", "write and"),
    "||": ("PB202", "|| is written as a word", "write or"),
    "!": ("PB202", "! is written as a word", "write not"),
    "=": ("PB202", "a comparison has two equals signs", "write =="),
    "===": ("PB202", "a comparison has two equals signs", "write =="),
    "!==": ("PB202", "unequal is written !=", "write !="),
    "<>": ("PB202", "unequal is written !=", "write !="),
    "=>": ("PB202", "at least is written >=", "write >="),
    "=<": ("PB202", "at most is written <=", "write <="),
    "??": ("PB202", "a fallback is written as a filter", 'write x | default("…")'),
    "?.": ("PB202", "an absent value is tested first", "write x.y, or test it with and"),
    "?": ("PB202", "a choice is written in words", "write a if condition else b"),
    "%": ("PB203", "% is not part of rule expressions", "available: + - * /"),
    "**": ("PB203", "** is not part of rule expressions", "available: + - * /"),
    "//": ("PB203", "// is not part of rule expressions", "round(a / b) gives a whole number"),
    "#": ("PB203", "an expression holds no comment", "put it in a YAML comment on a line of its own"),
    "\\": ("PB203", "a backslash is not part of rule expressions", None),
    "{": ("PB203", "{ } is not part of rule expressions", "a list is written [ ]"),
    "}": ("PB203", "{ } is not part of rule expressions", "a list is written [ ]"),
    "~": ("PB203", "joining texts with ~ is for templates", None),
}

_OTHER_WORDS: Mapping[str, str] = {
    "null": "none",
    "nil": "none",
    "undefined": "none",
    "yes": "true",
    "no": "false",
    "equals": "==",
    "eq": "==",
    "ne": "!=",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
}

_SIGNS: Mapping[str, str] = {"≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "÷": "/", "−": "-", "–": "-", "…": "..."}  # noqa: RUF001 - these are the look-alikes.


def scan(text: str) -> tuple[list[Token], list[Problem]]:
    """The words of an expression, and everything in it that is not a word of the language."""
    if len(text) > MAX_SOURCE:
        message = f"an expression has at most {MAX_SOURCE} characters, this one has {len(text)}"
        return [], [problem_at(Span(start=0, end=1), "PB213", message, "use a list of conditions")]
    tokens: list[Token] = []
    problems: list[Problem] = []
    place = 0
    while place < len(text):
        match = _WORDS.match(text, place)
        span = Span(start=place, end=match.end() if match else place + 1)
        sort = match.lastgroup if match else None
        found = _READERS.get(sort or "", _stranger)(text[span.start : span.end], span, tokens)
        if found is not None:
            problems.append(found)
        place = span.end
    return tokens, problems


Reader: TypeAlias = Callable[[str, Span, list[Token]], Problem | None]


def _space(_text: str, _span: Span, _tokens: list[Token]) -> None:
    return None


def _sign(text: str, span: Span, tokens: list[Token]) -> None:
    tokens.append(Token(sort=Sort.SIGN, text=text, span=span))


def _text(text: str, span: Span, tokens: list[Token]) -> Problem | None:
    tokens.append(Token(sort=Sort.TEXT, text=text, span=span))
    for place, character in enumerate(text):
        if character == "\\" or unicodedata.category(character) in _UNREADABLE:
            where = Span(start=span.start + place, end=span.start + place + 1)
            what = "a backslash" if character == "\\" else f"the invisible character U+{ord(character):04X}"
            return problem_at(where, "PB203", f"a text cannot hold {what}", "remove it")
    return None


def _number(text: str, span: Span, tokens: list[Token]) -> Problem | None:
    tokens.append(Token(sort=Sort.NUMBER, text=text, span=span))
    if not _NUMBER.fullmatch(text):
        fix = text.lstrip("0_") if text.isdigit() else None
        return problem_at(span, "PB203", f"{text} is not a number", f"write {fix or '1000, 1_000 or 0.5'}")
    if float(text) > MAX_NUMBER:
        return problem_at(span, "PB213", "this number is too large", f"the largest is {MAX_NUMBER}")
    if _LIKE_THOUSANDS.fullmatch(text):
        whole = text.replace(".", "")
        message = f"the point in {text} is a decimal point"
        fix = f"for thousands write {whole}"
        return problem_at(span, "PB252", message, fix, severity=Severity.WARNING)
    return None


def _name(text: str, span: Span, tokens: list[Token]) -> Problem | None:
    field = bool(tokens) and tokens[-1].text == "."
    tokens.append(Token(sort=Sort.WORD if text in OPERATOR_WORDS else Sort.NAME, text=text, span=span))
    if field:
        return _reserved(text, span) if keyword.iskeyword(text) else None
    meant = _OTHER_WORDS.get(text.lower()) or text.lower()
    if meant != text and (text.lower() in _OTHER_WORDS or meant in OPERATOR_WORDS | VALUE_WORDS):
        return problem_at(span, "PB202", f'{text} is written "{meant}" here', f"write {meant}")
    if text == "contains":
        return problem_at(span, "PB202", "contains is written the other way round", 'write "part" in whole')
    if keyword.iskeyword(text) and text not in OPERATOR_WORDS:
        return problem_at(span, "PB203", f'"{text}" is not part of rule expressions')
    return None


def _reserved(text: str, span: Span) -> Problem:
    return problem_at(span, "PB203", f'"{text}" cannot stand after a point', f'write ["{text}"]')


def _period(text: str, span: Span, _tokens: list[Token]) -> Problem:
    match = _WORDS.match(text)
    amount, unit = (match["amount"], match["unit"].rstrip("s")) if match else ("", "")
    many = {"week": 7, "month": 30, "year": 365}
    fix = f"{unit}s({amount})" if unit not in many else f"days({_times(amount, many[unit])})"
    return problem_at(span, "PB202", f"{text} is written as a function", f"write {fix}")


def _times(amount: str, factor: int) -> str:
    return f"{float(amount) * factor:g}"


def _percent(text: str, span: Span, _tokens: list[Token]) -> Problem:
    share = text.rstrip("% ")
    return problem_at(span, "PB202", "there are no percentages in expressions", f"write {float(share) / 100:g}")


def _thousands(text: str, span: Span, _tokens: list[Token]) -> Problem:
    plain, grouped = text.replace(",", ""), text.replace(",", "_")
    fix = f"write {plain} or {grouped}; in a list put a space after each comma"
    return problem_at(span, "PB202", f"{text} would be read as several numbers", fix)


def _foreign(text: str, span: Span, _tokens: list[Token]) -> Problem:
    return problem_at(span, "PB203", f"{text} cannot be a name here", f'if it is a text, put it in quotes: "{text}"')


def _slip(text: str, span: Span, _tokens: list[Token]) -> Problem:
    code, message, fix = _SLIPS.get(text, ("PB203", f"{text} is not part of rule expressions", None))
    return problem_at(span, code, message, fix)


def _quoted(text: str, span: Span, _tokens: list[Token]) -> Problem:
    return problem_at(span, "PB202", "these are typographic quotes", f'write "{text[1:-1]}" with straight quotes')


def _quote(text: str, span: Span, _tokens: list[Token]) -> Problem:
    return problem_at(span, "PB202", f"{text} is a typographic quote", 'write straight quotes: "…"')


def _stranger(text: str, span: Span, _tokens: list[Token]) -> Problem:
    if text in {'"', "'"}:
        return problem_at(span, "PB201", f"the text that begins here has no closing {text}", f"add {text}")
    if text in _SIGNS:
        return problem_at(span, "PB202", f"{text} is not a sign on a keyboard", f"write {_SIGNS[text]}")
    if not text.isprintable() or text.isspace():
        return problem_at(span, "PB203", f"there is an invisible character here (U+{ord(text):04X})", "retype it")
    return problem_at(span, "PB203", f"{text} is not part of rule expressions")


_READERS: Mapping[str, Reader] = {
    "space": _space,
    "text": _text,
    "period": _period,
    "percent": _percent,
    "thousands": _thousands,
    "number": _number,
    "foreign": _foreign,
    "name": _name,
    "slip": _slip,
    "quoted": _quoted,
    "quote": _quote,
    "sign": _sign,
}
