"""Mapping files: what they may say, how their mistakes are told, and which sources may name them."""

# ruff: noqa: E501 - messages are compared whole, one to a line

import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.config import load_config
from engine.config.mapping import mapping_in
from engine.errors import BodyError, ConfigError
from engine.ingest import SHIPPED, Delivery, SourceSettings, peek, read, verify

TILL = """\
events: receipts
type:
  from: [kind + why, kind, $.kind]
  is: {sale points: points_earned, sale: order_paid, ping: ignore, paid: points_redeemed, late: points_expiring}
id: no
time: at
happening: $.shop + no
member: {id: who, email: [mail, "contacts[0].mail"], name: first + (last), tier: {id: level, name: {from: level, is: {"1": Tin, "2": Gold}, else: Wood}}}
card: {id: card, balance: {from: cents, times: 0.01}, active: {from: on, is: {"true": true, "no": false}}, next_expiration_date: end}
data: {points: {from: points, times: 1}, order_id: order, order_amount: {from: cents, times: 0.01}}
for:
  points_redeemed: {data: {points: {from: points, times: -1}}}
"""


def told(event, mapping=TILL, route=None, **more):
    found = mapping_in(mapping.encode(), "till.yaml")
    assert found.diagnostics == ()
    source = SourceSettings(
        name="till", producer="mapped", mapping=found.mapping, unsigned=True, timezone=ZoneInfo("Europe/Warsaw")
    )
    body = {"receipts": event, **more} if isinstance(event, list) else event
    given = Delivery(source=source, body=_json(body), received_at=datetime(2026, 2, 1, tzinfo=UTC), type_hint=route)
    return read(given).events


def _json(value):
    return json.dumps(value).encode()


def only(event, mapping=TILL, **more):
    (found,) = told([event], mapping, **more)
    return found


SALE = {"kind": "sale", "why": "points", "no": 7, "who": 17, "card": "c-1", "points": "4.5", "at": 1769853600000}


# --- what a mapping says ---


def test_the_first_way_that_the_table_knows_is_the_type():
    assert only(SALE).name == "points_earned"
    assert only(SALE | {"why": "gift"}).name == "order_paid"
    assert only(SALE | {"kind": "?"}, kind="sale").name == "order_paid"
    assert only(SALE | {"kind": "points_added"}).name == "points_added"
    assert only(SALE | {"kind": "unheard of"}).name == "unknown"
    assert told([SALE | {"kind": "ping", "why": None}]) == ()


def test_values_come_as_neutral_ones():
    event = only(SALE | {"cents": 1999, "on": True, "order": 5.0, "end": "2026-03-31"}, shop="S")
    assert (event.key, event.happening, event.producer_name) == ("7", "points_earned:S 7", "sale points")
    assert event.occurred_at == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert event.facts == {"points": 4.5, "order_id": "5", "order_amount": 19.99}
    assert (event.member.id, event.card.fields["balance"], event.card.fields["active"]) == ("17", 19.99, True)
    assert event.card.fields["next_expiration_date"] == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"first": "Jo", "last": "W"}, "Jo W"),
        ({"first": "Jo"}, "Jo"),
        ({"last": "W"}, None),
        ({"first": "", "last": "W"}, None),
    ],
)
def test_joined_texts_need_all_parts_but_those_in_parentheses(said, name):
    assert only(SALE | said).member.fields.get("name") == name


def test_the_first_place_that_has_a_value_counts():
    assert only(SALE | {"mail": "", "contacts": [{"mail": "b@example.org"}]}).member.fields["email"] == "b@example.org"
    assert "email" not in only(SALE | {"contacts": []}).member.fields


@pytest.mark.parametrize(("level", "name"), [(1, "Tin"), (2.0, "Gold"), ("2", "Gold"), (9, "Wood")])
def test_tables_name_values(level, name):
    assert only(SALE | {"level": level}).member.fields["tier"]["name"] == name


@pytest.mark.parametrize("points", ["many", None, True, [1], "NaN", "inf"])
def test_what_is_no_number_is_not_scaled(points):
    with pytest.raises(BodyError, match="points_earned without points"):
        told([SALE | {"points": points}])


def test_one_event_may_say_more():
    assert only({**SALE, "kind": "paid", "why": None, "points": -40}).facts["points"] == 40


def test_a_null_clears_a_card_and_a_missing_key_does_not():
    assert only(SALE | {"end": None}).card.fields["next_expiration_date"] is None
    assert "next_expiration_date" not in only(SALE).card.fields


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("2026-03-31T22:00:00Z", date(2026, 3, 31)),
        ("2026-03-31T23:59", date(2026, 3, 31)),
        (1774994400, date(2026, 3, 31)),
        (1774994401000, date(2026, 4, 1)),
    ],
)
def test_the_moment_at_which_points_are_gone_becomes_the_last_day(end, last):
    assert only(SALE | {"end": end}).card.fields["next_expiration_date"] == last


def test_a_body_without_a_list_is_one_event():
    (event,) = told({**SALE, "no": "abc"})
    assert event.key == "abc"
    assert told([]) == told({**SALE, "receipts": None}) == ()


def test_several_events_have_keys_of_their_own():
    keys = [event.key for event in told([SALE, SALE | {"no": 8}, SALE | {"no": None}])]
    assert keys[:2] == ["7", "8"]
    assert keys[2].endswith("#3")


def test_a_type_may_be_the_same_for_all():
    event = told({"who": 1, "n": 3}, "type: {else: points_added}\nmember: {id: who}\ndata: {points: n}\n")[0]
    assert (event.name, event.facts["points"]) == ("points_added", 3)


def test_more_events_than_anybody_sends_are_refused():
    with pytest.raises(BodyError, match="holds 10001 events"):
        told([1] * 10_001)


# --- its mistakes ---


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("kind: a", '2:1 PB601 a mapping has no key "kind"; did you mean "type"?'),
        (
            "member: {id: a..b}",
            '2:14 PB603 "a..b" is not a place in a body; write it like customer.email, lines[0].sku or $.shop, several joined like "kind + reason"',
        ),
        ("member: {mail: a}", '2:10 PB601 member has no field "mail"; did you mean "email"?'),
        ("card: {tier: a}", '2:8 PB601 card has no field "tier"; did you mean "active"?'),
        ("member: {tier: {colour: a}}", '2:17 PB601 tier has no field "colour"; available: id, name'),
        ("data: {pionts: a}", '2:8 PB601 data has no field "pionts"; did you mean "points"?'),
        ("for: {points_aded: {id: a}}", '2:7 PB603 there is no event "points_aded"; did you mean "points_added"?'),
        (
            "for: {order_paid: {data: {points: a}}}",
            '2:27 PB601 data has no field "points"; available: order_amount, order_id',
        ),
        (
            "for: {order_paid: {events: a}}",
            '2:20 PB601 what is said for one event has no key "events"; available: card, data, happening, id, member, time',
        ),
        ("data: {points: {times: 2}}", '2:16 PB602 "points" needs "from"'),
        ("data: {points: {from: a, times: two}}", '2:33 PB603 "times" must be a number, not a text'),
        ("data: {points: 5}", '2:16 PB603 "points" is where a body has it, not a number'),
        ("signature: {algorithm: md5}", '2:13 PB602 "signature" needs "header"'),
        (
            "signature: {header: X, algorithm: md5}",
            '2:35 PB603 "algorithm" cannot be "md5"; available: sha1, sha256, sha512',
        ),
        (
            "signature: {header: X, signed: [url]}",
            "2:32 PB603 a signature that leaves out the body vouches for nothing",
        ),
        (
            "signature: {header: X, signed: uri}",
            '2:32 PB603 "uri" cannot be signed; write body, url, header:NAME or text:...',
        ),
        ("events: $route", '2:9 PB603 "events" is where a list of events lies in a body; write it like data.events'),
        ("events: [a", "PB119"),
        ("type: b", "PB106"),
    ],
)
def test_mistakes_are_told_with_their_place_and_a_fix(line, finding):
    found = mapping_in(f"type: a\n{line}\n".encode(), "till.yaml")
    assert found.mapping is None
    told = [
        f"{one.line}:{one.column} {one.code} {one.message}{f'; {one.suggestion}' if one.suggestion else ''}"
        for one in found.diagnostics
    ]
    assert any(one.startswith(finding) or finding in one for one in told), told


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("", "a mapping file is a mapping of keys, not nothing"),
        ("- a\n", "a mapping file is a mapping of keys, not a list"),
        ("id: a\n", 'a mapping needs "type"'),
        ("type: {is: {a: b}}\n", '"type" needs "from"'),
        ("type: {from: a, is: {x: tier_up}}\n", 'there is no event "tier_up"'),
        ("type: {from: a, is: {x: voucher.loyalty_card.points_added}}\n", "there is no event"),
    ],
)
def test_a_mapping_needs_a_type_of_known_events(text, finding):
    found = mapping_in(text.encode(), "till.yaml")
    assert found.mapping is None
    assert any(finding in one.message for one in found.diagnostics), found.diagnostics


# --- in config.yaml ---

CONFIG = """\
programme: {{name: Fern Club, timezone: Europe/Warsaw}}
sources: {{shop: {source}}}
channels: {{email: {{kind: email, from: club@example.org, host: relay.example.org}}}}
"""


def load(tmp_path, source):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(source=source), encoding="utf-8")
    return load_config(path, {"KEY": "abc"})


@pytest.mark.parametrize("producer", SHIPPED)
def test_known_producers_are_named(tmp_path, producer):
    extra = ", url: https://example.org/ingest/shop" if producer == "square" else ""
    source = load(tmp_path, f"{{producer: {producer}, secrets: ['${{KEY}}']{extra}}}").sources()["shop"]
    assert (source.producer, source.secrets) == ("mapped", ("abc",))
    assert source.mapping.signature is not None


def test_a_mapping_of_ones_own_lies_beside_config_yaml(tmp_path):
    (tmp_path / "till.yaml").write_text(TILL, encoding="utf-8")
    source = load(tmp_path, "{producer: mapped, mapping: till.yaml, unsigned: true}").sources()["shop"]
    given = Delivery(source=source, body=_json({"receipts": [SALE]}), received_at=datetime(2026, 2, 1, tzinfo=UTC))
    verify(given)
    assert [event.name for event in read(given).events] == ["points_earned"]
    assert peek(given).lane == "17"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("{producer: talon, unsigned: true}", "config.yaml:2:28: sources.shop.producer must be"),
        ("{producer: mapped, unsigned: true}", "config.yaml:2:11: sources.shop.mapping is missing"),
        (
            "{producer: native, mapping: till.yaml, unsigned: true}",
            "config.yaml:2:45: sources.shop.mapping is for the producer mapped; write producer: mapped",
        ),
        (
            "{producer: mapped, mapping: none.yaml, unsigned: true}",
            "config.yaml:2:45: sources.shop.mapping cannot be read: No such file or directory",
        ),
        (
            "{producer: mapped, mapping: till.yaml, secrets: abc}",
            "sources.shop.secrets are of no use: the mapping names no signature",
        ),
        ("{producer: square, secrets: abc}", "sources.shop.url is missing"),
        (
            "{producer: talon_one, secrets: abc, url: https://example.org}",
            "sources.shop.url is not signed by talon_one; leave it out",
        ),
        (
            "{producer: mapped, mapping: bad.yaml, unsigned: true}",
            'bad.yaml:1:1: a mapping has no key "tipe"; did you mean "type"?',
        ),
    ],
)
def test_sources_that_cannot_work_are_told(tmp_path, source, fault):
    (tmp_path / "till.yaml").write_text(TILL, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("tipe: a\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, source)
    assert fault in str(caught.value)
