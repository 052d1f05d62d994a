"""What is wrong with an expression is said with a stable code, the place, and the likely fix."""

import ast
import warnings
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language import CODES, InvalidExpression, Scope, Severity, compile_expression

from .generators import scopes, steadily, word_soups

EXPIRED = Scope.for_events(["points_expired"])
SEVERAL = Scope.for_events(["points_earned", "points_expired", "tier_joined"])
REMINDER = Scope.for_reminder("card.next_expiration_date")


def problems(text, scope=EXPIRED):
    try:
        return compile_expression(text, scope, condition=True).warnings
    except InvalidExpression as invalid:
        return invalid.problems


def place(text, problem):
    return text[problem.column : problem.column + problem.length]


# Expression, code, the words under the caret, and what the suggestion says.
SLIPS = [
    ("card.balance = 5", "PB202", "=", "write =="),
    ("card.balance === 5", "PB202", "===", "write =="),
    ("card.balance > 0 && member.email", "PB202", "&&", "write and"),
    ("card.balance > 0 || member.email", "PB202", "||", "write or"),
    ("!member.email", "PB202", "!", "write not"),
    ("card.balance <> 5", "PB202", "<>", "write !="),
    ("card.balance => 5", "PB202", "=>", "write >="),
    ("card.balance =< 5", "PB202", "=<", "write <="),
    ("card.balance ≥ 5", "PB202", "≥", "write >="),
    ("card.balance > 0 AND member.email", "PB202", "AND", "write and"),
    ("card.balance > 0 Or member.email", "PB202", "Or", "write or"),
    ("NOT member.email", "PB202", "NOT", "write not"),
    ("tier.name == “Gold”", "PB202", "“Gold”", 'write "Gold"'),
    ("tier.name == „Gold”", "PB202", "„Gold”", 'write "Gold"'),
    ("tier.name == \u2018Gold\u2019", "PB202", "\u2018Gold\u2019", 'write "Gold"'),
    ('tier.name == “Gold"', "PB202", "“", "straight quotes"),
    ("offset == 30 days", "PB202", "30 days", "write days(30)"),
    ("offset == 1 day", "PB202", "1 day", "write days(1)"),
    ("offset == 2 weeks", "PB202", "2 weeks", "write days(14)"),
    ("offset == 36hours", "PB202", "36hours", "write hours(36)"),
    ("card.balance > 5%", "PB202", "5%", "write 0.05"),
    ("{{ card.balance > 5 }}", "PB202", "{{", "remove the braces"),
    ("tier.name == null", "PB202", "null", "write none"),
    ("tier.name == nil", "PB202", "nil", "write none"),
    ("tier.name is None", "PB202", "None", "write none"),
    ("card.active == True", "PB202", "True", "write true"),
    ("card.active == FALSE", "PB202", "FALSE", "write false"),
    ("card.active == yes", "PB202", "yes", "write true"),
    ("card.balance >= 1,000", "PB202", "1,000", "write 1000 or 1_000"),
    ("card.balance >= 1,000,000", "PB202", "1,000,000", "write 1000000 or 1_000_000"),
    ("card.balance eq 5", "PB202", "eq", "write =="),
    ('member.name contains "x"', "PB202", "contains", '"part" in whole'),
    ("tier.name.lower() == 'gold'", "PB203", ".lower"[1:], "write lower(tier.name)"),
    ("member.email.endswith('x')", "PB203", "endswith", "write ends_with(member.email"),
    ("member.metadata.get('x')", "PB203", "get", 'write member.metadata["…"]'),
    ("card.balance % 2 == 0", "PB203", "%", "available: + - * /"),
    ("9**(9**9)", "PB203", "**", "available: + - * /"),
    ("card.balance // 2", "PB203", "//", "round"),
    ("lambda: 1", "PB203", "lambda", None),
    ("[x for x in y]", "PB203", "for", None),
    ("await x", "PB203", "await", None),
    ("(x := 1)", "PB203", ":=", None),
    ("{1: 2}", "PB203", "{", "a list is written [ ]"),
    ("card.balance > 5 # many", "PB203", "#", "comment"),
    ("card.balance > 0x10", "PB203", "0x10", None),
    ("card.balance > 1e5", "PB203", "1e5", None),
    ("card.balance > 007", "PB203", "007", "write 7"),
    ("member.id == 'a\\n'", "PB203", "\\", "remove it"),
    ("card.balance > 5\u00a0and member.email", "PB203", "\u00a0", "retype"),
    ("member.id == 'a\x07'", "PB203", "\x07", "remove it"),
    ("member.class == 1", "PB203", "class", 'write ["class"]'),
    ("member.metadata._x == 1", "PB203", "_x", 'write ["_x"]'),
    ("member.metadata[0] == 1", "PB203", "0", 'write ["name"]'),
    ("member.email is 'x'", "PB203", "is", "write =="),
    ("member.email is not 'x'", "PB203", "is", "write !="),
    ("(card.balance, 5)", "PB203", "(card.balance, 5)", "write [a, b]"),
    ("member.email > none", "PB203", "member.email > none", "write x is none"),
    ("[none] == 1", "PB203", "none", "x is none"),
    ("tier.name == Złoty", "PB203", "Złoty", '"Złoty"'),
    ("if card.balance > 1", "PB203", "if", "remove it"),
    ("+card.balance > 1", "PB203", "+", "remove it"),
    ("member.email | (lower)", "PB203", "lower", "default"),
    ('member.id == "a', "PB201", '"', 'add "'),
    ("card.balance >", "PB201", ">", None),
    ("card.balance > and member.email", "PB201", "and", None),
    ("card.balance 5", "PB201", "5", "a comparison"),
    ("(card.balance > 5", "PB201", "(", "add )"),
    ("card.balance > 5)", "PB201", ")", "remove it"),
    ("[card.balance)", "PB201", ")", "remove it"),
    ("card.balance > 1.", "PB201", ".", None),
    ("1 if card.balance", "PB201", "if", "a if condition else b"),
    ("card.active == not card.active", "PB201", "not", "parentheses around not"),
    ("card.balance, 5", "PB201", ",", None),
    ("", "PB200", "", None),
    (" \n ", "PB200", " \n ", None),
    (
        "event.balance | default(0) + 1 > 5",
        "PB212",
        "event.balance | default(0) + 1",
        "(event.balance | default(0)) + 1",
    ),
    (
        "1 + event.balance | default(0) > 5",
        "PB212",
        "1 + event.balance | default(0)",
        "1 + (event.balance | default(0))",
    ),
    ("-event.balance | default(0)", "PB212", "-event.balance | default(0)", "-(event.balance | default(0))"),
    ("card.balance + 1 is none", "PB212", "card.balance + 1", "(card.balance + 1)"),
    ("member.email is none if card.active else true", "PB212", "is none", "(x is none)"),
    ("1 < card.balance in [2]", "PB212", "1 < card.balance in [2]", "and"),
    ("card.balence >= 500", "PB204", "balence", 'did you mean "balance"?'),
    ("member.metadata['a']['b'] == 1", "PB204", "'b'", 'write member.metadata["a"]'),
    ("card.balance.x == 1", "PB204", "x", "write card.balance"),
    ("card", "PB204", "card", "card.balance"),
    ("member.balance > 1", "PB204", "balance", "did you mean card.balance?"),
    ("event.card.balance > 1", "PB204", "card", "did you mean card.balance?"),
    ("member.tier == 'Gold'", "PB204", "tier", "did you mean tier.name?"),
    ("customer.email", "PB205", "customer", 'did you mean "member"?'),
    ("crad.balance > 5", "PB205", "crad", 'did you mean "card"?'),
    ("points_expired", "PB205", "points_expired", 'write event.name == "points_expired"'),
    ("dayz_left == 1", "PB205", "dayz_left", 'did you mean "days_left"?'),
    ("balance > 5", "PB205", "balance", "did you mean card.balance?"),
    ("points > 5", "PB205", "points", "did you mean event.points?"),
    ("tier.name == Gold", "PB205", "Gold", 'put it in quotes: "Gold"'),
    ("day(30) == offset", "PB206", "day", 'did you mean "days"?'),
    ("tier.name | lowr == 'x'", "PB206", "lowr", 'did you mean "lower"?'),
    ("upper(programme.name) == 'X'", "PB206", "upper", "write x | upper"),
    ("card.balance | days", "PB206", "days", "write days(…)"),
    ("days == 3", "PB206", "days", "write days(30)"),
    ("lower(programme.name, 1) == 'x'", "PB207", "lower(programme.name, 1)", "lower(tier.name)"),
    ("days('x') == days(1)", "PB207", "'x'", "days(30)"),
    ("card.balance | default > 1", "PB207", "card.balance | default", "default("),
    ("date('2026-02-30') < today", "PB207", "'2026-02-30'", "2026-01-31"),
    ("date('20260131') < today", "PB207", "'20260131'", "2026-01-31"),
    ("date(programme.name) < today", "PB207", "programme.name", 'date("2026-01-31")'),
    ('card.balance >= "500"', "PB208", '"500"', "remove the quotes"),
    ("programme.name == 5", "PB208", "5", 'put it in quotes: "5"'),
    ('card.active == "true"', "PB208", '"true"', "write true without quotes"),
    ('today == "2026-01-31"', "PB208", '"2026-01-31"', 'write date("2026-01-31")'),
    ("today - date('2026-01-01') <= 30", "PB208", "30", "write days(30)"),
    ("today <= days(30)", "PB208", "today <= days(30)", "date - today"),
    ("today < event.occurred_at", "PB208", "today < event.occurred_at", "now"),
    ("today + 30 > today", "PB208", "30", "write days(30)"),
    ("today + hours(3) > today", "PB208", "today + hours(3)", "write days(n)"),
    ("programme.name > 'A'", "PB208", "programme.name > 'A'", None),
    ("card.balance in 'Gold'", "PB208", "'Gold'", 'write ["Gold"]'),
    ("card.balance in 5", "PB208", "5", None),
    ("programme.name in [1]", "PB208", "1", "quotes"),
    ("programme.name + 'x' == 'y'", "PB208", "programme.name + 'x'", "templates"),
    ("member.metadata == 1", "PB208", "member.metadata == 1", "name one of its fields"),
    ("(card.balance or member.email) == 5", "PB208", "(card.balance or member.email) == 5", None),
    ("-programme.name == 1", "PB208", "-programme.name", None),
    ('event.name == "points_expird"', "PB209", '"points_expird"', 'did you mean "points_expired"?'),
    ('event.name in ["points_expird"]', "PB209", '"points_expird"', 'did you mean "points_expired"?'),
    (
        "card.next_expiration_date <= today",
        "PB210",
        "card.next_expiration_date",
        "write card.next_expiration_date and card.next_expiration_date <= today",
    ),
    (
        "event.balance > 100",
        "PB210",
        "event.balance",
        "write event.balance is not none and event.balance > 100, or put (event.balance | default(0))",
    ),
    ("lower(member.email) == 'x'", "PB210", "member.email", "write member.email and"),
    ("event.balance + 1 > 5", "PB210", "event.balance", "event.balance is not none"),
    ("tier.name in [member.email]", "PB210", "member.email", "write member.email and"),
    ("'a' in member.email", "PB210", "member.email", "write member.email and 'a' in member.email"),
    ("member.email in programme.name", "PB210", "member.email", "write member.email and"),
    ("event.activates_on == today", "PB211", "activates_on", "a rule of its own"),
    ("days_left == 1", "PB211", "days_left", "card.next_expiration_date - today"),
    ("offset == days(1)", "PB211", "offset", None),
    ("1_000_000_000_000_000_000 > card.balance", "PB213", "1_000_000_000_000_000_000", None),
    ('tier.name == "Gold" or "Platinum"', "PB214", '"Platinum"', 'write tier.name in ["Gold", "Platinum"]'),
    ("card.balance > 5 and 3", "PB214", "3", "both sides"),
    ("not 'x'", "PB214", "'x'", None),
    ("card.active if 'x' else member.email", "PB214", "'x'", None),
    ('"card.balance > 5"', "PB214", '"card.balance > 5"', "remove the quotes"),
    ("1 < 2", "PB214", "1 < 2", None),
    ("tier.name in []", "PB214", "[]", None),
    ('member.metadata["x"] > 3', "PB215", 'member.metadata["x"] > 3', "=="),
    ('member.metadata["x"] + 3 == 5', "PB215", 'member.metadata["x"] + 3', "=="),
    ('lower(member.metadata["x"]) == "a"', "PB215", 'member.metadata["x"]', "=="),
    ('"a" in member.metadata["x"]', "PB215", 'member.metadata["x"]', "any_of"),
    ("card.next_expiration_points > 5", "PB250", "card.next_expiration_points", "write card.expiring_points"),
    ("card.balance is none", "PB251", "card.balance is none", None),
    ("event.points > 1.500", "PB252", "1.500", "write 1500"),
]


@pytest.mark.parametrize(("text", "code", "words", "fix"), SLIPS, ids=[slip[0] for slip in SLIPS])
def test_a_slip_is_told_with_its_place_and_its_fix(text, code, words, fix):
    found = problems(text)
    first = found[0]
    assert (first.code, place(text, first)) == (code, words)
    assert fix is None or fix in first.suggestion
    assert first.length >= 1
    assert first.severity is (Severity.WARNING if code >= "PB250" else Severity.ERROR)


def test_every_code_is_listed_and_has_an_example():
    shown = Counter(problem.code for text, *_ in SLIPS for problem in problems(text))
    assert set(shown) <= set(CODES)
    # PB216 is about blocks of conditions.
    assert set(CODES) - set(shown) == {"PB216"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('member.first_name == "Łukasz" and card.balence > 3', "balence"),
        ('  member.first_name == "🎉🎉" and\n\tcard.balence > 3', "balence"),
        ('card.balance > 0\r\nand "Zażółć" == member.nmae', "nmae"),
    ],
)
def test_columns_count_characters_whatever_comes_before(text, words):
    assert [place(text, problem) for problem in problems(text)] == [words]


def test_everything_wrong_is_found_at_once():
    text = 'card.balence > 5 and tier.nmae == "x" and day(3) == days(1)'
    assert [place(text, problem) for problem in problems(text)] == ["balence", "nmae", "day"]


def test_what_could_stand_there_is_listed():
    (unknown,) = problems("tier.colour == 1")
    assert unknown.suggestion == "available: id, name"
    assert unknown.available == ("id", "name")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("event.points > 5", "points is not sent with tier_joined; this rule also listens to tier_joined"),
        (
            "event.expired_on == today",
            "expired_on is sent with points_expired only; this rule also listens to points_earned and tier_joined",
        ),
        (
            "event.custom_name == 'x'",
            "custom_name is sent with custom only; this rule listens to points_earned, points_expired and tier_joined",
        ),
    ],
)
def test_a_field_of_other_events_is_an_error_of_its_own(text, message):
    (found,) = problems(text, SEVERAL)
    assert (found.code, found.message) == ("PB211", message)


def test_a_reminder_has_no_event():
    (found,) = problems("event.points > 5", REMINDER)
    assert found.code == "PB211"
    assert "not available in a reminder" in found.message


@pytest.mark.parametrize(
    "text",
    [
        "1" + " + 1" * 499,
        "(" * 60 + "1" + ")" * 60,
        "not " * 60 + "card.balance",
        "- " * 900 + "1",
        "card" + ".x" * 900,
        "card.balance > " + "9" * 1900,
        "[" + "1, " * 600 + "1] == 1",
        "card.balance" + " " * 2000,
        "lower(" * 51 + "tier.name" + ")" * 51,
        "x" * 2001,
    ],
)
def test_what_is_too_long_or_too_deep_is_refused(text):
    assert [problem.code for problem in problems(text)] == ["PB213"]


@pytest.mark.parametrize("error", [RecursionError, MemoryError, ValueError])
def test_what_is_too_much_for_the_parser_is_refused(monkeypatch, error):
    """Where that is differs between versions of Python."""

    def give_up(*_args, **_kwargs):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(ast, "parse", give_up)
        found = problems("card.balance > 5")
    assert [problem.code for problem in found] == ["PB213"]


def test_what_is_long_but_flat_is_fine():
    text = " and ".join(["card.balance > 0"] * 90)
    assert problems(text) == ()


def test_nothing_is_evaluated_while_it_is_checked():
    """The result would have 10 ** 15 characters, or 10 ** 30 digits."""
    for text in ('"a" * 1_000_000_000_000_000 == "b"', "999_999_999 * 999_999_999 * 999_999_999 > card.balance"):
        problems(text)


def check_never_raises(text, scope):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = problems(text, scope)
    for problem in found:
        assert problem.code in CODES
        assert 0 <= problem.column <= len(text)
        assert problem.length >= 1
        assert problem.column + problem.length <= max(len(text), problem.column + 1)
        assert problem.message


_WHOLE = (
    "card.",
    "balance",
    "{{",
    " is ",
    " not ",
    " in ",
    "default(",
    "1_",
    "0x",
    " and ",
    " if ",
    " else ",
    "event.points",
)
pieces = st.sampled_from([*"\"'()[]\\\n\x00\ud800é1.|=\t\u2028ﬁ,:", *_WHOLE])


@steadily(500)
@given(st.text() | st.lists(pieces, max_size=15).map("".join))
def test_any_text_gives_an_expression_or_problems(text):
    check_never_raises(text, EXPIRED)


@steadily(500)
@given(scopes(), word_soups)
def test_any_words_give_an_expression_or_problems(given_scope, text):
    check_never_raises(text, given_scope[0])


@pytest.mark.parametrize(
    "text", ["(" * 1990, "[" * 1990, "not " * 480 + "x", "-" * 1990 + "1", "a." * 990 + "a", "f(" * 990]
)
def test_deep_nesting_gives_problems(text):
    check_never_raises(text, EXPIRED)
