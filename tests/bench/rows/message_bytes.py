"""The bytes of a mail: our frame against the standard library's ``EmailMessage``."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from itertools import cycle

from engine.deliver import EmailChannel, EmailSettings
from engine.model import Notification, Words

from ..measure import Goal, Plan, Row, in_turns, per_second

SENDER = "Fern Club <club@example.org>"
TEXT = "Twoje punkty można wykorzystać do końca stycznia. " * 16
HTML = (
    "<!doctype html><html><body><h1>{number}</h1>"
    + "<p>Twoje punkty można wykorzystać do końca stycznia.</p>" * 150
    + "</body></html>"
)


def run(plan: Plan) -> list[Row]:
    """8.5 KB of HTML and its text, in one process on both sides."""
    frame, messages = channel(), cycle([message(number) for number in range(500)])
    again = cycle([message(number) for number in range(500)])
    ours, theirs = in_turns(
        lambda: frame.prepare(next(messages)), lambda: with_email_message(next(again)), times=plan.count(200)
    )
    return [
        Row(what="message bytes", unit="mails/s", peer="email.message.EmailMessage", ours_rounds=per_second(ours),
            peer_rounds=per_second(theirs), goal=Goal(at_least=25), aim=Goal(at_least=40))
    ]  # fmt: skip


def channel() -> EmailChannel:
    """Without a relay."""
    settings = EmailSettings.model_validate({"from": SENDER, "host": "127.0.0.1", "tls": "none"})
    return EmailChannel("email", settings, b"secret")


def message(number: int) -> Notification:
    """A worded message; no two are alike."""
    member = f"zofia{number}"
    return Notification(
        key=f"points-expire-soon|card:2026-01-31|{member}|7 days/points-expire-soon/email",
        rule="points-expire-soon",
        subject_id="card",
        about=None,
        slot="points-expire-soon/email",
        member_id=member,
        channel="email",
        address=f"{member}@example.org",
        template="points-expire-soon",
        locale="pl",
        created_at=datetime(2026, 1, 24, 8, tzinfo=UTC),
        words=Words(
            subject=f"Wykorzystaj {number} punktów do 14 lutego",
            text=f"Cześć {member},\n\n{TEXT}",
            html=HTML.format(number=number),
        ),
    )


def with_email_message(notification: Notification) -> bytes:
    """The same mail, the standard library's way."""
    words = notification.words
    assert words is not None
    assert words.html is not None
    mail = EmailMessage(policy=SMTP)
    mail["From"] = SENDER
    mail["To"] = notification.address
    mail["Subject"] = words.subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain="example.org")
    mail.set_content(words.text)
    mail.add_alternative(words.html, subtype="html")
    return mail.as_bytes()
