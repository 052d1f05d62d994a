"""Blocks of conditions: what they mean, what they prove, and what is said when one does not hold."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language import EvaluationError, InvalidExpression, Scope, compile_condition
from engine.language.condition import HOLDS, leaves, words
from engine.language.node import Node

from .generators import steadily

SCOPE = Scope.for_events(["points_expired"])


def view(**facts):
    card = {"balance": 300, "next_expiration_date": None, **facts.pop("card", {})}
    groups = {"card": card, "event": {"points": 10}, "member": {"email": None, "metadata": {}}, "tier": {}, **facts}
    nodes = {name: Node(values, name, SCOPE.groups[name]) for name, values in groups.items()}
    return {**nodes, "today": date(2026, 1, 31), "now": datetime(2026, 1, 31, tzinfo=UTC)}


VIEW = view()


def refused(data, scope=SCOPE):
    with pytest.raises(InvalidExpression) as caught:
        compile_condition(data, scope)
    return caught.value.problems


HOLDING = [
    "card.balance >= 300",
    ["card.balance > 0", "event.points == 10"],
    {"all": ["card.balance > 0"]},
    {"any": ["card.balance > 999", "card.balance > 0"]},
    {"none": ["card.balance > 999", "member.email"]},
    {"any": ["card.balance > 999", {"all": ["card.balance > 0", "event.points"]}], "none": ["member.email"]},
    [{"none": [{"all": ["card.balance > 0", "member.email"]}]}, ["event.points > 1"]],
]


@pytest.mark.parametrize("data", HOLDING, ids=str)
def test_a_condition_that_holds(data):
    assert compile_condition(data, SCOPE).evaluate(VIEW) is HOLDS


FAILING = {
    "card.balance >= 500": (
        "card.balance >= 500",
        (),
        {"card.balance": 300},
        "card.balance >= 500 (card.balance = 300)",
    ),
    "member.email": ("member.email", (), {"member.email": None}, "member.email (member.email = absent)"),
    "member.metadata['a b'] == 'x'": (
        "member.metadata['a b'] == 'x'",
        (),
        {'member.metadata["a b"]': None},
        "member.metadata['a b'] == 'x' (member.metadata[\"a b\"] = absent)",
    ),
    "card.balance\n  > 500": (
        "card.balance > 500",
        (),
        {"card.balance": 300},
        "card.balance > 500 (card.balance = 300)",
    ),
}


@pytest.mark.parametrize(("text", "verdict"), FAILING.items())
def test_a_failed_expression_is_told_with_its_facts(text, verdict):
    found = compile_condition(text, SCOPE).evaluate(VIEW)
    assert (found.leaf, found.path, dict(found.values), found.explain()) == verdict
    assert not found.holds


BLOCKS = [
    (["card.balance > 0", "card.balance > 500", "event.points > 99"], "card.balance > 500", (1,), ["card.balance"]),
    (
        {"any": ["card.balance > 999", "event.points > 99 and tier.name"]},
        "card.balance > 999 or (event.points > 99 and tier.name)",
        ("any",),
        ["card.balance", "event.points", "tier.name"],
    ),
    ({"none": ["member.email", "card.balance > 0"]}, "not (card.balance > 0)", ("none", 1), ["card.balance"]),
    (
        {"none": [{"all": ["card.balance > 0", "event.points > 1"]}]},
        "not (card.balance > 0 and event.points > 1)",
        ("none", 0, "all"),
        ["card.balance", "event.points"],
    ),
    ({"any": ["card.balance"], "none": ["event.points"]}, "not (event.points)", ("none", 0), ["event.points"]),
    ([["card.balance"], [["event.points > 99"]]], "event.points > 99", (1, 0, 0), ["event.points"]),
    (
        {"any": [{"none": ["card.balance", "event.points"]}, "member.email"]},
        "(not (card.balance or event.points)) or member.email",
        ("any",),
        ["card.balance", "event.points", "member.email"],
    ),
]


@pytest.mark.parametrize(("data", "leaf", "path", "facts"), BLOCKS, ids=[str(block[0]) for block in BLOCKS])
def test_the_part_of_a_block_that_failed_is_told(data, leaf, path, facts):
    found = compile_condition(data, SCOPE).evaluate(VIEW)
    assert (found.leaf, found.path, list(found.values)) == (leaf, path, facts)


def test_values_are_plain_data():
    scope = Scope.for_reminder("card.next_expiration_date")
    text = (
        "member.metadata['tags'] == 'x' or offset == days(1) or member.metadata or today == card.next_expiration_date"
    )
    facts = {
        "member": Node({"metadata": {}}, "member", scope.groups["member"]),
        "card": Node({"next_expiration_date": date(2026, 2, 1)}, "card"),
        "offset": timedelta(days=30),
        "today": date(2026, 1, 31),
    }
    found = compile_condition(text, scope).evaluate(facts)
    assert dict(found.values) == {
        'member.metadata["tags"]': None,
        "offset": "30 days",
        "member.metadata": {},
        "today": date(2026, 1, 31),
        "card.next_expiration_date": date(2026, 2, 1),
    }
    assert 'today = "2026-01-31"' in found.explain()


PROOFS = [
    ["card.next_expiration_date", "card.next_expiration_date - today <= days(30)"],
    {"all": ["card.next_expiration_date"], "any": ["card.next_expiration_date > today", "event.points"]},
    {"any": ["card.next_expiration_date is none", "card.next_expiration_date > today"]},
    {"none": ["card.next_expiration_date is none", "card.next_expiration_date > today"]},
    [{"none": ["card.next_expiration_date is none"]}, "card.next_expiration_date > today"],
    [
        {"any": [["card.next_expiration_date", "event.points"], "card.next_expiration_date"]},
        "card.next_expiration_date > today",
    ],
]


@pytest.mark.parametrize("data", PROOFS, ids=str)
def test_earlier_members_prove_presence_for_later_ones(data):
    compile_condition(data, SCOPE)


NO_PROOFS = [
    ["card.next_expiration_date - today <= days(30)", "card.next_expiration_date"],
    {"any": ["card.next_expiration_date", "card.next_expiration_date > today"]},
    {"none": ["card.next_expiration_date", "card.next_expiration_date > today"]},
    [{"any": ["card.next_expiration_date", "event.points"]}, "card.next_expiration_date > today"],
    [{"none": ["card.next_expiration_date"]}, "card.next_expiration_date > today"],
]


@pytest.mark.parametrize("data", NO_PROOFS, ids=str)
def test_other_members_do_not(data):
    assert "PB210" in [problem.code for problem in refused(data)]


def test_what_a_condition_proves_holds_in_the_scope_within():
    condition = compile_condition(["member.email", {"any": ["tier.name", "tier.id"]}], SCOPE)
    assert condition.proves == {("member", "email")}
    within = SCOPE.knowing(condition.proves)
    compile_condition("ends_with(member.email, '.pl')", within)
    assert condition.reads == {("member", "email"), ("tier", "name"), ("tier", "id")}


MALFORMED = [
    (True, (), False, "a rule without a condition always holds"),
    (5, (), False, "card.balance >= 500"),
    (None, (), False, "write an expression"),
    ([], (), False, "remove it"),
    ({}, (), False, "add all, any or none"),
    ({"any": []}, ("any",), False, "remove it"),
    ({"any": "card.balance > 5"}, ("any",), False, "write [card.balance > 5]"),
    ({"al": ["card.balance"]}, ("al",), True, 'did you mean "all"?'),
    ({"tier.name": "Gold"}, ("tier.name",), True, 'write it as an expression: tier.name == "Gold"'),
    ({"card.active": True}, ("card.active",), True, "card.active == true"),
    (["card.balance", 5], (1,), False, "write an expression"),
    ({"any": [{"all": [None]}]}, ("any", 0, "all", 0), False, "write an expression"),
    ({"all": ["card.balance"], 7: []}, ("7",), True, "available: all, any, none"),
]


@pytest.mark.parametrize(("data", "path", "on_key", "fix"), MALFORMED, ids=[str(case[0]) for case in MALFORMED])
def test_a_malformed_block_is_told_with_its_place(data, path, on_key, fix):
    (found,) = refused(data)
    assert (found.code, found.path, found.on_key) == ("PB216", path, on_key)
    assert fix in found.suggestion


def test_every_problem_has_the_path_of_its_expression():
    data = {"any": ["card.balence > 5", {"all": ["event.points", "card.balance = 3"]}], "none": ["tier.nmae"]}
    places = [(problem.code, problem.path, problem.column) for problem in refused(data)]
    assert places == [
        ("PB204", ("any", 0), 5),
        ("PB202", ("any", 1, "all", 1), 13),
        ("PB204", ("none", 0), 5),
    ]


def test_warnings_do_not_refuse_a_condition():
    condition = compile_condition(["card.balance > 0", "card.next_expiration_points > 1.500"], SCOPE)
    assert [(warning.code, warning.path) for warning in condition.warnings] == [("PB250", (1,)), ("PB252", (1,))]


def test_the_size_of_a_condition_is_bounded():
    assert [problem.code for problem in refused(["card.balance > 0"] * 101)] == ["PB213"]
    deep = "card.balance > 0"
    for _ in range(2000):
        deep = [deep]
    assert [problem.code for problem in refused(deep)] == ["PB213"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("100 / (event.points - 10) > 5", "100 / (event.points - 10) > 5: division by zero"),
        ("now + days(event.points * 1_000_000) > now", "out of range"),
    ],
)
def test_a_condition_that_cannot_be_decided_names_its_expression(text, message):
    condition = compile_condition(["card.balance > 0", text], SCOPE)
    with pytest.raises(EvaluationError) as failed:
        condition.evaluate(VIEW)
    assert message in str(failed.value)
    assert (failed.value.leaf, failed.value.path) == (text, (1,))


def test_a_card_that_is_not_known_is_no_card_of_zero_points():
    without = {**VIEW, "card": Node({}, "card", SCOPE.groups["card"])}
    with pytest.raises(EvaluationError, match=r"card\.balance is absent"):
        compile_condition("card.balance < 100", SCOPE).evaluate(without)


trees = st.recursive(
    st.sampled_from(["card.balance > 100", "card.balance > 999", "member.email", "event.points == 10"]),
    lambda inner: st.builds(
        lambda key, members: {key: members} if key else members,
        st.sampled_from(["all", "any", "none", None]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


def meaning(data):
    """The same by the book."""
    if isinstance(data, str):
        return {"card.balance > 100": True, "event.points == 10": True}.get(data, False)
    key, members = ("all", data) if isinstance(data, list) else next(iter(data.items()))
    held = [meaning(member) for member in members]
    return {"all": all(held), "any": any(held), "none": not any(held)}[key]


@steadily(200)
@given(trees)
def test_blocks_mean_what_they_say_and_can_be_said_as_one_expression(data):
    condition = compile_condition(data, SCOPE)
    verdict = condition.evaluate(VIEW)
    assert verdict.holds is meaning(data)
    assert compile_condition(words(condition.tree), SCOPE).evaluate(VIEW).holds is verdict.holds
    if not verdict.holds:
        # The part that is said to have failed is indeed false.
        assert not compile_condition(verdict.leaf, SCOPE).evaluate(VIEW).holds
        assert set(verdict.values) <= {".".join(path) for path in condition.reads}
    assert len(leaves(condition.tree)) >= 1
