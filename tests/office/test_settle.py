"""Waiting for what is due: all of it where nobody else works, what was there when asked where a daemon does."""

import json

import pytest

from engine.office import Here, connect
from engine.office.intake import Ingest, Replay, Settle
from engine.store import Received

from ..running import running
from ..smtp_sink import Fault, SmtpSink
from ..test_daemon import LIVE, ThoughtfulSink, expired, settings, silent, states
from ..test_daemon import assemble as assemble_programme
from .conftest import sock


def reminded(name):
    """A member whose reminder is years away."""
    card = {"id": f"card-{name}", "balance": 10, "next_expiration_date": "2999-12-31", "next_expiration_points": 10}
    said = {"id": name, "type": "card_updated", "member": {"id": name, "email": f"{name}@example.org"}, "card": card}
    return json.dumps(said).encode()


@pytest.fixture
async def sink():
    async with SmtpSink() as one:
        yield one


@pytest.fixture
async def live(tmp_path, sink):
    async with running(tmp_path, LIVE % sink.port) as daemon, connect(sock(daemon)) as office:
        daemon.office = office
        yield daemon


async def settled(office, **asked):
    rest = await office.ask(Settle(**asked))
    while not rest.done:
        rest = await office.ask(Settle(upto=rest.upto))
    return rest


async def test_what_was_handed_in_is_sent_when_it_is_settled(live, sink, tmp_path):
    await live.office.ask(Ingest(source="shop", bodies=(expired("anna"), expired("bo"))))
    rest = await settled(live.office)
    assert (rest.upto, rest.deliveries, rest.messages) == (2, 0, 0)
    assert states(tmp_path) == ["sent", "sent"]
    assert len(sink.accepted) == 2


async def test_timers_of_later_are_not_waited_for(live):
    await live.office.ask(Ingest(source="shop", bodies=(reminded("anna"),)))
    assert (await settled(live.office)).done
    with live.reports() as reports:
        assert reports.status()["timers"]["armed"]


async def test_a_relay_that_is_out_of_order_is_not_waited_for(live, sink, tmp_path):
    sink.on("connect", Fault(reply="421 4.3.2 not now"))
    await live.office.ask(Ingest(source="shop", bodies=(expired("anna"),)))
    assert (await settled(live.office)).done
    assert states(tmp_path) in (["queued"], ["claimed"]), "it may just be tried again"


async def test_a_relay_that_takes_its_time_is_told_of_when_the_time_to_wait_is_up(tmp_path):
    async with (
        ThoughtfulSink() as sink,
        running(tmp_path, LIVE % sink.port) as daemon,
        connect(sock(daemon)) as office,
    ):
        await office.ask(Ingest(source="shop", bodies=(expired("anna"),)))
        await sink.has_it.wait()
        rest = await office.ask(Settle(within=0))
        assert (rest.deliveries, rest.messages, rest.done) == (0, 1, False)
        sink.answers.set()
        await settled(office)
        assert states(tmp_path) == ["sent"]


async def test_what_comes_in_later_is_not_waited_for(live):
    await live.office.ask(Ingest(source="shop", bodies=(expired("anna"),)))
    rest = await settled(live.office)
    await live.shop.worker.stop()
    late = Received(source="shop", key="later", lane="later", raw=b"{}", received_at=live.shop.pipeline.now())
    await live.store.add_events([late])
    assert (await live.office.ask(Settle(within=0, upto=rest.upto))).done
    assert (await live.office.ask(Settle(within=0))).deliveries == 1


async def test_replayed_deliveries_are_waited_for_although_their_numbers_are_old(live):
    await live.office.ask(Ingest(source="shop", bodies=(b"{", expired("anna"))))
    await settled(live.office)
    assert (await live.office.ask(Replay(seqs=(1, 2)))).replayed == 2
    await settled(live.office)
    assert [row["state"] for row in live.events()] == ["decided", "quarantined"]


async def test_without_a_daemon_all_that_is_due_is_done(tmp_path):
    config = settings(tmp_path, (LIVE % 9).replace("mode: live", "mode: capture"))
    async with assemble_programme(config, silent()) as shop:
        office = Here(shop)
        assert office.alone
        await office.ask(Ingest(source="shop", bodies=(expired("anna"),)))
        assert states(tmp_path) == []
        assert (await office.ask(Settle(within=0))).done
        assert states(tmp_path) == ["captured"]
