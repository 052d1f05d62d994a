"""How findings read, for people and for programs."""

import json

import pytest

from engine.language import Severity
from engine.ruleset.diagnostics import Diagnostic, format_text, in_order, summary, to_json

UNKNOWN_FIELD = Diagnostic(
    file="rules/expiry.yaml",
    line=9,
    column=10,
    code="PB204",
    message='unknown field "balence" on card',
    suggestion='did you mean "balance"?',
    source_line="  - card.balence > 0",
    length=7,
)
UNUSED = Diagnostic(
    file="rules/a.yaml", line=1, column=1, code="PB125", message="the file holds no rule", severity=Severity.WARNING
)


def caret(line, column, length=1):
    """The excerpt of a finding at this place: the line as it is shown, and what stands below it."""
    text = format_text(
        [Diagnostic(file="f", line=1, column=column, code="PB101", message="m", source_line=line, length=length)]
    )
    return [row[4:] for row in text.split("\n")[2:]]


def test_a_finding_shows_the_line_a_caret_and_the_fix():
    assert format_text([UNKNOWN_FIELD]) == (
        'rules/expiry.yaml:9:10: error[PB204] unknown field "balence" on card\n'
        "  |\n"
        "9 |   - card.balence > 0\n"
        '  |          ^^^^^^^ did you mean "balance"?'
    )


def test_a_finding_about_a_whole_file_shows_no_line():
    assert format_text([UNUSED]) == "rules/a.yaml:1:1: warning[PB125] the file holds no rule"


def test_rows_for_programs_have_no_more_than_they_need():
    rows = to_json([UNKNOWN_FIELD, UNUSED])
    assert json.loads(json.dumps(rows))[0] == {
        "file": "rules/expiry.yaml",
        "line": 9,
        "column": 10,
        "code": "PB204",
        "severity": "error",
        "message": 'unknown field "balence" on card',
        "suggestion": 'did you mean "balance"?',
    }
    assert rows[1]["suggestion"] is None


def test_findings_come_in_the_order_of_files_and_each_once():
    assert in_order([UNKNOWN_FIELD, UNUSED, UNKNOWN_FIELD]) == (UNUSED, UNKNOWN_FIELD)


def test_the_summary_counts_errors_and_warnings():
    assert summary([UNKNOWN_FIELD, UNKNOWN_FIELD, UNUSED]) == "2 errors, 1 warning"
    assert summary([]) == ""


def test_the_caret_stands_below_its_character_whatever_stands_before():
    assert caret("if: 日本 x", 8) == ["if: 日本 x", " " * 9 + "^"]
    assert caret("if: Łó x", 8) == ["if: Łó x", " " * 7 + "^"]
    assert caret("if: Lo\u0301 x", 9) == ["if: Lo\u0301 x", " " * 7 + "^"]
    assert caret("\tif: x", 6) == [" if: x", "     ^"]


def test_a_long_line_is_shown_around_the_place():
    shown, mark = caret("a" * 5000 + "X" + "b" * 5000, 5001)
    assert len(shown) < 130
    assert shown[mark.index("^")] == "X"


@pytest.mark.parametrize("sign", ["\x1b", "\x9b", "\u202e", "\r", "\x00"])
def test_nothing_in_a_file_reaches_the_terminal_as_a_command(sign):
    hostile = Diagnostic(
        file="f", line=1, column=1, code="PB304", message=f"unknown {sign}", suggestion=sign, source_line=f"a{sign}[2J"
    )
    assert sign not in format_text([hostile])
