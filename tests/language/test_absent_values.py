"""A value that is not there can be tested and defaulted, and never becomes text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from engine.language import JINJA_FILTERS, JINJA_FUNCTIONS, JINJA_TESTS, Absent, Scope
from engine.language.node import Node

from .generators import occasions, steadily


def environment(*, autoescape):
    made = SandboxedEnvironment(undefined=StrictUndefined, autoescape=autoescape)
    made.globals.update(JINJA_FUNCTIONS)
    made.filters.update(JINJA_FILTERS)
    made.tests.update(JINJA_TESTS)
    return made


ENVIRONMENTS = [environment(autoescape=False), environment(autoescape=True)]

INTO_TEXT = [
    "{{ x }}",
    "{{ 'a' ~ x }}",
    "{{ x ~ x }}",
    "{{ x | string }}",
    "{{ [x] | join }}",
    "{{ ['a', x] | join(', ') }}",
    "{{ x | join }}",
    "{{ '%s' | format(x) }}",
    "{{ '%r' | format(x) }}",
    "{{ 'a' + x }}",
    "{{ x + 'a' }}",
    "{{ x + 1 }}",
    "{{ 1 - x }}",
    "{{ -x }}",
    "{{ x * 2 }}",
    "{{ lower(x) }}",
    "{{ x | lower }}",
    "{{ x | upper }}",
    "{{ x | round }}",
    "{{ round(x) }}",
    "{{ days(x) }}",
    "{{ date(x) }}",
    "{{ starts_with(x, 'a') }}",
    "{{ starts_with('a', x) }}",
    "{{ ends_with('a', x) }}",
    "{{ count(x) }}",
    "{{ x | escape }}",
    "{{ x | safe }}",
    "{{ x | title }}",
    "{{ x | trim }}",
    "{{ x | replace('a', 'b') }}",
    "{{ x | urlencode }}",
    "{{ x | int }}",
    "{{ x | length }}",
    "{{ x | list }}",
    "{{ x | first }}",
    "{{ x | pprint }}",
    "{{ [x] }}",
    "{{ {'a': x} }}",
    "{{ (x, 1) }}",
    "{{ x.y }}",
    "{{ x['y'] }}",
    "{{ x() }}",
    "{{ x < 1 }}",
    "{{ 1 >= x }}",
    "{{ 'a' in x }}",
    "{{ x and x }}",
    "{{ 'yes' if x else x }}",
    "{% for item in x %}{{ item }}{% endfor %}",
    "{% set y = x %}{{ y }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x) }}",
    "{% filter upper %}{{ x }}{% endfilter %}",
    "{{ x | default(x) }}",
    "{{ '' or x }}",
    "{{ '{}'.format(x) }}",
    "{{ '{:>9}'.format(x) }}",
]


@pytest.mark.parametrize("jinja", ENVIRONMENTS, ids=["text", "html"])
@pytest.mark.parametrize("template", INTO_TEXT)
def test_an_absent_value_never_becomes_text(jinja, template):
    with pytest.raises(UndefinedError, match=r"member\.first_name is absent"):
        jinja.from_string(template).render(x=Absent("member.first_name"))


TESTED = {
    "{{ x or 'there' }}": "there",
    "{{ x | default('there') }}": "there",
    "{% if x %}a{% else %}there{% endif %}": "there",
    "{{ x is none }}": "True",
    "{{ x is not none }}": "False",
    "{{ x is defined }}": "False",
    "{{ x == none }}": "True",
    "{{ x != none }}": "False",
    "{{ x == 0 }}": "False",
    "{{ x == '' }}": "False",
    "{{ '' == x }}": "False",
    "{{ x == y }}": "True",
    "{{ x in ['Gold'] }}": "False",
    "{{ x not in [0, ''] }}": "True",
    "{{ not x }}": "True",
    "{{ any_of(x, 'sku', 'A') }}": "False",
}


@pytest.mark.parametrize(("template", "text"), TESTED.items())
def test_an_absent_value_can_be_tested_and_defaulted(template, text):
    given = {"x": Absent("member.first_name"), "y": Absent("member.email")}
    assert ENVIRONMENTS[0].from_string(template).render(given) == text


def test_absent_values_are_one_value_in_a_set():
    assert len({Absent("member.email"), Absent("member.phone"), None}) == 1


@pytest.mark.parametrize("template", ["{{ x is none }}", "{{ x is defined }}", "{{ x | default('there') }}", "{{ x }}"])
def test_what_was_never_declared_fails_whatever_is_asked_of_it(template):
    with pytest.raises(UndefinedError, match="'x' is undefined"):
        ENVIRONMENTS[0].from_string(template).render()


READS = [
    "member.first_name",
    "member.email",
    "member.birthdate",
    'member.metadata["x"]',
    'member.metadata["sign-up"]',
    "member.metadata.items",
    "card.next_expiration_date",
    "card.metadata.get",
    "tier.name",
    "event.data.x",
    "programme.currency",
    "card",
    "member.metadata",
]


@steadily(150)
@given(st.data(), st.sampled_from(READS), st.sampled_from(INTO_TEXT), st.sampled_from(ENVIRONMENTS))
def test_no_fact_that_is_not_there_is_ever_printed(data, read, template, jinja):
    view = data.draw(occasions({"custom", "points_expired", "tier_left"})).view()
    text = template.replace("x", read, 1) if template == "{{ x }}" else f"{{% set x = {read} %}}{template}"
    try:
        printed = jinja.from_string(text).render(view)
    except (UndefinedError, TypeError, ValueError, OverflowError):
        return
    assert not any(word in printed for word in ("None", "Undefined", "absent", "Node", "Items", "object at"))


def test_a_group_of_facts_and_a_list_are_not_text_either():
    jinja = ENVIRONMENTS[0]
    node = Node({"tags": ["a", None], "inner": {"a": 1}}, "member.metadata")
    for template in ("{{ x }}", "{{ [x] }}", "{{ x.inner }}", "{{ 'a' ~ x }}", "{{ x.tags }}", "{{ [x.tags] }}"):
        with pytest.raises(UndefinedError, match="not a text"):
            jinja.from_string(template).render(x=node)
    with pytest.raises(UndefinedError, match=r"member.metadata\[\"tags\"\]\[1\] is absent"):
        jinja.from_string("{{ x.tags | join }}").render(x=node)


def test_every_name_leads_to_a_fact_and_none_to_a_method():
    jinja = ENVIRONMENTS[0]
    facts = {"items": "i", "get": "g", "keys": "k", "_values": "v", "__class__": "c", "count": "n"}
    node = Node(facts, "member.metadata")
    template = '{{ x.items }}{{ x.get }}{{ x.keys }}{{ x["_values"] }}{{ x["__class__"] }}{{ x.count }}'
    assert jinja.from_string(template).render(x=node) == "igkvcn"
    assert not [name for name in dir(node) if not name.startswith("_")]


def test_a_scope_and_a_view_agree_on_what_may_be_absent():
    """Whatever the scope calls always there is there in every view."""

    @steadily(60)
    @given(st.data())
    def agree(data):
        scope = Scope.for_events(["points_in", "tier_joined"])
        view = data.draw(occasions(scope.events)).view()
        for group, fields in scope.groups.items():
            for name, declared in fields.items():
                assert declared.optional or not isinstance(view[group][name], Absent), (group, name)

    agree()
