"""What expressions mean, and which facts they prove present."""

from datetime import UTC, date, datetime, timedelta

import pytest

from engine.language import JINJA_FUNCTIONS, Absent, InvalidExpression, Scope, compile_expression, path_text
from engine.language.kinds import DATE, FREE, NUMBER, TEXT, Kind, list_of, maybe
from engine.language.node import Items, Node
from engine.language.schema import CALENDAR

SCOPE = Scope(
    groups={
        "card": {"balance": NUMBER, "tags": list_of(TEXT), "orders": list_of(FREE)},
        "member": {"email": maybe(TEXT), "score": maybe(NUMBER), "born": maybe(DATE), "name": TEXT},
    },
    names=CALENDAR,
)
VIEW = {
    "card": Node(
        {"balance": 300, "tags": ["a", "b"], "orders": [{"sku": "A-1"}, {"sku": None}, "B-2"]},
        "card",
        SCOPE.groups["card"],
    ),
    "member": Node({"name": "Łukasz", "score": 0, "born": None}, "member", SCOPE.groups["member"]),
    "today": date(2026, 1, 31),
    "now": datetime(2026, 1, 31, 12, tzinfo=UTC),
}

VALUES = {
    "card.balance": 300,
    "1_000 + 0.5": 1000.5,
    "7 / 2": 3.5,
    "2 + 3 * 4 - 1": 13,
    "-card.balance + 1": -299,
    "card.balance >= 300 and card.balance < 301": True,
    "100 < card.balance <= 299": False,
    "1 < 2 < 3": True,
    "member.name == 'Łukasz'": True,
    "member.email == 'x'": False,
    "member.email != 'x'": True,
    "member.email == none": True,
    "member.email is none": True,
    "member.score is not none": True,
    "member.score is not defined": False,
    "member.email | default('nobody')": "nobody",
    "member.score | default(5)": 0,
    "member.email or member.name": "Łukasz",
    "member.score and 5": 0,
    "not member.email": True,
    "'yes' if member.email else 'no'": "no",
    "'yes' if member.name else 'no'": "yes",
    "member.email in ['a', 'b']": False,
    "member.email not in ['a']": True,
    "'uka' in member.name": True,
    "'b' in card.tags": True,
    "'c' not in card.tags": True,
    "count(card.tags) + count(['x'])": 3,
    "any_of(card.orders, 'sku', 'A-1')": True,
    "any_of(card.orders, 'sku', 'B-2')": False,
    "lower(member.name)": "łukasz",
    "member.name | upper": "ŁUKASZ",
    "starts_with(member.name, 'Ł') and ends_with(member.name, 'sz')": True,
    "today - date('2026-01-01')": timedelta(days=30),
    "today + days(1)": date(2026, 2, 1),
    "days(1) + today": date(2026, 2, 1),
    "today - days(31) < date('2026-01-01')": True,
    "now - hours(1) - minutes(30)": datetime(2026, 1, 31, 10, 30, tzinfo=UTC),
    "now - now == hours(0)": True,
    "round(2.5)": 3,
    "round(-2.5)": -3,
    "round(0.49999999999999994)": 0,
    "round(7)": 7,
    "card.balance / 7 | round": None,
    "(card.balance / 7) | round": 43,
    "true == (card.balance == 300)": True,
}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_an_expression_has_the_value_it_says(text, value):
    if value is None:
        with pytest.raises(InvalidExpression):
            compile_expression(text, SCOPE)
        return
    found = compile_expression(text, SCOPE).evaluate(VIEW)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1 / (card.balance - 300)", ZeroDivisionError),
        ("today + days(9_999_999)", OverflowError),
        ("days(card.balance * 1_000_000_000)", OverflowError),
        ("round(1_000_000_000_000_000 / 0.000_000_000_000_001)", None),
    ],
)
def test_only_division_and_size_can_fail(text, error):
    run = compile_expression(text, SCOPE).evaluate
    if error is None:
        assert isinstance(run(VIEW), int)
        return
    with pytest.raises(error):
        run(VIEW)


def test_numbers_beyond_all_bounds_are_an_overflow():
    """Decimals overflow to infinity by themselves, and infinity less infinity is no number at all."""
    huge = {**VIEW, "card": Node({"balance": 1e308}, "card", SCOPE.groups["card"])}
    for text in ("round(card.balance * 10)", "days(card.balance * 10 - card.balance * 10)"):
        with pytest.raises(OverflowError):
            compile_expression(text, SCOPE).evaluate(huge)


def test_and_and_or_look_no_further_than_they_must():
    """So a fact that is not there is never touched behind its own test."""
    for text in ("member.born and member.born < today", "false if member.born is none else member.born < today"):
        assert not compile_expression(text, SCOPE).evaluate(VIEW)


PROVEN = {
    "member.email": ["member.email"],
    "member.email is not none": ["member.email"],
    "member.email is defined": ["member.email"],
    "member.email != none": ["member.email"],
    "not (member.email is none)": ["member.email"],
    "not not member.email": ["member.email"],
    "member.email == 'x'": ["member.email"],
    "'x' == member.email": ["member.email"],
    "not (member.email != 'x')": ["member.email"],
    "member.email in ['x']": ["member.email"],
    "not (member.email not in ['x'])": ["member.email"],
    "member.email and member.score": ["member.email", "member.score"],
    "member.email and card.balance": ["member.email"],
    "(member.email and member.score) or (member.email and member.born)": ["member.email"],
    "member.email and (member.born is none or member.born < today)": ["member.email"],
    "member.born if member.email else member.email": ["member.email"],
    "not (member.email is none or member.score is none)": ["member.email", "member.score"],
    # These prove nothing.
    "member.email or member.score": [],
    "not member.email": [],
    "member.email is none": [],
    "member.email != 'x'": [],
    "member.email not in ['x']": [],
    "member.email == member.metadata": None,
    "member.email | default('x')": [],
    "member.email == member.email": [],
    "member.name": [],
    "not (member.email and member.score)": [],
    "not (member.email != 'x' != 'y')": [],
    "card.balance == 5 == (member.score | default(5))": [],
}


@pytest.mark.parametrize(("text", "proven"), PROVEN.items())
def test_what_a_condition_proves_present(text, proven):
    if proven is None:
        with pytest.raises(InvalidExpression):
            compile_expression(text, SCOPE)
        return
    expression = compile_expression(text, SCOPE, condition=True)
    assert sorted(map(path_text, expression.proves)) == sorted(proven)


USABLE = [
    "member.score and member.score > 5",
    "member.score is not none and member.score > 5 and member.score < 9",
    "member.score is none or member.score > 5",
    "not member.score or member.score > 5",
    "member.score > 5 if member.score is not none else false",
    "false if member.score is none else member.score > 5",
    "(member.score | default(0)) > 5",
    "member.score == 7 and member.score > 5",
    "member.score is none or card.balance > 1 or member.score > 5",
    "(member.score is not none and card.balance > 1) and member.score > 5",
    "not (member.score is none or member.score > 5)",
    "[1 if member.score is none else member.score, 2] == [1, 2]",
]
UNPROVEN = [
    "member.score > 5",
    "5 < member.score",
    "member.name == 'x' and 1 < card.balance < member.score",
    "member.score > 5 and member.score",
    "member.score or member.score > 5",
    "(member.score or card.balance) and member.score > 5",
    "member.score is none and member.score > 5",
    "member.score is not none or member.score > 5",
    "member.score > 5 if card.balance else true",
    "true if member.score is not none else member.score > 5",
    "member.score != 7 and member.score > 5",
    "not (member.score and card.balance) and member.score > 5",
    "member.score == (member.score | default(member.score)) and member.score > 5",
    "(member.score and card.balance) or member.score > 5",
    "member.email and member.score > 5",
    "days(member.score) == days(1)",
    "lower(member.email if member.email else member.email) == 'x'",
]


@pytest.mark.parametrize("text", USABLE)
def test_presence_is_proven_by_what_comes_before(text):
    compile_expression(text, SCOPE)


@pytest.mark.parametrize("text", UNPROVEN)
def test_what_may_be_absent_is_refused_until_then(text):
    with pytest.raises(InvalidExpression) as refused:
        compile_expression(text, SCOPE)
    assert "PB210" in [problem.code for problem in refused.value.problems]


TYPES = {
    "card.balance": Kind.NUMBER,
    "1 + 2": Kind.WHOLE,
    "1 / 2": Kind.NUMBER,
    "today - today": Kind.DURATION,
    "now + hours(1)": Kind.TIME,
    "member.email or 'x'": Kind.TEXT,
    "member.score | default('none known')": Kind.MIXED,
    "card.balance > 1 and member.email": Kind.MIXED,
    "1 if member.email else 2.5": Kind.NUMBER,
}


@pytest.mark.parametrize(("text", "kind"), TYPES.items())
def test_an_expression_has_a_type(text, kind):
    assert compile_expression(text, SCOPE).type.kind is kind


def test_an_or_ends_the_doubt_when_its_last_part_is_there():
    assert not compile_expression("member.email or 'x'", SCOPE).type.optional
    assert compile_expression("'x' == 'y' or member.email", SCOPE).type.optional
    assert compile_expression("member.score | default(member.score)", SCOPE).type.optional


def test_reads_are_listed_once_in_the_order_of_the_text():
    expression = compile_expression(
        "today > today or card.balance > 1 if member.name == 'x' else card.balance < 2", SCOPE
    )
    assert expression.reads == (("today",), ("card", "balance"), ("member", "name"))


def test_lists_among_the_facts_equal_written_lists():
    tags = VIEW["card"]["tags"]
    assert isinstance(tags, Items)
    assert tags == ["a", "b"]
    assert ["a", "b"] == tags  # noqa: SIM300 - from both sides.
    assert tags != ["a"]
    assert isinstance(VIEW["card"]["orders"][1]["sku"], Absent)


@pytest.mark.parametrize("name", ["lower", "starts_with", "ends_with", "date"])
def test_templates_get_a_clean_error_where_a_text_is_needed(name):
    arguments = [5, "x"] if name in {"starts_with", "ends_with"} else [5]
    with pytest.raises(TypeError, match="a text is needed"):
        JINJA_FUNCTIONS[name](*arguments)
