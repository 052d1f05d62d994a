"""What every channel is, and how a delivery can end.

A channel writes a notification down once (``prepare``, pure) and carries those bytes as often as it takes (``send``).
Every end of an attempt is a value; exceptions out of ``send`` are the permit's own (the store's) or a cancellation
before the permit was asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, TypeAlias

from ..model import Notification

Writer: TypeAlias = Callable[[Notification], bytes]
"""Writes a message down; see ``Channel.prepare``."""

Permit: TypeAlias = Callable[[], Awaitable[bool]]
"""Asked at most once per attempt, as late as possible. ``True`` means the grant has been committed, ``False`` that
the message must not go out any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One attempt to deliver one prepared notification."""

    key: str
    """The notification's idempotency key."""
    address: str
    payload: bytes
    """What ``Channel.prepare`` wrote; the same bytes at every attempt."""
    attempt: int = 1
    """Which attempt this is, counted from 1."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side has taken the message."""

    reply: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Definitely not taken, and worth another attempt."""

    reply: str
    retry_after: timedelta | None = field(default=None, kw_only=True)
    """How long the other side asked us to wait, where it did; otherwise see ``backoff``."""
    about_relay: bool = field(default=False, kw_only=True)
    """The fault lies between us and the relay, not with this message: any other message would have met it too, and
    no message should be given up for it."""
    relay_down: bool = field(default=False, kw_only=True)
    """No message at all can be taken at present: the connection, the login or the relay itself failed. The channel is
    better left alone for a while."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Definitely not taken, and not worth another attempt."""

    reply: str
    address_is_bad: bool = field(default=False, kw_only=True)
    """The address itself is wrong: nothing else should be sent there either."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The body was begun and the answer is missing: nobody can know whether the message was taken (RFC 1047)."""

    reply: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """The permit said no; nothing was sent."""


Delivery: TypeAlias = Sent | Deferred | Refused | Unknown | Withheld


class Channel(Protocol):
    """A way to reach members."""

    @property
    def name(self) -> str:
        """The name rules and ``config.yaml`` know the channel by."""
        ...

    @property
    def address_field(self) -> str:
        """The member's field that holds the address: ``email``, ``phone``, ..."""
        ...

    def prepare(self, notification: Notification) -> bytes:
        """Write the message down. Pure: the same notification gives the same bytes.

        Raises ``AddressError`` if the address cannot be used, ``ValueError`` if the notification is not worded.
        """
        ...

    def writer(self) -> Writer:
        """``prepare`` without its channel: it pickles, for processes that word messages and send none."""
        ...

    async def send(self, message: Outgoing, permit: Permit) -> Delivery:
        """Try once to deliver ``message``.

        ``permit`` is awaited after everything that can be refused beforehand has been accepted and before any byte
        of the message is written; what it raises goes through, with nothing sent. A cancelled ``send`` raises
        ``CancelledError`` as long as the permit has not been asked. From then on it returns what is known instead,
        because a granted permit must be settled.
        """
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...
