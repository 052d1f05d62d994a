"""The talk with a mail server once it is connected, secured and logged in.

Replies come in the order of what was said (RFC 5321 4.1), so that each belongs to the one who has waited longest.
Several things may be said at once where the server offers PIPELINING (RFC 2920), even the next mail's envelope while
the verdict about a body is still to come. The dialogue knows nothing of outcomes. It tells what the server replied,
that the talk broke off, and the one case that matters most: that it broke off after the body had been begun.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TypeAlias

from .smtp_wire import CLOSING, GO_AHEAD, Reply, dotted, next_reply

_PARTING = 2.0  # seconds a server gets to answer QUIT
_TIDYING = 5.0  # seconds a server gets to answer RSET

Answer: TypeAlias = "asyncio.Future[Reply]"
"""A reply that is still to come."""


class BrokenOff(Exception):
    """The talk has ended, and not a byte of a body was written by whoever is told."""


class BodyUnanswered(Exception):
    """The body was begun, and what became of it cannot be known."""


class Dialogue(asyncio.Protocol):
    """Takes over a connected transport and talks over it, one transaction after another."""

    def __init__(self, transport: asyncio.Transport, *, pipelining: bool = False) -> None:
        self.pipelining = pipelining
        """Whether the server takes several commands at once."""
        self.mails = 0
        """How many bodies went over this connection."""
        self.in_transaction = False
        """Whether the server holds an envelope that only RSET would clear."""
        self.rested = False
        """Whether it was used before, so that the server may have left meanwhile."""
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._received = b""
        self._held = b""
        """A mail that is about to be written."""
        self._due: deque[tuple[Answer, float]] = deque()
        """Who waits for a reply, and for how many seconds once it is his turn."""
        self._timer: asyncio.TimerHandle | None = None
        self._ended = ""
        self._awaits_body = False
        """Whether the server takes whatever is said next for a mail."""
        self._leaving = False
        """Whether nothing more is said; replies that are due are still heard."""
        self._stopped = False
        """Whether somebody stopped waiting, so that nobody knows any more what the server waits for."""
        self._parting = False
        self._closed = self._loop.create_future()
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether another command may be sent."""
        return not (self._leaving or self._is_over)

    @property
    def quiet(self) -> bool:
        """Whether all that was said has been answered."""
        return not self._due

    @property
    def gone(self) -> bool:
        """Whether the connection has ended altogether."""
        return self._closed.done()

    async def command(self, line: bytes, within: float) -> Reply:
        """Send a command and wait ``within`` seconds for its reply, which is a yes or a no.

        Raises ``BrokenOff`` if there is neither.
        """
        (answer,) = self.say((line, within))
        return await self.heard(line, answer)

    def say(self, *commands: tuple[bytes, float]) -> list[Answer]:
        """Send commands at once, each with the seconds its reply may take; the replies, for ``heard``.

        Raises ``BrokenOff`` if nothing can be said any more.
        """
        data = b"".join(line + b"\r\n" for line, _ in commands)
        return self._write(data, *(within for _, within in commands))

    async def heard(self, line: bytes, answer: Answer) -> Reply:
        """Wait for the reply to a command. It is a yes or a no; raises ``BrokenOff`` if there is neither."""
        reply = await self._await(answer)
        agreed = reply.code == GO_AHEAD if line == b"DATA" else reply.accepted
        if not (agreed or reply.refused):
            self._end("the server answered out of order")
            raise BrokenOff(f"neither yes nor no: {reply}")
        self.in_transaction = self.in_transaction or (agreed and line.startswith(b"MAIL"))
        self._awaits_body = self._awaits_body or (agreed and line == b"DATA")
        return reply

    async def body(self, mail: bytes, within: float) -> Reply:
        """Send the mail and the final dot and wait for the verdict; see ``give`` and ``verdict``."""
        return await self.verdict(self.give(mail, within))

    def give(self, mail: bytes, within: float) -> Answer:
        """Send the mail and the final dot; the reply, for ``verdict``. Raises ``BrokenOff`` if nothing was written."""
        (answer,) = self._expect(within)
        self.mails += 1
        self.in_transaction = self._awaits_body = False
        self._held = dotted(mail)
        # Not at once: whoever has waited for this dialogue has his turn first, and both can travel in one write.
        self._loop.call_soon(lambda: self._loop.call_soon(self._flush))
        return answer

    async def verdict(self, answer: Answer) -> Reply:
        """Wait for the reply to a body, a yes or a no.

        Raises ``BodyUnanswered`` for everything unclear, being cancelled included.
        """
        try:
            reply = await self._await(answer)
        except BrokenOff as broken:
            raise BodyUnanswered(str(broken)) from None
        except asyncio.CancelledError:
            raise BodyUnanswered("stopped while waiting for the reply") from None
        if not (reply.accepted or reply.refused):
            self._end("the server answered out of order")
            raise BodyUnanswered(f"neither yes nor no: {reply}")
        return reply

    async def clear(self) -> None:
        """Have the server forget an open envelope. Never raises: where that fails, the connection ends instead."""
        if self._awaits_body:  # An empty mail is a mail, too: all that can be done is not to end it.
            self._end("there was no body to give")
        if not (self.in_transaction and self.usable):
            return
        try:
            (answer,) = self._write(b"RSET\r\n", _TIDYING)
            reply = await self._await(answer)
        except (BrokenOff, asyncio.CancelledError):  # What the mail came to stands, and must be told.
            return
        if not reply.accepted:
            self._end("the server refused RSET")
        self.in_transaction = False

    def part(self) -> None:
        """Say QUIT once all is answered; hang up when the server has answered that, or has not in time."""
        if self._is_over or self._awaits_body:
            self.abort()
            return
        self._leaving = True
        self._flush()
        if self.quiet:
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
        """Give replies to those who wait for them. A word out of turn ends the talk, lest it be taken for a reply."""
        self._received += data
        if self._parting:
            self._transport.close()
            return
        try:
            heard = self._give_out()
        except ValueError:
            self._end("the server answered with something that is no SMTP reply")
            return
        if self._received and not self._due:
            self._end("the server spoke out of turn")
        elif heard:
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that no reply will come."""
        self._end("the connection was lost" if exc is None else f"the connection was lost ({type(exc).__name__})")
        if not self._closed.done():
            self._closed.set_result(None)

    @property
    def _is_over(self) -> bool:
        spoke_out_of_turn = bool(self._received) and not self._due
        return bool(self._ended) or self._parting or spoke_out_of_turn or self._transport.is_closing()

    def _write(self, data: bytes, *within: float) -> list[Answer]:
        """Write, and expect a reply for each of ``within``."""
        answers = self._expect(*within)
        self._flush(data)
        return answers

    def _flush(self, data: bytes = b"") -> None:
        """Write what is held back, and more."""
        written, self._held = [part for part in (self._held, data) if part], b""
        if written and not self._transport.is_closing():
            self._transport.writelines(written)

    def _expect(self, *within: float) -> list[Answer]:
        if not self.usable:
            self._end("the server spoke out of turn" if self._received else "the connection was closed")
            raise BrokenOff(self._ended)
        was_quiet = self.quiet
        answers: list[Answer] = [self._loop.create_future() for _ in within]
        self._due.extend(zip(answers, within, strict=True))
        if was_quiet:
            self._watch()
        return answers

    async def _await(self, answer: Answer) -> Reply:
        try:
            return await answer
        except asyncio.CancelledError:
            # The reply may still come, and must not be taken for another's. Those who waited before us get theirs.
            self._leaving = self._stopped = True
            self._go_on()
            raise

    def _give_out(self) -> bool:
        """Hand out the replies that have come in whole; whether there were any."""
        before = len(self._due)
        while self._due and self._received:
            reply, self._received = next_reply(self._received)
            if reply is None:
                break
            answer, _ = self._due.popleft()
            if not answer.done():
                answer.set_result(reply)
            if reply.code == CLOSING:
                self._end("the server is closing")
        return len(self._due) < before

    def _go_on(self) -> None:
        """See to it that the next one who waits does not wait for ever."""
        if self._ended:
            return
        if self._stopped and (self.quiet or self._due[0][0].cancelled()):
            self._end("stopped by us")
            return
        self._watch()
        if self._leaving and self.quiet:
            self.part()

    def _watch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._due[0][1], self._overdue) if self._due else None

    def _overdue(self) -> None:
        self._end(f"no reply within {self._due[0][1]:g} s")

    def _end(self, why: str) -> None:
        self._ended = self._ended or why
        self._transport.abort()
        if self._timer is not None:
            self._timer.cancel()
        while self._due:
            answer, _ = self._due.popleft()
            if not answer.done():
                answer.set_exception(BrokenOff(self._ended))
                answer.exception()  # Whoever has heard enough asks for no more; that is no fault to be reported.
