"""The vocabulary: which facts there are with which event."""

import pytest

from engine.ingest.facts import FACTS, required
from engine.language import EVENT_FIELDS, GROUPS, REMINDER_FIELDS, Missing, Scope, expand, path_text
from engine.language.kinds import Kind, Type
from engine.language.schema import BETTER_FIELDS, CARD_FIELDS, COUNTERS, EVERY_EVENT, GROUP_DIRECTIONS
from engine.model import EVENT_NAMES


def test_every_event_has_fields():
    assert set(EVENT_FIELDS) == set(EVENT_NAMES)
    for fields in EVENT_FIELDS.values():
        assert not any(fields[name].optional for name in ("name", "source", "occurred_at"))


INGESTED = {"TEXT": Kind.TEXT, "ID": Kind.TEXT, "NUMBER": Kind.NUMBER, "DATE": Kind.DATE, "OBJECT": Kind.OBJECT}


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_what_is_declared_is_what_is_read_from_producers(name):
    declared = {key: kind for key, kind in EVENT_FIELDS[name].items() if key not in EVERY_EVENT}
    assert {key: kind.kind for key, kind in declared.items()} == {
        key: INGESTED[kind.name] for key, kind in FACTS[name].items()
    }
    # An object that was not sent is an empty one.
    always = {key for key, kind in declared.items() if not kind.optional and kind.kind is not Kind.OBJECT}
    assert always == set(required(name))


def test_groups_stand_for_events():
    assert expand(["points_out"]) == {"points_redeemed", "points_removed", "points_expired", "points_transferred"}
    assert expand(["activity", "tier_left"]) == GROUPS["activity"] | {"tier_left"}
    assert set().union(*GROUPS.values()) <= set(EVENT_NAMES)
    for group in GROUP_DIRECTIONS:
        assert "points_transferred" in GROUPS[group]
    with pytest.raises(KeyError, match="points_expird"):
        expand(["points_added", "points_expird"])


def kind(scope, path):
    return scope.resolve(tuple(path.split(".")))


def test_a_field_that_may_be_absent_in_one_event_may_be_absent_in_the_rule():
    always = Scope.for_events(["points_added"])
    sometimes = Scope.for_events(["points_added", "points_expiring"])
    assert not kind(always, "event.points").optional
    assert kind(sometimes, "event.points").optional
    assert isinstance(kind(sometimes, "event.order_id"), Missing)


def test_the_tier_is_there_when_all_events_are_about_it():
    assert not kind(Scope.for_events(["tier_joined", "tier_left"]), "tier.name").optional
    assert kind(Scope.for_events(["tier_joined", "points_added"]), "tier.name").optional
    assert kind(Scope.for_reminder("card.next_expiration_date"), "tier.name").optional


def test_the_date_of_a_reminder_is_there():
    for path in REMINDER_FIELDS:
        scope = Scope.for_reminder(path)
        assert kind(scope, path).kind is Kind.DATE
        assert not kind(scope, path).optional
        assert not kind(scope, "days_left").optional
    assert kind(Scope.for_events(["points_added"]), "card.next_expiration_date").optional
    with pytest.raises(KeyError):
        Scope.for_reminder("card.balance")


def test_the_name_of_an_event_is_one_of_those_listened_to():
    assert kind(Scope.for_events(["tier_left", "tier_joined"]), "event.name").one_of == ("tier_joined", "tier_left")


def test_counters_are_always_there_and_better_fields_exist():
    assert not any(CARD_FIELDS[name].optional for name in (*COUNTERS, "expiring_points"))
    scope = Scope.for_events(["points_added"])
    for raw, better in BETTER_FIELDS.items():
        assert isinstance(scope.resolve(raw), Type)
        assert isinstance(kind(scope, better), Type)


def test_further_facts_can_be_brought_in():
    brand = {"name": Type(kind=Kind.TEXT)}
    scope = Scope.for_events(["points_added"]).extended(groups={"brand": brand}, names={"locale": Type(kind=Kind.TEXT)})
    assert kind(scope, "brand.name").kind is Kind.TEXT
    assert kind(scope, "locale").kind is Kind.TEXT
    assert isinstance(kind(scope, "brand.colour"), Missing)


def test_data_added_by_the_producer_may_lack_any_name():
    scope = Scope.for_events(["custom"])
    for path in ("member.metadata.status", "card.metadata.x", "event.data.sku"):
        assert kind(scope, path).kind is Kind.FREE
        assert kind(scope, path).optional


def test_paths_are_written_as_authors_write_them():
    assert path_text(("card", "balance")) == "card.balance"
    assert path_text(("today",)) == "today"
    assert path_text(("member", "metadata", "sign-up")) == 'member.metadata["sign-up"]'
    assert path_text(("member", "metadata", 'a"b')) == "member.metadata['a\"b']"
