"""Before a template may run: what would print nothing, print a word for nothing, or be dropped without a word."""

import pytest

from .samples import load, view

STRINGS = 'hi: "Hi {name}!"\nplain: Hello\npoints: {one: point, other: points}\n'


def found(root, source, **files):
    _, problems = load(root, {"a/sms.en.txt": source, "strings.en.yaml": STRINGS, **files})
    return [(problem.line, problem.column, problem.code, problem.message) for problem in problems]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('Hello {{ event.reason | default("") }},', (1, 25, "PB413", 'default("") leaves a hole')),
        ("x\n{{ event.reason or ' ' }}", (2, 17, "PB413", 'or " " leaves a hole')),
        ("{{ 'a' ~ (event.reason | default('') | upper) }}", (1, 26, "PB413", 'default("") leaves')),
        ('{{ event.reason | default("None") }}', (1, 19, "PB413", 'tells the reader "None"')),
        ("{{ event.reason | default(none) }}", (1, 27, "PB413", "none cannot be printed")),
        ("{{ none }}", (1, 4, "PB413", "none cannot be printed")),
        ("{{ 'a' if event.reason else none }}", (1, 29, "PB413", "none cannot be printed")),
        ("{{ strings.hi }}", (1, 12, "PB408", "strings.hi has {name} to fill in")),
        ("{{ strings.hi | upper }}", (1, 12, "PB408", "strings.hi has {name} to fill in")),
        ("{{ strings.points }}", (1, 12, "PB408", "strings.points is a table of plural forms")),
        ("{{ strings.plain | fill(name='x') }}", (1, 25, "PB408", "strings.plain has no {name} to fill in")),
        ("{{ strings.bye }}", (1, 12, "PB408", 'strings.en.yaml has no phrase "bye"')),
        ("{{ event.points | money }}", (1, 19, "PB416", "money is not told its currency")),
        ("{{ card.balance | points(2) }}", (1, 19, "PB416", "points is given too many values")),
        ("{{ event.points | number(decimal=2) }}", (1, 19, "PB416", "number takes no decimal=")),
        ("{{ event.points | round(2) }}", (1, 19, "PB416", "round is given too many values")),
        ("{{ event.reason | default }}", (1, 19, "PB416", "default is not told its fallback")),
        ("{{ today | date('lng') }}", (1, 18, "PB416", '"lng" is not a date format')),
        ("{{ event.points | money('zł') }}", (1, 26, "PB416", '"zł" is not a currency code')),
        ("{{ event.points | plural('point') }}", (1, 19, "PB416", "plural takes forms by name")),
        ("{{ (today + days()) | date }}", (1, 13, "PB416", "days is not told its amount")),
        ("{{ event.points / 0 }}", (1, 17, "PB415", "nothing can be divided by zero")),
    ],
)
def test_it_is_found_before_it_is_sent(tmp_path, source, expected):
    ((line, column, code, message),) = found(tmp_path, source)
    assert (line, column, code) == expected[:3]
    assert expected[3] in message


@pytest.mark.parametrize(
    "source",
    [
        "{{ event.reason | default('friend') }}",
        "{{ ', ' ~ event.reason if event.reason else '' }}",
        "{% if (event.reason | default('')) == 'x' %}y{% endif %}z",
        "{{ strings.hi | fill(name='x') }} {{ strings.plain }} {{ 3 | counted(strings.points) }}",
        "{{ (strings.hi if event.reason else strings.hi) | fill(name='x') }}",
        "{{ event.points | money('PLN') }} {{ 1 | money(programme.currency) }} {{ 1.5 | number(2) }}",
        "{{ 1 | plural(one='a', other='b') }} {{ today | date(form='short') }} {{ [1] | join(', ') }}",
    ],
)
def test_what_is_written_well_passes(tmp_path, source):
    assert found(tmp_path, source) == []


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("subject: null", "PB403"),
        ("subject: ~", "PB403"),
        ('subject: ""', "PB410"),
        ("subject:", "PB410"),
        ("subject: S\npreheader: null", "PB403"),
    ],
)
def test_a_subject_of_nothing_is_found(tmp_path, header, code):
    _, problems = load(tmp_path, {"a/email.en.html": f"---\n{header}\n---\n<p>x</p>"})
    assert [problem.code for problem in problems] == [code]


LAYOUT = {"layouts/l.txt": "{% block body %}{% endblock %}{% block foot %}f{% endblock %}"}
EXTENDS = '{% extends "layouts/l.txt" %}\n'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{% block bodi %}x{% endblock %}", (2, 10, 'the layout has no block "bodi"')),
        (
            "{% block body %}x{% endblock %}\n\nHello",
            (4, 1, "what stands outside the blocks of a layout is never sent"),
        ),
        ("{{ event.points }}{% block body %}x{% endblock %}", (2, 1, "what stands outside")),
        ("{% if event.points %}\nx{% endif %}{% block body %}x{% endblock %}", (3, 1, "what stands outside")),
        ("", (1, 4, "no block of the layout is filled")),
    ],
)
def test_what_a_layout_would_drop_is_found(tmp_path, body, expected):
    ((line, column, code, message),) = found(tmp_path, EXTENDS + body, **LAYOUT)
    assert (line, column, code) == (*expected[:2], "PB414")
    assert expected[2] in message


def test_the_block_meant_is_named(tmp_path):
    source = EXTENDS + "{% block bodi %}x{% endblock %}"
    _, problems = load(tmp_path, {"a/sms.en.txt": source, **LAYOUT})
    assert [problem.suggestion for problem in problems] == ['did you mean "body"?']


@pytest.mark.parametrize(
    "body",
    [
        "{% block body %}x{% block inner %}y{% endblock %}{% endblock %}",
        "{% set x = 1 %}{# note #}{% macro m() %}z{% endmacro %}\n{% block foot %}{% endblock %}",
        "{% set title %}T{% endset %}",
    ],
)
def test_what_a_layout_takes_passes(tmp_path, body):
    assert found(tmp_path, EXTENDS + body, **LAYOUT) == []


def test_a_layout_of_a_layout_has_the_blocks_of_both(tmp_path):
    files = {**LAYOUT, "layouts/m.txt": EXTENDS + "{% block body %}<{% block inner %}{% endblock %}>{% endblock %}"}
    body = "{% block inner %}x{% endblock %}{% block foot %}g{% endblock %}"
    files["a/sms.en.txt"] = '{% extends "layouts/m.txt" %}' + body
    templates, problems = load(tmp_path, files)
    assert problems == []
    assert templates.choose("a", "sms", "en").render(view()).text == "<x>g"
