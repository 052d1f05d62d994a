"""A real mail server for tests: it takes mails, writes everything down, and misbehaves on request.

In a test::

    async with SmtpSink() as sink:
        sink.on("rcpt", Fault(reply="451 4.7.1 come back later", times=1))

As a process of its own, whose log is the judge of what was delivered (one JSON line per accepted mail, on disk before
the 250 goes out)::

    python -m tests.smtp_sink --port 0 --log accepted.jsonl
"""

# ruff: noqa: N802 - aiosmtpd finds commands and hooks by these names

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import ssl
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from random import Random
from typing import Any, Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

CERTIFICATE = Path(__file__).with_name("smtp_sink.pem")
"""For localhost and 127.0.0.1, signed by itself, good until 2120; it protects nothing."""

Stage = Literal["connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "rset", "quit"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What the server does at a stage instead of what it should. ``dot`` is the reply to the whole mail."""

    reply: str | bytes | None = None
    """Say this. A 421 also hangs up, as does any reply in place of the greeting."""
    drop: bool = False
    """Hang up."""
    silent: bool = False
    """Never answer."""
    delay: float = 0
    """Seconds to wait first; on its own, the right answer follows."""
    taken: bool = False
    """At ``dot``: the mail is accepted and logged all the same."""
    times: int | None = None
    """How often, then never again; always if not given."""
    chance: float = 1


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A mail the server has taken."""

    at: str
    message_id: str
    pointbell_id: str
    sender: str
    recipient: str
    tls: bool
    user: str | None
    content: bytes = field(repr=False)


class SmtpSink:
    """The server, on loopback. ``port`` is known once it is entered."""

    def __init__(
        self,
        *,
        port: int = 0,
        tls: Literal["none", "starttls", "implicit"] = "none",
        users: Mapping[str, str] | None = None,
        greylist: bool = False,
        pipelining: bool = False,
        log: Path | None = None,
        seed: int = 0,
    ) -> None:
        self.host, self.port = "127.0.0.1", port
        self.users = dict(users or {})
        self.greylist = greylist
        self.pipelining = pipelining
        self.connections = 0
        self.commands: list[tuple[int, str]] = []
        """Which connection (from 1) said what; of AUTH only that it came."""
        self.accepted: list[Accepted] = []
        self.bodies = 0
        """How many mails came in whole, accepted or not."""
        self._tls = tls
        self._faults: dict[Stage, list[Fault]] = {}
        self._struck: dict[int, int] = {}
        self._rng = Random(seed)
        self._seen: set[str] = set()
        self._log = log.open("ab") if log else None
        self._sessions: set[_Session] = set()

    @property
    def open_connections(self) -> int:
        return len(self._sessions)

    def on(self, stage: Stage, fault: Fault) -> None:
        """Misbehave at ``stage``; faults of one stage take turns in the order given."""
        self._faults.setdefault(stage, []).append(fault)

    def behave(self) -> None:
        """No more faults."""
        self._faults.clear()

    def verbs(self, connection: int | None = None) -> list[str]:
        """The commands' first words, of all connections or of one."""
        return [line.split(" ")[0].upper() for number, line in self.commands if connection in (None, number)]

    def hang_up(self) -> list[asyncio.Task[None]]:
        """Close all connections, as a server that restarts; what served them is still ending."""
        return [session.drop() for session in list(self._sessions)]

    async def __aenter__(self) -> Self:
        context = _server_context() if self._tls == "implicit" else None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, self.host, self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self.hang_up(), return_exceptions=True)
        if self._log:
            self._log.close()

    def _session(self) -> _Session:
        self.connections += 1
        return _Session(self, self.connections, _server_context() if self._tls == "starttls" else None)

    def next_fault(self, stage: Stage) -> Fault | None:
        for fault in self._faults.get(stage, []):
            struck = self._struck.get(id(fault), 0)
            if (fault.times is None or struck < fault.times) and self._rng.random() < fault.chance:
                self._struck[id(fault)] = struck + 1
                return fault
        return None

    def is_new(self, recipient: str) -> bool:
        known = recipient in self._seen
        self._seen.add(recipient)
        return not known

    async def handle_EHLO(
        self, _server: _Session, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """What aiosmtpd calls to have its offers looked over. It reads line by line, so it can well be told more."""
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]] if self.pipelining else responses

    async def handle_DATA(self, server: _Session, session: Session, envelope: Envelope) -> str | bytes:
        """What aiosmtpd calls when a mail is in, final dot and all."""
        self.bodies += 1
        fault = self.next_fault("dot")
        if fault is None or fault.taken or fault == Fault(delay=fault.delay):
            self._accept(session, envelope)
        return await server.strike(fault) or f"250 2.0.0 taken as {self.bodies}"

    def _accept(self, session: Session, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        head: Message[str, str] = BytesHeaderParser().parsebytes(content)
        mail = Accepted(
            at=datetime.now(UTC).isoformat(),
            message_id=head.get("Message-ID", ""),
            pointbell_id=head.get("X-Pointbell-Id", ""),
            sender=envelope.mail_from or "",
            recipient=" ".join(envelope.rcpt_tos),
            tls=self._tls == "implicit" or session.ssl is not None,
            user=getattr(session.auth_data, "login", b"").decode() or None,
            content=content,
        )
        self._write(mail)
        self.accepted.append(mail)

    def _write(self, mail: Accepted) -> None:
        if self._log is None:
            return
        line = asdict(mail)
        del line["content"]
        self._log.write(json.dumps(line).encode() + b"\n")
        self._log.flush()
        os.fsync(self._log.fileno())

    def vouch(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, login: LoginPassword) -> AuthResult:
        known = self.users.get(login.login.decode()) == login.password.decode()
        return AuthResult(success=known, handled=False, auth_data=login if known else None)

    def enter(self, session: _Session) -> None:
        self._sessions.add(session)

    def leave(self, session: _Session) -> None:
        self._sessions.discard(session)


class _Session(SMTP):
    """One connection."""

    def __init__(self, sink: SmtpSink, number: int, context: ssl.SSLContext | None) -> None:
        self._sink, self._number = sink, number
        super().__init__(
            sink,
            hostname="sink.test",
            ident="test sink",
            tls_context=context,
            auth_require_tls=context is not None,
            auth_exclude_mechanism=() if sink.users else ("LOGIN", "PLAIN"),
            authenticator=sink.vouch,
            loop=asyncio.get_running_loop(),
        )

    def drop(self) -> asyncio.Task[None]:
        transport = self._original_transport or self.transport
        if isinstance(transport, asyncio.Transport):
            transport.abort()
        task = self._handler_coroutine
        assert task is not None
        task.cancel()  # A connection lost in the middle of a TLS handshake is not told to aiosmtpd.
        self._sink.leave(self)
        return task

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._sink.enter(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._sink.leave(self)
        super().connection_lost(error)

    async def strike(self, fault: Fault | None) -> str | bytes | None:
        """Do what the fault says; the reply it has, if any."""
        if fault is None:
            return None
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.silent:
            await asyncio.Event().wait()  # Until the connection ends.
        if fault.drop:
            self.drop()
            raise asyncio.CancelledError
        return fault.reply

    async def _answered(self, fault: Fault | None) -> bool:
        reply = await self.strike(fault)
        if reply is None:
            return False
        await self.push(reply.encode("ascii") if isinstance(reply, str) else reply)
        if reply[:3] in ("421", b"421"):
            self._writer.close()
        return True

    async def _handle_client(self) -> None:
        if await self._answered(self._sink.next_fault("connect")):
            self._writer.close()
        else:
            await super()._handle_client()

    async def _instead(self, stage: Stage, line: str) -> bool:
        self._sink.commands.append((self._number, line))
        return await self._answered(self._sink.next_fault(stage))

    async def smtp_EHLO(self, hostname: str) -> None:
        if not await self._instead("ehlo", f"EHLO {hostname}"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:
        if not await self._instead("starttls", "STARTTLS"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:
        if not await self._instead("auth", "AUTH"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not await self._instead("mail", f"MAIL {arg}"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        if await self._instead("rcpt", f"RCPT {arg}"):
            return
        if self._sink.greylist and self._sink.is_new(str(arg)):
            await self.push("451 4.7.1 greylisted, come back in five minutes")
        else:
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        if await self._instead("data", "DATA"):
            return
        fault = self._sink.next_fault("body")
        if fault is None:
            await super().smtp_DATA(arg)
        else:
            await self.push("354 go ahead")
            await self._reader.readline()
            await self._answered(fault)

    async def smtp_RSET(self, arg: str) -> None:
        if not await self._instead("rset", "RSET"):
            await super().smtp_RSET(arg)

    async def smtp_QUIT(self, arg: str) -> None:
        if not await self._instead("quit", "QUIT"):
            await super().smtp_QUIT(arg)


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="smtp_sink", description="A mail server that logs every mail it accepts.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one; it is printed")
    parser.add_argument("--log", type=Path, help="one JSON line per accepted mail, on disk before the mail is accepted")
    parser.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none")
    parser.add_argument("--user", action="append", default=[], metavar="NAME:PASSWORD", help="who may log in")
    parser.add_argument("--no-pipelining", action="store_true", help="take one command at a time (RFC 2920)")
    parser.add_argument("--greylist", action="store_true", help="refuse each recipient's first attempt")
    parser.add_argument("--defer", type=float, default=0, metavar="SHARE", help="share of RCPTs answered 451")
    parser.add_argument(
        "--lose", type=float, default=0, metavar="SHARE", help="share of mails taken, but never answered"
    )
    parser.add_argument("--delay", type=float, default=0, metavar="SECONDS", help="before the reply to each mail")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


async def _serve(options: argparse.Namespace) -> None:
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    users = dict(user.split(":", 1) for user in options.user)
    sink = SmtpSink(
        port=options.port,
        tls=options.tls,
        users=users,
        greylist=options.greylist,
        pipelining=not options.no_pipelining,
        log=options.log,
        seed=options.seed,
    )
    if options.defer:
        sink.on("rcpt", Fault(reply="451 4.3.0 try again", chance=options.defer))
    if options.lose:
        sink.on("dot", Fault(drop=True, taken=True, chance=options.lose))
    if options.delay:
        sink.on("dot", Fault(delay=options.delay))
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with sink:
        sys.stdout.write(json.dumps({"host": sink.host, "port": sink.port}) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_serve(_arguments(sys.argv[1:])))
