"""An expression means in a rule what it means in a template, and never fails on facts that fit the schema."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from engine.language import (
    JINJA_FILTERS,
    JINJA_FUNCTIONS,
    JINJA_TESTS,
    Absent,
    EvaluationError,
    InvalidExpression,
    Scope,
    compile_condition,
    compile_expression,
)
from engine.language.ir import Arithmetic, Choice, Compare, Logic, Not
from engine.language.kinds import NUMBER, YES_NO, maybe
from engine.language.node import Items, Node, plain
from engine.language.schema import CARD_FIELDS

from .generators import chains, expressions, occasions, scopes, steadily


def environment():
    made = SandboxedEnvironment(undefined=StrictUndefined)
    made.globals = dict(JINJA_FUNCTIONS)
    made.filters.update(JINJA_FILTERS)
    made.tests.update(JINJA_TESTS)
    return made


JINJA = environment()


def outcome(run):
    """What came out, in a form that can be compared: equal, and of the same type."""
    try:
        value = run()
    except (ZeroDivisionError, OverflowError) as error:
        return type(error)
    if isinstance(value, Absent):
        return Absent, value.path
    if isinstance(value, Node | Items):
        return type(value), repr(plain(value))
    return type(value), repr(value)


def in_jinja(text, view):
    return outcome(lambda: JINJA.compile_expression(text, undefined_to_none=False)(**view))


def accepted(text, scope):
    try:
        return compile_expression(text, scope)
    except InvalidExpression:
        return None


@steadily(300)
@given(st.data())
def test_an_expression_means_the_same_in_jinja(data):
    scope, fitting = data.draw(scopes())
    text = data.draw(expressions(scope))
    expression = accepted(text, scope)
    if expression is None:
        return
    view = data.draw(fitting).view()
    # Anything but a division by zero or an overflow is raised here: what the checker accepts cannot fail otherwise.
    assert outcome(lambda: expression.evaluate(view)) == in_jinja(text, view)


NUMBERS = Scope.for_reminder("card.next_expiration_date").extended(
    groups={"event": {"balance": maybe(NUMBER)}, "card": {**CARD_FIELDS, "active": YES_NO}}
)


@steadily(1000)
@given(chains(), st.tuples(*[st.sampled_from([0, 1, 2.5, -3])] * 3), st.sampled_from([None, 0, 1]), st.booleans())
def test_precedence_is_the_same_in_jinja(text, numbers, balance, active):
    expression = accepted(text, NUMBERS)
    if expression is None:
        return
    view = {
        "card": Node(dict(zip(("balance", "points"), numbers, strict=False)) | {"active": active}, "card"),
        "event": Node({"balance": balance}, "event"),
        "days_left": numbers[2],
    }
    assert outcome(lambda: expression.evaluate(view)) == in_jinja(text, view)


def test_enough_random_expressions_are_accepted():
    """Otherwise the tests above would prove little."""
    seen = Counter()

    @settings(steadily(300), database=None, derandomize=True)
    @given(scopes().flatmap(lambda given: st.tuples(st.just(given[0]), expressions(given[0]))), chains())
    def count(written, chain):
        scope, text = written
        seen["expressions"] += accepted(text, scope) is not None
        chained = accepted(chain, NUMBERS)
        seen["chains"] += chained is not None and isinstance(chained.node, Logic | Compare | Arithmetic | Not | Choice)

    count()
    assert seen["expressions"] > 200
    assert seen["chains"] > 15


@steadily(200)
@given(st.data())
def test_what_a_condition_is_said_to_prove_is_there_when_it_holds(data):
    scope, fitting = data.draw(scopes())
    expression = accepted(data.draw(expressions(scope)), scope)
    if expression is None:
        return
    view = data.draw(fitting).view()
    value = outcome(lambda: bool(expression.evaluate(view)))
    shown = {(bool, "True"): expression.proves, (bool, "False"): expression.disproves}.get(value, frozenset())
    for path in shown:
        assert not isinstance(fact(view, path), Absent)


def fact(view, path):
    found = view
    for name in path:
        found = found[name]
    return found


wild = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([1]) | st.just({"x": 1})


@steadily(200)
@given(st.data())
def test_facts_of_any_type_never_break_a_condition(data):
    scope = Scope.for_events(["points_expired"])
    text = data.draw(expressions(scope))
    try:
        condition = compile_condition(text, scope)
    except InvalidExpression:
        return
    view = data.draw(occasions({"points_expired"})).view()
    for node in (view["event"], view["card"], view["member"]):
        # Below the view: whatever a store or a producer might have let through.
        node._values = {name: data.draw(wild) for name in node._values}
    try:
        verdict = condition.evaluate(view)
    except EvaluationError:
        return
    assert verdict.holds or verdict.leaf


@pytest.mark.parametrize("name", sorted([*JINJA_FUNCTIONS, *JINJA_FILTERS]))
def test_no_function_or_filter_takes_an_undeclared_value(name):
    undeclared = StrictUndefined(name="member.frist_name")
    run = JINJA_FUNCTIONS.get(name) or JINJA_FILTERS[name]
    arguments = {"starts_with": 2, "ends_with": 2, "any_of": 3, "default": 2}.get(name, 1)
    with pytest.raises(JINJA.undefined(name="x")._undefined_exception, match="frist_name"):
        run(undeclared, *["x"] * (arguments - 1))
