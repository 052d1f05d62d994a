"""What a daemon says of its mode, what a restart in another one does to old messages, and what people ask of it."""

import sqlite3
from contextlib import asynccontextmanager, closing
from datetime import timedelta

from engine.office import connect, socket_path
from engine.office.outbox import Resolve
from engine.office.pauses import BeginPause, EndPauses
from engine.store import Reports, Scope, Verdict

from .running import running, until
from .smtp_sink import SmtpSink
from .test_daemon import LIVE, expired

CAPTURE = LIVE.replace("mode: live", "mode: capture")


@asynccontextmanager
async def commanded(folder, config):
    """A daemon, and a command's connection to it."""
    async with running(folder, config) as daemon, connect(socket_path(daemon.daemon.config.database)) as office:
        yield daemon, office


def message(folder):
    with closing(Reports(folder / "pointbell.db")) as reports:
        [found] = reports.notifications()
    return found


def due_now(folder):
    """As if the pause before the next attempt were over."""
    with closing(sqlite3.connect(folder / "pointbell.db")) as connection, connection:
        connection.execute("UPDATE notification SET due_at = 0")


async def test_the_mode_and_a_change_of_it_are_in_the_log_and_the_metrics(tmp_path):
    async with running(tmp_path, LIVE % 9) as daemon:
        assert [line["mode"] for line in daemon.said("delivery mode")] == ["live"]
        assert await daemon.metric("pointbell_delivery_mode", mode="live") == 1
    async with running(tmp_path, CAPTURE % 9) as daemon:
        [line] = daemon.said("the delivery mode has changed")
        assert (line["level"], line["before"], line["mode"]) == ("warning", "live", "capture")
        assert await daemon.metric("pointbell_delivery_mode", mode="live") == 0
    async with running(tmp_path, CAPTURE % 9) as daemon:
        assert daemon.said("the delivery mode has changed") == []


async def test_a_message_that_waits_for_its_relay_is_not_sent_after_a_restart_in_capture_nor_ever(tmp_path):
    async with running(tmp_path, LIVE % 9) as daemon:
        await daemon.post("/ingest/shop", expired("anna"))
        await until(lambda: daemon.said("deferred"))
    assert (message(tmp_path)["state"], message(tmp_path)["route"]) == ("queued", "email")
    due_now(tmp_path)
    async with SmtpSink() as sink:
        async with running(tmp_path, CAPTURE % sink.port) as daemon:
            await until(lambda: daemon.said("captured"))
        assert message(tmp_path)["state"] == "captured"
        due_now(tmp_path)
        async with running(tmp_path, LIVE % sink.port) as daemon:
            await daemon.shop.worker.until_idle()
        assert sink.accepted == []


async def test_a_pause_and_a_verdict_reach_the_running_daemon(tmp_path):
    async with SmtpSink() as sink, commanded(tmp_path, LIVE % sink.port) as (daemon, office):
        hour = timedelta(hours=1)
        begun = await office.ask(BeginPause(scope=Scope.RULE, name="points-expired", reason="why", lasts=hour))
        await daemon.post("/ingest/shop", expired("anna"))
        await daemon.settled()
        assert sink.accepted == []
        assert [line["name"] for line in daemon.said("paused")] == ["points-expired"]
        ended = await office.ask(EndPauses(ids=(begun.id,)))
        assert [pause.id for pause in ended.pauses] == [begun.id]
        await until(lambda: daemon.said("sent"))
        come = await office.ask(Resolve(verdict=Verdict.DROP, because="x", by="ops", ids=(1,)))
        assert come.left == ((1, "is sent: there is nothing to decide"),)
        assert len(sink.accepted) == 1


async def test_a_message_sent_again_by_hand_reaches_the_relay_with_its_message_id(tmp_path):
    async with SmtpSink() as sink, commanded(tmp_path, LIVE % sink.port) as (daemon, office):
        await daemon.post("/ingest/shop", expired("anna"))
        await until(lambda: daemon.said("sent"))
        with closing(sqlite3.connect(tmp_path / "pointbell.db")) as connection, connection:
            connection.execute("UPDATE notification SET state = 'unknown'")
        come = await office.ask(Resolve(verdict=Verdict.RESEND, because="it never came", by="ops", ids=(1,)))
        assert come.done == (1,)
        await until(lambda: len(daemon.said("sent")) == 2)
        first, second = (mail.message_id for mail in sink.accepted)
        assert first == second
        assert [line["because"] for line in daemon.said("resolved")] == ["it never came"]
