"""Several commands at once, and the next mail's envelope behind the body: nothing is told of the wrong mail."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest

from engine.deliver import Deferred, Refused, Sent, Unknown, Withheld
from engine.deliver.smtp_dialogue import BodyUnanswered, BrokenOff, Dialogue
from engine.deliver.smtp_wire import Reply
from engine.errors import StoreBusy
from tests.deliver.samples import Permit, email_channel, outgoing, until
from tests.deliver.test_smtp_dialogue import Wire
from tests.smtp_sink import Fault, SmtpSink

ENVELOPE = ["MAIL", "RCPT", "DATA"]


@pytest.fixture
async def sink():
    async with SmtpSink(pipelining=True) as server:
        yield server


@pytest.fixture
async def channel(sink):
    """Over one connection, so that mails follow one another on it."""
    opened = email_channel(sink, max_connections=1)
    yield opened
    await opened.close()


@pytest.fixture
async def wire():
    return Wire()


@pytest.fixture
async def dialogue(wire):
    return Dialogue(wire, pipelining=True)


def send(channel, permit=None):
    return asyncio.ensure_future(channel.send(outgoing(channel), permit or Permit()))


# The permit


async def test_the_permit_is_asked_once_when_only_the_body_is_left_to_say(sink, channel):
    seen = []
    await channel.send(outgoing(channel), Permit(look=lambda: seen.append((sink.verbs(), sink.bodies))))
    assert seen == [(["EHLO", *ENVELOPE], 0)]


async def test_a_refused_recipient_asks_for_no_permit(sink, channel):
    sink.on("rcpt", Fault(reply="550 5.1.1 no such user"))
    permit = Permit()
    assert await channel.send(outgoing(channel), permit) == Refused("RCPT: 550 5.1.1 no such user", address_is_bad=True)
    assert permit.asked == 0


async def test_without_a_permit_no_mail_is_sent_not_even_an_empty_one(sink, channel):
    assert await channel.send(outgoing(channel), Permit(grant=False)) == Withheld()
    assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
    assert sink.verbs(1) == ["EHLO", *ENVELOPE]
    assert (sink.connections, sink.bodies) == (2, 1)


async def test_a_permit_that_cannot_be_committed_is_none(sink, channel):
    def disk_is_full():
        raise StoreBusy

    with pytest.raises(StoreBusy):
        await channel.send(outgoing(channel), Permit(look=disk_is_full))
    assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
    assert (sink.connections, sink.bodies) == (2, 1)


async def test_stopped_while_asking_for_the_permit_it_was_definitely_not_sent(sink, channel):
    asked = asyncio.Event()

    async def slow_permit():
        asked.set()
        return await asyncio.get_running_loop().create_future()

    sending = send(channel, slow_permit)
    await asked.wait()
    sending.cancel()
    assert await sending == Deferred(
        "stopped before the body; nothing was sent", retry_after=timedelta(), about_relay=True
    )
    await until(lambda: sink.open_connections == 0)
    assert sink.bodies == 0


async def test_a_relay_that_asks_for_a_mail_to_nobody_gets_none(sink, channel):
    sink.on("rcpt", Fault(reply="550 5.1.1 no such user", times=1))
    sink.on("data", Fault(reply="354 go ahead", times=1))
    assert isinstance(await channel.send(outgoing(channel), Permit()), Refused)
    assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
    assert (sink.connections, sink.bodies) == (2, 1)
    assert sink.verbs(1) == ["EHLO", *ENVELOPE]


async def said_when_the_permit_is_asked(relay, **settings):
    said = []
    channel = email_channel(relay, **settings)
    await channel.send(outgoing(channel), Permit(look=lambda: said.extend(relay.verbs())))
    await channel.close()
    return said


async def test_a_relay_that_does_not_offer_it_or_is_not_trusted_with_it_is_told_one_thing_at_a_time(sink):
    async with SmtpSink() as plain:
        assert await said_when_the_permit_is_asked(plain) == ["EHLO", "MAIL", "RCPT"]
    assert await said_when_the_permit_is_asked(sink, pipelining=False) == ["EHLO", "MAIL", "RCPT"]


# One mail behind the other


class Slow(asyncio.Protocol):
    """A server that keeps its verdict about a mail until it has heard of the next one."""

    def __init__(self):
        self.said = b""
        self.in_body = False

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"220 slow\r\n")

    def data_received(self, data):
        self.said += data
        while self.said:
            end = b"\r\n.\r\n" if self.in_body else b"\r\n"
            head, found, rest = self.said.partition(end)
            if not found or (self.in_body and not rest):
                return
            self.said = rest
            self.answer(head)

    def answer(self, head):
        if self.in_body:
            self.in_body = False
            self.transport.write(b"250 taken\r\n")
        elif head.startswith(b"EHLO"):
            self.transport.write(b"250-slow\r\n250 PIPELINING\r\n")
        elif head == b"DATA":
            self.in_body = True
            self.transport.write(b"354 go ahead\r\n")
        else:
            self.transport.write(b"250 ok\r\n")


async def test_the_next_envelope_does_not_wait_for_the_verdict():
    server = await asyncio.get_running_loop().create_server(Slow, "127.0.0.1", 0)
    channel = email_channel(SimpleNamespace(port=server.sockets[0].getsockname()[1]), max_connections=1)
    *sends, last = [send(channel) for _ in range(5)]
    async with asyncio.timeout(10):
        assert await asyncio.gather(*sends) == [Sent("250 taken")] * 4
    last.cancel()
    assert isinstance(await last, Unknown)
    server.close()


async def test_verdict_and_next_envelope_are_told_apart(dialogue, wire):
    answer = dialogue.give(b"mail", 10)
    following = dialogue.say((b"MAIL FROM:<a@b.c>", 10), (b"RCPT TO:<d@e.f>", 10), (b"DATA", 10))
    assert wire.written == b"mail\r\n.\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n"
    for piece in (b"451 4.3.0 not th", b"is one\r\n250 2.1.0 ok\r\n550 5.1.1", b" nobody\r\n503 no\r\n"):
        dialogue.data_received(piece)
    assert await dialogue.verdict(answer) == Reply(451, "4.3.0 not this one")
    assert [(await one).code for one in following] == [250, 550, 503]
    assert dialogue.usable


async def test_one_reply_too_many_makes_no_mail_sent(dialogue):
    answer = dialogue.give(b"mail", 10)
    commands = ((b"MAIL FROM:<a@b.c>", 10), (b"RCPT TO:<d@e.f>", 10), (b"DATA", 10))
    following = dialogue.say(*commands)
    dialogue.data_received(b"250 taken\r\n250 by the way\r\n250 ok\r\n250 ok\r\n")
    assert (await dialogue.verdict(answer)).accepted
    (mail, _), (rcpt, _), (data, _) = commands
    assert (await dialogue.heard(mail, following[0])).accepted
    assert (await dialogue.heard(rcpt, following[1])).accepted
    with pytest.raises(BrokenOff, match="neither yes nor no"):
        await dialogue.heard(data, following[2])
    with pytest.raises(BrokenOff):
        dialogue.give(b"mail", 10)


async def test_whoever_waits_behind_a_body_has_time_from_his_turn_on(dialogue):
    answer = dialogue.give(b"mail", 10)
    (following,) = dialogue.say((b"MAIL FROM:<a@b.c>", 0))
    for _ in range(5):
        await asyncio.sleep(0)
    dialogue.data_received(b"250 taken\r\n")
    assert (await dialogue.verdict(answer)).accepted
    with pytest.raises(BrokenOff, match="no reply within 0 s"):
        await dialogue.heard(b"MAIL FROM:<a@b.c>", following)


async def test_stopping_a_mail_that_waits_does_not_cost_the_one_ahead_its_verdict(dialogue, wire):
    answer = dialogue.give(b"mail", 10)
    (following,) = dialogue.say((b"MAIL FROM:<a@b.c>", 10))
    waiting = asyncio.ensure_future(dialogue.heard(b"MAIL FROM:<a@b.c>", following))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (dialogue.usable, wire.closing) == (False, False)
    dialogue.data_received(b"250 taken\r\n")
    assert (await dialogue.verdict(answer)).accepted
    assert wire.closing


async def test_a_dialogue_that_parts_hears_the_verdict_first(dialogue, wire):
    answer = dialogue.give(b"mail", 10)
    dialogue.part()
    assert wire.written == b"mail\r\n.\r\n"
    dialogue.data_received(b"250 taken\r\n")
    assert (await dialogue.verdict(answer)).accepted
    assert wire.written.endswith(b"QUIT\r\n")


async def test_a_connection_lost_tells_each_mail_what_is_known_of_it(dialogue, wire):
    answer = dialogue.give(b"mail", 10)
    (following,) = dialogue.say((b"MAIL FROM:<a@b.c>", 10))
    wire.abort()
    await dialogue.closed()
    with pytest.raises(BodyUnanswered):
        await dialogue.verdict(answer)
    with pytest.raises(BrokenOff):
        await dialogue.heard(b"MAIL FROM:<a@b.c>", following)


async def test_a_mail_whose_connection_was_lost_with_the_verdict_about_another_goes_over_a_new_one(sink, channel):
    sink.on("dot", Fault(drop=True, taken=True, times=1))
    permit = Permit()
    first, second = send(channel), send(channel, permit)
    assert isinstance(await first, Unknown)
    assert isinstance(await second, Sent)
    assert (permit.asked, sink.connections, len(sink.accepted)) == (1, 2, 2)


async def test_many_mails_at_once_each_hear_their_own_verdict(sink, channel):
    for number in range(40):
        sink.on(
            "dot",
            Fault(reply=f"45{number % 10} verdict {number}", times=1) if number % 3 else Fault(delay=0.001, times=1),
        )
    deliveries = await asyncio.gather(*(send(channel) for _ in range(40)))
    told = [delivery.reply.rpartition(" ")[2] for delivery in deliveries if isinstance(delivery, Deferred)]
    assert told == [str(number) for number in range(40) if number % 3]
    assert sink.connections == 1
