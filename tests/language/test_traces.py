"""Whoever asks why sees every expression; the answer is the one that decides."""

from hypothesis import given
from hypothesis import strategies as st

from engine.language import EvaluationError, InvalidExpression, Scope, compile_condition
from engine.language.trace import trace

from .generators import expressions, scopes, steadily
from .test_conditions import SCOPE, VIEW


@st.composite
def conditions(draw, scope):
    """Blocks within blocks of expressions that the checker mostly accepts."""
    leaf = expressions(scope, depth=2)
    blocks = st.recursive(
        leaf,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(
                st.sampled_from(["all", "any", "none"]), st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=2
            )
        ),
        max_leaves=5,
    )
    return draw(blocks)


def decided(condition, view):
    try:
        return condition.evaluate(view)
    except EvaluationError as error:
        return str(error), error.leaf, error.path


def traced(found):
    if found.verdict is None:
        return str(found.error), found.error.leaf, found.error.path
    return found.verdict


@steadily(300)
@given(st.data())
def test_the_trace_says_what_is_decided(data):
    scope, occasions = data.draw(scopes())
    try:
        condition = compile_condition(data.draw(conditions(scope)), scope)
    except InvalidExpression:
        return
    view = data.draw(occasions).view()
    assert traced(trace(condition, view)) == decided(condition, view)


def seen(condition):
    found = trace(compile_condition(condition, SCOPE), VIEW)
    return [(leaf.text, leaf.holds, leaf.asked) for leaf in found.leaves]


def test_every_expression_is_looked_at_also_those_that_did_not_matter():
    assert seen(["card.balance >= 500", "event.points == 10"]) == [
        ("card.balance >= 500", False, True),
        ("event.points == 10", True, False),
    ]
    assert seen({"any": ["event.points == 10", "member.email"]}) == [
        ("event.points == 10", True, True),
        ("member.email", False, False),
    ]


def test_an_expression_without_a_value_is_told_apart_from_one_that_does_not_hold():
    found = trace(compile_condition(["card.balance > 0", "1 / (card.balance - 300) > 0"], SCOPE), VIEW)
    assert [leaf.holds for leaf in found.leaves] == [True, None]
    assert "division by zero" in found.leaves[1].error
    assert found.verdict is None


def test_the_facts_stand_by_their_names():
    [leaf] = trace(compile_condition("card.balance >= 500 and not member.email", SCOPE), VIEW).leaves
    assert leaf.values == {"card.balance": 300, "member.email": None}


def test_a_scope_of_a_reminder_can_be_traced():
    scope = Scope.for_reminder("card.next_expiration_date")
    condition = compile_condition("days_left == 1", scope)
    assert trace(condition, {**VIEW, "days_left": 7}).leaves[0].values == {"days_left": 7}
