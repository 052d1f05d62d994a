"""The talk with a mail server once it is connected, secured and logged in.

One command, one reply (RFC 5321 4.1 and 4.2): small enough to be replaced by one that pipelines. It knows nothing of
outcomes. It tells what the server replied, that the talk broke off, and the one case that matters most: that it
broke off after the body had been begun.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

_REPLY_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\r\n]*))?\r?\n")
_ENHANCED = re.compile(r"[245]\.(\d{1,3})\.(\d{1,3})\b")
_ACCEPTED = range(200, 300)
_REFUSED = range(400, 600)
_GO_AHEAD = 354
CLOSING = 421
_LONGEST_REPLY = 16_384  # bytes
_LONGEST_TEXT = 500  # characters kept of a reply
_PARTING = 2.0  # seconds a server gets to answer QUIT
_TIDYING = 5.0  # seconds a server gets to answer RSET


class BrokenOff(Exception):
    """The talk has ended, and not a byte of a body was written by whoever is told."""


class BodyUnanswered(Exception):
    """The body was begun, and what became of it cannot be known."""


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


class Dialogue(asyncio.Protocol):
    """Takes over a connected transport and talks over it, one transaction after another."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.mails = 0
        """How many bodies went over this connection."""
        self.in_transaction = False
        """Whether the server holds an envelope that only RSET would clear."""
        self.rested = False
        """Whether it was kept for a while, so that the server may have left meanwhile."""
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._received = b""
        self._waiter: asyncio.Future[Reply] | None = None
        self._ended = ""
        self._parting = False
        self._closed = self._loop.create_future()
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether another command may be sent."""
        return not (self._ended or self._parting or self._received or self._transport.is_closing())

    @property
    def gone(self) -> bool:
        """Whether the connection has ended altogether."""
        return self._closed.done()

    async def command(self, line: bytes, within: float) -> Reply:
        """Send a command and wait ``within`` seconds for its reply, which is a yes or a no.

        Raises ``BrokenOff`` if there is neither.
        """
        reply = await self._ask(line + b"\r\n", within)
        agreed = reply.code == _GO_AHEAD if line == b"DATA" else reply.accepted
        if not (agreed or reply.refused):
            self._end("the server answered out of order")
            raise BrokenOff(f"neither yes nor no: {reply}")
        self.in_transaction = self.in_transaction or (agreed and line.startswith(b"MAIL"))
        return reply

    async def body(self, mail: bytes, within: float) -> Reply:
        """Send the mail and the final dot and wait for the verdict, a yes or a no.

        Raises ``BrokenOff`` if nothing was written, and ``BodyUnanswered`` for everything unclear after
        that, being cancelled included.
        """
        self._require_usable()
        self.mails += 1
        try:
            reply = await self._ask(dotted(mail), within)
        except BrokenOff as broken:
            raise BodyUnanswered(str(broken)) from None
        except asyncio.CancelledError:
            raise BodyUnanswered("stopped while waiting for the reply") from None
        if not (reply.accepted or reply.refused):
            self._end("the server answered out of order")
            raise BodyUnanswered(f"neither yes nor no: {reply}")
        self.in_transaction = False
        return reply

    async def clear(self) -> None:
        """Have the server forget an open envelope. Never raises: where that fails, the connection ends instead."""
        if not (self.in_transaction and self.usable):
            return
        try:
            reply = await self._ask(b"RSET\r\n", _TIDYING)
        except (BrokenOff, asyncio.CancelledError):  # What the mail came to stands, and must be told.
            return
        if not reply.accepted:
            self._end("the server refused RSET")
        self.in_transaction = False

    def part(self) -> None:
        """Say QUIT; hang up when the server has answered, or has not in time."""
        if not self.usable:
            self.abort()
            return
        self._parting = True
        self._transport.write(b"QUIT\r\n")
        self._loop.call_later(_PARTING, self.abort)

    def abort(self) -> None:
        """Hang up at once."""
        self._end("we hung up")

    async def closed(self) -> None:
        """Wait until the connection is gone, which it soon is after ``part`` or ``abort``."""
        await asyncio.wait([self._closed], timeout=2 * _PARTING)

    def data_received(self, data: bytes) -> None:
        """Give a reply to whoever waits for it. A word out of turn ends the talk, lest it be taken for a reply."""
        self._received += data
        if self._parting:
            self._transport.close()
        elif self._waiter is None or self._waiter.done():
            self._end("the server spoke out of turn")
        else:
            self._answer(self._waiter)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that no reply will come."""
        self._end("the connection was lost" if exc is None else f"the connection was lost ({type(exc).__name__})")
        if not self._closed.done():
            self._closed.set_result(None)

    def _answer(self, waiter: asyncio.Future[Reply]) -> None:
        try:
            reply, self._received = _next_reply(self._received)
        except ValueError:
            self._end("the server answered with something that is no SMTP reply")
            return
        if reply is not None:
            waiter.set_result(reply)

    async def _ask(self, data: bytes, within: float) -> Reply:
        self._require_usable()
        waiter: asyncio.Future[Reply] = self._loop.create_future()
        self._waiter = waiter
        timer = self._loop.call_later(within, self._end, f"no reply within {within:g} s")
        self._transport.write(data)
        try:
            reply = await waiter
        except asyncio.CancelledError:
            self._end("stopped by us")  # The reply may still come, and must not be taken for the next command's.
            raise
        finally:
            timer.cancel()
            self._waiter = None
        if reply.code == CLOSING:
            self._end("the server is closing")
        return reply

    def _require_usable(self) -> None:
        if not self.usable:
            self._end("the server spoke out of turn" if self._received else "the connection was closed")
            raise BrokenOff(self._ended)

    def _end(self, why: str) -> None:
        self._ended = self._ended or why
        self._transport.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(BrokenOff(self._ended))


def dotted(mail: bytes) -> bytes:
    """The mail as DATA wants it: line ends CR LF, leading dots doubled, the final dot (RFC 5321 4.5.2).

    A lone CR or LF becomes a line end here, so that no server can see the end of a mail where we see none.
    """
    lines = b"\r\n".join(mail.splitlines())
    stuffed = lines.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b"\r\n.\r\n"


def _next_reply(received: bytes) -> tuple[Reply | None, bytes]:
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
    if len({line[1] for line in lines}) > 1:
        raise ValueError("one reply with several codes")
    text = b" ".join((line[3] or b"").strip() for line in lines).decode("utf-8", "replace")[:_LONGEST_TEXT]
    return Reply(int(lines[0][1]), "".join(char if char.isprintable() else " " for char in text).strip())
