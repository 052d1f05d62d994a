import asyncio

import pytest

from engine.deliver import Deferred, Refused, Sent
from tests.deliver.samples import Permit, email_channel, outgoing, until
from tests.smtp_sink import Fault, SmtpSink


@pytest.fixture(params=[False, True], ids=["one-by-one", "pipelined"])
async def sink(request):
    async with SmtpSink(pipelining=request.param) as server:
        yield server


async def send(channel, *, permit=None, count=1):
    """Send so many, one after the other; what became of the last."""
    for _ in range(count):
        delivery = await channel.send(outgoing(channel), permit or Permit())
    return delivery


async def test_one_connection_carries_many_mails(sink):
    channel = email_channel(sink)
    await send(channel, count=5)
    assert (sink.connections, len(sink.accepted)) == (1, 5)
    await channel.close()


async def test_no_more_connections_than_allowed_are_open_at_once(sink):
    channel = email_channel(sink, max_connections=3)
    deliveries = await asyncio.gather(*(send(channel) for _ in range(20)))
    assert all(isinstance(delivery, Sent) for delivery in deliveries)
    assert sink.connections == 3
    await channel.close()


async def test_a_connection_carries_no_more_mails_than_allowed(sink):
    channel = email_channel(sink, max_mails_per_connection=2)
    await send(channel, count=5)
    assert sink.connections == 3
    await until(lambda: sink.verbs(1)[-1] == "QUIT")
    assert sink.verbs(1).count("DATA") == 2
    await channel.close()


async def test_a_connection_that_rests_too_long_is_closed_politely(sink):
    channel = email_channel(sink, idle_seconds=0.01)
    await send(channel)
    await until(lambda: sink.verbs()[-1] == "QUIT")
    await send(channel)
    assert sink.connections == 2
    await channel.close()


async def test_connections_that_come_to_rest_one_after_the_other_are_all_closed(sink):
    channel = email_channel(sink, idle_seconds=0.05)
    sink.on("dot", Fault(delay=0.03, times=1))
    await asyncio.gather(send(channel), send(channel))
    await until(lambda: sink.verbs().count("QUIT") == 2)
    await channel.close()


async def test_spare_connections_expire_while_one_is_kept_busy(sink):
    channel = email_channel(sink, idle_seconds=0.05, max_mails_per_connection=10**6)
    await asyncio.gather(send(channel), send(channel))
    assert sink.connections == 2

    await send(channel, count=5)
    assert len({number for number, line in sink.commands[-15:] if line == "DATA"}) == 1
    async with asyncio.timeout(10):
        while sink.open_connections == 2:
            await send(channel)
    await channel.close()


async def test_closing_the_channel_ends_its_connections(sink):
    channel = email_channel(sink)
    await asyncio.gather(send(channel), send(channel))
    await channel.close()
    assert sink.verbs(1)[-1] == sink.verbs(2)[-1] == "QUIT"


async def test_a_connection_the_relay_has_left_meanwhile_is_replaced_unnoticed(sink):
    channel = email_channel(sink)
    await send(channel)
    sink.hang_up()
    permit = Permit()
    assert isinstance(await send(channel, permit=permit), Sent)
    assert permit.asked == 1
    assert sink.connections == 2
    await channel.close()


@pytest.mark.parametrize("fault", [Fault(drop=True, times=1), Fault(reply="421 4.4.2 idle too long", times=1)])
async def test_a_relay_that_leaves_at_the_first_command_after_a_rest_is_called_again(sink, fault):
    channel = email_channel(sink)
    await asyncio.gather(send(channel), send(channel), send(channel))
    sink.on("mail", fault)
    assert isinstance(await send(channel), Sent)
    assert sink.connections == 4
    await channel.close()


async def test_a_relay_that_leaves_a_new_connection_is_not_called_again_at_once(sink):
    channel = email_channel(sink)
    sink.on("mail", Fault(reply="421 4.3.2 no service"))
    delivery = await send(channel)
    assert delivery == Deferred("MAIL: 421 4.3.2 no service", about_relay=True, relay_down=True)
    assert sink.connections == 1


async def test_a_relay_that_speaks_while_the_connection_rests_loses_it(sink):
    channel = email_channel(sink)
    await send(channel)
    sink.on("dot", Fault(reply="250 2.0.0 taken\r\n421 4.4.2 by the way, closing", times=1))
    assert await send(channel) == Sent("250 2.0.0 taken")
    assert isinstance(await send(channel), Sent)
    assert sink.connections == 2
    await channel.close()


async def test_a_refused_recipient_does_not_cost_the_connection(sink):
    channel = email_channel(sink)
    sink.on("rcpt", Fault(reply="550 5.1.1 no such user", times=1))
    assert isinstance(await send(channel), Refused)
    assert isinstance(await send(channel), Sent)
    refused = ["MAIL", "RCPT", "DATA"] if sink.pipelining else ["MAIL", "RCPT"]
    assert sink.verbs() == ["EHLO", *refused, "RSET", "MAIL", "RCPT", "DATA"]
    assert sink.connections == 1
    await channel.close()


@pytest.mark.parametrize("fault", [Fault(reply="500 what?"), Fault(drop=True), Fault(reply=b"\x00")])
async def test_a_relay_that_will_not_start_anew_loses_the_connection(sink, fault):
    channel = email_channel(sink)
    sink.on("rset", fault)
    await send(channel, permit=Permit(grant=False))
    assert isinstance(await send(channel), Sent)
    assert sink.connections == 2
    await channel.close()


async def test_a_connection_is_never_used_again_after_a_timeout(sink):
    channel = email_channel(sink, timeouts={"rcpt": 0.1})
    sink.on("rcpt", Fault(delay=0.3, times=1))
    assert isinstance(await send(channel), Deferred)
    assert isinstance(await send(channel), Sent)
    assert sink.connections == 2
    assert sink.verbs(1) == ["EHLO", "MAIL", "RCPT"]
    await channel.close()


async def test_a_slot_is_free_again_after_every_kind_of_failure(sink):
    channel = email_channel(sink, max_connections=1, timeouts={"mail": 0.1})
    for stage, fault in [
        ("connect", Fault(drop=True, times=1)),
        ("mail", Fault(silent=True, times=1)),
        ("rcpt", Fault(drop=True, times=1)),
    ]:
        sink.on(stage, fault)
        assert isinstance(await send(channel), Deferred)
    stopped = asyncio.ensure_future(send(channel))
    await asyncio.sleep(0)
    stopped.cancel()
    await asyncio.wait([stopped])
    async with asyncio.timeout(10):
        assert isinstance(await send(channel), Sent)
    await channel.close()
