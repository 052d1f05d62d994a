import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.deliver.smtp_dialogue import BodyUnanswered, BrokenOff, Dialogue
from engine.deliver.smtp_wire import Reply, dotted


class Wire(asyncio.Transport):
    """A connection whose other end is the test."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.closing = False

    def set_protocol(self, protocol):
        self.protocol = protocol

    def write(self, data):
        self.written += data

    def writelines(self, pieces):
        self.written += b"".join(pieces)

    def is_closing(self):
        return self.closing

    def close(self):
        self.abort()

    def abort(self):
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


@pytest.fixture
async def wire():
    return Wire()


@pytest.fixture
async def dialogue(wire):
    return Dialogue(wire)


async def answered(dialogue, *pieces, line=b"NOOP"):
    """The reply to a command when the server's answer arrives in these pieces."""
    asking = asyncio.ensure_future(dialogue.command(line, 10))
    await asyncio.sleep(0)
    for piece in pieces:
        dialogue.data_received(piece)
    return await asking


async def test_a_reply_is_put_together_from_its_lines_and_pieces(dialogue, wire):
    reply = await answered(dialogue, b"25", b"0-2.1.0 one\r\n250-", b"2.1.0 two\r\n250 2.1.0 thr", b"ee\r\n")
    assert reply == Reply(250, "2.1.0 one 2.1.0 two 2.1.0 three")
    assert reply.detail == (1, 0)
    assert wire.written == b"NOOP\r\n"
    assert dialogue.usable


@pytest.mark.parametrize(
    ("sent", "reply"),
    [(b"250\r\n", Reply(250, "")), (b"250 ok\n", Reply(250, "ok")), (b"250-\r\n250\r\n", Reply(250, ""))],
)
async def test_short_replies_and_bare_line_feeds_are_understood(dialogue, sent, reply):
    assert await answered(dialogue, sent) == reply


async def test_a_reply_is_kept_printable_and_short(dialogue):
    reply = await answered(dialogue, b"250 a\x1b[31m\xffb\xe2\x80\xa8c" + b"x" * 2000 + b"\r\n")
    assert reply.text.isprintable()
    assert len(reply.text) <= 500


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n",
        b"\r\n",
        b"25 ok\r\n",
        b"2500 ok\r\n",
        b"150 ok\r\n",
        b"999 ok\r\n",
        b"250_ok\r\n",
        b"\xff\xfe\r\n",
        b"250-a\r\n251 b\r\n",
        b"250 a\rb\r\n",
        b"x" * 20_000,
    ],
)
async def test_what_is_no_reply_ends_the_talk(dialogue, garbage):
    with pytest.raises(BrokenOff, match="no SMTP reply"):
        await answered(dialogue, garbage)
    assert not dialogue.usable


@pytest.mark.parametrize(
    ("line", "reply"), [(b"NOOP", b"354 go\r\n"), (b"DATA", b"250 ok\r\n"), (b"DATA", b"334 hm\r\n")]
)
async def test_a_reply_that_is_neither_yes_nor_no_ends_the_talk(dialogue, line, reply):
    with pytest.raises(BrokenOff, match="neither yes nor no"):
        await answered(dialogue, reply, line=line)
    assert not dialogue.usable


async def test_a_word_between_commands_ends_the_talk(dialogue, wire):
    dialogue.data_received(b"250 ok\r\n")
    assert wire.closing
    with pytest.raises(BrokenOff, match="out of turn"):
        await dialogue.command(b"NOOP", 10)
    assert wire.written == b""


async def test_nothing_more_is_said_to_a_server_that_announced_it_is_closing(dialogue, wire):
    assert (await answered(dialogue, b"421 4.3.2 closing\r\n")).code == 421
    assert wire.closing
    assert not dialogue.usable


async def test_the_second_of_two_replies_is_never_taken_for_that_of_the_next_command(dialogue, wire):
    assert (await answered(dialogue, b"250 ok\r\n250 ok\r\n")).code == 250
    with pytest.raises(BrokenOff, match="out of turn"):
        await dialogue.body(b"mail", 10)
    assert wire.written == b"NOOP\r\n"


async def test_a_reply_that_comes_too_late_is_never_taken_for_that_of_the_next_command():
    for _ in range(1000):
        dialogue = Dialogue(Wire())
        with pytest.raises(BrokenOff, match="no reply within"):
            await dialogue.command(b"NOOP", 0)
        dialogue.data_received(b"250 ok\r\n")
        with pytest.raises(BrokenOff):
            await dialogue.body(b"mail", 10)


async def test_a_body_without_an_answer_is_told_apart_from_one_that_was_not_begun(dialogue, wire):
    asking = asyncio.ensure_future(dialogue.body(b"mail", 10))
    for _ in range(5):
        await asyncio.sleep(0)
    assert wire.written == b"mail\r\n.\r\n"
    wire.abort()
    with pytest.raises(BodyUnanswered, match="lost"):
        await asking
    with pytest.raises(BrokenOff):
        await dialogue.body(b"mail", 10)


@pytest.mark.parametrize("answer", [b"nonsense\r\n", b"354 go on\r\n"])
async def test_a_body_answered_with_nonsense_is_unanswered(dialogue, answer):
    asking = asyncio.ensure_future(dialogue.body(b"mail", 10))
    await asyncio.sleep(0)
    dialogue.data_received(answer)
    with pytest.raises(BodyUnanswered):
        await asking


async def test_a_connection_that_was_closed_before_it_was_taken_over_is_not_used(wire):
    wire.closing = True
    with pytest.raises(BrokenOff, match="closed"):
        await Dialogue(wire).command(b"NOOP", 10)


async def test_parting_waits_for_the_goodbye(dialogue, wire):
    dialogue.part()
    assert (wire.written, wire.closing) == (b"QUIT\r\n", False)
    dialogue.data_received(b"221 bye\r\n")
    await dialogue.closed()
    assert dialogue.gone


@given(mail=st.binary() | st.text(alphabet=".\r\na", max_size=30).map(str.encode))
def test_what_was_dotted_ends_once_and_reads_as_written(mail):
    sent = dotted(mail)
    assert sent.endswith(b"\r\n.\r\n")
    assert sent.count(b"\r\n") == sent.count(b"\r") == sent.count(b"\n")
    *lines, last, nothing = sent.split(b"\r\n")
    assert (last, nothing) == (b".", b"")
    assert b"." not in lines
    received = [line.removeprefix(b".") for line in lines]
    assert received == (mail.splitlines() or [b""])
