"""What a server's no means for the message.

The question is always who is at fault: this address, this message, or we and our relay. Only the first two are
given up; the third waits until somebody has mended it, so that a wrong password costs no message.
"""

from __future__ import annotations

from enum import StrEnum

from .channel import Deferred, Refused
from .smtp_wire import CLOSING, Reply

_PERMANENT = 500
_ADDRESS, _SYSTEM, _POLICY = 1, 3, 7  # subjects of enhanced status codes (RFC 3463 3)
_ABOUT_SENDER = ((_ADDRESS, 7), (_ADDRESS, 8))  # "bad sender's mailbox address", "bad sender's system address"
_TOO_BIG = (_SYSTEM, 4)
_MISUNDERSTANDING = range(500, 506)  # syntax, unknown command, bad sequence, unknown parameter
_LOGIN = range(530, 540)  # RFC 4954: authentication required, failed, too weak


class Stage(StrEnum):
    """The steps of a transaction, as they are named to people."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "body"


def judge(stage: Stage, reply: Reply) -> Deferred | Refused:
    """What a refusing ``reply`` at ``stage`` comes to.

    4yz waits. 5yz is final unless it is about us: at MAIL, where nothing has been said of the recipient yet; by its
    enhanced code (system, policy, a bad sender), or by a basic code that speaks of login or of the protocol. Only
    5.1.x condemns the address: servers use a bare 550 for too many things. 4.3.x and 421 are the relay's state,
    whichever mail meets it.
    """
    text = f"{stage}: {reply}"
    if reply.code == CLOSING or stage is Stage.MAIL:
        return Deferred(text, about_relay=True, relay_down=True)
    if reply.code < _PERMANENT:
        out_of_order = _subject(reply) == _SYSTEM
        return Deferred(text, about_relay=out_of_order, relay_down=out_of_order)
    if _is_ours(reply):
        return Deferred(text, about_relay=True)
    return Refused(text, address_is_bad=_subject(reply) == _ADDRESS)


def _subject(reply: Reply) -> int | None:
    return None if reply.detail is None else reply.detail[0]


def _is_ours(reply: Reply) -> bool:
    if _subject(reply) == _ADDRESS:
        return reply.detail in _ABOUT_SENDER
    if reply.detail == _TOO_BIG:  # The bytes are fixed: no relay that says so will ever take them.
        return False
    return _subject(reply) in (_SYSTEM, _POLICY) or reply.code in _LOGIN or reply.code in _MISUNDERSTANDING
