"""What templates may read, call and print."""

import pytest
from babel import Locale
from jinja2.exceptions import SecurityError

from engine.errors import TemplateError
from engine.ruleset.environment import Phrases, TemplateEnvironment

from .samples import load, say, view


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ event.points }}", "40"),
        ('{{ event["points"] }}', "40"),
        ("{{ 12.0 }} and {{ 12.5 }}", "12 and 12.5"),
        ("{% for letter in 'abc' %}{{ loop.index }}{{ letter }}{% endfor %}", "1a2b3c"),
        ("{% for n in range(3) %}{{ n }}{% if not loop.last %}, {% endif %}{% endfor %}", "0, 1, 2"),
        ("{{ ['a', 'b'] | join(' and ') }}", "a and b"),
        ("{{ 'a' ~ 1 ~ 2.0 }}", "a12"),
        ("{{ 7 % 4 }} {{ 7 // 2 }} {{ 1 / 4 }} {{ 2 * 3 - 1 }}", "3 3 0.25 5"),
        ("{{ (today + days(30)) | date }}", "January 31, 2026"),
        ("{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice('ha') }}", "haha"),
        ("{% macro box() %}[{{ caller() }}]{% endmacro %}{% call box() %}in{% endcall %}", "[in]"),
        ("{% filter upper %}quiet{% endfilter %}", "QUIET"),
        ("{% with x = 1 %}{{ x }}{% endwith %}", "1"),
        ("{{ 'yes' if event.points > 39 else 'no' }}", "yes"),
        ("{{ [3, 1, 2] | sort | first }}{{ 'abc'[1] }}{{ 'abc'[:2] }}", "1bab"),
        ("{% if event.balance is none and event.points is defined %}ok{% endif %}", "ok"),
    ],
)
def test_ordinary_words_work(tmp_path, source, said):
    assert say(tmp_path, source) == said


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ event.__class__ }}",
        "{{ event['__class__'] }}",
        "{{ event._values }}",
        "{{ self._TemplateReference__context }}",
        "{{ '' | attr('__class__') }}",
        "{{ event.points.real.to_bytes() }}",
        "{{ member.name.upper() }}",
        "{{ [1] | map('upper') }}",
        "{{ event | items }}",
        "{{ 'x' | safe }}",
        "{{ 'x' is filter }}",
        "{% autoescape false %}{{ event.reason }}{% endautoescape %}",
        "{% raw %}{{ event }}{% endraw %}",
        "{% import 'partials/a.txt' as a %}{{ a.b() }}",
        "{% include event.reason %}",
        "{% include ['a', 'b'] %}",
        "{% include 'partials/nothing.txt' ignore missing %}",
        "{{ range(*[1]) }}",
        "{{ {'a': 1}.a }}",
        "{{ dict(a=1).a }}",
        "{{ 'a' + 'b' }}",
        "{% do event.points %}",
        "{{ loop }}",
        "{{ debug() }}",
    ],
)
def test_everything_else_is_a_finding(tmp_path, source):
    templates, problems = load(tmp_path, {"note/sms.en.txt": source})
    assert problems
    assert problems[0].code in {"PB404", "PB405", "PB406", "PB409"}
    assert not templates.by_key


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{% set x = none %}{{ x }}", "an empty value cannot be printed"),
        ("{{ true }}", "a yes/no value cannot be printed"),
        ("{{ event.points > 3 }}", "a yes/no value cannot be printed"),
        ("{{ today }}", "a date cannot be printed; write | date after it"),
        ("{{ days(2) }}", "a duration cannot be printed"),
        ("{{ [1, 2] }}", "a list cannot be printed"),
        ("{{ event }}", "a group of fields cannot be printed"),
        ("{{ range }}", "this value cannot be printed"),
        ("{% set x = none %}{{ 'a' ~ x }}", "an empty value cannot be printed"),
        ("{{ [none] | join }}", "an empty value cannot be printed"),
        ("{{ event.points.real }}", "a number has no field 'real'"),
        ("{{ member.first_name }}", "member.first_name is absent"),
        ("{{ 'a' ~ member.first_name }}", "member.first_name is absent"),
        ("{{ member.first_name | upper }}", "member.first_name is absent"),
        ("{{ [member.first_name] | join }}", "member.first_name is absent"),
        ("{{ event.balance | points }}", "event.balance is absent"),
        ("{{ event.balance | counted(one='a', other='b') }}", "event.balance is absent"),
        ("{{ event.balance + 1 }}", "event.balance is absent"),
        ("{{ event.ponts }}", 'there is no "ponts"'),
        ("{% if event.ponts %}x{% endif %}", 'there is no "ponts"'),
        ("{{ event.ponts | default(1) }}", 'there is no "ponts"'),
        ("{{ days_left }}", 'there is no "days_left"'),
        ("{{ 1 / (event.points - 40) }}", "division by zero"),
        ("{{ today + days(9999999) }}", "a number or a date is out of range"),
        ("{{ event.points + today }}", "+ cannot take a number and a date"),
        ("{{ 999999999999999999 + event.points }}", "the number is out of range"),
        ("{{ -999999999999999999 - event.points }}", "the number is out of range"),
        ("{{ 999999999999999999 * event.points }}", "the number is out of range"),
        ("{{ [] | first }}", "No first item, sequence was empty."),
        ("{{ [1][3] }}", "the list has no item 3"),
        ("{% set f = range %}{{ event.points | plural(f) }}", "plural takes forms by name"),
    ],
)
def test_what_cannot_be_worded_is_held_and_says_where(tmp_path, source, why):
    with pytest.raises(TemplateError) as held:
        say(tmp_path, f"one\ntwo {source}")
    assert str(held.value).startswith("templates/note/sms.en.txt:2: ")
    assert why in str(held.value)


@pytest.mark.parametrize("function", [open, "".join, print, type, lambda: None])
def test_nothing_else_can_be_called_however_it_came_in(function):
    environment = TemplateEnvironment(Locale("en"), Phrases({}))
    with pytest.raises(SecurityError):
        environment.call(None, function)


def test_values_are_never_templates(tmp_path):
    reason = view(facts={"points": 1, "reason": "{{ 7*7 }} {% x %}"})
    assert say(tmp_path, "{{ event.reason | length }}", reason) == "17"
    with pytest.raises(TemplateError, match=r"left in it: \"{{ 7\*7 }} {% x %}\""):
        say(tmp_path / "2", "{{ event.reason }}", reason)


def test_fields_are_facts_even_when_a_dict_has_such_a_method(tmp_path):
    facts = view("custom", {"custom_name": "x", "data": {"items": "seven", "keys": [1, 2]}})
    assert say(tmp_path, "{{ event.data.items }} {{ event.data['keys'] | length }}", facts) == "seven 2"
