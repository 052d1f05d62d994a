"""Mail addresses: which can be used, and how they are written on the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from ..addresses import ordinary
from ..errors import AddressError

_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_ENCODED_WORD = "=?"  # RFC 2047


def wire_address(address: str) -> str:
    """The address in ASCII, an international domain as IDNA; DNS is not asked.

    Ordinary addresses are recognised by a pattern (30 times cheaper), all others judged by email-validator.
    Raises ``AddressError`` if it is no address, would need SMTPUTF8, or reads like an encoded word (which a mail
    program would decode into something else).
    """
    address = address.strip(" ")
    if _ENCODED_WORD in address:
        raise AddressError(f"{address!r} cannot be used as a mail address: it contains '=?'")
    parts = ordinary(address)
    return f"{parts[0]}@{parts[1].lower()}" if parts is not None else _validated(address)


def _validated(address: str) -> str:
    try:
        checked = validate_email(address, check_deliverability=False, test_environment=True, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise AddressError(f"{address!r} cannot be used as a mail address: {error}") from None
    return str(checked.ascii_email)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """Who a mail is from, or whom an answer goes to."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """The part after the @-sign."""
        return self.address.rpartition("@")[2]

    @classmethod
    def parse(cls, text: str) -> Mailbox:
        """Read ``Name <address>`` or a bare address. Raises ``AddressError``."""
        named = _MAILBOX.fullmatch(text.strip())
        if named is None:
            return cls(address=wire_address(text))
        return cls(address=wire_address(named["address"]), name=named["name"].strip().strip('"'))
