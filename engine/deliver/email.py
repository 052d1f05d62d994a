"""E-mail over a relay, by SMTP."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr

from ..errors import AddressError, ConfigError
from ..model import Notification
from .address import Mailbox, wire_address
from .channel import Deferred, Delivery, Outgoing, Permit, Refused, Withheld, Writer
from .mime import MailFrame
from .smtp_connect import Relay, RelayUnavailable, Timeouts, Tls, open_dialogue
from .smtp_pool import SmtpPool
from .smtp_transaction import Envelope, Given, StaleDialogue, transact

_PORTS = {Tls.REQUIRED: 587, Tls.OPPORTUNISTIC: 587, Tls.IMPLICIT: 465, Tls.NONE: 25}


def _mailbox(value: object) -> object:
    return Mailbox.parse(value) if isinstance(value, str) else value


MailboxField = Annotated[Mailbox, BeforeValidator(_mailbox)]
"""Written ``Name <address>`` or as a bare address."""


class EmailSettings(BaseModel):
    """The settings of an e-mail channel."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)

    kind: Literal["email"] = "email"
    host: str = Field(min_length=1)
    port: Annotated[int, Field(gt=0, lt=65536)] | None = None
    """By default what belongs to ``tls``: 587, 465 for implicit, 25 for none."""
    tls: Tls = Tls.REQUIRED
    ca_file: Path | None = None
    """Trust certificates of these authorities (PEM) instead of the system's."""
    username: str | None = None
    password: SecretStr = SecretStr("")
    sender: MailboxField = Field(alias="from")
    reply_to: MailboxField | None = None
    bounces_to: MailboxField | None = None
    """The envelope's sender, by default the address of ``from``."""
    feedback_sender: str = "pointbell"
    """Last part of Feedback-ID: tells this sender from others that use the same domain."""
    local_hostname: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]+$")] | None = None
    """What to be called in EHLO, by default this machine's full name."""
    max_connections: PositiveInt = 5
    max_mails_per_connection: PositiveInt = 100
    idle_seconds: PositiveFloat = 30
    pipelining: bool = True
    """Say several commands at once where the relay offers it; not with a relay that offers what it cannot do."""
    timeouts: Timeouts = Timeouts()


class EmailChannel:
    """Writes mails and hands them to the relay, each in a transaction of its own."""

    address_field = "email"

    def __init__(self, name: str, settings: EmailSettings, secret: bytes = b"") -> None:
        self.name = name
        self._frame = MailFrame(
            sender=settings.sender,
            reply_to=settings.reply_to,
            feedback_sender=settings.feedback_sender,
            secret=secret,
        )
        self._sender = (settings.bounces_to or settings.sender).address
        self._timeouts = settings.timeouts
        self._relay = relay = _relay(name, settings)
        self._pool = SmtpPool(
            lambda: open_dialogue(relay),
            max_connections=settings.max_connections,
            max_mails=settings.max_mails_per_connection,
            idle_seconds=settings.idle_seconds,
        )

    def prepare(self, notification: Notification) -> bytes:
        """See ``Channel.prepare``."""
        return self._frame.write(notification)

    def writer(self) -> Writer:
        """See ``Channel.writer``."""
        return self._frame.write

    async def send(self, message: Outgoing, permit: Permit) -> Delivery:
        """See ``Channel.send``; when the permit is asked, ``smtp_transaction`` says."""
        try:
            recipient = wire_address(message.address)
        except AddressError as error:
            return Refused(str(error), address_is_bad=True)
        envelope = Envelope(sender=self._sender, recipient=recipient, mail=message.payload)
        try:
            delivery = await self._transact(envelope, permit)
        except RelayUnavailable as error:
            delivery = Deferred(str(error), about_relay=True, relay_down=True)
        if isinstance(delivery, Withheld):
            return delivery
        told = self._relay.without_secrets(delivery.reply)
        return delivery if told == delivery.reply else replace(delivery, reply=told)

    async def close(self) -> None:
        """See ``Channel.close``."""
        await self._pool.close()

    async def _transact(self, envelope: Envelope, permit: Permit) -> Delivery:
        try:
            given = await self._give(envelope, permit)
        except StaleDialogue:
            given = await self._give(envelope, permit, fresh=True)
        # The dialogue is back in the pool by now: the next mail need not wait for the verdict about this one.
        return await given.outcome() if isinstance(given, Given) else given

    async def _give(self, envelope: Envelope, permit: Permit, *, fresh: bool = False) -> Delivery | Given:
        async with self._pool.dialogue(fresh=fresh) as dialogue:
            return await transact(dialogue, envelope, permit, self._timeouts)


def _relay(name: str, settings: EmailSettings) -> Relay:
    return Relay(
        host=settings.host,
        port=settings.port or _PORTS[settings.tls],
        tls=settings.tls,
        context=None if settings.tls is Tls.NONE else _context(name, settings.ca_file),
        username=settings.username,
        password=settings.password.get_secret_value(),
        local_hostname=settings.local_hostname,
        timeouts=settings.timeouts,
        pipelining=settings.pipelining,
    )


def _context(name: str, ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError(f"channel {name}: ca_file {ca_file} cannot be used: {error.strerror or error}") from None
