import asyncio
import json
import logging
import socket
import subprocess
import sys
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvloop
from pydantic import ValidationError

from engine.deliver import (
    Deferred,
    EmailChannel,
    EmailSettings,
    Outgoing,
    Refused,
    Sent,
    Unknown,
    Withheld,
    smtp_connect,
)
from engine.errors import ConfigError, StoreBusy
from tests.deliver.samples import Permit, email_channel, notification, outgoing, until
from tests.smtp_sink import CERTIFICATE, Fault, SmtpSink

PASSWORD = "correct horse battery"
LOGIN = {"username": "user", "password": PASSWORD}
ONE_BY_ONE = pytest.mark.parametrize("sink", [False], ids=["one-by-one"], indirect=True)
"""For what differs where several commands are said at once; see test_smtp_pipelining.py."""


@pytest.fixture(params=[False, True], ids=["one-by-one", "pipelined"])
async def sink(request):
    async with SmtpSink(pipelining=request.param) as server:
        yield server


@pytest.fixture
async def channel(sink):
    opened = email_channel(sink)
    yield opened
    await opened.close()


# The way of one mail


async def test_a_mail_arrives_as_it_was_prepared(sink, channel):
    message = outgoing(channel)
    assert await channel.send(message, Permit()) == Sent("250 2.0.0 taken as 1")
    (mail,) = sink.accepted
    assert mail.content == message.payload
    assert (mail.sender, mail.recipient) == ("news@example.com", "anna@example.com")
    assert sink.verbs() == ["EHLO", "MAIL", "RCPT", "DATA"]


async def test_dots_at_the_start_of_lines_survive(sink, channel):
    body = b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\n"
    await channel.send(Outgoing(key="k", address="anna@example.com", payload=body), Permit())
    assert sink.accepted[0].content == body


async def test_bounces_can_go_elsewhere(sink):
    channel = email_channel(sink, bounces_to="bounces@mail.example.com")
    await channel.send(outgoing(channel), Permit())
    assert sink.accepted[0].sender == "bounces@mail.example.com"
    await channel.close()


async def test_an_international_domain_is_sent_to_in_ascii(sink, channel):
    await channel.send(outgoing(channel, address="anna@żółw.example"), Permit())
    assert sink.accepted[0].recipient == "anna@xn--w-uga1v8h.example"


@pytest.mark.parametrize(
    "address", ["anna@example.com>\r\nDATA\r\n", "łukasz@example.com", "anna@example.com SIZE=1", ""]
)
async def test_a_bad_address_reaches_nobody(sink, channel, address):
    permit = Permit()
    delivery = await channel.send(Outgoing(key="k", address=address, payload=b"x"), permit)
    assert isinstance(delivery, Refused)
    assert delivery.address_is_bad
    assert (permit.asked, sink.connections) == (0, 0)


async def test_an_address_the_relay_does_not_know_is_bad(sink, channel):
    sink.on("rcpt", Fault(reply="550 5.1.1 no such user"))
    assert await channel.send(outgoing(channel), Permit()) == Refused(
        "RCPT: 550 5.1.1 no such user", address_is_bad=True
    )


async def test_a_greylisted_mail_is_the_same_when_it_comes_again():
    async with SmtpSink(greylist=True) as sink:
        channel = email_channel(sink)
        first = await channel.send(outgoing(channel), Permit())
        assert first == Deferred("RCPT: 451 4.7.1 greylisted, come back in five minutes")
        sink.on("dot", Fault(reply="450 not yet", times=1))
        assert isinstance(await channel.send(outgoing(channel), Permit()), Deferred)
        assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
        assert [mail.message_id for mail in sink.accepted] == [
            f"<{mail.pointbell_id}@example.com>" for mail in sink.accepted
        ]
        assert len(sink.accepted) == 1
        await channel.close()


# The permit


@ONE_BY_ONE
async def test_the_permit_is_asked_once_after_rcpt_and_before_data(sink, channel):
    seen = []
    permit = Permit(look=lambda: seen.append((sink.verbs(), sink.bodies)))
    await channel.send(outgoing(channel), permit)
    assert seen == [(["EHLO", "MAIL", "RCPT"], 0)]


@ONE_BY_ONE
async def test_without_a_permit_nothing_is_sent_and_the_connection_serves_the_next(sink, channel):
    assert await channel.send(outgoing(channel), Permit(grant=False)) == Withheld()
    assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
    assert sink.verbs() == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"]
    assert (sink.connections, sink.bodies) == (1, 1)


@ONE_BY_ONE
async def test_a_permit_that_cannot_be_committed_is_none(sink, channel):
    def disk_is_full():
        raise StoreBusy

    with pytest.raises(StoreBusy):
        await channel.send(outgoing(channel), Permit(look=disk_is_full))
    assert sink.bodies == 0
    assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
    assert sink.connections == 1


# Stopping


async def stopped(channel, permit, condition):
    """What becomes of a send that is cancelled as soon as the condition holds."""
    sending = asyncio.ensure_future(channel.send(outgoing(channel), permit))
    await until(condition)
    sending.cancel()
    return await sending


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt"])
async def test_stopped_before_the_permit_it_is_as_if_never_tried(sink, channel, stage):
    sink.on(stage, Fault(silent=True))
    permit = Permit()
    waiting = (lambda: stage.upper() in sink.verbs()) if stage != "connect" else (lambda: sink.connections)
    with pytest.raises(asyncio.CancelledError):
        await stopped(channel, permit, waiting)
    assert permit.asked == 0
    sink.behave()
    assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
    assert sink.connections == 2


@ONE_BY_ONE
async def test_stopped_while_asking_for_the_permit_it_was_definitely_not_sent(sink, channel):
    asked = asyncio.Event()

    async def slow_permit():
        asked.set()
        return await asyncio.get_running_loop().create_future()

    delivery = await stopped(channel, slow_permit, asked.is_set)
    assert delivery == Deferred("stopped before the body; nothing was sent", retry_after=timedelta(), about_relay=True)
    assert "DATA" not in sink.verbs()


@ONE_BY_ONE
async def test_stopped_before_the_body_it_was_definitely_not_sent(sink, channel):
    sink.on("data", Fault(silent=True))
    assert isinstance(await stopped(channel, Permit(), lambda: "DATA" in sink.verbs()), Deferred)
    assert sink.bodies == 0


async def test_stopped_while_waiting_for_the_verdict_nobody_knows(sink, channel):
    sink.on("dot", Fault(silent=True))
    assert isinstance(await stopped(channel, Permit(), lambda: sink.bodies), Unknown)


@pytest.mark.parametrize("pipelining", [False, True])
async def test_stopped_at_any_moment_it_is_known_what_can_be_known(pipelining):
    """At every turn of the loop, from the first to the one that finds the mail sent."""
    async with SmtpSink(pipelining=pipelining) as sink:
        for turns in range(1000):
            channel, permit, taken = email_channel(sink), Permit(), len(sink.accepted)
            sending = asyncio.ensure_future(channel.send(outgoing(channel), permit))
            for _ in range(turns):
                await asyncio.sleep(0)
            asked = permit.asked
            if sending.done():
                break
            sending.cancel()
            (delivery,) = await asyncio.gather(sending, return_exceptions=True)
            assert isinstance(delivery, asyncio.CancelledError) == (asked == 0)
            assert permit.asked == asked
            if asked == 0 or isinstance(delivery, Deferred):
                assert len(sink.accepted) == taken
            await channel.close()
        assert isinstance(await sending, Sent)
        await channel.close()


# TLS and login


@pytest.mark.parametrize(
    ("tls", "offered"), [("required", "starttls"), ("opportunistic", "starttls"), ("implicit", "implicit")]
)
async def test_mail_goes_encrypted(tls, offered):
    async with SmtpSink(tls=offered, users={"user": PASSWORD}) as sink:
        channel = email_channel(sink, tls=tls, **LOGIN)
        assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
        assert sink.accepted[0].tls
        assert sink.accepted[0].user == "user"
        await channel.close()


async def test_without_an_offer_of_tls_nothing_is_said_unless_that_is_allowed(sink):
    required, opportunistic = email_channel(sink, tls="required"), email_channel(sink, tls="opportunistic")
    refusal = await required.send(outgoing(required), Permit())
    assert isinstance(refusal, Deferred)
    assert refusal.about_relay
    assert refusal.reply.startswith(f"localhost:{sink.port} offers no STARTTLS; set tls: implicit")
    assert sink.verbs() == ["EHLO"]
    assert isinstance(await opportunistic.send(outgoing(opportunistic), Permit()), Sent)
    await opportunistic.close()


@pytest.mark.parametrize(
    ("tls", "offered"), [("required", "starttls"), ("opportunistic", "starttls"), ("implicit", "implicit")]
)
async def test_a_certificate_nobody_vouches_for_is_not_accepted(tls, offered):
    async with SmtpSink(tls=offered, users={"user": PASSWORD}) as sink:
        channel = email_channel(sink, tls=tls, ca_file=None, **LOGIN)
        delivery = await channel.send(outgoing(channel), Permit())
        assert isinstance(delivery, Deferred)
        assert delivery.about_relay
        assert "certificate is not trusted" in delivery.reply
        assert {"AUTH", "MAIL"}.isdisjoint(sink.verbs())


async def test_a_certificate_for_another_host_is_not_accepted(monkeypatch):
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *args, **more: resolve("127.0.0.1", *args, **more))
    async with SmtpSink(tls="starttls") as sink:
        channel = email_channel(sink, tls="required", host="mail.example.com")
        delivery = await channel.send(outgoing(channel), Permit())
        assert f"mail.example.com:{sink.port}: STARTTLS failed: its certificate is not trusted" in delivery.reply
        assert "not valid for 'mail.example.com'" in delivery.reply
        assert "MAIL" not in sink.verbs()


async def test_a_password_travels_in_clear_text_only_to_this_machine(sink):
    async with SmtpSink(users={"user": PASSWORD}) as open_sink:
        channel = email_channel(open_sink, tls="none", **LOGIN)
        assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
        await channel.close()
    elsewhere = SimpleNamespace(get_transport_info={"peername": ("192.0.2.1", 25)}.get)
    with pytest.raises(smtp_connect.RelayUnavailable, match="password in clear text; set tls: required or implicit"):
        await smtp_connect._log_in(elsewhere, email_channel(sink, **LOGIN)._relay, "user")


async def test_a_wrong_password_costs_no_message_and_is_named():
    async with SmtpSink(tls="starttls", users={"user": "another"}) as sink:
        channel = email_channel(sink, tls="required", **LOGIN)
        permit = Permit()
        delivery = await channel.send(outgoing(channel), permit)
        assert delivery == Deferred(
            f"localhost:{sink.port}: the answer to login of 'user' is 535 5.7.8 Authentication credentials invalid; "
            "check username and password",
            about_relay=True,
            relay_down=True,
        )
        assert sink.verbs().count("AUTH") == 1
        assert permit.asked == 0
        await until(lambda: sink.open_connections == 0)


async def test_a_relay_that_knows_no_login_is_named():
    async with SmtpSink(tls="starttls") as sink:
        channel = email_channel(sink, tls="required", **LOGIN)
        delivery = await channel.send(outgoing(channel), Permit())
        assert (
            delivery.reply == f"localhost:{sink.port} offers no login with a password; remove username, or check port"
        )


async def test_a_login_method_the_relay_takes_back_is_followed_by_the_next():
    async with SmtpSink(tls="starttls", users={"user": PASSWORD}) as sink:
        channel = email_channel(sink, tls="required", **LOGIN)
        sink.on("auth", Fault(reply="504 5.5.4 unrecognized", times=1))
        assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
        await channel.close()


async def test_a_relay_out_of_reach_costs_no_message_and_is_named(sink):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        channel = email_channel(sink, host="127.0.0.1", port=port)
        assert await channel.send(outgoing(channel), Permit()) == Deferred(
            f"127.0.0.1:{port}: connecting failed: Connection refused; check host, port and firewall",
            about_relay=True,
            relay_down=True,
        )


@pytest.mark.parametrize("host", ["x" * 70 + ".example", "a b"])
async def test_a_host_that_is_none_costs_no_message(sink, host):
    channel = email_channel(sink, host=host)
    delivery = await channel.send(outgoing(channel), Permit())
    assert isinstance(delivery, Deferred)
    assert delivery.about_relay
    assert delivery.reply.startswith(f"{host}:{sink.port}: connecting failed")


# Secrets


@pytest.mark.parametrize("stage", ["connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("code", [451, 554])
async def test_no_outcome_and_no_log_tells_the_password_even_if_the_relay_does(caplog, stage, code):
    caplog.set_level(logging.DEBUG)
    hidden = [PASSWORD, b64encode(PASSWORD.encode()).decode(), b64encode(f"\0user\0{PASSWORD}".encode()).decode()]
    async with SmtpSink(tls="starttls", users={"user": PASSWORD}) as sink:
        channel = email_channel(sink, tls="required", **LOGIN)
        sink.on(stage, Fault(reply=f"{code} you said {' '.join(hidden)}"))
        delivery = await channel.send(outgoing(channel), Permit())
        await channel.close()
    ours = " ".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
    for secret in hidden:
        assert secret not in repr(delivery)
        assert secret not in ours


def test_settings_do_not_show_the_password():
    settings = EmailSettings.model_validate({"host": "h", "from": "a@example.com", **LOGIN})
    assert PASSWORD not in repr(settings)
    with pytest.raises(ValidationError) as refusal:
        EmailSettings.model_validate({"host": "h", "pass": PASSWORD, **LOGIN})
    assert PASSWORD not in str(refusal.value)


# Settings


@pytest.mark.parametrize(("tls", "port"), [("required", 587), ("opportunistic", 587), ("implicit", 465), ("none", 25)])
async def test_the_port_follows_from_tls(tls, port):
    settings = EmailSettings.model_validate({"host": "mail.example.com", "from": "a@example.com", "tls": tls})
    assert str(EmailChannel("email", settings)._relay) == f"mail.example.com:{port}"


def test_tls_is_required_by_default():
    assert EmailSettings.model_validate({"host": "h", "from": "a@example.com"}).tls == "required"


@pytest.mark.parametrize(
    "wrong",
    [
        {"hots": "h"},
        {"from": "nobody"},
        {"from": "a <b@c.example>, <d@e.example>"},
        {"tls": "yes"},
        {"port": 0},
        {"local_hostname": "a\r\nMAIL"},
        {"timeouts": {"rctp": 1}},
        {"timeouts": {"rcpt": 0}},
        {"max_connections": 0},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        EmailSettings.model_validate({"host": "h", "from": "a@example.com", **wrong})


def test_a_missing_certificate_file_is_named(tmp_path):
    settings = EmailSettings.model_validate({"host": "h", "from": "a@example.com", "ca_file": tmp_path / "none.pem"})
    with pytest.raises(ConfigError, match=r"channel email: ca_file .*none\.pem cannot be used: No such file"):
        EmailChannel("email", settings)


# On the loop the daemon runs on, with a server of its own


def test_it_works_on_uvloop_against_a_server_in_another_process(tmp_path):
    log = tmp_path / "accepted.jsonl"
    command = [sys.executable, "-m", "tests.smtp_sink", "--log", log, "--tls", "starttls", "--user", f"user:{PASSWORD}"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as server:
        try:
            port = json.loads(server.stdout.readline())["port"]
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                deliveries = runner.run(send_three(port))
        finally:
            server.terminate()
    assert [type(delivery) for delivery in deliveries] == [Sent, Sent, Sent]
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["recipient"] for line in logged] == ["anna@example.com"] * 3
    assert len({line["pointbell_id"] for line in logged}) == 3
    assert {line["message_id"] for line in logged} == {f"<{line['pointbell_id']}@example.com>" for line in logged}
    assert all(line["tls"] and line["user"] == "user" for line in logged)


async def send_three(port):
    settings = {"host": "localhost", "port": port, "from": "news@example.com", "ca_file": CERTIFICATE, **LOGIN}
    channel = EmailChannel("email", EmailSettings.model_validate(settings | {"local_hostname": "client.test"}))
    payloads = [(key, channel.prepare(notification(key=key))) for key in ("a", "b", "c")]
    messages = [Outgoing(key=key, address="anna@example.com", payload=payload) for key, payload in payloads]
    deliveries = [await channel.send(message, Permit()) for message in messages]
    await channel.close()
    return deliveries
