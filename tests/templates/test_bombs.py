"""Templates that would eat the machine are answered at once, with a finding or a held message."""

import pytest

from engine.errors import TemplateError

from .samples import load, view

REFUSED_AT_LOAD = [
    "{{ 9**(9**9) }}",
    "{{ 'a'*900000000 }}",
    "{% set x = 'a'*(10*1000*1000*1000) %}x",
    "{{ '%1000000000d' % 1 }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ 'a' | ljust(1000000000) }}",
    "{{ 'a' | center(1000000000) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ range(10) | batch(1000000000) }}",
    "{{ 'a' | replace('a', 'b') }}",
    "{{ 'a' | indent(1000000000) }}",
    "{{ lipsum(n=100000) }}",
    "{{ cycler(1, 2) }}",
    "{% set ns = namespace(x='a') %}{{ ns.x }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{{ " + "9" * 6000 + " }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "not " * 20000 + "1 }}",
    "{{ event" + ".a" * 50000 + " }}",
    "{% if 1 %}" * 3000 + "x" + "{% endif %}" * 3000,
    "{{ 1 }}" * 28000,
    "x" * 200_001,
]
REFUSED_WHEN_RENDERED = [
    "{% for i in range(100000000) %}x{% endfor %}",
    "{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}x",
    "{% for i in range(900) %}{% for j in range(9) %}{{ 'x' ~ '" + "y" * 400 + "' }}{% endfor %}{% endfor %}",
    "{% for i in range(900) %}" + "{% if i %}{% endif %}" * 900 + "{% endfor %}x",
    "{% set s = 'aaaaaaaaaa' %}" + "{% set s = s ~ s %}" * 60 + "{{ s }}",
    "{% set s = 10 %}" + "{% set s = s * s %}" * 60 + "{{ s }}",
    "{% set s = ['a'] %}{{ s * 1000000000 }}",
    "{{ ['a', 'b', 'c', 'd', 'e', 'f', 'g'] | join('" + "-" * 100_000 + "') }}",
    "{% macro a(n) %}{{ a(n + 1) }}{{ a(n + 1) }}{% endmacro %}{{ a(0) }}",
    "{% macro a() %}"
    + "y" * 100_000
    + "{% endmacro %}{% set x %}{% for i in range(900) %}{{ a() }}{% endfor %}{% endset %}{{ x }}",
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{% set x %}{% for i in range(900) %}" + "z" * 100_000 + "{% endfor %}{% endset %}{{ x }}",
]


@pytest.mark.parametrize("source", REFUSED_AT_LOAD, ids=lambda source: source[:40])
def test_a_bomb_that_shows_is_a_finding(tmp_path, source):
    templates, problems = load(tmp_path, {"note/sms.en.txt": source})
    assert [problem.file for problem in problems][:1] == ["templates/note/sms.en.txt"]
    assert not templates.by_key


@pytest.mark.parametrize("source", REFUSED_WHEN_RENDERED, ids=lambda source: source[:40])
def test_a_bomb_that_hides_is_held(tmp_path, source):
    templates, problems = load(tmp_path, {"note/sms.en.txt": source})
    assert problems == []
    with pytest.raises(TemplateError, match=r"^templates/note/sms\.en\.txt"):
        templates.choose("note", "sms", "en").render(view())


def test_partials_that_multiply_are_held(tmp_path):
    files = {f"partials/{n}.txt": f'{{% include "partials/{n + 1}.txt" %}}' * 9 for n in range(8)}
    files |= {"partials/8.txt": "x", "note/sms.en.txt": '{% include "partials/0.txt" %}'}
    templates, problems = load(tmp_path, files)
    assert problems == []
    with pytest.raises(TemplateError, match="more than 10000"):
        templates.choose("note", "sms", "en").render(view())


def test_turns_are_counted_however_little_they_do(tmp_path):
    source = "{% for i in range(600) %}{% for j in range(20) %}{% endfor %}{% endfor %}x"
    templates, _ = load(tmp_path, {"note/sms.en.txt": source})
    with pytest.raises(TemplateError, match="more than 10000 turns"):
        templates.choose("note", "sms", "en").render(view())


def test_a_long_value_cannot_be_multiplied(tmp_path):
    loops = "{% for i in range(900) %}{% for j in range(9) %}{{ event.reason }}{% endfor %}{% endfor %}"
    source = f"{{% set x %}}{loops}{{% endset %}}x"
    templates, problems = load(tmp_path, {"note/sms.en.txt": source})
    assert problems == []
    with pytest.raises(TemplateError, match="too much"):
        templates.choose("note", "sms", "en").render(view(facts={"points": 1, "reason": "r" * 1_000_000}))
