"""What the operator's tools ask: alive, ready, and how much of everything."""

import io
import sqlite3
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.config import load_config
from engine.daemon import _measure, assemble
from engine.logs import make_log
from engine.model import Reason

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
    with sqlite3.connect(daemon.shop.config.database) as connection:
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
        await _measure(shop)
        assert b"\npointbell_oldest_due_age_seconds 0.0\n" in shop.observer.metrics.text()
        await queue(shop.store, message())
        await _measure(shop)
        assert b"\npointbell_oldest_due_age_seconds 300.0\n" in shop.observer.metrics.text()
