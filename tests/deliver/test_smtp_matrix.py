"""Every stage of a mail's way to the relay x everything that can go wrong there: what it comes to."""

import pytest

from engine.deliver import Deferred, Refused, Sent, Unknown
from tests.deliver.samples import Permit, email_channel, outgoing
from tests.smtp_sink import Fault, SmtpSink

STAGES = ["connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "dot"]
FAULTS = {
    "4xx": Fault(reply="450 not now"),
    "5xx": Fault(reply="554 no"),
    "421": Fault(reply="421 4.3.2 shutting down"),
    "drop": Fault(drop=True),
    "timeout": Fault(silent=True),
    "garbage": Fault(reply=b"\x16\x03\x01 what?"),
}
RELAY = "wait for the relay"
WAIT = "wait"
NO = "refused"
LOST = "unknown"
EXPECTED = {
    # stage        4xx    5xx    421    drop   timeout garbage
    "connect": (RELAY, RELAY, RELAY, RELAY, RELAY, RELAY),
    "ehlo": (RELAY, RELAY, RELAY, RELAY, RELAY, RELAY),
    "starttls": (RELAY, RELAY, RELAY, RELAY, RELAY, RELAY),
    "auth": (RELAY, RELAY, RELAY, RELAY, RELAY, RELAY),
    "mail": (RELAY, RELAY, RELAY, RELAY, RELAY, RELAY),
    "rcpt": (WAIT, NO, RELAY, RELAY, RELAY, RELAY),
    "data": (WAIT, NO, RELAY, RELAY, RELAY, RELAY),
    "dot": (WAIT, NO, RELAY, LOST, LOST, LOST),
}
CELLS = [
    pytest.param(stage, fault, outcome, id=f"{stage}-{fault}")
    for stage, row in EXPECTED.items()
    for fault, outcome in zip(FAULTS, row, strict=True)
]
TIMEOUT_OF = {"dot": "body"}
TALKS = pytest.mark.parametrize("pipelining", [False, True], ids=["one-by-one", "pipelined"])


def named(delivery):
    match delivery:
        case Deferred(about_relay=True):
            return RELAY
        case Deferred():
            return WAIT
        case Refused(address_is_bad=False):
            return NO
        case Unknown():
            return LOST
    return delivery


@TALKS
@pytest.mark.parametrize(("stage", "fault", "outcome"), CELLS)
async def test_what_a_fault_comes_to(stage, fault, outcome, pipelining):
    timeouts = {TIMEOUT_OF.get(stage, stage): 0.3} if fault == "timeout" else {}
    async with SmtpSink(tls="starttls", users={"user": "secret"}, pipelining=pipelining) as sink:
        channel = email_channel(sink, tls="required", username="user", password="secret", timeouts=timeouts)
        permit = Permit()
        sink.on(stage, FAULTS[fault])

        assert named(await channel.send(outgoing(channel), permit)) == outcome
        # Said together, DATA is accepted before the permit is asked; said alone, it is the first to follow the permit.
        assert permit.asked == (1 if stage in ({"dot"} if pipelining else {"data", "dot"}) else 0)
        assert sink.bodies == (1 if stage == "dot" else 0)
        assert not sink.accepted

        sink.behave()
        assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
        assert len(sink.accepted) == 1
        await channel.close()


@TALKS
@pytest.mark.parametrize("fault", [Fault(drop=True), Fault(silent=True), Fault(reply=b"\x00")])
async def test_a_talk_that_breaks_off_in_the_middle_of_the_body_is_unknown(fault, pipelining):
    async with SmtpSink(pipelining=pipelining) as sink:
        channel = email_channel(sink, timeouts={"body": 0.3})
        sink.on("body", fault)
        assert isinstance(await channel.send(outgoing(channel), Permit()), Unknown)
        await channel.close()


@TALKS
async def test_a_clear_no_in_the_middle_of_the_body_is_a_no(pipelining):
    async with SmtpSink(pipelining=pipelining) as sink:
        channel = email_channel(sink)
        sink.on("body", Fault(reply="552 5.3.4 too big"))
        assert isinstance(await channel.send(outgoing(channel), Permit()), Refused)
        await channel.close()


@TALKS
async def test_a_mail_that_was_taken_without_an_answer_is_unknown_too(pipelining):
    async with SmtpSink(pipelining=pipelining) as sink:
        channel = email_channel(sink)
        sink.on("dot", Fault(drop=True, taken=True))
        assert isinstance(await channel.send(outgoing(channel), Permit()), Unknown)
        assert len(sink.accepted) == 1
        await channel.close()


@TALKS
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
async def test_a_reply_too_many_never_makes_a_mail_sent(stage, pipelining):
    async with SmtpSink(pipelining=pipelining) as sink:
        channel = email_channel(sink)
        code = 354 if stage == "data" else 250
        sink.on(stage, Fault(reply=f"{code} ok\r\n250 taken"))
        assert named(await channel.send(outgoing(channel), Permit())) == RELAY
        assert sink.bodies == 0
        await channel.close()
