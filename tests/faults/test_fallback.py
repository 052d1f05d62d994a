"""A channel that refuses everything, another one behind it, and faults: each message goes once, over the other one."""

import pytest

from engine.failpoints import POINTS, WIRE
from tests.deliver.webhook_receiver import WebhookReceiver

from . import life, test_failpoints
from .test_failpoints import at_once as at_once  # noqa: PLC0414 - a fixture
from .test_failpoints import moments, told, walk

PUSH = """\
  push: {{kind: webhook, url: "http://127.0.0.1:{port}/push", secrets: [whsec_{secret}], allow_private: true}}
delivery:"""
SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FIRST_PUSH = "send: {template: points-added, channel: [push, email]}"


@pytest.fixture
async def refusing(monkeypatch):
    """The programme of the walks, with a channel before the mail that refuses whatever it is given."""
    async with WebhookReceiver("410 Gone") as receiver:

        def programme(folder, **settings):
            life.programme(folder, **settings)
            config, rule = folder / "config.yaml", folder / "rules" / "added.yaml"
            text = config.read_text(encoding="utf-8")
            push = PUSH.format(port=receiver.port, secret=SECRET)
            config.write_text(text.replace("delivery:", push), encoding="utf-8")
            rule.write_text(
                rule.read_text(encoding="utf-8").replace("send: points-added", FIRST_PUSH), encoding="utf-8"
            )
            words = folder / "templates" / "points-added" / "push.en.txt"
            words.write_text("{{ event.points }} points are yours.\n", encoding="utf-8")

        monkeypatch.setattr(test_failpoints, "programme", programme)
        yield receiver


@pytest.mark.usefixtures("at_once")
async def test_faults_where_messages_are_sent(tmp_path, capsys, refusing):
    told(await walk(tmp_path, "raise", [*moments("settle", "permit", "record"), *WIRE]), capsys)
    assert refusing.requests


async def test_a_process_that_dies_around_a_refusal(tmp_path, capsys, refusing):
    told(await walk(tmp_path, "crash", ["record.before_commit", "record.after_commit", "wire.after_reply"]), capsys)
    assert refusing.requests


@pytest.mark.prove
@pytest.mark.parametrize("policy", ["park", "resend"])
async def test_a_process_that_dies_anywhere(tmp_path, capsys, refusing, policy):
    told(await walk(tmp_path, "crash", POINTS, policy), capsys)
    assert refusing.requests
