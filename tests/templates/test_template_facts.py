"""Facts that a template names are checked against what the rules that send it have."""

import pytest

from engine.errors import RulesetInvalid
from engine.language.scope import Scope
from engine.model import Programme
from engine.ruleset import load_ruleset

from .samples import load

ADDED = Scope.for_events(["points_added"])
REMINDER = Scope.for_reminder("card.next_expiration_date")


def findings(root, source, scope=ADDED):
    templates, problems = load(root, {"a/sms.en.txt": source})
    assert problems == []
    found = templates.choose("a", "sms", "en").findings(scope)
    return [(problem.line, problem.column, problem.code) for problem in found]


@pytest.mark.parametrize(
    "source",
    [
        "{{ event.points | points }} {{ card.balance }} {{ programme.name }} {{ brand.name }} {{ today | date }}",
        "{% if event.balance is defined %}{{ event.balance }}{% endif %}",
        "{% if event.balance is not none %}{{ event.balance }}{% endif %}",
        "{% if event.balance is none %}-{% else %}{{ event.balance }}{% endif %}",
        "{% if not event.balance %}-{% else %}{{ event.balance }}{% endif %}",
        "{% if event.balance %}{{ event.balance }}{% endif %}",
        "{% if event.balance is defined and event.balance > 3 %}{{ event.balance }}{% endif %}",
        "{% if event.balance is not defined or event.balance < 3 %}-{% else %}{{ event.balance }}{% endif %}",
        "{% if event.reason %}{{ event.reason }}{% elif event.balance %}{{ event.balance }}{% endif %}",
        "{% if event.reason == 'x' %}{{ event.reason }}{% endif %}",
        "{{ event.reason | default('x') }} {{ event.reason or 'x' }} {{ event.reason if event.reason else 'x' }}",
        "{{ (member.first_name | greeting_name) or 'you' }}",
        "{% set name = member.first_name %}{% if name %}{{ name }}{% endif %}",
        "{% macro m(event) %}{{ event }}{% endmacro %}{{ m('x') }}",
        "{% for card in [1, 2] %}{{ card }}{{ loop.index }}{% endfor %}",
        '{% if member.metadata["status"] == "x" %}y{% endif %}{{ member.metadata["tone"] | default("z") }}',
    ],
)
def test_what_is_proven_present_passes(tmp_path, source):
    assert findings(tmp_path, source) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x\n{{ event.ponts }}", (2, 10, "PB204")),
        ("{{ event.balance }}", (1, 4, "PB412")),
        ("{{ event.balance | points }}", (1, 4, "PB412")),
        ("{{ 'a' ~ event.reason }}", (1, 10, "PB412")),
        ("{% if event.balance > 3 %}x{% endif %}", (1, 7, "PB412")),
        ("{% if event.reason %}x{% else %}{{ event.reason }}{% endif %}", (1, 7, "PB412")),
        ("{% if event.reason or event.balance %}{{ event.reason }}{% endif %}", (1, 7, "PB412")),
        ("{% if event.reason is none %}{{ event.reason }}{% endif %}", (1, 7, "PB412")),
        ("{{ event.reason and 'x' }}", (1, 4, "PB412")),
        ("{% for x in member.metadata['list'] %}{{ x }}{% endfor %}", (1, 13, "PB412")),
        ("{{ event.activates_on | date }}", (1, 10, "PB211")),
        ("{{ days_left }}", (1, 4, "PB211")),
        ("{% if event.teir is defined %}x{% endif %}", (1, 13, "PB204")),
        ("{% if event.tier %}x{% endif %}", (1, 13, "PB211")),
        ("{% if event.tier is defined %}x{% else %}{{ event.tier }}{% endif %}", (1, 13, "PB211")),
        ("{{ brand.webseit | default('x') }}", (1, 10, "PB204")),
        ("{{ member.first_name | upper }}", (1, 4, "PB412")),
    ],
)
def test_what_may_be_absent_or_does_not_exist_is_found(tmp_path, source, found):
    assert findings(tmp_path, source) == [found]


def test_a_reminder_has_its_date_and_no_event(tmp_path):
    assert findings(tmp_path, "{{ card.next_expiration_date | date }} {{ days_left }}", REMINDER) == []
    assert findings(tmp_path / "2", "{{ event.points }}", REMINDER) == [(1, 4, "PB211")]


def test_what_the_rule_has_proven_need_not_be_proven_again(tmp_path):
    knowing = ADDED.knowing([("event", "balance")])
    assert findings(tmp_path, "{{ event.balance | points }}", knowing) == []


def test_layouts_and_subjects_are_looked_at_too(tmp_path):
    files = {
        "layouts/l.html": "<p>{% block b %}{% endblock %}</p>\n{{ member.name }}",
        "a/email.en.html": '---\nsubject: "{{ event.reason }}"\n---\n{% extends "layouts/l.html" %}{% block b %}x{% endblock %}',
    }
    templates, problems = load(tmp_path, files)
    assert problems == []
    found = templates.choose("a", "email", "en").findings(ADDED)
    assert sorted((problem.file, problem.line) for problem in found) == [
        ("templates/a/email.en.html", 2),
        ("templates/layouts/l.html", 2),
    ]


def test_a_ruleset_whose_template_names_a_fact_its_rule_has_not_is_refused(tmp_path):
    load(tmp_path, {"note/email.en.html": '---\nsubject: "S"\n---\n{{ event.balance }} {{ event.reason }}'})
    (tmp_path / "rules").mkdir()
    rule = "rule: note\non: points_added\nif: event.balance and event.balance > 3\nsend: note\n"
    (tmp_path / "rules" / "note.yaml").write_text(rule)
    with pytest.raises(RulesetInvalid) as refused:
        load_ruleset(tmp_path, programme=Programme(name="P", timezone="UTC"))
    assert [(found.file, found.line, found.column, found.code) for found in refused.value.diagnostics] == [
        ("templates/note/email.en.html", 4, 24, "PB412")
    ]
