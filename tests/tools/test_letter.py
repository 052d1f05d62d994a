"""Stored bytes, read back as people see them."""

from datetime import UTC, datetime

import pytest

from engine.model import Notification, Words
from engine.tools.letter import read_letter
from tests.programme import channels


def notification(channel="email", address="anna@example.org"):
    return Notification(
        key="k",
        rule="r",
        subject_id="c",
        about=None,
        slot="t/email",
        member_id="m",
        channel=channel,
        address=address,
        template="t",
        locale="pl",
        created_at=datetime(2026, 1, 10, tzinfo=UTC),
        words=Words(subject="Łukasz, masz 5 punktów", text="Cześć,\nŁukasz\n", html="<p>Cześć</p>"),
    )


def test_a_mail_is_read_back():
    letter = read_letter(channels()["email"].prepare(notification()))
    assert letter.suffix == ".eml"
    assert dict(letter.headers)["Subject"] == "Łukasz, masz 5 punktów"
    assert "Content-Type" not in dict(letter.headers), "how it is packed is of no interest"
    assert letter.text == "Cześć,\nŁukasz\n"
    assert letter.html == "<p>Cześć</p>"


def test_a_text_message_is_itself():
    letter = read_letter(channels()["sms"].prepare(notification("sms", "+48600000000")))
    assert (letter.suffix, letter.text, letter.html, letter.headers) == (".txt", "Cześć,\nŁukasz\n", None, ())


@pytest.mark.parametrize("payload", [b'{"type": "x"}', b' \n{"type": "x"}'])
def test_a_webhook_is_json(payload):
    assert read_letter(payload).suffix == ".json"
