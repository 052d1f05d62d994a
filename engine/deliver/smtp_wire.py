"""The bytes of SMTP: a server's reply as it is read, a mail as DATA wants it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_REPLY_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\r\n]*))?\r?\n")
_ENHANCED = re.compile(r"[245]\.(\d{1,3})\.(\d{1,3})\b")
_ACCEPTED = range(200, 300)
_REFUSED = range(400, 600)
GO_AHEAD = 354
CLOSING = 421
_LONGEST_REPLY = 16_384  # bytes
_LONGEST_TEXT = 500  # characters kept of a reply


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said: its code, and its text on one printable line."""

    code: int
    text: str

    @property
    def accepted(self) -> bool:
        """Positive completion: 2yz."""
        return self.code in _ACCEPTED

    @property
    def refused(self) -> bool:
        """Negative, for now (4yz) or for good (5yz)."""
        return self.code in _REFUSED

    @property
    def detail(self) -> tuple[int, int] | None:
        """Subject and detail of the enhanced status code (RFC 3463) where there is one: (1, 1) of 5.1.1."""
        found = _ENHANCED.match(self.text)
        return None if found is None else (int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()


def dotted(mail: bytes) -> bytes:
    """The mail as DATA wants it: line ends CR LF, leading dots doubled, the final dot (RFC 5321 4.5.2).

    A lone CR or LF becomes a line end here, so that no server can see the end of a mail where we see none.
    """
    ends = mail.count(b"\r\n")
    if ends == mail.count(b"\n") == mail.count(b"\r"):
        lines = mail.removesuffix(b"\r\n")
    else:
        lines = b"\r\n".join(mail.splitlines())
    stuffed = lines.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b"\r\n.\r\n"


def next_reply(received: bytes) -> tuple[Reply | None, bytes]:
    """The first whole reply and what follows it. Raises ``ValueError`` if none can come of this."""
    lines: list[re.Match[bytes]] = []
    at = 0
    while line := _REPLY_LINE.match(received, at):
        lines.append(line)
        at = line.end()
        if line[2] != b"-":
            return _joined(lines), received[at:]
    if b"\n" in received[at:] or len(received) > _LONGEST_REPLY:
        raise ValueError("no SMTP reply")
    return None, received


def _joined(lines: Sequence[re.Match[bytes]]) -> Reply:
    if len(lines) > 1 and len({line[1] for line in lines}) > 1:
        raise ValueError("one reply with several codes")
    text = b" ".join((line[3] or b"").strip() for line in lines).decode("utf-8", "replace")[:_LONGEST_TEXT]
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return Reply(int(lines[0][1]), text.strip())
