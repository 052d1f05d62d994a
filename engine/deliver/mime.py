"""A mail's bytes, written from a prepared frame.

The standard library's message classes need 60 times as long. What is written here is checked against its parser
instead: what goes in comes out, and never a header field more. Everything is 7-bit, every line short, and no line
starts with a dot, so no relay has a reason to touch it (RFC 5322, 2045, 2047; header fields for senders of
notifications: RFC 2919, 3834, Gmail's Feedback-ID).
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from struct import Struct

from ..model import Notification
from .address import Mailbox, wire_address
from .identity import public_id, token

_LINE = 76  # RFC 2045 6.8 for bodies, RFC 2047 2 for lines with encoded words
_WORD = 45  # bytes that make an encoded word of 72 characters; more than 75 is not allowed
_WORD_FRAME = len("=?utf-8?b??=")
_CONTINUATION = range(0x80, 0xC0)  # UTF-8: bytes that continue a character
_LINE_BREAKERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029 ]+")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_PART = "Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
_PLAIN = _PART.format("plain").encode()
_HTML = _PART.format("html").encode()


class MailFrame:
    """Everything in a channel's mails that does not change from one to the next."""

    def __init__(
        self,
        *,
        sender: Mailbox,
        reply_to: Mailbox | None = None,
        feedback_sender: str = "pointbell",
        secret: bytes = b"",
    ) -> None:
        fields = [mailbox_field("From", sender)]
        if reply_to is not None:
            fields.append(mailbox_field("Reply-To", reply_to))
        fields += ["Auto-Submitted: auto-generated", "MIME-Version: 1.0"]
        self._fixed = "\r\n".join(fields)
        self._domain = sender.domain
        self._sender = (sender.domain, token(feedback_sender, "pointbell"))
        self._secret = secret

    def write(self, notification: Notification) -> bytes:
        """The mail, ready for DATA except for dot-stuffing; the same bytes for the same notification.

        Raises ``AddressError`` if the address cannot be used, ``ValueError`` if the notification is not worded.
        """
        words = notification.words
        if words is None:
            raise ValueError(f"notification {notification.key!r} is not worded")
        name = public_id(notification.key, self._secret)
        head = self._head(notification, name, words.subject)
        if words.html is None:
            return b"%b%b%b\r\n" % (head, _PLAIN, _base64(words.text))
        mark = b"=_" + name.encode()  # base64 has no underscore: the mark cannot occur in a part
        return (
            b'%bContent-Type: multipart/alternative;\r\n boundary="%b"\r\n\r\n'
            b"--%b\r\n%b%b\r\n--%b\r\n%b%b\r\n--%b--\r\n"
        ) % (head, mark, mark, _PLAIN, _base64(words.text), mark, _HTML, _base64(words.html), mark)

    def _head(self, notification: Notification, name: str, subject: str) -> bytes:
        return (
            f"Date: {_date(notification.created_at)}\r\n"
            f"{self._fixed}\r\n"
            f"To: {wire_address(notification.address)}\r\n"
            f"{unstructured_field('Subject', subject)}\r\n"
            f"Message-ID: <{name}@{self._domain}>\r\n"
            f"{_sort(notification.rule, notification.template, notification.category, self._sender)}"
            f"X-Pointbell-Id: {name}\r\n"
        ).encode("ascii")


@lru_cache(64)
def _date(moment: datetime) -> str:
    """Messages of one batch are made at one moment."""
    return format_datetime(moment.astimezone(UTC))


@lru_cache(1_024)
def _sort(rule: str, template: str, category: str | None, sender: tuple[str, str]) -> str:
    """The fields by which mailbox providers tell one sort of mail from another; ``sender`` by domain and by name."""
    domain, name = sender
    rule, named = token(rule, "rule"), token(category or "", "none")
    label = rule if category is None else named
    feedback = f"{rule}:{token(template, 'none')}:{named}:{name}"
    return f"List-ID: <{label}.{domain}>\r\nFeedback-ID: {feedback}\r\n"


def header_text(value: str) -> str:
    """What of ``value`` a header field may say: one line, and nothing that decodes into something else.

    Controls (C0, C1), CR, LF and the Unicode line separators become a space; an encoded word that came with the value
    is broken, because some parsers decode one into header fields of its own (CVE-2024-6923).
    """
    if not (value.isascii() and value.isprintable()):
        value = _LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
    value = _LINE_BREAKERS.sub(" ", value).strip(" ")
    if "=?" in value and "?=" in value:
        value = value.replace("=?", "= ?")
    return value


def unstructured_field(name: str, value: str) -> str:
    """A field of free text, folded: as it stands where ASCII will do, else in encoded words."""
    text = header_text(value)
    if text.isascii() and "=?" not in text:
        lines = _folded(f"{name}: ", text)
        if all(len(line) <= _LINE for line in lines):
            return "\r\n".join(lines)
    return f"{name}: {_encoded_words(text, len(name) + 2)}"


def mailbox_field(name: str, mailbox: Mailbox) -> str:
    """A field of one mailbox. Its address is taken as checked, its display name as anything."""
    text = header_text(mailbox.name)
    if not text:
        return f"{name}: {mailbox.address}"
    phrase = '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))
    if len(phrase) > _LINE - len(name) - 2 or "=?" in text or not text.isascii():
        phrase = _encoded_words(text, len(name) + 2)
    field = f"{name}: {phrase}"
    room = _LINE - len(field) + field.rfind("\n") + 1
    gap = " " if len(mailbox.address) + 3 <= room else "\r\n "
    return f"{field}{gap}<{mailbox.address}>"


def _folded(prefix: str, text: str) -> list[str]:
    first, *rest = text.split(" ")
    lines = [prefix + first]
    for word in rest:
        if len(lines[-1]) + 1 + len(word) <= _LINE:
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
    return lines


def _encoded_words(text: str, used: int) -> str:
    """RFC 2047, base64; no character is split between two words. ``used``: what its first line already holds."""
    raw, words, room = text.encode(), [], (_LINE - _WORD_FRAME - used) // 4 * 3
    while raw:
        cut = min(room, len(raw))
        while cut < len(raw) and raw[cut] in _CONTINUATION:
            cut -= 1
        words.append(f"=?utf-8?b?{b2a_base64(raw[:cut], newline=False).decode('ascii')}?=")
        raw, room = raw[cut:], _WORD
    return "\r\n ".join(words)


def _base64(text: str) -> bytes:
    """A body part: line ends as CR LF (RFC 2046 4.1.1), UTF-8, base64 in lines of 76."""
    raw = text.encode("utf-8", "replace")
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    encoded = b2a_base64(raw.replace(b"\n", b"\r\n"), newline=False)
    whole, rest = divmod(len(encoded), _LINE)
    lines = Struct(f"{_LINE}s" * whole + f"{rest}s").unpack(encoded)  # twice as fast as slices
    return b"\r\n".join(lines)
