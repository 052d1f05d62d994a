"""Text for channels without markup: from HTML where nobody wrote one, and made plain in any case."""

from __future__ import annotations

import re
from html.parser import HTMLParser


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PARAGRAPHS = _words("blockquote dl h1 h2 h3 h4 h5 h6 hr ol p pre table ul")
"""Elements with an empty line before and after them."""

LINES = _words(
    "address article aside caption center dd div dt figcaption figure footer form header li main nav section tbody td"
    " tfoot th thead tr"
)
"""Elements that stand on lines of their own."""

UNREAD = _words("head script style template title")
VOID = _words("area base br col embed hr img input link meta source track wbr")

_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_WHITE = re.compile(r"[ \t\r\n\f]+")
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_NO_BREAK, _NARROW, _FIGURE = ((space, " ") for space in "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{FIGURE SPACE}")
_LINE_END = re.compile(r"[ \t]*\r?\n|\r")
_BLANK_LINES = re.compile(r"\n{3,}")


def text_of(html: str) -> str:
    """What a reader without HTML should see: the words in reading order, links with their addresses, pictures by
    their alternative text. Tables are taken for layout: each cell stands on its own line, nothing is aligned.
    """
    reader = Reader()
    reader.feed(html)
    reader.close()
    return plain_text(reader.text())


def plain_text(text: str) -> str:
    """Plain line ends and spaces, no control characters, no more than one empty line in a row.

    Special spaces matter here: one of them makes an SMS twice as long, because it forces 16-bit characters.
    """
    text = without_controls(plain_spaces(text))
    if "\r" in text or " \n" in text or "\t\n" in text:
        text = _LINE_END.sub("\n", text)
    return _BLANK_LINES.sub("\n\n", text).strip() if "\n\n\n" in text else text.strip()


def plain_spaces(text: str) -> str:
    """The text with plain spaces for special ones."""
    return text if text.isascii() else text.replace(*_NO_BREAK).replace(*_NARROW).replace(*_FIGURE)


def without_controls(text: str) -> str:
    """The text without control characters and lone surrogates, which no mail can carry."""
    return _UNSAFE.sub("", text)


def one_line(text: str, longest: int) -> str:
    """The text folded into one line, cut after a word where it is too long."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = without_controls(line).strip()
    if len(line) <= longest:
        return line
    cut, rest = line[: longest - 1], line[longest - 1]
    inside_word = rest != " " and " " in cut[longest // 2 :]
    return (cut.rpartition(" ")[0] if inside_word else cut).rstrip() + "…"


def told(address: str, words: str) -> bool:
    """Whether the address of a link says more than its words do."""
    return bool(address) and not address.startswith("#") and address.removeprefix("mailto:") != words


class Reader(HTMLParser):
    """Collects words, and the line breaks due before the next word."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._breaks = 0
        self._hidden: tuple[str, int] | None = None
        """The element that is not shown, and how many of its kind are open inside it."""
        self._link: tuple[str, int] | None = None
        """The address of the open link, and where its words begin."""

    def text(self) -> str:
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._hidden:
            kind, depth = self._hidden
            self._hidden = (kind, depth + (kind == tag))
        elif tag in UNREAD or "hidden" in given or _HIDDEN.search(given.get("style", "")):
            self._hidden = None if tag in VOID else (tag, 1)
        else:
            self._open(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            kind, depth = self._hidden
            depth -= kind == tag
            self._hidden = (kind, depth) if depth else None
        elif tag == "a" and self._link:
            self._close_link(*self._link)
        else:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        words = _WHITE.sub(" ", data)
        if self._breaks or not self._parts or self._parts[-1].endswith(" "):
            words = words.removeprefix(" ")
        if words:
            self._say(words)

    def _open(self, tag: str, given: dict[str, str]) -> None:
        if tag == "br":
            self._breaks += 1
        elif tag == "img" and given.get("alt"):
            self._say(given["alt"])
        elif tag == "a":
            self._link = (given.get("href", "").strip(), len(self._parts))
        else:
            self._break(tag)
        if tag == "li":
            self._say("- ")

    def _close_link(self, address: str, start: int) -> None:
        self._link = None
        words = "".join(self._parts[start:]).strip()
        if self._told(address, words):
            self._say(f": {address}" if words else address)

    def _told(self, address: str, words: str) -> bool:
        return told(address, words)

    def _break(self, tag: str) -> None:
        if tag in PARAGRAPHS:
            self._breaks = max(self._breaks, 2)
        elif tag in LINES:
            self._breaks = max(self._breaks, 1)

    def _say(self, words: str) -> None:
        if self._breaks and self._parts:
            self._parts.append("\n" * self._breaks)
        self._breaks = 0
        self._parts.append(words)
