"""The mail as the standard library's ``EmailMessage``, handed over by ``smtplib``."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

SENDER = "Fern Club <club@example.org>"


def write(recipient: str, subject: str, text: str, html: str) -> EmailMessage:
    """A mail with both parts."""
    mail = EmailMessage()
    mail["From"] = SENDER
    mail["To"] = recipient
    mail["Subject"] = subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain="example.org")
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    return mail


class Post:
    """Hands mails to the relay: over a connection each, or over one that is kept."""

    def __init__(self, port: int, *, keep: bool) -> None:
        self._port = port
        self._keep = keep
        self._kept: smtplib.SMTP | None = None

    def send(self, mail: EmailMessage) -> None:
        """Deliver it."""
        if not self._keep:
            with smtplib.SMTP("127.0.0.1", self._port) as relay:
                relay.send_message(mail)
            return
        if self._kept is None:
            self._kept = smtplib.SMTP("127.0.0.1", self._port)
        self._kept.send_message(mail)
