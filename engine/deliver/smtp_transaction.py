"""One mail over one dialogue: MAIL, RCPT, DATA, the permit, the body, and what it came to.

Where the server takes several commands at once, the envelope is one of them: MAIL, RCPT and DATA go out together, and
the permit is asked when all three are accepted, so that a refusal costs none. Where it does not, the permit is asked
before DATA. Either way it is asked when nothing but the body is left to say, and granted before the body is written.
A permit refused after DATA costs the connection: the server waits for a mail, and an empty one would be one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from ..failpoints import reach
from .channel import Deferred, Delivery, Permit, Sent, Unknown, Withheld
from .smtp_connect import Timeouts
from .smtp_dialogue import Answer, BodyUnanswered, BrokenOff, Dialogue
from .smtp_replies import Stage, judge
from .smtp_wire import CLOSING, Reply


class StaleDialogue(Exception):
    """The server had left a kept connection before it heard of this mail: use a fresh one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Whom the mail is from and for, in ASCII, and the mail."""

    sender: str
    recipient: str
    mail: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """The whole mail was written, and its verdict is to come. The next envelope may be said meanwhile."""

    dialogue: Dialogue
    answer: Answer

    async def outcome(self) -> Delivery:
        """What the mail came to. Being cancelled has a result, too."""
        try:
            reply = await self.dialogue.verdict(self.answer)
        except BodyUnanswered as unanswered:
            return Unknown(f"{Stage.BODY}: {unanswered}; the relay may or may not have taken the mail")
        return Sent(str(reply)) if reply.accepted else judge(Stage.BODY, reply)


_Step: TypeAlias = tuple[Stage, bytes, float]
_End: TypeAlias = tuple[Stage, Reply | BrokenOff]
"""How far the envelope came, and what was heard there."""


async def transact(dialogue: Dialogue, envelope: Envelope, permit: Permit, timeouts: Timeouts) -> Delivery | Given:
    """Carry one mail; as far as its last byte where the server may be told more meanwhile.

    Raises ``StaleDialogue``, and what the permit raises.
    """
    mail = (Stage.MAIL, f"MAIL FROM:<{envelope.sender}>".encode("ascii"), timeouts.mail)
    rcpt = (Stage.RCPT, f"RCPT TO:<{envelope.recipient}>".encode("ascii"), timeouts.rcpt)
    data = (Stage.DATA, b"DATA", timeouts.data)
    if dialogue.pipelining:
        refused = await _at_once(dialogue, (mail, rcpt, data))
    else:
        refused = await _one_by_one(dialogue, (mail, rcpt))
    if refused is not None:
        return _without_permit(dialogue, *refused)
    given = await _with_permit(dialogue, envelope.mail, permit, timeouts)
    return given if dialogue.pipelining or not isinstance(given, Given) else await given.outcome()


async def _one_by_one(dialogue: Dialogue, steps: Sequence[_Step]) -> _End | None:
    """Say the steps; where it ended, ``None`` if all were accepted."""
    for stage, line, within in steps:
        try:
            reply = await dialogue.command(line, within)
        except BrokenOff as broken:
            return stage, broken
        if reply.refused:
            return stage, reply
    return None


async def _at_once(dialogue: Dialogue, steps: Sequence[_Step]) -> _End | None:
    """Say all steps together. What follows on a refusal says nothing new, but it has to be heard."""
    refused: _End | None = None
    try:
        answers = dialogue.say(*((line, within) for _, line, within in steps))
    except BrokenOff as broken:
        return steps[0][0], broken
    for (stage, line, _), answer in zip(steps, answers, strict=True):
        try:
            reply = await dialogue.heard(line, answer)
        except BrokenOff as broken:
            return refused or (stage, broken)
        if reply.refused:
            refused = refused or (stage, reply)
    return refused


def _without_permit(dialogue: Dialogue, stage: Stage, heard: Reply | BrokenOff) -> Delivery:
    left = isinstance(heard, BrokenOff) or heard.code == CLOSING
    if left and stage is Stage.MAIL and dialogue.rested:
        raise StaleDialogue
    if isinstance(heard, Reply):
        return judge(stage, heard)
    return _broken_off(stage, heard)


def _broken_off(stage: Stage, broken: BrokenOff) -> Delivery:
    if stage is Stage.DATA:
        return Deferred(f"{stage}: {broken}; nothing was sent", about_relay=True)
    return Deferred(f"{stage}: {broken}", about_relay=True, relay_down=True)


async def _with_permit(dialogue: Dialogue, mail: bytes, permit: Permit, timeouts: Timeouts) -> Delivery | Given:
    """From here on being cancelled has a result too: the permit may have been granted, and must be settled."""
    try:
        if not await permit():
            return Withheld()
        refused = None if dialogue.pipelining else await _one_by_one(dialogue, ((Stage.DATA, b"DATA", timeouts.data),))
        if refused is None:
            given = Given(dialogue, dialogue.give(mail, timeouts.body))
            reach("wire.after_body")
            return given
    except BrokenOff as broken:
        return _broken_off(Stage.DATA, broken)
    except asyncio.CancelledError:
        return Deferred("stopped before the body; nothing was sent", retry_after=timedelta(), about_relay=True)
    return _without_permit(dialogue, *refused)
