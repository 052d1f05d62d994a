"""What somebody most likely meant who wrote something that is not YAML, or not what it looks like."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import yaml
from yaml.reader import Reader
from yaml.scanner import Scanner

from . import codes
from .positions import Source
from .slip import Slip, tag_slip

_TEMPLATE = re.compile(r"(?:^|[:,\[-])[ ]*(\{[{%].*)")
_KEY_WITHOUT_SPACE = re.compile(r"[ ]*(?:- +)*[\"']?[A-Za-z_]+[\"']?:(?=[^ \t:/])")
_ONE_WORD = re.compile(r"[ ]*(?:- +)*[\w.-]+[ ]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """What PyYAML says, and the surroundings of the place where it stopped."""

    text: str
    problem: str
    at: int
    context: str
    since: int
    """Where what it was reading began."""
    last: yaml.Token | None
    """The last token before the problem."""

    def line_of(self, offset: int) -> tuple[int, str]:
        start = self.text.rfind("\n", 0, offset) + 1
        return start, self.text[start:].split("\n", 1)[0].rstrip("\r")

    @property
    def same_line(self) -> bool:
        return "\n" not in self.text[self.since : self.at]


def explain(source: Source, error: yaml.MarkedYAMLError) -> Slip:
    """The mistake behind PyYAML's message: the most likely one that fits, else the message itself."""
    refusal = _refusal(source.text, error)
    for recognise in _SLIPS:
        slip = recognise(refusal)
        if slip is not None:
            return slip
    return Slip(refusal.at, refusal.at + 1, codes.SYNTAX, f"not valid YAML: {refusal.problem}")


def _refusal(text: str, error: yaml.MarkedYAMLError) -> _Refusal:
    at = error.problem_mark.index if error.problem_mark else len(text)
    return _Refusal(
        text=text,
        problem=error.problem or "",
        at=at,
        context=error.context or "",
        since=error.context_mark.index if error.context_mark else at,
        last=_last_token(text, at),
    )


class _Tokens(Reader, Scanner):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)


def _last_token(text: str, before: int) -> yaml.Token | None:
    """The last token with a text or bracket that ends at or before the offset."""
    tokens = _Tokens(text)
    last: yaml.Token | None = None
    try:
        while tokens.check_token():
            token = tokens.get_token()  # type: ignore[no-untyped-call]
            if token.end_mark.index > before:
                break
            if token.end_mark.index > token.start_mark.index:
                last = token
    except (yaml.YAMLError, ValueError, OverflowError):
        pass
    return last


def _unquoted_template(refusal: _Refusal) -> Slip | None:
    for offset in (refusal.at, refusal.since):
        start, line = refusal.line_of(offset)
        found = _TEMPLATE.search(line)
        if found is not None:
            message = f"text that starts with {found.group(1)[:2]} needs quotes"
            at = start + found.start(1)
            return Slip(at, start + len(line), codes.UNQUOTED_TEMPLATE, message, 'put the whole text in quotes: "…"')
    return None


def _tab(refusal: _Refusal) -> Slip | None:
    if not refusal.text.startswith("\t", refusal.at):
        return None
    return Slip(refusal.at, refusal.at + 1, codes.TAB, "YAML does not allow a tab here", "use spaces")


def _star(refusal: _Refusal) -> Slip | None:
    if refusal.context not in ("while scanning an alias", "while scanning an anchor"):
        return None
    sign = refusal.text[refusal.since]
    start, line = refusal.line_of(refusal.since)
    suggestion = f'put it in quotes: "{line[refusal.since - start :].strip()}"'
    message = f"text that starts with {sign} needs quotes"
    return Slip(refusal.since, start + len(line), codes.UNQUOTED_STAR, message, suggestion)


def _tag(refusal: _Refusal) -> Slip | None:
    if refusal.context.endswith(" a tag") or refusal.problem.startswith("found undefined tag handle"):
        return tag_slip(refusal.text, refusal.since)
    return None


def _open_quote(refusal: _Refusal) -> Slip | None:
    start = refusal.since
    if refusal.context != "while scanning a quoted scalar":
        # The next quote of the file closed it: the text in between runs over several lines.
        last = refusal.last
        if (
            not isinstance(last, yaml.ScalarToken)
            or last.style not in ("'", '"')
            or "\n" not in last.value + _raw(refusal)
        ):
            return None
        start = last.start_mark.index
    quote = refusal.text[start]
    message = f"this {quote} is never closed"
    return Slip(start, start + 1, codes.NEVER_CLOSED, message, f"close it with another {quote}")


def _raw(refusal: _Refusal) -> str:
    last = refusal.last
    return refusal.text[last.start_mark.index : last.end_mark.index] if last else ""


def _escape(refusal: _Refusal) -> Slip | None:
    if refusal.context != "while scanning a double-quoted scalar":
        return None
    at = refusal.text.rfind("\\", 0, refusal.at + 1)
    message = f"{refusal.text[at : at + 2]} means nothing inside double quotes"
    return Slip(at, at + 2, codes.ESCAPE, message, "write \\\\ for a backslash, or use single quotes")


def _after_quote(refusal: _Refusal) -> Slip | None:
    last = refusal.last
    if not refusal.problem.startswith("expected") or not refusal.problem.endswith("'<scalar>'") or last is None:
        return None
    quoted = isinstance(last, yaml.ScalarToken) and last.style in ("'", '"')
    closed = isinstance(last, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken)
    start, end = last.start_mark.index, last.end_mark.index
    if not (quoted or closed) or "\n" in refusal.text[end : refusal.at]:
        return None
    message = f"there is more after the closing {refusal.text[end - 1]}"
    line_start, line = refusal.line_of(start)
    value = line[start - line_start :].rstrip()
    in_block = refusal.context.startswith("while parsing a block")
    suggestion = _whole_in_quotes(value) if quoted and in_block else "put the whole value in quotes"
    return Slip(start if quoted else refusal.at, line_start + len(line), codes.AFTER_QUOTE, message, suggestion)


def _whole_in_quotes(value: str) -> str:
    if "'" not in value:
        return f"wrap the whole value in single quotes: '{value}'"
    return "an apostrophe inside single quotes is written twice" if value[0] == "'" else "put the whole value in quotes"


def _colon(refusal: _Refusal) -> Slip | None:
    if refusal.problem != "mapping values are not allowed here":
        return None
    start, line = refusal.line_of(refusal.at)
    before = line[: refusal.at - start]
    if _ONE_WORD.fullmatch(before):
        at = start + len(before) - len(before.lstrip())
        return _without_colon(refusal, start, at - start) or Slip(
            at,
            start + len(line),
            codes.INDENTATION,
            "this line is indented further than the one it follows, which already has a value",
        )
    message = 'unquoted text cannot hold ": "'
    return Slip(refusal.at, refusal.at + 1, codes.UNQUOTED_COLON, message, "put the whole text in quotes")


def _without_colon(refusal: _Refusal, before: int, indent: int) -> Slip | None:
    """The line above, when that is where the colon is missing."""
    start, line = refusal.line_of(max(0, before - 1))
    above = len(line) - len(line.lstrip())
    if before == 0 or not line.strip() or above < indent or ":" in line:
        return None
    return Slip(
        start + above, start + len(line), codes.SYNTAX, 'there is no ":" in this line', "write it as key: value"
    )


def _no_space(refusal: _Refusal) -> Slip | None:
    if "expected ':'" not in refusal.problem:
        return None
    start, line = refusal.line_of(refusal.since)
    found = _KEY_WITHOUT_SPACE.match(line)
    if found is None:
        message = 'there is no ":" in this line'
        return Slip(refusal.since, start + len(line), codes.SYNTAX, message, "write it as key: value")
    at = start + found.end()
    odd = " but a no-break space" if line[found.end() : found.end() + 1].isspace() else ""
    return Slip(at, at + 1, codes.SPACE_AFTER_COLON, f'there is no space after ":"{odd}')


def _bracket(refusal: _Refusal) -> Slip | None:
    if not refusal.context.startswith("while parsing a flow") or not refusal.problem.startswith("expected ',' or"):
        return None
    if not refusal.same_line:
        bracket = refusal.text[refusal.since]
        message = f"this {bracket} is never closed"
        return Slip(refusal.since, refusal.since + 1, codes.NEVER_CLOSED, message)
    sign = refusal.text[refusal.at : refusal.at + 1]
    message = f"inside brackets, text with {sign} in it needs quotes" if sign in ",[]{}:" else "a comma is missing"
    code = codes.UNQUOTED_COLON if sign == ":" else codes.UNQUOTED_IN_BRACKETS
    return Slip(refusal.at, refusal.at + 1, code, message, "put the whole text in quotes")


def _reserved(refusal: _Refusal) -> Slip | None:
    block = refusal.context == "while scanning a block scalar"
    if (
        not block
        and not refusal.problem.startswith("found character")
        and refusal.context != "while scanning a directive"
    ):
        return None
    at = refusal.at if refusal.problem.startswith("found character") else refusal.since
    sign = refusal.text[at : at + 1]
    suggestion = f"or start the text in the line after {sign}" if block else None
    message = f"text that starts with {sign} needs quotes"
    return Slip(at, at + 1, codes.RESERVED_START, message, suggestion)


def _dash(refusal: _Refusal) -> Slip | None:
    if refusal.problem != "sequence entries are not allowed here":
        return None
    return Slip(refusal.at, refusal.at + 1, codes.SYNTAX, "a list with - starts on a line of its own")


def _missing(refusal: _Refusal) -> Slip | None:
    sign = refusal.text[refusal.at : refusal.at + 1]
    if refusal.problem.startswith("expected <block end>") and sign == ":":
        return Slip(refusal.at, refusal.at + 1, codes.SYNTAX, 'there is no key before ":"')
    if not refusal.problem.startswith("expected the node content"):
        return None
    if refusal.context == "while parsing a block node" and sign in "]},":
        return Slip(refusal.at, refusal.at + 1, codes.RESERVED_START, f"text that starts with {sign} needs quotes")
    return Slip(refusal.at, refusal.at + 1, codes.SYNTAX, "a value is missing here")


def _document(refusal: _Refusal) -> Slip | None:
    if not refusal.problem.startswith("expected '<document start>'"):
        return None
    return Slip(refusal.at, refusal.at + 1, codes.MORE_DOCUMENTS, "the document has already ended; a file holds one")


def _indentation(refusal: _Refusal) -> Slip | None:
    if not refusal.problem.startswith("expected <block end>"):
        return None
    start, line = refusal.line_of(refusal.at)
    message = "this line is indented differently from those it belongs to"
    return Slip(refusal.at, start + len(line), codes.INDENTATION, message)


_SLIPS: tuple[Callable[[_Refusal], Slip | None], ...] = (
    _tab,
    _star,
    _tag,
    _unquoted_template,
    _open_quote,
    _escape,
    _after_quote,
    _colon,
    _no_space,
    _bracket,
    _reserved,
    _dash,
    _missing,
    _document,
    _indentation,
)
