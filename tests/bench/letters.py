"""The bytes of a mail: our frame against the standard library's ``EmailMessage``."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from engine.deliver import EmailChannel, EmailSettings
from engine.model import Notification, Words

from .measure import Row, in_turns

TEXT = "Cześć Zofia,\n\n" + "Twoje punkty można wykorzystać do końca stycznia. " * 16
HTML = (
    "<!doctype html><html><body>" + "<p>Twoje punkty można wykorzystać do końca stycznia.</p>" * 150 + "</body></html>"
)
SUBJECT = "Wykorzystaj 700 punktów do 14 lutego"


def run() -> Row:
    settings = EmailSettings.model_validate(
        {"from": "Fern Club <club@example.org>", "host": "127.0.0.1", "tls": "none"}
    )
    channel = EmailChannel("email", settings, b"secret")
    notification = Notification(
        key="points-expire-soon|card:2026-01-31|zofia|7 days/points-expire-soon/email",
        rule="points-expire-soon",
        subject_id="card",
        about=None,
        slot="points-expire-soon/email",
        member_id="zofia",
        channel="email",
        address="zofia@example.org",
        template="points-expire-soon",
        locale="pl",
        created_at=datetime(2026, 1, 24, 8, tzinfo=UTC),
        words=Words(subject=SUBJECT, text=TEXT, html=HTML),
    )
    ours, peer = in_turns(lambda: channel.prepare(notification), _with_email_message, times=200)
    return Row(what="message bytes", peer="email.message.EmailMessage", ours_us=ours, peer_us=peer, goal=40)


def _with_email_message() -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Fern Club <club@example.org>"
    mail["To"] = "zofia@example.org"
    mail["Subject"] = SUBJECT
    mail["Message-ID"] = "<1@example.org>"
    mail.set_content(TEXT)
    mail.add_alternative(HTML, subtype="html")
    return mail.as_bytes()
