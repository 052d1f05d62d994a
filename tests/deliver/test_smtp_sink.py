import json

import pytest
from aiosmtplib import SMTP, SMTPDataError, SMTPServerDisconnected

from tests.smtp_sink import Fault, SmtpSink

MAIL = b"Message-ID: <1@example.com>\r\nX-Pointbell-Id: 1\r\n\r\nhello\r\n"


@pytest.fixture
def log(tmp_path):
    return tmp_path / "accepted.jsonl"


async def post(sink, times=1):
    async with SMTP(hostname=sink.host, port=sink.port, local_hostname="client.test", start_tls=False) as client:
        for _ in range(times):
            await client.sendmail("a@example.com", ["b@example.com"], MAIL)


def logged(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


async def test_an_accepted_mail_is_on_disk_when_the_client_hears_of_it(log):
    async with SmtpSink(log=log) as sink:
        await post(sink)
        (line,) = logged(log)
    assert line.pop("at")
    assert line == {
        "message_id": "<1@example.com>",
        "pointbell_id": "1",
        "sender": "a@example.com",
        "recipient": "b@example.com",
        "tls": False,
        "user": None,
    }


async def test_a_log_is_continued_not_begun_anew(log):
    for _ in range(2):
        async with SmtpSink(log=log) as sink:
            await post(sink)
    assert len(logged(log)) == 2


async def test_a_refused_mail_is_not_logged(log):
    async with SmtpSink(log=log) as sink:
        sink.on("dot", Fault(reply="451 no"))
        with pytest.raises(SMTPDataError):
            await post(sink)
    assert (logged(log), sink.bodies) == ([], 1)


@pytest.mark.parametrize(("taken", "count"), [(True, 1), (False, 0)])
async def test_an_answer_can_be_lost_with_the_mail_taken_or_not(log, taken, count):
    async with SmtpSink(log=log) as sink:
        sink.on("dot", Fault(drop=True, taken=taken))
        with pytest.raises(SMTPServerDisconnected):
            await post(sink)
    assert len(logged(log)) == count


async def test_a_delayed_answer_is_the_right_one(log):
    async with SmtpSink(log=log) as sink:
        sink.on("dot", Fault(delay=0.01))
        await post(sink)
    assert len(logged(log)) == 1


async def test_faults_of_a_stage_take_turns_and_end():
    async with SmtpSink() as sink:
        sink.on("dot", Fault(reply="451 one", times=1))
        sink.on("dot", Fault(reply="451 two", times=1))
        for said in ("one", "two"):
            with pytest.raises(SMTPDataError, match=said):
                await post(sink)
        await post(sink)


async def test_a_share_of_faults_is_the_same_for_the_same_seed():
    accepted = []
    for _ in range(2):
        async with SmtpSink(seed=7) as sink:
            sink.on("dot", Fault(delay=1e-9, chance=0.5))
            await post(sink, times=20)
            accepted.append(list(sink._struck.values()))
    assert accepted[0] == accepted[1]
    assert 0 < accepted[0][0] < 20
