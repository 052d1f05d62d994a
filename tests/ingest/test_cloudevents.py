"""CloudEvents 1.0 in structured form, around either kind of body."""

from datetime import UTC, datetime

import pytest

from engine.errors import BodyError
from engine.ingest import peek, read

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


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/cloudevents-batch+json"},
        {"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "1"},
    ],
)
@pytest.mark.parametrize("source", [CLOUDEVENTS, NATIVE])
def test_other_forms_are_named(source, headers):
    with pytest.raises(BodyError, match="batched or binary"):
        read(wrapped([event("points_added", PLAIN)], source, headers))


def test_a_list_is_no_event():
    with pytest.raises(BodyError, match="specversion"):
        read(wrapped([1]))
