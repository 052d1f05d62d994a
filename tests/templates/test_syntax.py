"""A template that cannot be read is told at its place in the line, with the likely fix."""

import pytest

from .samples import load


@pytest.mark.parametrize(
    ("source", "place", "words", "fix"),
    [
        ("x\nHi {{ event.points } x", (2, 20), "one } does not close {{", "write }}"),
        ("{% if event.points = 3 %}x{% endif %}", (1, 20), "one = does not compare", "write =="),
        ("a {{ event.points = 3 }}", (1, 19), "one = does not compare", "write =="),
        ("x\n {% if event.points %}y\n\nz", (2, 2), "{% if %} is never closed", "write {% endif %} where it ends"),
        ("{% block a %}x", (1, 1), "{% block %} is never closed", "write {% endblock %} where it ends"),
        (
            "{% block a %}{% if 1 %}{% endblock %}",
            (1, 14),
            "{% if %} is never closed",
            "write {% endif %} where it ends",
        ),
        ("{% if a %}x{% end %}", (1, 1), "{% if %} is never closed", "write {% endif %} where it ends"),
        ("x {% endif %}", (1, 6), "there is no {% if %} for it to close", None),
        ("{% if 1 %}{% elseif 2 %}{% endif %}", (1, 14), 'there is no tag "elseif"', "write elif"),
        ("x {{ event.points", (1, 3), "}} is missing", None),
        ("{{ event.points reason }}", (1, 17), "expected }}, got 'reason'", None),
        ("a {{ }}", (1, 3), "there is nothing between {{ and }}", None),
    ],
)
def test_it_is_told_where_and_how(tmp_path, source, place, words, fix):
    _, problems = load(tmp_path, {"a/sms.en.txt": source})
    assert [((found.line, found.column), found.message, found.suggestion) for found in problems] == [
        (place, words, fix)
    ]
    assert problems[0].code == "PB404"
