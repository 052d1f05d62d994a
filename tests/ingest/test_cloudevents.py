"""CloudEvents 1.0 in structured form, around either kind of body."""

from datetime import UTC, datetime

import pytest

from engine.errors import BodyError
from engine.ingest import peek, read, unpack

from .ingest_bodies import BARE, CLOUDEVENTS, ENVELOPE, NATIVE, deliver_published, delivery, value_of

STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
NOW = "2026-01-31T10:00:00Z"
PLAIN = {"member": {"id": "m"}, "card": {"id": "c", "holder_id": "h", "balance": 5}, "data": {"points": 5}}


def event(kind, data, **more):
    return {
        "specversion": "1.0",
        "id": "1",
        "source": "/shop",
        "type": kind,
        "time": NOW,
        "datacontenttype": "application/json",
        "data": data,
    } | more


def wrapped(value, source=CLOUDEVENTS, headers=STRUCTURED):
    return delivery(value, source=source, headers=headers)


def only(reading):
    (found,) = reading.events
    return found


@pytest.mark.parametrize("source", [CLOUDEVENTS, NATIVE])
def test_a_plain_body_inside_is_read(source):
    given = wrapped(event("points_added", PLAIN), source)
    found = only(read(given))
    assert (found.key, found.name, found.member.id, found.holder_id) == ("/shop 1", "points_added", "m", "h")
    assert found.occurred_at == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert peek(given).transport_key == "/shop 1"
    assert peek(given).lane == "h"


@pytest.mark.parametrize("name", BARE)
def test_a_published_body_inside_means_the_same(name):
    bare, given = only(read(deliver_published(name))), wrapped(event(f"com.example.{name}", value_of(name)))
    found = only(read(given))
    assert (found.name, found.happening, found.facts) == (bare.name, bare.happening, bare.facts)
    assert found.occurred_at == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert peek(given).lane == (found.holder_id or found.member.id)


def test_a_whole_envelope_inside_means_the_same():
    bare, given = only(read(deliver_published(ENVELOPE))), wrapped(event("com.example.webhook", value_of(ENVELOPE)))
    found = only(read(given))
    assert (found.name, found.happening, found.occurred_at) == (bare.name, bare.happening, bare.occurred_at)
    assert (found.key, peek(given).lane) == ("/shop 1", bare.holder_id)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("points_added", "points_added"),
        ("org.example.points_added", "points_added"),
        ("org.example.loyalty.nothing", "unknown"),
    ],
)
def test_a_reverse_domain_is_skipped(kind, name):
    assert only(read(wrapped(event(kind, PLAIN)))).name == name


def test_source_and_id_together_are_the_key():
    keys = {
        peek(wrapped(event("points_added", PLAIN, source=source, id=name))).transport_key
        for source, name in (("/a", "1"), ("/a", "2"), ("/b", "1"))
    }
    assert keys == {"/a 1", "/a 2", "/b 1"}


def test_configuration_is_ignored():
    assert read(wrapped(event("com.example.campaign.created", {"campaign": {}}))).events == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"specversion": "0.3"}, "specversion 1.0"),
        ({"specversion": None}, "specversion 1.0"),
        ({"id": ""}, "without id"),
        ({"source": None, "type": 5}, "without source and type"),
        ({"data": None}, "not a JSON object"),
        ({"data": "eyJ9"}, "not a JSON object"),
        ({"data": {"object": "event", "type": "x"}, "type": "x"}, "v2018-08-01"),
    ],
)
def test_what_is_no_structured_event_is_set_aside(change, reason):
    given = wrapped(event("points_added", PLAIN) | change)
    with pytest.raises(BodyError, match=reason):
        read(given)
    peek(given)


BINARY = {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/shop%20one",
    "ce-type": "points_added",
    "ce-time": NOW,
}
BATCH = {"content-type": "application/cloudevents-batch+json; charset=utf-8", "x-other": "kept"}


@pytest.mark.parametrize("source", [CLOUDEVENTS, NATIVE])
def test_a_binary_event_is_stored_with_its_headers_in_it(source):
    (stored,) = unpack(wrapped(PLAIN, source, BINARY))
    # Only the content type of the headers is stored.
    given = delivery(stored.body, source=source, headers={"content-type": stored.headers["content-type"]})
    found = only(read(given))
    assert (found.key, found.name, found.holder_id) == ("/shop one 1", "points_added", "h")
    assert found.occurred_at == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert (peek(given).transport_key, peek(given).lane) == ("/shop one 1", "h")
    assert not any(name.startswith("ce-") for name in stored.headers)


def test_the_data_of_a_binary_event_is_kept_to_the_byte():
    body = b'{"member": {"id": "m"}, "data": {"points": 5.10, "points": 6}}'
    (stored,) = unpack(delivery(body, source=CLOUDEVENTS, headers=BINARY))
    assert body in stored.body
    with pytest.raises(BodyError, match="appears twice"):
        read(stored)


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({"ce-id": ""}, b"{}", "a CloudEvent without id"),
        ({"ce-specversion": "0.3"}, b"{}", "not a CloudEvent of specversion 1.0"),
        (
            {"content-type": "text/plain"},
            b"hello",
            "the CloudEvent's data is not JSON: its datacontenttype is text/plain",
        ),
        ({}, b'{"a":', "the CloudEvent's data is not JSON"),
        ({}, b'1}, "type": "x", "y": {}', "the CloudEvent's data is not JSON"),
        ({}, b"", "the CloudEvent's data is not a JSON object"),
        ({}, b"[1]", "the CloudEvent's data is not a JSON object"),
    ],
)
def test_a_binary_event_that_cannot_be_read_says_why(headers, body, reason):
    (stored,) = unpack(delivery(body, source=CLOUDEVENTS, headers=BINARY | headers))
    assert stored.headers["content-type"] == "application/cloudevents+json"
    with pytest.raises(BodyError, match=reason):
        read(stored)


@pytest.mark.parametrize("source", [CLOUDEVENTS, NATIVE])
def test_the_events_of_a_batch_are_stored_one_by_one(source):
    batch = [event("points_added", PLAIN, id=str(number)) for number in range(3)]
    stored = unpack(wrapped(batch, source, BATCH))
    assert [peek(one).transport_key for one in stored] == ["/shop 0", "/shop 1", "/shop 2"]
    assert [only(read(one)).key for one in stored] == ["/shop 0", "/shop 1", "/shop 2"]
    assert {one.headers["content-type"] for one in stored} == {"application/cloudevents+json"}


def test_a_batch_may_be_empty():
    assert unpack(wrapped([], CLOUDEVENTS, BATCH)) == ()


def test_one_bad_event_of_a_batch_is_set_aside_alone():
    good, bad, worse = unpack(wrapped([event("points_added", PLAIN), 7, {"specversion": "1.0"}], CLOUDEVENTS, BATCH))
    assert only(read(good)).name == "points_added"
    with pytest.raises(BodyError, match="specversion"):
        read(bad)
    with pytest.raises(BodyError, match="without id and source and type"):
        read(worse)
    assert len({peek(one).transport_key for one in (good, bad, worse)}) == 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"[", "not JSON"), (b"{}", "is a JSON list of events"), (b'[{"id":1,"id":2}]', "appears twice")],
)
def test_what_is_no_batch_is_stored_as_it_came(body, reason):
    given = delivery(body, source=CLOUDEVENTS, headers=BATCH)
    assert unpack(given) == (given,)
    with pytest.raises(BodyError, match=reason):
        read(given)


def test_other_producers_are_left_alone():
    given = delivery(b"[]", headers=BATCH)
    assert unpack(given) == (given,)


def test_a_list_is_no_event():
    with pytest.raises(BodyError, match="specversion"):
        read(wrapped([1]))
