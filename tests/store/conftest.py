"""A real store on a real file, and the few things every test of it needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.decide import Book
from engine.model import Notification, OnAmbiguous, Words
from engine.store import EventState, Received, Settlement, Store, Worded

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path / "pointbell.db")
    yield opened
    await opened.close()


def delivery(key="evt_1", source="voucherify", lane="cust_1", raw=b"{}"):
    return Received(source=source, key=key, lane=lane, raw=raw, received_at=NOON)


def message(key="rule|h|anna|t/email", **changes):
    plain = {
        "key": key,
        "rule": "rule",
        "subject_id": "card_1",
        "about": None,
        "slot": "t/email",
        "member_id": "anna",
        "channel": "email",
        "address": "anna@example.org",
        "template": "t",
        "locale": "en",
        "created_at": NOON,
        "words": Words(subject="Hi", text="Hi"),
        "send_before": NOON + timedelta(days=3),
        "on_ambiguous": OnAmbiguous.PARK,
    }
    return Notification(**{**plain, **changes})


async def queue(store, *messages, withdrawals=(), decisions=(), key="evt_1"):
    """Put messages into the outbox the way the pipeline does."""
    await store.add_events([delivery(key)])
    [claimed] = await store.claim_events(1, NOON)
    settlement = Settlement(
        seq=claimed.seq,
        state=EventState.DECIDED,
        at=NOON,
        ruleset="r1",
        decisions=list(decisions),
        worded=[Worded(notification=one, payload=b"bytes", route=one.channel) for one in messages],
        withdrawals=list(withdrawals),
    )
    return await store.settle(Book(), [settlement])
