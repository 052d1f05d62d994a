"""A message is worded completely, escaped where it stands, or held."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engine.errors import TemplateError
from engine.ruleset.plaintext import without_controls

from .samples import load, view

NASTY = "<script>alert('x')</script> & \"quotes\""


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, _attrs):
        self.seen.add(tag)


def tags_of(html):
    """The elements a reader's program would find."""
    reader = Tags()
    reader.feed(html)
    return reader.seen


def mail(root, body, subject="S", **files):
    front = f"---\nsubject: '{subject}'\npreheader: 'P {{{{ event.reason | default(1) }}}}'\n---\n"
    templates, problems = load(root, {"a/email.en.html": front + body, **files})
    assert problems == []
    return templates.choose("a", "email", "en")


def test_html_is_escaped_and_text_is_not(tmp_path):
    template = mail(tmp_path, '<p title="{{ event.reason }}">{{ event.reason }}</p>', "{{ event.reason }}")
    words = template.render(view(facts={"points": 1, "reason": NASTY}))
    assert words.subject == NASTY
    assert words.preheader == f"P {NASTY}"
    assert words.text == NASTY
    assert tags_of(words.html) == {"html", "head", "body", "p"}


@pytest.mark.parametrize(
    "body",
    [
        "{{ event.reason }}",
        "{{ 'x' ~ event.reason }}",
        "{{ [event.reason] | join }}",
        "{{ event.reason | default('x') }}",
        "{{ event.reason | upper }}",
        "{{ event.reason | truncate(500) }}",
        "{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}{{ m(event.reason) }}",
        "{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}{{ m(event.reason) ~ event.reason }}",
        "{% set x %}<i>{{ event.reason }}</i>{% endset %}{{ x }}",
        "{% filter lower %}{{ event.reason }}{% endfilter %}",
        "{{ strings.hi | fill(name=event.reason) }}",
        '{% from "partials/m.html" import m %}{{ m(event.reason) }}',
        '{% include "partials/i.html" %}',
        "{% macro w() %}{{ caller(event.reason) }}{% endmacro %}{% call(x) w() %}{{ x }}<i>{% endcall %}",
    ],
)
def test_no_way_of_writing_lets_markup_through(tmp_path, body):
    shared = {
        "strings.en.yaml": 'hi: "Hi {name}"',
        "partials/m.html": "{% macro m(x) %}{{ x }}{% endmacro %}",
        "partials/i.html": "{{ event.reason }}",
    }
    template = mail(tmp_path, body, **shared)
    html = template.render(view(facts={"points": 1, "reason": NASTY})).html
    assert "script" not in tags_of(html)
    assert "alert(" in html.lower()


def test_markup_that_a_macro_made_stays_markup(tmp_path):
    body = "{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}{{ m('a & b') ~ ' < c' }}"
    assert "<b>a &amp; b</b> &lt; c" in mail(tmp_path, body).render(view()).html


def test_styles_are_written_into_tags_and_media_queries_stay(tmp_path):
    body = (
        "<style>p { color: red } @media (prefers-color-scheme: dark) { p { color: white !important } }</style><p>x</p>"
    )
    html = mail(tmp_path, f"<html><head></head><body>{body}</body></html>").render(view()).html
    assert '<p style="color: red;">' in html
    assert "prefers-color-scheme: dark" in html


def test_nothing_is_fetched_for_a_style(tmp_path):
    (tmp_path / "x.css").write_text("p { color: red }")
    link = f'<html><head><link rel="stylesheet" href="file://{tmp_path}/x.css"></head><body><p>x</p></body></html>'
    assert "red" not in mail(tmp_path, link).render(view()).html


def test_the_text_part_beside_is_used(tmp_path):
    words = mail(tmp_path, "<p>html</p>", **{"a/email.en.txt": "text {{ event.points | points }}"}).render(view())
    assert words.text == "text 40"


def test_the_text_part_is_made_from_the_html_when_there_is_none(tmp_path):
    words = mail(tmp_path, '<p>{{ event.points }} <a href="https://x.example">here</a></p>').render(view())
    assert words.text == "40 here: https://x.example"


def test_an_email_may_be_text_only(tmp_path):
    templates, _ = load(tmp_path, {"a/email.en.txt": '---\nsubject: "S"\n---\nplain'})
    words = templates.choose("a", "email", "en").render(view())
    assert (words.subject, words.text, words.html) == ("S", "plain", None)


def test_other_channels_need_no_subject(tmp_path):
    templates, problems = load(tmp_path, {"a/sms.en.txt": "x", "a/push.en.txt": '---\nsubject: "T"\n---\ny'})
    assert problems == []
    assert templates.choose("a", "sms", "en").render(view()).subject == ""
    assert templates.choose("a", "push", "en").render(view()).subject == "T"


def test_a_subject_is_one_line_of_sane_length(tmp_path):
    template = mail(tmp_path, "x", "{{ event.reason }}")
    assert template.render(view(facts={"points": 1, "reason": "a\r\nBcc: b@c.d\x00"})).subject == "a Bcc: b@c.d"
    assert len(template.render(view(facts={"points": 1, "reason": "word " * 200})).subject) <= 200


@pytest.mark.parametrize(
    ("subject", "body", "why"),
    [
        ("{% if false %}x{% endif %}", "x", "the subject comes out empty"),
        ("S", "{% if false %}x{% endif %}", "the text comes out empty"),
        ("S", "<p> &nbsp; </p>", "the text comes out empty"),
    ],
)
def test_an_empty_part_is_held(tmp_path, subject, body, why):
    with pytest.raises(TemplateError, match=f"templates/a/email.en.html: {why}"):
        mail(tmp_path, body, subject).render(view())


def test_an_error_names_the_file_and_line_it_is_in(tmp_path):
    shared = {"layouts/l.html": "<p>\n{% block b %}{% endblock %}\n{{ event.reason }}</p>"}
    with pytest.raises(TemplateError, match=r"^templates/layouts/l\.html:3: event.reason is absent"):
        mail(tmp_path, '{% extends "layouts/l.html" %}{% block b %}x{% endblock %}', **shared).render(view())
    with pytest.raises(TemplateError, match=r"^templates/a/email\.en\.html:2: event.reason is absent"):
        mail(tmp_path / "2", "x", "{{ event.reason }}").render(view())


def test_lines_with_tags_only_leave_no_empty_line(tmp_path):
    source = "a\n  {% if true %}\nb\n  {# note #}\n{% endif %}\nc {% if true %}d{% endif %}\ne"
    templates, _ = load(tmp_path, {"a/sms.en.txt": source})
    assert templates.choose("a", "sms", "en").render(view()).text == "a\nb\nc d\ne"


def test_a_brand_that_says_little_is_enough(tmp_path):
    template = mail(tmp_path, "{{ brand.name }}{% if brand.website %}!{% endif %}{{ brand.colour | default('-') }}")
    assert template.render(view(brand={})).text == "Fern Club-"
    assert template.render(view(brand={"name": "B", "website": "https://x.example"})).text == "B!-"


ANYTHING = st.text(st.characters(exclude_categories=()))


@given(reason=ANYTHING, name=ANYTHING)
@example(reason="a\ud800\x00b", name="\udc00\x1b[2J\r\nBcc: x")
def test_whatever_a_value_holds_becomes_mail_or_is_held(tmp_path_factory, reason, name):
    template = mail(
        tmp_path_factory.mktemp("t"),
        "<p>{{ event.reason }}</p><p title='{{ member.name }}'>.</p>",
        "x{{ member.name }}",
    )
    said = without_controls(f" {reason} | {name}")
    assume(not re.search(r"[{}%]|\s[,!]|, ?!", said))  # Those are held: see test_last_look.py.
    words = template.render(view(facts={"points": 1, "reason": reason}, member={"name": name}))
    assert "\n" not in words.subject
    for part in (words.subject, words.html, words.text):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", part)
