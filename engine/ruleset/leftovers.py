"""A last look at a finished message: what only a template would say, and the hole an absent name leaves.

Everything that can be found before a message is worded is found then. This is for what comes in with the values, and
for words that are built in ways nobody can follow beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_TAGS = re.compile(r"\{\{|\}\}|\{%|%\}")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_HOLE = re.compile(r"^[ \t]*[^\W\d_]+,?[ \t]+[,!](?!\w)|, ?!", re.MULTILINE)
_HOLE_IN_FRENCH = re.compile(r"^[ \t]*[^\W\d_]+,?[ \t]+,(?!\w)|, ?!", re.MULTILINE)
"""French writes a space before an exclamation mark."""

_SHOWN = 40


def leftover(text: str, locale: str, gaps: Collection[str]) -> str | None:
    """What must not reach a reader, in words; ``gaps`` are the placeholders of the language's phrases."""
    if "{" in text or "}" in text:
        if tag := _TAGS.search(text):
            return f"a template's {tag[0]} is left in it: {_around(text, tag)}"
        for placeholder in _PLACEHOLDER.finditer(text):
            if placeholder[1] in gaps:
                return f"{placeholder[0]} is not filled in: {_around(text, placeholder)}"
    if not (" ," in text or " !" in text or "\t," in text or "\t!" in text or ",!" in text):
        return None  # what any hole has; looking for it is 20 times cheaper
    hole = (_HOLE_IN_FRENCH if locale.partition("-")[0] == "fr" else _HOLE).search(text)
    return f"a word is missing before the {hole[0][-1]}: {_around(text, hole)}" if hole else None


def _around(text: str, found: re.Match[str]) -> str:
    """The words on the same line, as a reader would see them."""
    start = max(text.rfind("\n", 0, found.start()) + 1, found.start() - _SHOWN)
    end = text.find("\n", found.end())
    return f'"{text[start : min(end if end >= 0 else len(text), found.end() + _SHOWN)].strip()}"'
