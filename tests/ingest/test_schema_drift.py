"""A producer that drops, adds, retypes or nulls a field does not take a delivery down with it."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BodyError
from engine.ingest import peek, read
from engine.ingest.names import NAMES, STATE_ONLY, TRANSACTION
from engine.model import EVENT_NAMES, UNKNOWN_EVENT

from .ingest_bodies import BARE, CLOUDEVENTS, ENVELOPE, NATIVE, PUBLISHED, delivery, enveloped, value_of

ODD = (
    None,
    True,
    0,
    -1,
    2**63 - 1,
    1.5,
    "",
    "x",
    "2026-13-45",
    "\u202e",
    [],
    [1],
    [[]],
    [None],
    {},
    {"a": None},
    {"id": 1},
)
TYPES = (*(f"voucher.{name}" if name.startswith("loyalty") else name for name in NAMES), *STATE_ONLY, TRANSACTION)

anything = st.recursive(
    st.sampled_from(ODD)
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "a", "points"]), inner, max_size=3)
    ),
    max_leaves=6,
)


PENDING = {"pending_points", "pending_points.points"}
NEEDED = {
    "customer.loyalty.tier.upgraded": {
        "customer",
        "customer.id",
        "loyalty_tier_to",
        "loyalty_tier_to.id",
        "loyalty_tier_to.name",
    },
    "customer.voucher.loyalty_card.pending_points.updated": PENDING,
    "voucher.loyalty_card.pending_points.activated": PENDING,
    "voucher.loyalty_card.pending_points.canceled": PENDING,
    ENVELOPE: {"data", "data.balance", "data.balance.points"},
}
"""The fields without which an event says nothing; everything else may go missing."""


def places(value, path=()):
    """The path of every field, inner ones included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*path, key)
        yield from places(part, (*path, key))


def changed(value, path, change):
    """A copy with the field at the path changed."""
    whole = copy.deepcopy(value)
    holder = whole
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return whole


def drop(holder, key):
    del holder[key]


def put(new):
    def change(holder, key):
        holder[key] = new

    return change


def check(given):
    """Read it, whatever it is: events of known names that agree with the peek, or a reason."""
    glance = peek(given)
    assert glance.transport_key
    try:
        reading = read(given)
    except BodyError:
        return None
    for event in reading.events:
        assert event.name in (*EVENT_NAMES, UNKNOWN_EVENT)
        assert event.key == glance.transport_key
        if event.name != UNKNOWN_EVENT:
            assert glance.lane == (event.holder_id or (event.member.id if event.member else None))
        assert event.occurred_at.utcoffset().total_seconds() == 0
        assert json.dumps([event.facts, event.happening], default=str)
    return reading


@pytest.mark.parametrize("name", PUBLISHED)
def test_any_field_may_be_missing_null_or_of_another_type(name):
    value, hint = value_of(name), None if name == ENVELOPE else name
    needed = set()
    for path in places(value):
        for change in (drop, *(put(odd) for odd in ODD)):
            if check(delivery(changed(value, path, change), hint)) is None:
                needed.add(".".join(map(str, path)))
    assert needed == NEEDED.get(name, set())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PUBLISHED), st.sampled_from(TYPES), st.lists(st.tuples(st.randoms(), anything), max_size=6))
def test_any_changes_under_any_type_are_survived(name, kind, changes):
    value = value_of(name)
    for random, new in changes:
        path = random.choice(list(places(value)) or [()])
        if path:
            value = changed(value, path, put(new) if random.random() < 0.8 else drop)
    check(delivery(value, kind))
    check(delivery(enveloped(value, kind)))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(["customer", "voucher", "data", "balance", "type"]), anything),
)
def test_any_object_is_survived_by_every_producer(kind, value):
    check(delivery(value, kind))
    native = value | {"member": value.get("customer"), "card": value.get("voucher")}
    check(delivery(native, kind, source=NATIVE))
    wrapped = {"specversion": "1.0", "id": "1", "source": "s", "type": kind, "data": native}
    check(delivery(wrapped, source=CLOUDEVENTS))
    check(delivery(wrapped | {"type": "points_added"}, source=CLOUDEVENTS))


@pytest.mark.parametrize("name", PUBLISHED)
def test_fields_nobody_told_us_about_change_nothing(name):
    value, hint = value_of(name), None if name == ENVELOPE else name
    (before,) = read(delivery(value, hint)).events
    objects = [path for path in [(), *places(value)] if isinstance(_at(value, path), dict)]
    for path in objects:
        more = copy.deepcopy(value)
        _at(more, path)["brand_new"] = {"deep": [1]}
        (after,) = read(delivery(more, hint)).events
        assert (after.name, after.happening, after.facts) == (before.name, before.happening, before.facts)
        assert after.holder_id == before.holder_id


@pytest.mark.parametrize("name", BARE)
def test_nothing_known_is_lost_when_something_else_drifts(name):
    value = value_of(name)
    (before,) = read(delivery(value, name)).events
    reading = read(delivery(value | {"campaign": 5}, name))
    assert reading.events[0].facts == {key: fact for key, fact in before.facts.items() if key != "campaign"} | (
        {"campaign": value["voucher"]["campaign"]} if "voucher" in value else {}
    )
    assert "campaign is left out: expected an object, found a number" in reading.notes


def _at(value, path):
    for key in path:
        value = value[key]
    return value
