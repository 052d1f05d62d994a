"""Warnings that somebody has accepted, with a reason; and comments that accept nothing."""

import pytest

from engine.errors import RulesetInvalid
from engine.ruleset import load_ruleset

from .programme import PROGRAMME, SPELLINGS, write

SUBJECTS = "variants: [{name: a, weight: 100, subject: {en: Hi}}]"
RULE = "rule: a\non: points_expired\nsend: points-expired\n"
BECAUSE = "# pointbell: ignore PB513 because Polish comes next week"


def told(root, text, **files):
    write(root, {"rules/a.yaml": text, **files})
    warnings = load_ruleset(root, programme=PROGRAMME, spellings=SPELLINGS.get).warnings
    return [f"{found.file}:{found.line}:{found.column} {found.code}" for found in warnings]


def test_the_warning_without_a_comment(tmp_path):
    assert told(tmp_path, f"{RULE}{SUBJECTS}\n") == ["rules/a.yaml:4:49 PB513"]


@pytest.mark.parametrize(
    "text",
    [
        f"{RULE}{SUBJECTS} {BECAUSE}\n",
        f"{RULE}{BECAUSE}\n{SUBJECTS}\n",
        f"{RULE}{BECAUSE}\n# and more\n{SUBJECTS}\n",
        f"{RULE}{SUBJECTS} # pointbell:ignore PB513 because so",
    ],
)
def test_a_comment_on_the_line_or_above_it_accepts_a_warning(tmp_path, text):
    assert told(tmp_path, text) == []


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# pointbell: ignore PB513", "PB514"),
        ("# pointbell: ignore PB513 because", "PB514"),
        ("# pointbell: ignore because I like", "PB514"),
        ("# pointbell: ignore", "PB514"),
    ],
)
def test_a_comment_without_a_code_or_a_reason_accepts_nothing(tmp_path, comment, expected):
    found = told(tmp_path, f"{RULE}{SUBJECTS} {comment}\n")
    assert found == ["rules/a.yaml:4:49 PB513", f"rules/a.yaml:4:55 {expected}"]


def test_a_comment_that_accepts_nothing_is_a_warning(tmp_path):
    assert told(tmp_path, f"{RULE}{BECAUSE}\n") == ["rules/a.yaml:4:1 PB515"]


def test_a_comment_two_lines_away_is_about_something_else(tmp_path):
    found = told(tmp_path, f"{BECAUSE}\n{RULE}{SUBJECTS}\n")
    assert found == ["rules/a.yaml:1:1 PB515", "rules/a.yaml:5:49 PB513"]


def test_what_stands_within_a_text_is_no_comment(tmp_path):
    assert told(tmp_path, f'{RULE}description: "x {BECAUSE}"\n') == []
    assert told(tmp_path, f"{RULE}description: |\n  {BECAUSE}\n") == []


def test_an_error_cannot_be_accepted(tmp_path):
    text = "rule: a\non: points_expired\nsend: nothing # pointbell: ignore PB301 because I said so\n"
    with pytest.raises(RulesetInvalid) as refused:
        told(tmp_path, text)
    assert [found.code for found in refused.value.diagnostics] == ["PB301", "PB515"]


def test_a_warning_in_a_template_is_accepted_in_the_template(tmp_path):
    comment = "{# pointbell: ignore PB303 because the channel comes next week #}"
    path = "templates/points-expired/smss.en.txt"
    assert told(tmp_path, RULE, **{path: "Hello\n"}) == [f"{path}:1:1 PB303"]
    assert told(tmp_path, RULE, **{path: f"{comment}Hello\n"}) == []
    assert told(tmp_path, RULE, **{path: f"{comment}\nHello\n"}) == []
    assert told(tmp_path, RULE, **{path: f"Hello\n{comment}\n"}) == [f"{path}:1:1 PB303", f"{path}:2:1 PB515"]
