"""From nothing to a dialogue: connect, EHLO, TLS, login, by aiosmtplib; what it left us with is taken over."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import cast

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException
from pydantic import BaseModel, ConfigDict, PositiveFloat

from .smtp_dialogue import Dialogue

_UNKNOWN_MECHANISM = 504
_NO_REPLY = -1  # aiosmtplib's code for what could not be read


class Tls(StrEnum):
    """How a connection is secured. A certificate, where there is one, is always checked."""

    REQUIRED = "required"
    """STARTTLS or nothing."""
    OPPORTUNISTIC = "opportunistic"
    """STARTTLS if the server offers it; whoever sits in between can take the offer away."""
    IMPLICIT = "implicit"
    """TLS from the first byte (port 465)."""
    NONE = "none"


class Timeouts(BaseModel):
    """Seconds each step may take; as in Postfix and RFC 5321 4.5.3.2.

    The last is long on purpose: a relay that is slow to say yes has often said yes already, and what we do not hear
    is a mail whose fate nobody knows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    connect: PositiveFloat = 30
    ehlo: PositiveFloat = 60
    starttls: PositiveFloat = 60
    auth: PositiveFloat = 60
    mail: PositiveFloat = 300
    rcpt: PositiveFloat = 300
    data: PositiveFloat = 120
    body: PositiveFloat = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The mail server that takes our mail on."""

    host: str
    port: int
    tls: Tls
    context: ssl.SSLContext | None
    """One for all connections: making one costs 20 ms."""
    username: str | None
    password: str
    local_hostname: str | None
    timeouts: Timeouts
    pipelining: bool
    """Whether to say several things at once where the relay offers to listen."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def without_secrets(self, text: str) -> str:
        """``text`` less the password, in clear or as a login would carry it."""
        if not self.password:
            return text
        password, login = self.password.encode(), f"\0{self.username}\0{self.password}".encode()
        for secret in (self.password, b64encode(login).decode(), b64encode(password).decode()):
            text = text.replace(secret, "[...]")
        return text


class RelayUnavailable(Exception):
    """There is no dialogue with the relay; the message says what happened where, and what would mend it."""


async def open_dialogue(relay: Relay) -> Dialogue:
    """A dialogue ready for MAIL. Raises ``RelayUnavailable``."""
    client = SMTP(
        hostname=relay.host,
        port=relay.port,
        local_hostname=relay.local_hostname or await asyncio.to_thread(_own_name),
        use_tls=relay.tls is Tls.IMPLICIT,
        start_tls=False,
        tls_context=relay.context,
        timeout=None,  # Ours instead: aiosmtplib's would be wait_for, which loses cancellations before Python 3.12.
    )
    try:
        await _negotiate(client, relay)
    except BaseException:
        client.close()
        raise
    pipelining = relay.pipelining and client.supports_extension("pipelining")
    return Dialogue(cast("asyncio.Transport", client.transport), pipelining=pipelining)


async def _negotiate(client: SMTP, relay: Relay) -> None:
    async with _step(relay, "connecting", "check host, port and firewall", within=relay.timeouts.connect):
        await client.connect()
    await _introduce(client, relay)
    if relay.tls in (Tls.REQUIRED, Tls.OPPORTUNISTIC):
        await _secure(client, relay)
    if relay.username is not None:
        await _log_in(client, relay, relay.username)


async def _introduce(client: SMTP, relay: Relay) -> None:
    fix = "check that this is a mail server, and local_hostname"
    async with _step(relay, "EHLO", fix, within=relay.timeouts.ehlo):
        await client.ehlo()


async def _secure(client: SMTP, relay: Relay) -> None:
    if not client.supports_extension("starttls"):
        if relay.tls is Tls.OPPORTUNISTIC:
            return
        raise RelayUnavailable(
            f"{relay} offers no STARTTLS; set tls: implicit if it expects TLS at once (usually on port 465), "
            "or tls: none if mail may travel in clear text"
        )
    fix = "check host, or name the relay's own certificate authority as ca_file"
    async with _step(relay, "STARTTLS", fix, within=relay.timeouts.starttls):
        await client.starttls()
    await _introduce(client, relay)


async def _log_in(client: SMTP, relay: Relay, username: str) -> None:
    fix = "check username and password"
    async with _step(relay, f"login of {username!r}", fix, within=relay.timeouts.auth):
        if not (client.get_transport_info("sslcontext") or _is_loopback(client)):
            raise RelayUnavailable(f"{relay} would get the password in clear text; set tls: required or implicit")
        await _authenticate(client, relay, username)


async def _authenticate(client: SMTP, relay: Relay, username: str) -> None:
    """One attempt, lest a wrong password lock the account; another only if the relay denies knowing the method."""
    methods = {"plain": client.auth_plain, "login": client.auth_login, "cram-md5": client.auth_crammd5}
    offered = [method for name, method in methods.items() if name in client.server_auth_methods]
    if not offered:
        raise RelayUnavailable(f"{relay} offers no login with a password; remove username, or check port")
    for method in offered:
        try:
            await method(username, relay.password)
        except SMTPAuthenticationError as refusal:
            if refusal.code != _UNKNOWN_MECHANISM or method is offered[-1]:
                raise
        else:
            return


@asynccontextmanager
async def _step(relay: Relay, doing: str, fix: str, *, within: float) -> AsyncIterator[None]:
    """Whatever goes wrong inside, or takes longer, becomes a ``RelayUnavailable`` that a person can act on."""
    try:
        async with asyncio.timeout(within):
            yield
    except SMTPResponseException as error:
        said = "is no SMTP reply" if error.code == _NO_REPLY else f"is {error.code} {error.message}"
        raise RelayUnavailable(f"{relay}: the answer to {doing} {said}; {fix}") from None
    except TimeoutError:
        raise RelayUnavailable(f"{relay}: {doing} took more than {within:g} s; {fix}") from None
    except (SMTPException, OSError, ValueError) as error:
        raise RelayUnavailable(f"{relay}: {doing} failed: {_reason(error)}; {fix}") from None


def _reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return f"no TLS ({cause.reason})"
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno)
    return str(cause)


def _is_loopback(client: SMTP) -> bool:
    peer = client.get_transport_info("peername")
    return ip_address(peer[0].partition("%")[0]).is_loopback


def _own_name() -> str:
    """What to call ourselves in EHLO: a full name, or an address literal (RFC 5321 4.1.3)."""
    name = socket.getfqdn()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
