"""Declared fields that are read from bodies, whoever the producer is."""

import json
from datetime import date

import pytest

from engine.config.mapping import shipped_mapping
from engine.ingest import BodyField, SourceSettings, read, read_path

from . import known_producers
from .ingest_bodies import CLOUDEVENTS, NATIVE, delivery, enveloped, value_of

TALON = SourceSettings(name="talon", producer="mapped", mapping=shipped_mapping("talon_one"), unsigned=True)
POINTS = "customer.voucher.loyalty_card.points_added"


def field(name, path):
    group, _, rest = name.partition(".")
    field_name, _, entry = rest.partition("/")
    return BodyField(group=group, name=field_name, entry=entry or None, path=read_path(path))


def told(given, *fields):
    (event,) = read(given, fields).events
    return event


def plain(**more):
    return {"type": "points_added", "member": {"id": "m"}, "card": {"id": "c"}, "data": {"points": 5}} | more


def test_a_field_is_counted_from_the_events_own_part_else_from_the_body():
    body = enveloped(value_of(POINTS) | {"shop": {"no": 7}}, POINTS)
    fields = (field("event.shop", "shop.no"), field("event.project", "project_id"), field("event.none", "nothing.here"))
    wrapped = told(delivery(body), *fields)
    assert (wrapped.facts["shop"], wrapped.facts["project"]) == (7, "proj_1")
    assert "none" not in wrapped.facts
    assert told(delivery(body["data"], POINTS), *fields).facts["shop"] == 7


def test_every_producer_has_them():
    extra = {"order": {"lines": [{"sku": "a"}, {"sku": "b"}]}}
    sku = field("event.sku", "order.lines[-1].sku")
    envelope = {"specversion": "1.0", "id": "1", "source": "/s", "type": "points_added", "data": plain() | extra}
    talon = known_producers.talon_change() | extra
    given = [
        delivery(plain(**extra), source=NATIVE),
        delivery(envelope, source=CLOUDEVENTS),
        delivery(value_of(POINTS) | extra, POINTS),
        delivery(talon, source=TALON),
    ]
    assert [told(one, sku).facts["sku"] for one in given] == ["b"] * 4


def test_each_event_of_a_delivery_has_its_own():
    body = known_producers.talon_balances(
        {"Operation": "addition", "Amount": 1, "till": 1}, {"Operation": "addition", "Amount": 2, "till": 2}
    )
    events = read(
        delivery(body, source=TALON), (field("event.till", "till"), field("event.who", "TypeOfChange"))
    ).events
    assert [(event.facts["till"], event.facts["who"]) for event in events] == [(1, "rule_engine"), (2, "rule_engine")]


@pytest.mark.parametrize("value", ["42", 42, 4.5, True, ["a", 1], {"a": 1}])
def test_values_stay_as_they_came(value):
    event = told(delivery(plain(x=value), source=NATIVE), field("member.size", "x"), field("card.size", "x"))
    assert event.member.fields["size"] == event.card.fields["size"] == value


def test_the_dates_that_reminders_run_ahead_of_are_dates():
    fields = field("member.birthdate", "born"), field("card.next_expiration_date", "end"), field("card.since", "end")
    event = told(delivery(plain(born="1990-02-28", end="2026-03-31T10:00:00Z"), source=NATIVE), *fields)
    assert event.member.fields["birthdate"] == date(1990, 2, 28)
    assert event.card.fields["next_expiration_date"] == date(2026, 3, 31)
    assert event.card.fields["since"] == "2026-03-31T10:00:00Z"
    assert "birthdate" not in told(delivery(plain(born="soon"), source=NATIVE), *fields).member.fields


def test_a_null_clears_a_cards_field_and_never_a_members():
    fields = field("member.size", "x"), field("card.size", "x"), field("event.size", "x")
    event = told(delivery(plain(x=None), source=NATIVE), *fields)
    assert event.card.fields["size"] is None
    assert "size" not in event.member.fields
    assert "size" not in event.facts
    assert "size" not in told(delivery(plain(), source=NATIVE), *fields).card.fields


def test_entries_join_what_the_body_says_of_the_whole():
    size, data = field("member.metadata/size", "x"), field("event.data/size", "x")
    assert told(delivery(plain(x=42), source=NATIVE), size).member.fields["metadata.size"] == 42
    known = plain(x=42, member={"id": "m", "metadata": {"a": 1}})
    assert told(delivery(known, source=NATIVE), size).member.fields["metadata"] == {"a": 1, "size": 42}
    assert told(delivery(plain(x=42), source=NATIVE), data).facts["data"] == {"size": 42}


def test_an_event_about_nobody_has_none():
    given = delivery({"type": "points_added", "card": {"id": "c"}, "data": {"points": 5}, "x": 1}, source=NATIVE)
    assert told(given, field("member.size", "x")).member is None
    unknown = delivery({"type": "unheard of", "x": 1}, source=NATIVE)
    assert told(unknown, field("event.size", "x")).name == "unknown"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b-c[0].d", ("a", "b-c", 0, "d")),
        ("a[-1]", ("a", -1)),
        ('a["b c"]', ("a", "b c")),
        ("é.ß", ("é", "ß")),
        *(
            (text, None)
            for text in ("", ".", "a.", ".a", "a..b", "a b", "[0", "a[b]", "a.[0]", "1a", "a[99999]", "a" + ".a" * 20)
        ),
    ],
)
def test_paths(text, path):
    assert read_path(text) == path


def test_a_path_into_anything_finds_nothing():
    strange = [None, 1, "x", [], {}, {"a": 1}, {"a": [1]}, {"a": {"b": "x"}}]
    for value in strange:
        body = plain() | {"x": value}
        event = told(delivery(json.dumps(body).encode(), source=NATIVE), field("event.y", "x.a.b[0].c"))
        assert "y" not in event.facts
