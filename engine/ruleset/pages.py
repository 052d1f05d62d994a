"""Pages by their shape: what has been inlined and read for one page is filled in for the next.

Writing the styles into the tags and reading a page as text take ten times as long as rendering it, and mails of one
template differ in little more than names and numbers. So pages are known by their shape: all pieces that come from the
template, with open places where values stand. Loops, conditions and selectors such as ``:nth-child`` need no care:
another course through the template is another shape.

A value fits an open place if it stands for nothing but itself wherever text may stand. Any other (empty, markup, white
space at its ends) belongs to the shape, and so does every value in a style, a class or the like: ``marks`` finds out.
A page of which nothing can be prepared is inlined and read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from markupsafe import Markup

from .marks import Prepared, prepare
from .page import Page, whole_page

ROOM = 2_000_000
"""Characters of prepared pages that are kept for one language."""

MOST_MET = 10_000
"""Shapes that are known to have been met once."""

# Printable, escaped, white space inside only.
_FITS = re.compile(
    r"(?!\s)(?:[^\x00-\x20\x7f-\x9f<>\"'&\u2028\u2029\ud800-\udfff\ufeff]|&(?:amp|lt|gt|#34|#39);| (?! )){1,500}(?<!\s)"
)

Key: TypeAlias = tuple[str | None, ...]


@dataclass(slots=True, kw_only=True)
class _Shape:
    """The pages of one shape."""

    fixed: tuple[int, ...]
    """The places whose values belong to the shape, too."""
    prepared: dict[tuple[str, ...], Prepared | None] = field(default_factory=dict)
    """By the values in the fixed places; ``None`` where nothing can be prepared."""

    def values(self, pieces: Sequence[str]) -> tuple[str, ...]:
        return tuple([pieces[place] for place in self.fixed])


class Pages:
    """The pages of one language."""

    def __init__(self, own: Collection[str] = (), room: int = ROOM) -> None:
        self._own = own
        """Texts that come from the templates themselves: none of them needs a closer look."""
        self.woven: dict[str, list[str]] = {}
        """Of the message that is being worded: what macros and captured blocks made, and of which pieces."""
        self._room = room
        self._used = 0
        self._shapes: dict[Key, _Shape] = {}
        self._met: set[int] = set()

    def weave(self, pieces: Iterable[str]) -> str:
        """Put pieces together, and remember which they were."""
        made = [piece for piece in pieces if piece]
        text = "".join(made)
        if len(made) > 1:
            self.woven[text] = made
        return text

    def finish(self, output: Sequence[str]) -> Page:
        """The page that this output makes: the same as ``whole_page`` would."""
        pieces = self._unwoven(output) if self.woven else output
        own = self._own
        key = tuple([piece if piece in own or not _fits(piece) else None for piece in pieces])
        shape = self._shapes.get(key)
        prepared = shape.prepared.get(shape.values(pieces)) if shape else None
        page = prepared.filled(pieces) if prepared else None
        if page is None:
            page = whole_page("".join(pieces))
            if prepared is None:
                self._learn(key, shape, pieces, page)
        return page

    def _unwoven(self, pieces: Sequence[str]) -> list[str]:
        """The pieces of the pieces: of two mails with the same macro some of them are the same."""
        found: list[str] = []
        for piece in pieces:
            parts = self.woven.get(piece) if type(piece) is Markup else None
            if parts is None:
                found.append(piece)
            else:
                found += self._unwoven(parts)
        return found

    def _learn(self, key: Key, shape: _Shape | None, pieces: Sequence[str], page: Page) -> None:
        """Prepare what is met for the second time; much never is."""
        values = shape.values(pieces) if shape else ()
        if (shape and values in shape.prepared) or self._is_new(hash((key, values))):
            return
        open_places = [place for place, piece in enumerate(key) if piece is None]
        fixed, prepared = prepare(pieces, open_places, shape.fixed if shape else ())
        self._make_room(len(page.html) + len(page.text))
        shape = self._shapes.setdefault(key, _Shape(fixed=fixed))
        fits = fixed == shape.fixed and prepared is not None and prepared.filled(pieces) == page
        shape.prepared[shape.values(pieces)] = prepared if fits else None

    def _is_new(self, name: int) -> bool:
        if name in self._met:
            return False
        if len(self._met) >= MOST_MET:
            self._met.clear()
        self._met.add(name)
        return True

    def _make_room(self, size: int) -> None:
        """Forget everything rather than grow: what is still in use is learned again at once."""
        if self._used + size > self._room:
            self._shapes.clear()
            self._used = 0
        self._used += size


@lru_cache(4_096)
def _fits(value: str) -> bool:
    return value.isalnum() or _FITS.fullmatch(value) is not None
