"""What bodies say beyond the neutral fields, and CloudEvents in all forms, on their way through the pipeline."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

from engine.children.child import Child
from engine.children.wire import Read
from engine.deciding import open_delivery
from engine.language.kinds import NUMBER
from engine.ruleset.declared import Declared
from engine.ruleset.shared import Shared
from engine.settlement import Received, StoredEvent

from .programme import ruleset_of
from .test_pipeline import SHOP, house  # noqa: F401 - a fixture

NOW = datetime(2026, 1, 10, tzinfo=UTC)
STORE = Declared(path=("event", "store"), type=NUMBER, body_path="order.store")
BODY = {
    "type": "points_added",
    "member": {"id": "m", "email": "m@example.org"},
    "card": {"id": "c", "balance": 5},
    "data": {"points": 5},
    "order": {"store": 12},
}
BATCH = {"content-type": "application/cloudevents-batch+json"}
BINARY = {"content-type": "application/json", "ce-specversion": "1.0", "ce-source": "/s", "ce-type": "points_added"}


def stored():
    received = Received(source=SHOP.name, key="k", lane="m", raw=json.dumps(BODY).encode(), received_at=NOW)
    return StoredEvent(seq=1, received=received, attempts=0)


def declaring():
    return replace(ruleset_of(), shared=Shared(fields=(STORE,)))


def wrapped(number):
    return {"specversion": "1.0", "id": str(number), "source": "/s", "type": "points_added", "data": BODY}


def test_declared_fields_are_read_when_a_delivery_is_decided():
    [event] = open_delivery(stored(), {SHOP.name: SHOP}, declaring()).events
    assert event.facts["store"] == 12
    [event] = open_delivery(stored(), {SHOP.name: SHOP}, ruleset_of()).events
    assert "store" not in event.facts


def test_a_child_reads_them_too():
    child = Child(ruleset=declaring(), inlets={SHOP.name: SHOP}, writers={})
    child.progress = SimpleNamespace(step=lambda *_: None)
    child.read(Read(1, (stored(),), 0.0))
    [opened] = child._read[1]
    assert opened.events[0].facts["store"] == 12


async def test_the_events_of_a_batch_are_stored_and_decided_one_by_one(house):  # noqa: F811
    batch = [wrapped(1), {"specversion": "0.3"}, wrapped(2)]
    assert await house.post(batch, **BATCH)
    assert not await house.post(batch, **BATCH)
    await house.settle()
    assert [row["key"] for row in house.events("decided")] == ["/s 2", "/s 1"]
    [aside] = house.events("quarantined")
    assert aside["note"] == "not a CloudEvent of specversion 1.0"


async def test_an_empty_batch_is_taken_and_nothing_is_stored(house):  # noqa: F811
    assert not await house.post([], **BATCH)
    assert house.events(None) == []


async def test_a_batch_whose_first_event_is_known_is_new_all_the_same(house):  # noqa: F811
    await house.post([wrapped(1)], **BATCH)
    assert await house.post([wrapped(1), wrapped(2)], **BATCH)


async def test_a_binary_event_is_decided_from_what_is_stored_of_it(house):  # noqa: F811
    assert await house.post(BODY, **BINARY, **{"ce-id": "b1"})
    assert not await house.post(BODY, **BINARY, **{"ce-id": "b1"})
    await house.settle()
    [row] = house.events("decided")
    assert (row["key"], row["name"], row["content_type"]) == ("/s b1", "points_added", "application/cloudevents+json")


async def test_a_binary_event_that_cannot_be_read_is_set_aside_with_the_reason(house):  # noqa: F811
    await house.post(b"hello", **{**BINARY, "content-type": "text/plain", "ce-id": "b2"})
    await house.settle()
    [row] = house.events("quarantined")
    assert row["note"] == "the CloudEvent's data is not JSON: its datacontenttype is text/plain"
