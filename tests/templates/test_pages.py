"""A page that is filled in says and shows what it would if it had been inlined and read as a whole."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.model import Programme
from engine.ruleset import load_ruleset
from engine.ruleset import pages as module
from engine.ruleset.marks import prepare
from engine.ruleset.page import whole_page
from engine.ruleset.pages import Pages
from engine.ruleset.templates import Templates

from .samples import BRAND, load, view
from .test_starter_templates import AMOUNTS, BARE, EVENTS, LOCALES, MEMBERS, TIER, TIERS, _due

AWKWARD = {
    "table with a loop": "<style>td{color:red}tr:nth-child(2) td{color:blue}</style><table>"
    "{% for n in range(event.points) %}<tr><td>{{ event.reason }} {{ n }}</td></tr>{% endfor %}</table>",
    "text in a table": "<table>{{ event.reason }}<tr><td>x</td></tr></table>",
    "condition in a tag": "<style>.hot{color:red}p{margin:0}</style>"
    "<p class='{% if event.points > 2 %}hot{% else %}cold{% endif %}' title='{{ event.reason }}'>x</p>",
    "value in a class": "<style>.red{color:red}</style><p class='a {{ event.reason }}'>x</p>",
    "value in an id": "<style>#red{color:red}</style><p id='{{ event.reason }}'>x</p>",
    "value in a style": "<style>p{color:blue;width:1px}</style><p style='{{ event.reason }}'>x</p>",
    "value in a declaration": "<p style='width: {{ event.points }}%; color: {{ event.reason }}'>x</p>",
    "value in a sheet": "<style>p{color:{{ event.reason }}}@media print{p{color:{{ event.reason }}}}</style><p>x</p>",
    "value in a selector": "<style>.{{ event.reason }}{color:red}</style><p class='red'>x</p>",
    "attribute selectors": '<style>a[href^="red"]{color:red}</style><a href="{{ event.reason }}">x</a>',
    "value as an attribute": "<p {{ event.reason }}>x</p>",
    "value as a tag": "<{{ event.reason }}>x</{{ event.reason }}>",
    "value in a comment": "<!-- {{ event.reason }} --><!--[if mso]>{{ event.reason }}<![endif]--><p>x</p>",
    "value after an ampersand": "<p>a&{{ event.reason }};b</p>",
    "value in half an entity": "<p>a&#{{ event.reason }};b</p>",
    "first child": "<style>p:first-child{color:red}p:empty{margin:1px}</style>"
    "<div>{% if event.points %}<p>{{ event.reason }}</p>{% endif %}<p></p></div>",
    "siblings": "<style>p+p{color:red}</style><p>a</p>{% if event.points > 2 %}<p>{{ event.reason }}</p>{% endif %}",
    "entities": "<p>&nbsp;&zwnj;&#847;&amp;{{ event.reason }}&lt;&copy; &nbsp</p>",
    "a link that is its words": '<a href="{{ event.reason }}">{{ event.reason }}</a>, '
    '<a href="#x">{{ event.reason }}</a>',
    "a link in parts": '<a href="mailto:{{ event.reason }}">mailto:{{ event.reason }}</a>'
    '<a href="{{ event.reason }}"></a>',
    "a link that may lead nowhere": '<a href=" {{ event.reason }}">x </a>, <a href="red"> {{ event.reason }} </a>!',
    "pictures": '<img alt="{{ event.reason }}" src="x"><img src="{{ event.reason }}" alt="">{{ event.reason }}',
    "hidden": '<p style="display:none">{{ event.reason }}</p><p hidden title="{{ event.reason }}">a</p>x',
    "unread": "<title>{{ event.reason }}</title><script>{{ event.reason }}</script>"
    "<template>{{ event.reason }}</template>x",
    "raw": "<textarea>{{ event.reason }}</textarea><noscript>{{ event.reason }}</noscript>"
    "<xmp>{{ event.reason }}</xmp>x",
    "lists": "<ul>{% for n in range(3) %}<li>{{ event.reason }}{% endfor %}</ul><pre>\n{{ event.reason }}</pre>",
    "broken nesting": "<b><i>{{ event.reason }}</b></i><a href='{{ event.reason }}'><p>x<a href='y'>z</p>",
    "unclosed": "<p>{{ event.reason }}<div>{{ event.reason }}<p title='a",
    "forms": "<select><option>{{ event.reason }}<option value='{{ event.reason }}'>b</select>",
    "white space": "<p> {{ event.reason }} <b> {{ event.reason }}</b> , x</p>  {{ event.reason }}  ",
    "at the ends": "{{ event.reason }}<p>x</p>{{ event.reason }}",
    "nothing else": "{{ event.reason }}",
    "a mark of ours": "zq1zq <p>zq3zq {{ event.reason }}</p>",
    "all of a mark of ours": "<p>zq1zq &amp;&lt;&gt;&#34;&#39;&nbsp; zq</p>{{ event.reason }}",
    "all of a mark of nobody's": "<p>zq999zq &amp;&lt;&gt;&#34;&#39;&nbsp; zq</p>{{ event.reason }}",
    "macros": "{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}<p>{{ m(event.reason) }}</p>"
    "{% set s %}a&nbsp;b {{ event.reason }}{% endset %}{{ s }}"
    "{% macro row(x) %}{{ '' }}{{ m(x) }}{% endmacro %}{% macro box() %}<i>{{ caller() }}</i>{% endmacro %}"
    "{% for n in range(2) %}{{ row(event.reason) }}{% call box() %}{{ row(n) }}{% endcall %}{% endfor %}",
    "a filtered block": "<p>{% filter upper %}<b>{{ event.reason }}</b>{% endfilter %}</p>",
    "references in a filtered block": "<p>{% filter lower %}{% if event.points > 3 %}A&nbsp;B&#33;{% else %}"
    "{{ event.reason }}{% endif %}{% endfilter %}</p>",
    "markup put together": "{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}<p>{{ m(event.reason) ~ event.reason ~ m(1) }}"
    "{{ m(event.reason) | upper }}{{ [m(event.reason), m(2)] | join(', ') }}</p>",
    "imported": '<style>@import url("x.css");p{color:red}</style>'
    '<link href="{{ event.reason }}" rel="stylesheet"><p>x</p>',
    "drawing": "<svg><title>{{ event.reason }}</title><text x='{{ event.points }}'>{{ event.reason }}</text></svg>",
}
PLAIN = [
    "red",
    "Red",
    "a b",
    "p",
    "33",
    "nbsp",
    "x,",
    "zq1zq",
    "#top",
    "mailto:red",
    "display:none",
    "hidden",
    "żółw",
    "🎉",
]
ODD = [
    "",
    " ",
    "a  b",
    " a",
    "a ",
    "a\nb",
    "a\tb",
    "a\rb",
    "\xa0",
    "a\xa0b",
    "a\u2007b\u202fc",
    "\u2028",
    "\ufeff",
    "\x00",
]
MARKUP = ["<b>", "&", "&amp;", "'", '"', 'O\'Neill & "Co" <x>', "<!--", "-->", "{", "red; width: 2px", "אב", "\ud800"]
VALUES = st.sampled_from([*PLAIN, *ODD, *MARKUP, "a" * 600]) | st.text(max_size=6)


class Whole(Pages):
    """Prepares nothing."""

    def finish(self, output):
        return whole_page("".join(output))


def worded(template, facts):
    """The words, or why there are none."""
    try:
        return template.render(facts)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must be the same.
        return str(error)


@pytest.fixture(scope="module")
def awkward(tmp_path_factory):
    """Each template as it is, and one that prepares nothing."""

    def pair(source):
        template = loaded(tmp_path_factory.mktemp("awkward"), source)
        return template, replace(template, pages=Whole())

    return Corpus({name: pair(source) for name, source in AWKWARD.items()})


def loaded(root, source):
    """One template."""
    templates, _ = load(root, {"a/email.en.html": f"---\nsubject: S\n---\n{source}"})
    return templates.choose("a", "email", "en")


class Corpus(dict):
    """Of a failure only the values are of interest."""

    def __repr__(self):
        return "…"


@pytest.mark.parametrize("name", AWKWARD)
@settings(max_examples=25)
@given(given_values=st.lists(st.tuples(VALUES, st.integers(0, 4)), min_size=2, max_size=8))
@example(given_values=[("abc", 3), ("def", 3), ("O'Neill & Co", 3), ("#top", 3), ("a\xa0b", 3), ("red", 3)])
@example(given_values=[("#top", 3), ("#top", 3), ("red", 3), ("red", 3), ("hidden", 3), ("display:none", 3)])
@example(given_values=[("red", 1), ("Red", 1), ("p", 4), ("a", 2), ("red", 4), ("p", 4)])
def test_however_awkward_the_template_it_is_the_same(awkward, name, given_values):
    template, whole = awkward[name]
    for reason, points in given_values:
        facts = view(facts={"points": points, "reason": reason})
        assert worded(template, facts) == worded(whole, facts)
        assert worded(template, facts) == worded(whole, facts)


def test_the_corpus_is_worded_at_all(awkward):
    fine, none = view(facts={"points": 3, "reason": "red"}), view(facts={"points": 3, "reason": "color: red"})
    failed = [name for name, (template, _) in awkward.items() if isinstance(worded(template, fine), str)]
    assert failed == ["value in a style"]
    assert "color: red" in worded(awkward["value in a style"][0], none).html


@pytest.mark.parametrize(
    ("source", "fixed"),
    [
        ("<p title='{}'>{}</p>", []),
        ("<p class='a {}'>{}</p>", [0]),
        ("<style>p{{color:{}}}</style><p>{}</p>", [0]),
        ("<style>p{{color:red}}</style><p {}>{}</p>", [0]),
        ("<{}>a</{}>", [0, 1]),
        ("<p>a&{}b &#{};</p>", [0, 1]),
        ("<!-- {} --><?pi {}><p>a</p>", [0, 1]),
        ("<xmp>{}</xmp><textarea>{}</textarea>", [0]),
        ("<p title='x' title='{}'>{}</p>", [0]),
        ("<style>[title]{{color:red}}</style><p title='{}'>{}</p>", [0]),
    ],
)
def test_a_place_is_fixed_where_a_value_may_mean_something(source, fixed):
    one, two, three = source.replace("{{", "{").replace("}}", "}").split("{}")
    found, prepared = prepare([one, "a", two, "b", three], {1, 3}, ())
    assert found == tuple(1 + 2 * place for place in fixed)
    assert prepared.filled([one, "a", two, "b", three]) == whole_page(f"{one}a{two}b{three}")


def counted(monkeypatch):
    """How often a page is inlined and read as a whole from now on."""
    made = []
    monkeypatch.setattr(module, "whole_page", lambda rendered: made.append(rendered) or whole_page(rendered))
    return made


OF_A_SHAPE = ("value in a declaration", "a filtered block")
"""A colour, and markup that went through a filter, belong to the shape: for each value another one."""


@pytest.mark.parametrize(
    "name", ["table with a loop", "condition in a tag", "first child", "entities", "hidden", "macros", *OF_A_SHAPE]
)
def test_what_differs_in_values_only_is_prepared(tmp_path, monkeypatch, name):
    template, made = loaded(tmp_path, AWKWARD[name]), counted(monkeypatch)
    for reason in ("Anna", "Jan & Maria", "Zoë", "Li"):
        template.render(view(facts={"points": 3, "reason": reason}))
    assert len(made) == (4 if name in OF_A_SHAPE else 2)
    for _ in range(5):
        template.render(view(facts={"points": 3, "reason": "Anna"}))
    assert len(made) in ((5, 6) if name in OF_A_SHAPE else (2,))


@pytest.mark.parametrize("folder", ["templates", "tests/example_programme/templates"])
def test_every_template_of_ours_is_prepared(root, monkeypatch, folder):
    templates, _ = Templates.load(root / folder, "en")
    made = counted(monkeypatch)
    for (name, _, _), template in templates.by_key.items():
        if template.html:
            said = [template.render(facts(name, f"Anna{number}", 60 + number)) for number in range(6)]
            assert len(set(said)) == len(said)
    assert len(made) == 2 * sum(template.html is not None for template in templates.by_key.values())


def facts(name, first_name, points):
    """What a template needs at least."""
    if name == "points-expire-soon":
        return _due(points, member={"first_name": first_name})
    event, more = EVENTS.get(name, ("tier_upgraded", [{"tier": "Gold"}]))
    return view(event, {"points": points, **more[0]}, member={"first_name": first_name})


@pytest.mark.parametrize("locale", LOCALES)
def test_the_starter_programme_says_the_same(root, locale):
    templates = load_ruleset(root, programme=Programme(name="Fern Club", timezone="Europe/Warsaw")).templates
    for name in ("points-added", "pending-points-updated", "tier-reached"):
        template = templates.choose(name, "email", locale)
        whole = replace(template, pages=Whole())
        event, variants = EVENTS.get(name, ("tier_upgraded", [{**TIER, "tier": tier} for tier in TIERS]))
        for said, amount, brand in product((*variants, *variants), AMOUNTS, (BRAND, BARE)):
            member = list(MEMBERS.values())[AMOUNTS.index(amount)]
            known = view(event, {"points": amount, **said}, member=member, brand=brand)
            assert worded(template, known) == worded(whole, known)


def test_what_is_kept_has_an_end(monkeypatch):
    pages = Pages(room=5_000)
    made = counted(monkeypatch)
    for number in range(300):
        for name in ("Anna", "Maria", "Zofia"):
            pages.finish(["<p>", f"  {number}  ", "</p>", name])
        assert sum(map(len, (str(shape) for shape in pages._shapes.values()))) < 50_000
    assert len(made) == 600


def test_a_shape_is_prepared_when_it_is_met_again(monkeypatch):
    pages, made = Pages(), counted(monkeypatch)
    for number in range(5):
        pages.finish(["<style>p{color:red}</style><p>", f"{number}", "</p>"])
    assert len(made) == 2
