"""What Jinja says about a template it cannot read, in our words: at its place in the line, with the likely fix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from jinja2 import TemplateSyntaxError

from ..language.problem import suggest
from . import template_codes as codes
from .diagnostics import Diagnostic
from .template_files import SourceFile

TAGS = ("block", "call", "else", "elif", "extends", "filter", "for", "from", "if", "include", "macro", "set", "with")
"""The tags of templates, those that end others aside."""

_TAG = re.compile(r"\{#.*?#\}|\{%[-+]?\s*(?P<name>\w+)(?P<rest>.*?)%\}", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{\{.*|\{%.*", re.DOTALL)
_SINGLE_EQUALS = re.compile(r"(?<![=!<>])=(?!=)")
_SINGLE_BRACE = re.compile(r"\{\{(?:(?!\{\{|\}\}).)*?(?<!\})(\})(?!\})", re.DOTALL)
_QUOTED = re.compile(r"'([^']+)'")
_COUNTED = re.compile(r" at \d+$")
_ENDED = ("block", "call", "filter", "for", "if", "macro", "set", "with")


def syntax_finding(error: TemplateSyntaxError, file: SourceFile) -> Diagnostic:
    """The finding for a file that cannot be read."""
    message = _COUNTED.sub("", (error.message or "cannot be read").rstrip("."))
    return (
        _brace(message, file, error.lineno)
        or _equals(message, file, error.lineno)
        or _unclosed(message, file)
        or _unknown_tag(message, file, error.lineno)
        or _at(file, *_place(message, file, error.lineno), _PLAIN.get(message, _plainly(message)), None)
    )


def _brace(message: str, file: SourceFile, line: int) -> Diagnostic | None:
    if "'}'" not in message and "end of print statement" not in message:
        return None
    opened = _SINGLE_BRACE.search(file.source.text, _start(file, line))
    if opened is None:
        return None
    return _at(file, opened.start(1), opened.end(1), "one } does not close {{", "write }}")


def _equals(message: str, file: SourceFile, line: int) -> Diagnostic | None:
    if not message.endswith("got '='"):
        return None
    for expression in _EXPRESSION.finditer(file.source.text, _start(file, line)):
        if equals := _SINGLE_EQUALS.search(_without_texts(expression[0])):
            at = expression.start() + equals.start()
            return _at(file, at, at + 1, "one = does not compare", "write ==")
    return None


def _unclosed(message: str, file: SourceFile) -> Diagnostic | None:
    if "looking for the following tags" not in message and "nesting mistake" not in message:
        return None
    opened: list[re.Match[str]] = []
    for tag in _TAG.finditer(file.source.text):
        name = tag["name"] or ""
        if name in _ENDED and not (name == "set" and "=" in tag["rest"]):
            opened.append(tag)
        elif name.startswith("end") and opened and opened[-1]["name"] == name.removeprefix("end"):
            opened.pop()
        elif name.startswith("end"):
            break
    if not opened:
        return None
    name = opened[-1]["name"]
    return _at(file, *opened[-1].span(), f"{{% {name} %}} is never closed", f"write {{% end{name} %}} where it ends")


def _unknown_tag(message: str, file: SourceFile, line: int) -> Diagnostic | None:
    if not message.startswith("Encountered unknown tag"):
        return None
    found = _QUOTED.search(message)
    name = found[1] if found else ""
    ends = f"there is no {{% {name.removeprefix('end')} %}} for it to close"
    known = name.removeprefix("end") in _ENDED or name in {"else", "elif"}
    words = ends if known and name.startswith("end") else f'there is no tag "{name}"'
    words = f"{{% {name} %}} stands outside any if" if name in {"else", "elif"} else words
    fix = _MEANT.get(name) or suggest(name, TAGS)
    return _at(file, *_words_at(file, line, name), words, None if known else fix)


def _place(message: str, file: SourceFile, line: int) -> tuple[int, int]:
    """Where the last quoted word of the message stands, else the first tag of the line."""
    quoted = [word for word in _QUOTED.findall(message) if not word.startswith(("end of", "begin of"))]
    return _words_at(file, line, quoted[-1] if quoted else "")


def _words_at(file: SourceFile, line: int, words: str) -> tuple[int, int]:
    text, start = file.source.text, _start(file, line)
    end = text.find("\n", start) if "\n" in text[start:] else len(text)
    for expression in _EXPRESSION.finditer(text, start, end):
        found = expression[0].find(words) if words else 0
        if found >= 0:
            return expression.start() + found, expression.start() + found + (len(words) or len(expression[0]))
    return start, start + 1


def _at(file: SourceFile, start: int, end: int, message: str, fix: str | None) -> Diagnostic:
    return file.source.finding(start, end, codes.SYNTAX, message, fix)


def _start(file: SourceFile, line: int) -> int:
    lines: Iterator[re.Match[str]] = re.finditer(r"\n", file.source.text)
    return next((found.end() for number, found in enumerate(lines, start=2) if number == line), 0)


def _without_texts(expression: str) -> str:
    """Quoted texts blanked out, so that what stands in them is not taken for code."""
    return re.sub(r"\"[^\"]*\"|'[^']*'", lambda text: " " * len(text[0]), expression)


_MEANT: Mapping[str, str] = dict.fromkeys(("elseif", "elsif"), "write elif")

_PLAIN: Mapping[str, str] = {
    "Expected an expression, got 'end of statement block'": "the tag says nothing to test or to go through",
    'unexpected char "\'"': "a quote is not closed",
    "unexpected char '\"'": "a quote is not closed",
    "unexpected end of template, expected 'end of print statement'": "}} is missing",
    "unexpected end of template, expected 'end of statement block'": "%} is missing",
    "Missing end of comment tag": "#} is missing",
    "Expected an expression, got 'end of print statement'": "there is nothing between {{ and }}",
}


def _plainly(message: str) -> str:
    words = {
        "end of print statement": "}}",
        "end of statement block": "%}",
        "begin of print statement": "{{",
        "begin of statement block": "{%",
        "end of template": "the end of the file",
    }
    for said, meant in words.items():
        message = message.replace(f"token '{said}'", meant).replace(f"'{said}'", meant).replace(said, meant)
    return message.replace("token ", "")
