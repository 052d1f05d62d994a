"""Where values end up when a page is inlined and read: tried once, with marks that cannot be overlooked.

A mark stands where a value would. It is a word with everything around it that HTML writes in several ways, so that what
became of it tells what would become of any value: escaped as text, escaped as an attribute, written out in the text, or
none of these. A place whose mark is changed or lost (in a comment, as the name of a tag), or stands where it may mean
something (in a style, a class), is fixed: its value belongs to the shape of the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import css_inline

from .page import Page, cleaned, inlined
from .plaintext import Reader, plain_spaces, plain_text, told

TRIES = 3

_MARK = "zq{}zq &amp;&lt;&gt;&#34;&#39;\N{NO-BREAK SPACE} zq"
_ANY_MARK = re.compile(r"zq(\d+)zq")
_IN_A_REFERENCE = re.compile(r"&#?\w*?zq(\d+)zq")
"""What follows an ``&`` may be the rest of a character's name."""
_SENT = re.compile(r"""zq(\d+)zq (?:(&amp;&lt;&gt;"'&nbsp; zq)|&amp;<>&quot;'&nbsp; zq)""")
_READ = re.compile(r"""zq(\d+)zq &<>"'\xa0 zq""")
_SAID = re.compile(r"""zq(\d+)zq &<>"'  zq""")

_MEANINGFUL = frozenset({"class", "id", "style", "lang", "dir"})
"""Attributes whose value decides which styles an element gets."""
_RAW = frozenset({"script", "style"})

Form: TypeAlias = Callable[[str], str]
"""From a value as the template escaped it to how one place has it; ASCII without an ``&`` is the same everywhere."""


@dataclass(frozen=True, slots=True)
class Gapped:
    """A text with places for values."""

    pieces: list[str]
    gaps: tuple[tuple[int, int, Form], ...]
    """Which piece is a value, which one, and how it is written."""

    def filled(self, values: Sequence[str]) -> str:
        """The text with these values in its places."""
        pieces = self.pieces.copy()
        for piece, place, form in self.gaps:
            value = values[place]
            pieces[piece] = value if value.isascii() and "&" not in value else form(value)
        return "".join(pieces)

    def values(self) -> frozenset[int]:
        """Which values it has places for."""
        return frozenset(value for _, value, _ in self.gaps)


@dataclass(frozen=True, slots=True)
class Link:
    """A link whose address or words have a place for a value: whether the address is told beside the words."""

    address: Gapped
    words: Gapped
    told: bool

    def alike(self, values: Sequence[str]) -> bool:
        """Whether it is so with these values, too."""
        return told(self.address.filled(values), self.words.filled(values)) is self.told


@dataclass(frozen=True, slots=True)
class Prepared:
    """A page that only lacks its values."""

    html: Gapped
    text: Gapped
    links: tuple[Link, ...]

    def filled(self, values: Sequence[str]) -> Page | None:
        """The page with these values; ``None`` if it has to be read anew."""
        if not all(link.alike(values) for link in self.links):
            return None
        return Page(html=self.html.filled(values), text=self.text.filled(values))


def prepare(
    pieces: Sequence[str], places: Collection[int], fixed: Collection[int]
) -> tuple[tuple[int, ...], Prepared | None]:
    """A page of this shape without the values in ``places``, if it can be prepared; and which places are fixed after
    all, those included of which it is known.
    """
    found = frozenset(fixed)
    for _ in range(TRIES):
        marked = frozenset(places) - found
        source = "".join(_MARK.format(at) if at in marked else piece for at, piece in enumerate(pieces))
        prepared, unfit = _tried(cleaned(source), marked, pieces)
        if not unfit:
            return tuple(sorted(found)), prepared
        found |= unfit & frozenset(places)
    return tuple(sorted(found)), None


def _tried(source: str, places: frozenset[int], values: Sequence[str]) -> tuple[Prepared | None, frozenset[int]]:
    """The page cut at its marks, and the places where that will not do."""
    reader = _MarkReader(values)
    reader.feed(source)
    reader.close()
    meaningful = reader.meaningful() | {int(found) for found in _IN_A_REFERENCE.findall(source)}
    try:
        html = _cut(inlined(source), _SENT)
    except css_inline.InlineError:
        return None, meaningful or places
    text = _cut(plain_text(reader.text()), _SAID)
    unfit = meaningful | (places - html.values())
    parts = (html, text, *(part for link in reader.links for part in (link.address, link.words)))
    if not all(part.values() <= places for part in parts):
        return None, unfit  # The template itself has a text like our marks.
    return Prepared(html, text, tuple(reader.links)), unfit


def _cut(text: str, mark: re.Pattern[str]) -> Gapped:
    pieces, gaps, end = list[str](), list[tuple[int, int, Form]](), 0
    for found in mark.finditer(text):
        pieces += [text[end : found.start()], ""]
        gaps.append((len(pieces) - 1, int(found[1]), _form(found)))
        end = found.end()
    return Gapped([*pieces, text[end:]], tuple(gaps))


def _form(found: re.Match[str]) -> Form:
    if found.re is _SENT:
        return _as_text if found[2] else _as_attribute
    return _as_read if found.re is _READ else _as_said


def _marks(text: str) -> Iterator[int]:
    return (int(found) for found in _ANY_MARK.findall(text))


class _MarkReader(Reader):
    """Reads a page with marks: what it says, and which of them are more than text."""

    def __init__(self, values: Sequence[str]) -> None:
        super().__init__()
        self.links: list[Link] = []
        self._values = values
        self._meaningful: set[int] = set()
        self._in_attributes: set[int] = set()
        self._selects_by_attribute = False

    def meaningful(self) -> frozenset[int]:
        """The marks that may decide what becomes of something else."""
        return frozenset(self._meaningful | (self._in_attributes if self._selects_by_attribute else set()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self._in_attributes.update(_marks(value or ""))
            if name in _MEANINGFUL:
                self._note(value or "")
        super().handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in _RAW:
            self._note(data)
            self._selects_by_attribute |= "[" in data
        super().handle_data(data)

    def _told(self, address: str, words: str) -> bool:
        """As it is with the values that the marks stand for."""
        link = Link(_cut(address, _READ), _cut(words, _READ), told=False)
        outcome = not link.alike(self._values)
        if link.address.gaps or link.words.gaps:
            self.links.append(replace(link, told=outcome))
        return outcome

    def _note(self, text: str) -> None:
        self._meaningful.update(_marks(text))


# --- How a value is written, from how the template escaped it ---------------------------------------------------------


# Jinja's ``Markup`` would escape what it is given to replace with: hence ``str``.


@lru_cache(4_096)
def _as_text(value: str) -> str:
    return str(value).replace("&#34;", '"').replace("&#39;", "'").replace("\N{NO-BREAK SPACE}", "&nbsp;")


@lru_cache(4_096)
def _as_attribute(value: str) -> str:
    value = str(value).replace("&#34;", "&quot;").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")
    return value.replace("\N{NO-BREAK SPACE}", "&nbsp;")


def _as_read(value: str) -> str:
    value = str(value).replace("&#34;", '"').replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")
    return value.replace("&amp;", "&")


@lru_cache(4_096)
def _as_said(value: str) -> str:
    return plain_spaces(_as_read(value))
