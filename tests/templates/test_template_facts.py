"""Facts that a template names are checked against what the rules that send it have."""

import pytest

from engine.errors import RulesetInvalid
from engine.language.scope import Scope
from engine.model import Programme
from engine.ruleset import load_ruleset

from .samples import load, view

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


@pytest.mark.parametrize(
    ("source", "found", "words"),
    [
        ("{{ member }}", (1, 4), "a group of fields cannot be printed"),
        ("{{ today }}", (1, 4), "a date cannot be printed"),
        ("{{ now }}", (1, 4), "a moment cannot be printed"),
        ("{{ event.points > 3 }}", (1, 4), "a yes/no value cannot be printed"),
        ("{{ today - days(1) }}", (1, 4), "a date cannot be printed"),
        ("{{ event.points ~ today }}", (1, 19), "a date cannot be printed"),
        ("{{ days(2) }}", (1, 1), "a duration cannot be printed"),
        ("{{ member.metadata }}", (1, 4), "a group of fields cannot be printed"),
        ("x\n{{ event.points | date }}", (2, 4), "| date cannot take a number"),
        ("{{ today | points }}", (1, 4), "| points cannot take a date"),
        ("{{ programme.name | money('PLN') }}", (1, 4), "| money cannot take a text"),
        ("{{ card.balance | link }}", (1, 4), "| link cannot take a number"),
        ("{% if event.points > '50' %}x{% endif %}", (1, 7), "a number and a text cannot be compared"),
        ("{% if event.points == '50' %}x{% endif %}", (1, 7), "a number and a text cannot be compared"),
        ("{{ event.points + programme.name }}", (1, 4), "+ cannot take a text"),
    ],
)
def test_a_value_of_the_wrong_kind_is_found(tmp_path, source, found, words):
    templates, problems = load(tmp_path, {"a/sms.en.txt": source})
    assert problems == []
    wrong = [problem for problem in templates.choose("a", "sms", "en").findings(ADDED) if problem.code == "PB415"]
    assert [(problem.line, problem.column) for problem in wrong] == [found]
    assert words in wrong[0].message


@pytest.mark.parametrize(
    "source",
    [
        "{{ (today + days(3)) | date }} {{ now | date }} {{ event.points * 2 }} {{ card.points - 1 }}",
        "{{ 'yes' if event.points > 3 else 'no' }} {{ member.metadata.x | default('y') }}",
        "{% if event.points == 3 and programme.name != 'x' and event.balance != none %}x{% endif %}",
        "{% if card.next_expiration_date and card.next_expiration_date - today < days(3) %}x{% endif %}",
        "{% for today in ['a'] %}{{ today }}{% endfor %}{% macro m(card) %}{{ card }}{% endmacro %}{{ m('x') }}",
        "{{ event.order_amount | default(0) | money('PLN') }} {{ event.points | abs | points }}",
    ],
)
def test_values_of_the_right_kind_pass(tmp_path, source):
    assert findings(tmp_path, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "{% if event.tier is defined %}{{ event.tier }}{% endif %}x",
        "{% if event.tier is none %}x{% else %}{{ event.tier }}{% endif %}",
        "{% if event.tier is defined and event.tier == 'Gold' %}{{ event.tier }}{% endif %}x",
    ],
)
def test_a_template_may_ask_for_what_only_other_events_send(tmp_path, source):
    assert findings(tmp_path, source) == []
    templates, _ = load(tmp_path, {"a/sms.en.txt": source})
    assert templates.choose("a", "sms", "en").render(view()).text == "x"


def test_the_rules_that_send_it_are_named(tmp_path):
    load(tmp_path, {"note/email.en.html": '---\nsubject: "S"\n---\n{{ event.tier }}{{ event.nothing }}'})
    (tmp_path / "rules").mkdir()
    for name in ("a", "b"):
        text = f"# {name}\nrule: {name}\non: points_added\nsend: note\n"
        (tmp_path / "rules" / f"{name}.yaml").write_text(text)
    with pytest.raises(RulesetInvalid) as refused:
        load_ruleset(tmp_path, programme=Programme(name="P", timezone="UTC"))
    messages = [found.message for found in refused.value.diagnostics]
    assert messages[0].endswith("(used by rule a, rules/a.yaml:2; rule b, rules/b.yaml:2)")
    assert messages[1:] == ['unknown field "nothing" on event']


def test_a_reminder_has_its_date_and_no_event(tmp_path):
    assert findings(tmp_path, "{{ card.next_expiration_date | date }} {{ days_left }}", REMINDER) == []
    assert findings(tmp_path / "2", "{{ event.points }}", REMINDER) == [(1, 4, "PB211")]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{{ collected.points | points }} in {{ collected.count }} since {{ collected.first_at | date }}", []),
        ("{% for one in events %}{{ one.points | points }}{{ one.reason | default('x') }}{% endfor %}", []),
        ("{{ events | length }} {{ event.points }}", []),
        ("{{ collected.pionts }}", [(1, 14, "PB204")]),
        ("{% for one in events %}{{ one.ponts }}{% endfor %}", [(1, 31, "PB204")]),
        ("{% for one in events %}{{ one.reason }}{% endfor %}", [(1, 27, "PB412")]),
        ("{{ events }}", [(1, 4, "PB415")]),
    ],
)
def test_what_collects_has_its_events_and_their_sum(tmp_path, source, found):
    assert findings(tmp_path, source, ADDED.gathering()) == found


def test_what_does_not_collect_has_no_events(tmp_path):
    assert findings(tmp_path, "{{ collected.count }}") == [(1, 4, "PB211")]
    assert findings(tmp_path / "2", "{% for one in events %}x{% endfor %}") == [(1, 15, "PB211")]


def test_events_without_points_have_no_sum(tmp_path):
    assert findings(tmp_path, "{{ collected.points }}", Scope.for_events(["tier_joined"]).gathering()) == [
        (1, 14, "PB204")
    ]


def test_what_the_rule_has_proven_need_not_be_proven_again(tmp_path):
    knowing = ADDED.knowing([("event", "balance")])
    assert findings(tmp_path, "{{ event.balance | points }}", knowing) == []


def test_layouts_and_subjects_are_looked_at_too(tmp_path):
    files = {
        "layouts/l.html": "<p>{% block b %}{% endblock %}</p>\n{{ member.name }}",
        "a/email.en.html": '---\nsubject: "{{ event.reason }}"\n---\n{% extends "layouts/l.html" %}'
        "{% block b %}x{% endblock %}",
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
