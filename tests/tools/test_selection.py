"""``-k``: words joined with and, or and not."""

import pytest

from engine.errors import PointbellError
from engine.tools.selection import choice

NAME = "Three reminders, nine o'clock member time points-expire-soon"


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("three", True),
        ("three reminders", True),
        ("reminders three", False),
        ("not three", False),
        ("four or expire", True),
        ("four or five", False),
        ("three and not sms", True),
        ("three and (sms or nine)", True),
        ("not (sms or nine)", False),
        ("not sms and not four", True),
        ("four and five or three", True),
    ],
)
def test_which_tests_are_meant(expression, meant):
    assert choice(expression)(NAME) is meant


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("three and", "a word is missing"),
        ("(three", '")" is missing'),
        ("three)", "left over"),
        ("", "word is missing"),
    ],
)
def test_what_cannot_be_read_is_told(expression, says):
    with pytest.raises(PointbellError, match=says.replace(")", r"\)")):
        choice(expression)
