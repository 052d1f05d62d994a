"""Who is really written to: the delivery mode, and the addresses that ``allowlist`` lets through.

A message is asked about twice: when it is worded, which fixes its way, and when its turn comes. So switching the mode
never releases an old message, in any direction:

- worded under ``capture``, it stays captured, whatever the mode is later;
- worded to be sent, it is captured instead if the mode does not let it go any more when its turn comes. Switching to
  ``capture`` stops what is queued at once, and switching back does not bring it back; a pause is for that.

A reminder that was planned under ``capture`` and comes due under ``live`` is sent. It is no old message: it is decided
when it comes due, on the facts of that day, about a date that lies ahead. Who went live would otherwise have to import
everything anew, or leave members without the reminders of the next months.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from .model import Notification

Mode: TypeAlias = Literal["capture", "allowlist", "live"]
CAPTURE = "capture"
"""The route of messages that are kept instead of sent."""

_BETWEEN_DIGITS = re.compile(r"[\s()./-]")
_NUMBER = re.compile(r"(\+|00)?[0-9?*]*[0-9][0-9?*]*")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Who is really written to. The default writes to nobody."""

    mode: Mode = "capture"
    allow: tuple[str, ...] = ()
    """Patterns of addresses, such as ``*@example.org`` or ``+48600*``, that ``allowlist`` lets through."""

    def route(self, notification: Notification) -> str:
        """The way a message takes, fixed when it is worded."""
        return notification.channel if self.lets(notification.address) else CAPTURE

    def lets(self, address: str) -> bool:
        """Whether this address is really written to."""
        if self.mode == "live":
            return True
        return self.mode == "allowlist" and any(_matches(address, pattern) for pattern in self.allow)


def fault_of(pattern: str) -> tuple[str, str] | None:
    """What is wrong with a pattern of ``allow``, and what to write instead; ``None`` where it can be used."""
    if "[" in pattern or "]" in pattern:
        return "has brackets", "only * (anything) and ? (one character) stand for others"
    if "@" not in pattern:
        return None if _NUMBER.fullmatch(_plain(pattern)) else _without_at(pattern)
    local, _, domain = pattern.rpartition("@")
    if not local or not domain:
        return "is half an address", f'write "{local or "*"}@{domain or "example.com"}"'
    if not set(domain) - {"*", "?", "."}:
        return "lets every domain through", "name the domain, or set `mode: live` if everybody is to be written to"
    return None


def _without_at(pattern: str) -> tuple[str, str]:
    domain = pattern.lstrip("*.")
    if _DOMAIN.fullmatch(domain):
        return "has no @", f'write "*@{domain}" for everybody there'
    return "is neither an address nor a phone number", 'write it like "*@example.com", "anna@example.com" or "+48600*"'


def _matches(address: str, pattern: str) -> bool:
    return ("@" in address) == ("@" in pattern) and fnmatchcase(_plain(address), _plain(pattern))


def _plain(text: str) -> str:
    """The same address always in the same letters; of a phone number only what is dialled."""
    if "@" in text:
        return text.strip().lower()
    number = _BETWEEN_DIGITS.sub("", text)
    return f"+{number[2:]}" if number.startswith("00") else number
