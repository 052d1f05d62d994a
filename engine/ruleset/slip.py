"""A mistake in the text of a file, between two offsets; and the mistakes that can be seen without reading YAML."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from ..language import Severity
from . import codes
from .diagnostics import Diagnostic
from .positions import Source

_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u2029\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
_CONDITION = re.compile(r"(?:.*[ {,])?if: +$|[ ]*(?:- +)+$")
_COMMENT = re.compile(r" #[^\s#].*")


@dataclass(frozen=True, slots=True)
class Slip:
    """A mistake between two offsets of a text."""

    start: int
    end: int
    code: str
    message: str
    suggestion: str | None = None

    def found_in(self, source: Source, severity: Severity = Severity.ERROR) -> Diagnostic:
        """The same as a finding with line and column."""
        return source.finding(self.start, self.end, self.code, self.message, self.suggestion, severity=severity)


def span_of(event: yaml.Event) -> tuple[int, int]:
    """From where to where the event's text stands."""
    start = event.start_mark.index if event.start_mark else 0
    return start, event.end_mark.index if event.end_mark else start


def invisible(text: str) -> Slip | None:
    """The first control character in the text of a file, if any."""
    found = _UNSEEN.search(text)
    if found is None:
        return None
    message = f"invisible character U+{ord(found.group()):04X}"
    return Slip(found.start(), found.end(), codes.INVISIBLE, message, "delete it")


def odd_space(text: str, start: int) -> Slip | None:
    """Unquoted text that starts with a no-break space: it looks like indentation, and is not."""
    if not text[:1].isspace():
        return None
    message = f"a no-break space (U+{ord(text[0]):04X}) stands here, not a space"
    return Slip(start, start + 1, codes.INVISIBLE, message, "type the space anew")


def invisible_value(value: str, start: int, end: int) -> Slip | None:
    """The same for a text that stands between the two offsets: an escape can make what the file does not hold."""
    found = _UNSEEN.search(value)
    if found is None:
        return None
    message = f"the escape makes an invisible character, U+{ord(found.group()):04X}"
    return Slip(start, end, codes.INVISIBLE, message, "leave it out")


def lost_to_comment(text: str, end: int) -> Slip | None:
    """``Save 50% #today``: what follows the text that ends here is lost. A comment proper has a space after ``#``."""
    found = _COMMENT.match(text, end)
    if found is None:
        return None
    suggestion = "if it is part of the text, put the whole text in quotes"
    message = f'"{found.group().strip()}" is read as a comment'
    return Slip(end + 1, found.end(), codes.LOST_TO_COMMENT, message, suggestion)


def tag_slip(text: str, at: int) -> Slip:
    """``!x``: a YAML tag, or ``not`` as other languages write it."""
    word = text[at:].split(maxsplit=1)[0]
    before, rest = text[text.rfind("\n", 0, at) + 1 : at], text[at + 1 :].split("\n", 1)[0].strip()
    if _CONDITION.match(before) and not word.startswith("!!"):
        return Slip(at, at + len(word), codes.TAG, '"!" does not mean "not" here', f'write "not {rest}"')
    message = f"{word} is a YAML tag, which these files do not use"
    return Slip(at, at + len(word), codes.TAG, message, "if it is text, put it in quotes")
