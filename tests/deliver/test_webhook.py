import asyncio
import hashlib
import hmac
import json
import logging
import socket
from base64 import b64decode, b64encode
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.deliver import Deferred, Refused, Sent, WebhookChannel, WebhookSettings, Withheld
from engine.deliver.signing import sign, signing_key
from engine.model import Words
from tests.deliver.samples import Permit, notification, outgoing, until
from tests.deliver.webhook_receiver import WebhookReceiver
from tests.smtp_sink import CERTIFICATE

OLD, NEW = ("whsec_" + b64encode(bytes([n]) * 32).decode() for n in (1, 2))
NOW = 1_772_352_000.5


def channel_to(port, *, host="127.0.0.1", path="/hook?x=1", scheme="http", resolve=None, secret=b"", **changes):
    given_settings = {"url": f"{scheme}://{host}:{port}{path}", "secrets": [NEW], "allow_private": True, "timeout": 10}
    settings = WebhookSettings.model_validate(given_settings | changes)
    ports = {"resolve": resolve} if resolve else {}
    return WebhookChannel("push", settings, secret, clock=lambda: NOW, **ports)


async def delivered(*answers, permit=None, **changes):
    """What one send comes to at a receiver that answers so."""
    async with WebhookReceiver(*answers) as receiver:
        channel = channel_to(receiver.port, **changes)
        delivery = await channel.send(outgoing(channel), permit or Permit())
        await channel.close()
    return delivery, receiver


@pytest.fixture(scope="module")
def writer():
    return channel_to(1)


def signatures_of(request):
    assert request.headers["webhook-signature"]
    return [entry.split(",") for entry in request.headers["webhook-signature"].split(" ")]


def expected_signature(secret, request):
    """By the words of the specification, with nothing of ours."""
    key = b64decode(secret.removeprefix("whsec_"))
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    return b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


# The request


async def test_a_request_can_be_verified_by_its_receiver():
    delivery, receiver = await delivered("204 No Content")
    assert delivery == Sent("204 No Content")
    (request,) = receiver.requests
    assert request.line == "POST /hook?x=1 HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["webhook-timestamp"] == "1772352000"
    assert signatures_of(request) == [["v1", expected_signature(NEW, request)]]


async def test_while_secrets_are_rotated_both_sign():
    _, receiver = await delivered(secrets=[OLD, NEW])
    (request,) = receiver.requests
    assert signatures_of(request) == [["v1", expected_signature(secret, request)] for secret in (OLD, NEW)]


def test_signing_agrees_with_the_published_example():
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_the_id_and_the_body_stay_the_same_over_retries():
    async with WebhookReceiver("500 Oops", None, "200 OK") as receiver:
        channel = channel_to(receiver.port)
        for _ in range(3):
            delivery = await channel.send(outgoing(channel), Permit())
        await channel.close()
    assert isinstance(delivery, Sent)
    first, second, third = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == third.headers["webhook-id"]
    assert first.body == second.body == third.body


async def test_the_id_is_safe_to_sign_and_tells_nothing():
    _, receiver = await delivered(secret=b"ours")
    webhook_id = receiver.requests[0].headers["webhook-id"]
    assert webhook_id.startswith("msg_")
    assert webhook_id.removeprefix("msg_").isalnum()
    assert webhook_id != (await delivered())[1].requests[0].headers["webhook-id"]


def test_the_payload_says_what_there_is_to_say(writer):
    payload = json.loads(writer.prepare(notification(category="expiry", about=date(2026, 3, 31))))
    assert payload == {
        "type": "notification.created",
        "timestamp": "2026-03-01T08:00:00Z",
        "data": {
            "id": payload["data"]["id"],
            "rule": "points-expired",
            "category": "expiry",
            "member": "member_1",
            "card": "card_1",
            "about": "2026-03-31",
            "channel": "email",
            "address": "anna@example.com",
            "template": "points-expired",
            "locale": "pl-PL",
            "subject": "120 punktów wygasło",
            "text": "Cześć Łukasz,\n120 punktów wygasło.\n",
            "html": "<p>Cześć</p>",
        },
    }


def test_what_there_is_not_is_left_out(writer):
    words = Words(subject="s", text="t")
    data = json.loads(writer.prepare(notification(words=words, subject_id="member_1")))["data"]
    assert {"html", "preheader", "category", "about", "card"}.isdisjoint(data)


@given(text=st.text(), subject=st.text())
def test_any_text_is_valid_json_and_the_same_each_time(writer, text, subject):
    note = notification(words=Words(subject=subject, text=text))
    payload = writer.prepare(note)
    assert json.loads(payload.decode("utf-8"))["data"]["text"] == text.encode("utf-8", "replace").decode()
    assert payload == writer.prepare(note)


def test_what_is_not_worded_is_not_written(writer):
    with pytest.raises(ValueError, match="not worded"):
        writer.prepare(notification(words=None))


# The answer


@pytest.mark.parametrize("answer", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Odd"])
async def test_any_2xx_is_sent(answer):
    delivery, _ = await delivered(answer)
    assert isinstance(delivery, Sent)


async def test_gone_means_never_again():
    delivery, receiver = await delivered("410 Gone")
    assert delivery == Refused(f"127.0.0.1:{receiver.port}: 410 Gone; the receiver wants no more messages")


@pytest.mark.parametrize("answer", ["400 Bad Request", "413 Too Large", "422 Unprocessable"])
async def test_a_message_the_receiver_dislikes_is_tried_again_on_its_own(answer):
    delivery, _ = await delivered(answer)
    assert isinstance(delivery, Deferred)
    assert not delivery.about_relay


@pytest.mark.parametrize(
    "answer", ["301 Moved", "307 Temporary", "401 No", "403 No", "404 No", "405 No", "500 Oops", "502 Oops", "504 Oops"]
)
async def test_anything_else_is_about_the_receiver(answer):
    delivery, _ = await delivered(answer)
    assert isinstance(delivery, Deferred)
    assert delivery.about_relay
    assert answer[:3] in delivery.reply


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        ("429 Slow\r\nretry-after: 120", timedelta(seconds=120)),
        ("503 Busy\r\nretry-after: 0", timedelta()),
        ("503 Busy\r\nRetry-After: Sun, 01 Mar 2026 08:01:30 GMT", timedelta(seconds=89.5)),
        ("503 Busy\r\nRetry-After: Sun, 01 Mar 2020 08:01:30 GMT", timedelta()),
        ("503 Busy\r\nretry-after: 99999999999999", timedelta(days=1)),
        ("503 Busy\r\nretry-after: soon", None),
        ("503 Busy\r\nretry-after: \xb2", None),
        ("503 Busy", None),
    ],
)
async def test_a_receiver_may_say_when_to_come_back(answer, wait):
    delivery, _ = await delivered(answer)
    assert delivery.retry_after == wait
    assert delivery.about_relay


async def test_redirects_are_not_followed():
    delivery, receiver = await delivered("302 Found\r\nlocation: /elsewhere", "200 OK")
    assert delivery.reply.endswith("302 Found; redirects are not followed, set url to where it leads")
    assert len(receiver.requests) == 1


async def test_cookies_are_not_kept():
    async with WebhookReceiver("200 OK\r\nset-cookie: a=b") as receiver:
        channel = channel_to(receiver.port)
        for _ in range(2):
            await channel.send(outgoing(channel), Permit())
        await channel.close()
    assert "cookie" not in receiver.requests[1].headers
    assert receiver.connections == 1


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 200 OK\r\n", b"garbage\r\n\r\n"])
async def test_a_lost_answer_is_asked_for_again(answer):
    async with WebhookReceiver(answer) as receiver:
        channel = channel_to(receiver.port, timeout=0.3)
        delivery = await channel.send(outgoing(channel), Permit())
        await channel.close()
    assert isinstance(delivery, Deferred)
    assert delivery.about_relay
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n" + b"x" * 99_999,
    ],
)
async def test_a_yes_is_a_yes_whatever_comes_after_it(answer, monkeypatch):
    monkeypatch.setattr("engine.deliver.webhook._READING_OUT", 0.1)
    delivery, _ = await delivered(answer)
    assert delivery == Sent("200 OK")


async def test_an_answer_that_does_not_come_is_not_waited_for_for_ever():
    async with WebhookReceiver() as receiver:
        receiver.answer_now.clear()
        channel = channel_to(receiver.port, timeout=0.1)
        delivery = await channel.send(outgoing(channel), Permit())
        await channel.close()
    assert delivery == Deferred(f"127.0.0.1:{receiver.port}: no answer within 0.1 s", about_relay=True, relay_down=True)


async def test_a_receiver_out_of_reach_costs_no_message_and_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        channel = channel_to(port)
        delivery = await channel.send(outgoing(channel), Permit())
        await channel.close()
    assert delivery.about_relay
    assert delivery.reply.startswith(f"127.0.0.1:{port}: ConnectError")
    assert delivery.reply.endswith("check url, and that the receiver is up")


# The permit, and stopping


async def test_the_permit_is_asked_once_and_before_the_request():
    async with WebhookReceiver() as receiver:
        channel = channel_to(receiver.port)
        permit = Permit(look=lambda: seen.append(receiver.connections))
        seen = []
        await channel.send(outgoing(channel), permit)
        await channel.close()
    assert (permit.asked, seen) == (1, [0])


async def test_without_a_permit_nothing_is_sent():
    delivery, receiver = await delivered(permit=Permit(grant=False))
    assert delivery == Withheld()
    assert receiver.connections == 0


async def test_stopped_while_waiting_for_the_answer_it_is_tried_again():
    async with WebhookReceiver() as receiver:
        receiver.answer_now.clear()
        channel = channel_to(receiver.port)
        sending = asyncio.ensure_future(channel.send(outgoing(channel), Permit()))
        await until(lambda: receiver.requests)
        sending.cancel()
        delivery = await sending
        await channel.close()
    assert isinstance(delivery, Deferred)
    assert delivery.retry_after == timedelta()


# Where requests may go


def resolving_to(*addresses):
    asked = []

    async def resolve(host, _port):
        asked.append(host)
        return addresses

    return resolve, asked


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:127.0.0.1"]])
async def test_a_name_that_leads_inside_is_not_followed(addresses):
    resolve, _ = resolving_to(*addresses)
    async with WebhookReceiver() as receiver:
        channel = channel_to(
            receiver.port, host="hooks.example.com", scheme="https", resolve=resolve, allow_private=False
        )
        permit = Permit()
        delivery = await channel.send(outgoing(channel), permit)
        await channel.close()
    assert isinstance(delivery, Deferred)
    assert delivery.about_relay
    assert delivery.reply.endswith("which is not a public address; set allow_private: true if that is meant")
    assert (receiver.connections, permit.asked) == (0, 0)


async def test_the_address_that_was_judged_is_the_one_connected_to():
    resolve, asked = resolving_to("127.0.0.1")
    async with WebhookReceiver() as receiver:
        channel = channel_to(receiver.port, host="hooks.example.com", resolve=resolve)
        assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
        await channel.close()
    assert asked == ["hooks.example.com"]
    assert receiver.requests[0].headers["host"] == f"hooks.example.com:{receiver.port}"


async def test_an_address_out_of_reach_is_followed_by_the_next():
    resolve, _ = resolving_to("127.0.0.2", "::1", "127.0.0.1")
    async with WebhookReceiver() as receiver:
        channel = channel_to(receiver.port, host="hooks.example.com", resolve=resolve)
        assert isinstance(await channel.send(outgoing(channel), Permit()), Sent)
        await channel.close()


@pytest.mark.parametrize("failure", [OSError("Name or service not known"), UnicodeError("label too long")])
async def test_a_name_that_leads_nowhere_costs_no_message(failure):
    async def resolve(_host, _port):
        raise failure

    channel = channel_to(443, host="hooks.example.com", resolve=resolve)
    permit = Permit()
    delivery = await channel.send(outgoing(channel), permit)
    await channel.close()
    assert delivery == Deferred(
        f"hooks.example.com:443: the host has no address ({failure}); check url",
        about_relay=True,
        relay_down=True,
    )
    assert permit.asked == 0


async def test_a_name_without_addresses_costs_no_message():
    resolve, _ = resolving_to()
    channel = channel_to(443, host="hooks.example.com", resolve=resolve)
    assert isinstance(await channel.send(outgoing(channel), Permit()), Deferred)
    await channel.close()


@pytest.mark.parametrize(
    ("host", "ca_file", "expected"),
    [("localhost", CERTIFICATE, Sent), ("localhost", None, Deferred), ("other.example", CERTIFICATE, Deferred)],
)
async def test_certificates_are_checked_against_the_name(host, ca_file, expected):
    resolve, _ = resolving_to("127.0.0.1")
    async with WebhookReceiver(tls=True) as receiver:
        channel = channel_to(receiver.port, host=host, scheme="https", resolve=resolve, ca_file=ca_file)
        delivery = await channel.send(outgoing(channel), Permit())
        await channel.close()
    assert isinstance(delivery, expected)
    assert len(receiver.requests) == (1 if expected is Sent else 0)


# Settings and secrets


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://hooks.example.com"},
        {"url": "https://"},
        {"url": "hooks.example.com"},
        {"url": "https://user:pass@hooks.example.com"},
        {"url": "http://hooks.example.com"},
        {"url": "https://hooks.example.com:99999"},
        {"secrets": []},
        {"secrets": ["whsec_short"]},
        {"secrets": ["whsec_" + "!" * 40]},
        {"secrets": ["whsec_" + b64encode(b"x" * 65).decode()]},
        {"timeout": 0},
        {"tiemout": 1},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        WebhookSettings.model_validate({"url": "https://hooks.example.com", "secrets": [NEW], **wrong})


def test_clear_text_is_for_private_networks_only():
    WebhookSettings.model_validate({"url": "http://gateway.internal", "secrets": [NEW], "allow_private": True})


@pytest.mark.parametrize(
    "answer",
    ["200 OK", "410 Gone", "500 Oops", None, b"HTTP/1.1 500 " + NEW.encode() + b"\r\ncontent-length: 0\r\n\r\n"],
)
async def test_no_outcome_and_no_log_tells_a_secret_or_the_path(answer, caplog):
    caplog.set_level(logging.INFO)
    delivery, _ = await delivered(answer, path="/hook/very-secret-path")
    for secret in (NEW, NEW.removeprefix("whsec_"), "very-secret-path"):
        assert secret not in repr(delivery)
        assert secret not in caplog.text


def test_settings_do_not_show_the_secrets():
    settings = WebhookSettings.model_validate({"url": "https://hooks.example.com", "secrets": [NEW]})
    assert NEW not in repr(settings)
    with pytest.raises(ValidationError) as refusal:
        WebhookSettings.model_validate({"url": "https://hooks.example.com", "secrets": [NEW], "x": NEW})
    assert NEW not in str(refusal.value)
