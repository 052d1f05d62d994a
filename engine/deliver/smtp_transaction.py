"""One mail over one dialogue: MAIL, RCPT, the permit, DATA, the body, and what it came to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from .channel import Deferred, Delivery, Permit, Sent, Unknown, Withheld
from .smtp_connect import Timeouts
from .smtp_dialogue import CLOSING, BodyUnanswered, BrokenOff, Dialogue
from .smtp_replies import Stage, judge


class StaleDialogue(Exception):
    """The server had left a kept connection before it heard of this mail: use a fresh one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Whom the mail is from and for, in ASCII, and the mail."""

    sender: str
    recipient: str
    mail: bytes


async def transact(dialogue: Dialogue, envelope: Envelope, permit: Permit, timeouts: Timeouts) -> Delivery:
    """Carry one mail. Raises ``StaleDialogue``, and what the permit raises."""
    stage, reply = Stage.MAIL, None
    try:
        reply = await dialogue.command(f"MAIL FROM:<{envelope.sender}>".encode("ascii"), timeouts.mail)
        if reply.accepted:
            stage = Stage.RCPT
            reply = await dialogue.command(f"RCPT TO:<{envelope.recipient}>".encode("ascii"), timeouts.rcpt)
    except BrokenOff as broken:
        if stage is Stage.MAIL and dialogue.rested:
            raise StaleDialogue from None
        return Deferred(f"{stage}: {broken}", about_relay=True, relay_down=True)
    if reply.accepted:
        return await _with_permit(dialogue, envelope.mail, permit, timeouts)
    if stage is Stage.MAIL and reply.code == CLOSING and dialogue.rested:
        raise StaleDialogue
    return judge(stage, reply)


async def _with_permit(dialogue: Dialogue, mail: bytes, permit: Permit, timeouts: Timeouts) -> Delivery:
    """From here on being cancelled has a result too: the permit may have been granted, and must be settled."""
    try:
        if not await permit():
            return Withheld()
        reply = await dialogue.command(b"DATA", timeouts.data)
        if reply.refused:
            return judge(Stage.DATA, reply)
        reply = await dialogue.body(mail, timeouts.body)
    except BrokenOff as broken:
        return Deferred(f"{Stage.DATA}: {broken}; nothing was sent", about_relay=True)
    except BodyUnanswered as unanswered:
        return Unknown(f"{Stage.BODY}: {unanswered}; the relay may or may not have taken the mail")
    except asyncio.CancelledError:
        return Deferred("stopped before the body; nothing was sent", retry_after=timedelta(), about_relay=True)
    return Sent(str(reply)) if reply.accepted else judge(Stage.BODY, reply)
