"""What the operator's tools ask: alive, ready, and how much of everything."""

import io
import json
import sqlite3
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.config import load_config
from engine.daemon import assemble
from engine.logs import make_log
from engine.measuring import Measuring
from engine.model import Reason
from engine.store import PULSE, Pause, Received, Reports, Scope

from ..running import EVENT, SECRET, programme, running
from ..store.conftest import NOON, message, queue


@pytest.fixture
async def daemon(tmp_path):
    async with running(tmp_path) as started:
        yield started


async def test_a_daemon_at_work_is_alive_and_ready(daemon):
    assert (await daemon.client.get("/healthz")).json() == {"alive": True}
    assert (await daemon.client.get("/readyz")).json() == {"ready": True, "reasons": []}
    assert (await daemon.client.head("/readyz")).content == b""


async def test_asking_for_readiness_leaves_nothing_behind(daemon):
    await daemon.client.get("/readyz")
    with sqlite3.connect(daemon.daemon.config.database) as connection:
        [(left,)] = connection.execute("SELECT count(*) FROM meta WHERE name = 'probe'")
    connection.close()
    assert left == 0


async def test_metrics_are_those_of_prometheus(daemon):
    await daemon.post("/ingest/open", EVENT.read_bytes())
    await daemon.settled()
    answer = await daemon.client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert found["pointbell_delivery_mode"].samples[0].labels == {"mode": "capture"}
    assert found["pointbell_ruleset"].samples[0].labels == {"hash": daemon.shop.pipeline.ruleset.hash}
    assert found["pointbell_last_reload_successful"].samples[0].value == 1


async def test_the_mode_in_force_is_a_metric(daemon):
    values = {
        mode: await daemon.metric("pointbell_delivery_mode", mode=mode) for mode in ("capture", "allowlist", "live")
    }
    assert values == {"capture": 1, "allowlist": 0, "live": 0}


async def test_decisions_and_messages_are_counted_by_what_became_of_them(daemon):
    expired = EVENT.with_name("voucher.loyalty_card.points_expired.json").read_bytes()
    await daemon.post("/ingest/open/points_expired", expired)
    await daemon.settled()
    text = (await daemon.client.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    decisions = [sample.labels for sample in families["pointbell_decisions"].samples if sample.name.endswith("_total")]
    assert decisions
    assert {label["reason"] for label in decisions} <= {"", *Reason}


async def test_the_age_of_the_oldest_work_is_measured(tmp_path):
    config = load_config(programme(tmp_path), {"WEBHOOK_SECRET": SECRET})
    log = make_log(io.StringIO())
    async with assemble(config, log, lambda: NOON + timedelta(minutes=5)) as shop:
        measuring = Measuring(shop=shop, database=config.database)
        await measuring.take()
        assert b'\npointbell_oldest_due_age_seconds{kind="message"} 0.0\n' in shop.observer.metrics.text()
        await queue(shop.store, message())
        await measuring.take()
        assert b'\npointbell_oldest_due_age_seconds{kind="message"} 300.0\n' in shop.observer.metrics.text()


async def test_what_somebody_should_be_woken_for_is_measured(tmp_path):
    config = load_config(programme(tmp_path), {"WEBHOOK_SECRET": SECRET})
    async with assemble(config, make_log(io.StringIO()), lambda: NOON) as shop:
        await shop.store.add_events([Received(source="open", key="k", lane="l", raw=b"{}", received_at=NOON)])
        await shop.store.quarantine(1, "broken")
        until = NOON + timedelta(hours=1)
        await shop.store.pause(Pause(id=0, scope=Scope.RULE, name="x", reason="why", since=NOON, until=until))
        measuring = Measuring(shop=shop, database=config.database, silent_after={"open": timedelta(hours=1)})
        await measuring.take()
        assert b'\npointbell_paused{scope="rule"} 1.0\n' in shop.observer.metrics.text()
        shop.pipeline.now = lambda: NOON + timedelta(hours=2)
        await measuring.take()
        text = shop.observer.metrics.text().decode()
    assert "pointbell_quarantined_deliveries 1.0\n" in text
    assert 'pointbell_source_silent_ratio{source="open"} 2.0\n' in text
    assert 'pointbell_paused{scope="rule"} 0.0\n' in text
    assert "pointbell_disk_free_bytes " in text
    assert json.loads(Reports(config.database).noted(PULSE))[0] == 1


async def test_a_database_that_cannot_be_measured_is_reported(tmp_path):
    config = load_config(programme(tmp_path), {"WEBHOOK_SECRET": SECRET})
    log = io.StringIO()
    async with assemble(config, make_log(log, as_json=True), lambda: NOON) as shop:
        await Measuring(shop=shop, database=tmp_path / "elsewhere" / "no.db").take()
    assert '"step": "measure"' in log.getvalue()
