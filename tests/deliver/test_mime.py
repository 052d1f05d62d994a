import re
from base64 import b64decode
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.deliver.address import Mailbox
from engine.deliver.mime import MailFrame, header_text
from engine.errors import AddressError
from engine.model import Words
from tests.deliver.samples import notification

FIELDS = [
    "Date",
    "From",
    "Auto-Submitted",
    "MIME-Version",
    "To",
    "Subject",
    "Message-ID",
    "List-ID",
    "Feedback-ID",
    "X-Pointbell-Id",
    "Content-Type",
]
PLAIN_FIELDS = [*FIELDS, "Content-Transfer-Encoding"]
ENCODED_WORD = rb"=\?utf-8\?b\?([^?]*)\?="
INJECTIONS = [
    "=?utf-8?q?Hi=0D=0ABcc:_x@evil.test?=",
    "=?utf-8?b?SGkNCkJjYzogeEBldmlsLnRlc3Q=?=",
    "=?utf-8?q?a?= =?utf-8?q?b?=",
    "Hi\r\nBcc: x@evil.test",
    "Hi\nBcc: x@evil.test\n\nbody",
    "Hi\x85Bcc: x@evil.test",
    "Hi\u2028Bcc: x@evil.test\u2029",
    'Anna" <x@evil.test>, "',
    "Anna\\",
    "Zażółć =?utf-8?q?=0ABcc:_x@evil.test?=",
    "\x00\x1b[31m\x7f",
    "2+2=? tell me",
    "\ud800 lonely",
]
any_text = st.text() | st.sampled_from(INJECTIONS) | st.text(alphabet="=?utf-8qb \r\n\x85\u2028łŁ😀ab", max_size=200)


def frame(**changes) -> MailFrame:
    return MailFrame(**({"sender": Mailbox(name="Pointbell", address="news@example.com")} | changes))


def parsed(mail: bytes) -> EmailMessage:
    return message_from_bytes(mail, policy=policy.default)


def mail_with(*, subject="Hi", text="Hello", html=None, **changes) -> bytes:
    return frame().write(notification(words=Words(subject=subject, text=text, html=html), **changes))


def canonical(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    return lines.encode("utf-8", "replace").decode()


def display_name(mail: bytes, field: str) -> str:
    """As the older parser reads it: the newer one (CPython 3.11) leaves a space between two encoded words of a name."""
    name, _ = parseaddr(message_from_bytes(mail)[field])
    return str(make_header(decode_header(name))) if "=?" in name else name


def assert_is_fit_to_travel(mail: bytes):
    assert mail.isascii()
    assert mail.endswith(b"\r\n")
    assert mail.count(b"\r\n") == mail.count(b"\r") == mail.count(b"\n")
    lines = mail.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(line.startswith(b".") for line in lines)
    assert b"\0" not in mail


def test_a_mail_has_the_header_fields_of_a_good_sender():
    mail = parsed(frame(reply_to=Mailbox(address="help@example.com")).write(notification(category="expiry")))
    name = mail["X-Pointbell-Id"]
    assert re.fullmatch("[0-9a-f]{32}", name)
    assert dict(mail.items()) == {
        "Date": "Sun, 01 Mar 2026 08:00:00 +0000",
        "From": "Pointbell <news@example.com>",
        "Reply-To": "help@example.com",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "To": "anna@example.com",
        "Subject": "120 punktów wygasło",
        "Message-ID": f"<{name}@example.com>",
        "List-ID": "<expiry.example.com>",
        "Feedback-ID": "points-expired:points-expired:expiry:pointbell",
        "X-Pointbell-Id": name,
        "Content-Type": f'multipart/alternative; boundary="=_{name}"',
    }


def test_a_rule_without_category_is_a_list_of_its_own():
    mail = parsed(mail_with(rule="tier reached: złoto!"))
    assert mail["List-ID"] == "<tier-reached-z-oto.example.com>"
    assert mail["Feedback-ID"] == "tier-reached-z-oto:points-expired:none:pointbell"


def test_the_date_is_when_the_notification_was_made_in_utc():
    made = datetime(2026, 7, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert parsed(mail_with(created_at=made))["Date"] == "Tue, 30 Jun 2026 23:30:00 +0000"


def test_the_html_part_comes_last_so_that_it_is_preferred():
    mail = parsed(mail_with(text="words", html="<p>words</p>"))
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_without_html_the_mail_is_plain_text():
    mail = parsed(mail_with(text="words"))
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content() == "words"


def test_the_same_notification_gives_the_same_bytes():
    assert frame().write(notification()) == frame().write(notification())


def test_another_key_gives_another_message_id_and_so_does_another_secret():
    ids = {
        parsed(mail)["Message-ID"]
        for mail in (
            frame().write(notification()),
            frame().write(notification(key="another")),
            frame(secret=b"ours").write(notification()),
        )
    }
    assert len(ids) == 3


def test_the_key_itself_is_not_shown():
    assert b"member_1" not in frame().write(notification())


def test_what_is_not_worded_is_not_written():
    with pytest.raises(ValueError, match="not worded"):
        frame().write(notification(words=None))


@given(subject=any_text)
@example("=?utf-8?q?Hi=0D=0ABcc:_x@evil.test?=")
@example("x" * 2000)
@example("słowo " * 200)
@example("word " * 200)
@example("")
def test_a_subject_arrives_as_written_and_adds_no_field(subject):
    mail = mail_with(subject=subject)
    assert_is_fit_to_travel(mail)
    assert parsed(mail).keys() == PLAIN_FIELDS
    assert parsed(mail)["Subject"] == header_text(subject)


@given(subject=any_text)
def test_the_older_parser_agrees_on_the_fields(subject):
    assert message_from_bytes(mail_with(subject=subject)).keys() == PLAIN_FIELDS


@given(subject=any_text)
def test_a_mail_parsed_and_written_again_by_the_standard_library_gains_no_field(subject):
    again = message_from_bytes(parsed(mail_with(subject=subject)).as_bytes(policy=policy.SMTP))
    assert again.keys() == PLAIN_FIELDS


@given(subject=any_text)
@example("2+2=? tell me")
@example("ł" * 100 + "😀" * 100)
@example("a" + "ł" * 100)
@example("aa" + "😀" * 100)
def test_encoded_words_are_short_and_whole_and_all_ours(subject):
    head = mail_with(subject=subject).partition(b"\r\nMessage-ID")[0]
    lines = head[head.index(b"Subject:") :].split(b"\r\n")
    assert max(map(len, lines)) <= 76
    words = re.findall(ENCODED_WORD, head)
    assert all(len(word) <= 75 - len("=?utf-8?b??=") for word in words)
    assert all(b64decode(word).decode("utf-8") for word in words)
    assert b"=?" not in re.sub(ENCODED_WORD, b"", head)


@given(value=any_text)
def test_header_text_is_one_line_without_encoded_words(value):
    text = header_text(value)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", text)
    assert not re.search(r"=\?.*\?=", text)
    assert header_text(text) == text


def test_ordinary_text_is_left_alone():
    for text in (
        "You have 120 points",
        "Zażółć gęślą jaźń",
        "2+2=? tell me",
        "50\u00a0% off",
        "a-b_c (d) <e> \"f\" 'g'",
    ):
        assert header_text(text) == text


@given(name=any_text)
@example('Anna" <x@evil.test>, "')
@example("Anna\\")
@example("a" * 300)
@example("ł" * 300)
def test_a_display_name_arrives_as_written_and_never_changes_the_address(name):
    writer = frame(
        sender=Mailbox(name=name, address="news@example.com"), reply_to=Mailbox(name=name, address="a@b.example")
    )
    mail = writer.write(notification())
    assert_is_fit_to_travel(mail)
    read = parsed(mail)
    for field, address in (("From", "news@example.com"), ("Reply-To", "a@b.example")):
        (mailbox,) = read[field].addresses
        assert mailbox.addr_spec == address
        assert display_name(mail, field) == header_text(name)
    assert read.keys() == ["Date", "From", "Reply-To", *FIELDS[2:]]


@given(text=st.text(), html=st.text())
@example(text=".\r\n.\r\nQUIT\r\n", html="<p>\n.\n</p>")
@example(text="--=_x--\r\n", html="a\rb\nc\r\nd")
@example(text="\ud800", html="\u2028\x85\x0b")
@example(text="", html="")
@example(text="a" * 5000, html="ł" * 5000)
def test_bodies_arrive_as_written_with_crlf_line_ends(text, html):
    mail = mail_with(text=text, html=html)
    assert_is_fit_to_travel(mail)
    plain, rich = parsed(mail).iter_parts()
    assert plain.get_content() == canonical(text)
    assert rich.get_content() == canonical(html)
    assert not parsed(mail).defects


@given(
    key=st.text(),
    rule=any_text,
    category=st.none() | any_text,
    template=any_text,
    locale=any_text,
    member_id=any_text,
)
@example(key="k", rule="r" * 2000, category="c" * 2000, template="t" * 2000, locale="", member_id="")
def test_no_other_word_of_the_notification_can_add_a_field(**fields):
    mail = frame().write(notification(**fields))
    assert_is_fit_to_travel(mail)
    assert parsed(mail).keys() == FIELDS
    assert re.fullmatch(r"<[A-Za-z0-9_-]{1,60}\.example\.com>", parsed(mail)["List-ID"])
    assert parsed(mail)["Feedback-ID"].count(":") == 3


@pytest.mark.parametrize(
    "address",
    [
        "anna@example.com\r\nBcc: x@evil.test",
        "anna@example.com\nRCPT TO:<x@evil.test>",
        "anna@example.com, x@evil.test",
        "<anna@example.com>",
        "=?utf-8?q?x=40evil.test?=@example.com",
        "łukasz@example.com",
        "",
        "anna",
    ],
)
def test_a_bad_address_is_never_written(address):
    with pytest.raises(AddressError):
        mail_with(address=address)


def test_an_international_domain_is_written_in_ascii():
    assert parsed(mail_with(address="anna@żółw.example"))["To"] == "anna@xn--w-uga1v8h.example"
