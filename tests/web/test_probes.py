"""What the operator's tools ask: alive, ready, and how much of everything."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.model import Reason

from ..running import EVENT, running


@pytest.fixture
async def daemon(tmp_path):
    async with running(tmp_path) as started:
        yield started


async def test_a_daemon_at_work_is_alive_and_ready(daemon):
    assert (await daemon.client.get("/healthz")).json() == {"alive": True}
    assert (await daemon.client.get("/readyz")).json() == {"ready": True, "reasons": []}
    assert (await daemon.client.head("/readyz")).content == b""


async def test_asking_leaves_nothing_behind(daemon):
    before = await daemon.store.status_rows() if hasattr(daemon.store, "status_rows") else daemon.events()
    await daemon.client.get("/readyz")
    assert daemon.events() == before


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
    values = {mode: await daemon.metric("pointbell_delivery_mode", mode=mode) for mode in ("capture", "allowlist", "live")}
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


async def test_the_age_of_the_oldest_work_is_measured(daemon, monkeypatch):
    await daemon.shop.store.close()
    ages = []
    monkeypatch.setattr(daemon.shop.observer.metrics, "oldest_due", ages.append)
    now = datetime.now(UTC)
    assert now + timedelta() == now
