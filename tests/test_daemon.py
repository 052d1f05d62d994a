"""The daemon: it starts whole or not at all, reloads what is good, and finishes what it has begun."""

import asyncio
import io
import json
import os
import signal
import socket
import sqlite3
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from engine.config import load_config
from engine.daemon import _at_the_end, assemble, open_daemon, run, tell_systemd
from engine.errors import ConfigError, RulesetInvalid, StoreOwned
from engine.ingest import Delivery
from engine.logs import make_log
from engine.store import Received, Reports
from engine.store import sqlite as sqlite_store

from .running import CONFIG, SECRET, programme, running, until
from .smtp_sink import SmtpSink

RULE = Path("rules/points-expired.yaml")
LIVE = """\
programme: {name: Fern Club, timezone: Europe/Warsaw}
store: pointbell.db
http: {port: 0}
sources: {shop: {producer: native, unsigned: true}}
channels:
  email: {kind: email, from: club@example.org, host: 127.0.0.1, port: %d, tls: none}
  sms: {kind: capture, address_field: phone}
delivery: {mode: live}
"""


def expired(name):
    said = {
        "id": name,
        "type": "points_expired",
        "member": {"id": name, "email": f"{name}@example.org"},
        "card": {"id": f"card-{name}", "balance": 10},
        "data": {"points": 60},
    }
    return json.dumps(said).encode()


def settings(folder, config=CONFIG):
    return load_config(programme(folder, config), {"WEBHOOK_SECRET": SECRET})


def silent():
    return make_log(io.StringIO())


def states(folder):
    reports = Reports(folder / "pointbell.db")
    found = [row["state"] for row in reports.notifications()]
    reports.close()
    return found


# --- starting ---


async def test_an_event_becomes_a_mail(tmp_path):
    async with SmtpSink() as sink, running(tmp_path, LIVE % sink.port) as daemon:
        await daemon.post("/ingest/shop", expired("anna"))
        await until(lambda: daemon.said("sent"))
        [mail] = sink.accepted
        assert mail.recipient == "anna@example.org"
        assert await daemon.metric("pointbell_notifications_total", channel="email", outcome="sent") == 1
        assert "anna@example.org" not in daemon.log


async def test_in_capture_mode_nobody_is_written_to(tmp_path):
    async with (
        SmtpSink() as sink,
        running(tmp_path, (LIVE % sink.port).replace("mode: live", "mode: capture")) as daemon,
    ):
        await daemon.post("/ingest/shop", expired("anna"))
        await until(lambda: daemon.said("captured"))
        assert sink.connections == 0


async def test_a_second_daemon_on_the_same_file_refuses_clearly(tmp_path):
    async with running(tmp_path) as daemon:
        with pytest.raises(StoreOwned, match=rf"in use by process {os.getpid()}"):
            async with assemble(daemon.daemon.config, silent()):
                pass
        assert (await daemon.client.get("/readyz")).status_code == 200


async def test_a_port_in_use_is_told_and_everything_begun_is_ended(tmp_path, caplog):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = settings(tmp_path, CONFIG.replace("port: 0", f"port: {taken.getsockname()[1]}"))
        with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1 port \d+: Address already in use"):
            async with open_daemon(config, silent()):
                pass
    assert caplog.records == [], "nothing had begun to tick"
    async with assemble(config, silent()):
        pass


async def test_a_bad_rule_keeps_the_daemon_from_starting_and_touches_no_database(tmp_path):
    config = settings(tmp_path)
    (tmp_path / RULE).write_text("rule: broken\non: moonrise\nsend: points-expired\n", encoding="utf-8")
    with pytest.raises(RulesetInvalid, match="moonrise"):
        async with open_daemon(config, silent()):
            pass
    assert not config.database.exists()


async def test_the_bound_port_is_told(tmp_path):
    async with running(tmp_path) as daemon:
        [line] = daemon.said("listening")
        assert (line["host"], line["port"], line["mode"]) == ("127.0.0.1", daemon.port, "capture")
        assert daemon.port != 0


async def test_unsigned_sources_within_reach_of_others_are_warned_of(tmp_path):
    async with running(tmp_path, CONFIG.replace("{port: 0,", '{port: 0, host: "0.0.0.0",')) as daemon:
        [line] = daemon.said("anybody who reaches this address can send events")
        assert line["unsigned_sources"] == ["open"]
    async with running(tmp_path / "local") as daemon:
        assert not daemon.said("anybody who reaches this address can send events")


async def test_what_a_lost_process_had_claimed_is_taken_up_again(tmp_path):
    config = settings(tmp_path)
    async with assemble(config, silent()) as shop:
        lost = Received(source="open", key="k", lane="k", raw=b"{", received_at=shop.pipeline.now())
        await shop.store.add_events([lost])
        assert len(await shop.store.claim_events(1, shop.pipeline.now())) == 1
    async with running(tmp_path) as daemon:
        [line] = daemon.said("store open")
        assert line["deliveries_taken_back"] == 1
        [row] = await daemon.settled()
        assert row["state"] == "quarantined"


async def test_a_new_delivery_wakes_the_worker_and_a_known_one_does_not(tmp_path):
    async with assemble(settings(tmp_path), silent()) as shop:
        one = Delivery(source=shop.pipeline.sources["open"], body=b"{}", received_at=shop.pipeline.now())
        assert await shop.accept(one)
        assert shop.worker._deciding.is_set()
        shop.worker._deciding.clear()
        assert not await shop.accept(one)
        assert not shop.worker._deciding.is_set()


async def test_an_installation_keeps_its_secret(tmp_path):
    config, secrets = settings(tmp_path), []
    for _ in range(2):
        async with assemble(config, silent()) as shop:
            secrets.append(await shop.store.installation_secret())
    assert len(secrets[0]) == 32
    assert secrets[0] == secrets[1]


# --- reloading ---


async def test_a_good_set_of_rules_replaces_the_old_one_whole(tmp_path):
    async with running(tmp_path) as daemon:
        before = daemon.shop.pipeline.ruleset
        (tmp_path / RULE).write_text("rule: new\non: points_expired\nsend: points-expired\n", encoding="utf-8")
        assert await daemon.daemon.reload()
        after = daemon.shop.pipeline.ruleset
        assert after.rule("new")
        assert not after.rule("points-expired")
        [line] = daemon.said("reloaded")
        assert (line["before"], line["ruleset"], line["changed"]) == (before.hash, after.hash, True)
        assert await daemon.metric("pointbell_ruleset", hash=after.hash) == 1
        assert await daemon.metric("pointbell_last_reload_successful") == 1


async def test_a_bad_set_of_rules_leaves_the_old_one_in_force(tmp_path):
    async with running(tmp_path) as daemon:
        before = daemon.shop.pipeline.ruleset
        good = (tmp_path / RULE).read_text(encoding="utf-8")
        (tmp_path / RULE).write_text(good.replace("event.points", "event.pionts"), encoding="utf-8")
        assert not await daemon.daemon.reload()
        assert daemon.shop.pipeline.ruleset is before
        [line] = daemon.said("reload failed")
        assert line["findings"][0].startswith(f"{RULE}:3:")
        assert await daemon.metric("pointbell_last_reload_successful") == 0
        assert await daemon.metric("pointbell_reloads_total", result="failure") == 1
        assert (await daemon.client.get("/readyz")).status_code == 200
        (tmp_path / RULE).write_text(good, encoding="utf-8")
        assert await daemon.daemon.reload()
        assert await daemon.metric("pointbell_last_reload_successful") == 1


async def test_reminders_follow_new_rules_once_the_database_can_be_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_store, "BUSY_TIMEOUT_MS", 20)
    async with running(tmp_path) as daemon:
        (tmp_path / RULE).write_text("rule: new\non: points_expired\nsend: points-expired\n", encoding="utf-8")
        other = sqlite3.connect(tmp_path / "pointbell.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert await daemon.daemon.reload()
        assert "replan" in [line["step"] for line in daemon.said("refused")]
        other.execute("ROLLBACK")
        other.close()
        await daemon.shop.follow_rules()
        assert await daemon.shop.pipeline.replan() == 0


# --- stopping ---


class ThoughtfulSink(SmtpSink):
    """A mail server that takes its time with the last answer."""

    def __init__(self):
        super().__init__()
        self.has_it, self.answers = asyncio.Event(), asyncio.Event()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.has_it.set()
        await self.answers.wait()
        return await super().handle_DATA(server, session, envelope)


async def test_a_mail_whose_permit_was_given_is_seen_to_its_end(tmp_path):
    async with ThoughtfulSink() as sink:
        async with running(tmp_path, LIVE % sink.port) as daemon:
            await daemon.post("/ingest/shop", expired("anna"))
            await sink.has_it.wait()
            assert states(tmp_path) == ["permitted"]
            answer = asyncio.ensure_future(_answer_during_the_drain(daemon, sink))
        await answer
        assert states(tmp_path) == ["sent"]


async def _answer_during_the_drain(daemon, sink):
    await daemon.shop.worker._stopping.wait()
    sink.answers.set()


async def test_a_request_under_way_is_answered_although_the_door_is_closed(tmp_path):
    async with running(tmp_path) as daemon:
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        writer.write(b"POST /ingest/open HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{")
        await daemon.client.get("/healthz")
        late = asyncio.ensure_future(_write_once_closed(daemon.port, writer))
    await late
    assert (await reader.read()).startswith(b"HTTP/1.1 202 ")
    writer.close()


async def _write_once_closed(port, writer):
    while True:
        try:
            _, probe = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.write(b"}")
            return
        probe.close()


async def test_something_vital_that_ends_by_itself_ends_the_daemon(tmp_path):
    async with running(tmp_path) as daemon:
        for task in daemon.shop.worker._loops:
            task.cancel()
        assert await daemon.daemon.until(asyncio.Event()) == 1
        assert [line["what"] for line in daemon.said("ended by itself")] == ["worker"]


async def test_what_has_to_go_on_and_ends_by_itself_ends_the_daemon_and_is_logged(tmp_path):
    async with running(tmp_path) as daemon:
        ended = asyncio.get_running_loop().create_future()
        ended.set_exception(ZeroDivisionError())
        daemon.daemon.tasks["something"] = ended
        assert await daemon.daemon.until(asyncio.Event()) == 1
        [line] = daemon.said("ended by itself")
        assert "ZeroDivisionError" in line["exception"]


async def test_clean_ups_run_in_reverse_and_a_failing_one_is_named_and_keeps_no_other():
    out, done = io.StringIO(), []

    async def good():
        done.append("first made, last ended")

    async def bad():
        done.append("bad")
        raise ZeroDivisionError

    async with AsyncExitStack() as stack:
        _at_the_end(stack, make_log(out), "good step", good)
        _at_the_end(stack, make_log(out), "bad step", bad)
    assert done == ["bad", "first made, last ended"]
    [line] = out.getvalue().splitlines()
    assert json.loads(line)["step"] == "bad step"


def test_systemd_is_told_where_it_asks(monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0pointbell-test-notify")
        monkeypatch.setenv("NOTIFY_SOCKET", "@pointbell-test-notify")
        tell_systemd("READY=1")
        assert systemd.recv(100) == b"READY=1"
    tell_systemd("STOPPING=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    tell_systemd("STOPPING=1")


# --- the whole program ---


def test_until_idle_does_what_is_due_and_ends(tmp_path, capfd):
    path = programme(tmp_path, LIVE % 9 + "")
    path.write_text(path.read_text(encoding="utf-8").replace("mode: live", "mode: capture"), encoding="utf-8")

    async def prepare():
        async with assemble(load_config(path), silent()) as shop:
            source = shop.pipeline.sources["shop"]
            assert await shop.accept(Delivery(source=source, body=expired("anna"), received_at=shop.pipeline.now()))

    asyncio.run(prepare())
    assert run(path, until_idle=True) == 0
    assert states(tmp_path) == ["captured"]
    assert json.loads(capfd.readouterr().err.splitlines()[-1])["event"] == "idle"


def test_a_daemon_that_cannot_start_says_why(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        run(tmp_path / "config.yaml")


async def test_signals_reload_and_drain(tmp_path):
    path = programme(tmp_path)
    code = f"import sys; from pathlib import Path; from engine.daemon import run; sys.exit(run(Path({str(path)!r})))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE, env={**os.environ, "WEBHOOK_SECRET": SECRET}
    )
    said = Lines(process.stderr)
    before = (await said.next("ruleset in force"))["ruleset"]
    await said.next("listening")
    good = (tmp_path / RULE).read_text(encoding="utf-8")
    (tmp_path / RULE).write_text("rule: [", encoding="utf-8")
    process.send_signal(signal.SIGHUP)
    assert (await said.next("reload failed"))["ruleset"] == before
    (tmp_path / RULE).write_text(good.replace("50", "51"), encoding="utf-8")
    process.send_signal(signal.SIGHUP)
    assert (await said.next("ruleset in force"))["ruleset"] != before
    process.send_signal(signal.SIGTERM)
    await said.next("stopped")
    assert await process.wait() == 0


class Lines:
    """The log of a daemon in another process, line by line."""

    def __init__(self, stream):
        self._stream = stream

    async def next(self, event):
        """The next line of the kind."""
        async for line in self._stream:
            said = json.loads(line)
            if said["event"] == event:
                return said
        raise AssertionError(f"the daemon ended without saying {event!r}")
