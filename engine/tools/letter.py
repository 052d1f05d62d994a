"""A message's bytes, read back as people see them."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

_IS_MAIL = b"\r\nMIME-Version: 1.0\r\n"
_HEAD = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The parts of a stored message."""

    payload: bytes
    suffix: str
    """What a file of it is called: ``.eml`` for an e-mail, ``.json`` for a webhook, ``.txt`` for anything else."""
    text: str
    html: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def read_letter(payload: bytes) -> Letter:
    """Read the bytes that a channel wrote."""
    if _IS_MAIL not in payload[:_HEAD]:
        suffix = ".json" if payload.lstrip().startswith(b"{") else ".txt"
        return Letter(payload=payload, suffix=suffix, text=payload.decode("utf-8", "replace"))
    mail = message_from_bytes(payload, policy=policy.default)
    html = _part(mail, "html")
    text = _part(mail, "plain")
    headers = tuple((name, str(value)) for name, value in mail.items() if not name.lower().startswith("content-"))
    return Letter(payload=payload, suffix=".eml", text=text or "", html=html, headers=headers)


def _part(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")
