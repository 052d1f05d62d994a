"""What the tests of channels send, and to whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from engine.deliver import EmailChannel, EmailSettings, Outgoing
from engine.model import Notification, Words
from tests.smtp_sink import CERTIFICATE, SmtpSink

CREATED_AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def notification(**changes: Any) -> Notification:
    """A worded notification, except for what is changed."""
    given: dict[str, Any] = {
        "key": "points-expired|txn_1|member_1|points-expired/email",
        "rule": "points-expired",
        "subject_id": "card_1",
        "about": None,
        "slot": "points-expired/email",
        "member_id": "member_1",
        "channel": "email",
        "address": "anna@example.com",
        "template": "points-expired",
        "locale": "pl-PL",
        "created_at": CREATED_AT,
        "words": Words(
            subject="120 punktów wygasło", text="Cześć Łukasz,\n120 punktów wygasło.\n", html="<p>Cześć</p>"
        ),
    }
    return Notification(**(given | changes))


def outgoing(channel: Any, **changes: Any) -> Outgoing:
    """The first attempt at a notification."""
    note = notification(**changes)
    return Outgoing(key=note.key, address=note.address, payload=channel.prepare(note))


def email_channel(sink: SmtpSink, secret: bytes = b"", **changes: Any) -> EmailChannel:
    """A channel that trusts the sink and uses it as its relay."""
    given: dict[str, Any] = {
        "host": "localhost",
        "port": sink.port,
        "tls": "none",
        "from": "Pointbell <news@example.com>",
        "local_hostname": "client.test",
    }
    settings = given | changes
    if settings["tls"] != "none":
        settings.setdefault("ca_file", CERTIFICATE)
    return EmailChannel("email", EmailSettings.model_validate(settings), secret)


class Permit:
    """A permit that counts how often it was asked, and can look at the world when it is."""

    def __init__(self, *, grant: bool = True, look: Callable[[], None] = lambda: None) -> None:
        self.asked = 0
        self._grant = grant
        self._look = look

    async def __call__(self) -> bool:
        self.asked += 1
        self._look()
        return self._grant


async def until(condition: Callable[[], object]) -> None:
    """Let the others work until the condition holds; fail after ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a server that knows no events
            await asyncio.sleep(0.001)
