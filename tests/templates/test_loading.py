"""Reading the template folder: what is where, what is chosen, what is wrong and where."""

import pytest

from engine.errors import TemplateError

from .samples import load, view

MAIL = '---\nsubject: "Hi"\n---\n<p>Hello</p>\n'


def findings(root, files, locale="en"):
    _, problems = load(root, files, locale)
    return [
        (problem.file.removeprefix("templates/"), problem.line, problem.column, problem.code) for problem in problems
    ]


def test_the_nearest_locale_is_chosen(tmp_path):
    templates, _ = load(tmp_path, {f"a/sms.{tag}.txt": tag for tag in ("en", "pl", "pt-BR", "pt")})
    chosen = {tag: templates.choose("a", "sms", tag).locale for tag in ("pl-PL", "pl_PL", "PL", "pt-br", "pt-PT")}
    assert chosen == {"pl-PL": "pl", "pl_PL": "pl", "PL": "pl", "pt-br": "pt-BR", "pt-PT": "pt"}
    assert {templates.choose("a", "sms", tag).locale for tag in ("de", "", None, "not a locale!", "x" * 500)} == {"en"}


def test_the_programmes_own_language_falls_back_too(tmp_path):
    templates, _ = load(tmp_path, {"a/sms.en.txt": "x"}, "en-GB")
    assert templates.choose("a", "sms", "de").locale == "en"


def test_no_words_at_all_is_an_error_in_words(tmp_path):
    templates, _ = load(tmp_path, {"a/sms.en.txt": "x"})
    with pytest.raises(TemplateError, match="there is no template a for email in pl or en"):
        templates.choose("a", "email", "pl")


def test_names_channels_and_locales_are_known(tmp_path):
    templates, _ = load(
        tmp_path, {"a/sms.en.txt": "x", "a/sms.pl.txt": "x", "a/email.en.html": MAIL, "b/push.en.txt": "x"}
    )
    assert templates.names() == {"a", "b"}
    assert templates.channels("a") == {"sms", "email"}
    assert templates.locales("a", "sms") == {"en", "pl"}


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a/email.html", MAIL, (1, 1, "PB401")),
        ("a/email_en.html", MAIL, (1, 1, "PB401")),
        ("email.en.html", MAIL, (1, 1, "PB401")),
        ("a/b/email.en.html", MAIL, (1, 1, "PB401")),
        ("a/email.en.htm", MAIL, (1, 1, "PB401")),
        ("a/email.english.html", MAIL, (1, 1, "PB401")),
        ("a/sms.en.html", "x", (1, 1, "PB401")),
        ("a/sms.en.txt", b"\xff\xfe", (1, 1, "PB402")),
        ("a/sms.en.txt", b"caf\xe9", (1, 1, "PB402")),
        ("a/email.en.html", "<p>Hi</p>", (1, 1, "PB410")),
        ("a/email.en.html", "---\nsubject: Hi\n<p>Hi</p>", (1, 1, "PB403")),
        ("a/email.en.html", "---\nsubject: Hi\nsubjet: Hi\n---\nHi", (3, 1, "PB403")),
        ("a/email.en.html", "---\nsubject: [a]\n---\nHi", (2, 10, "PB403")),
        ("a/email.en.html", "---\nsubject: {{ event.points }}\n---\nHi", (2, 10, "PB113")),
        ("a/email.en.html", "---\nsubject: a\nsubject: b\n---\nHi", (3, 1, "PB106")),
        ("a/email.en.html", '---\nsubject: "{{ evnt.points }}"\n---\nHi', (2, 14, "PB409")),
        ("a/email.en.html", "---\nsubject: >\n  Hi\n  {{ 1 | nope }}\n---\nHi", (4, 10, "PB405")),
        ("a/email.en.html", '---\nsubject: "Hi"\n---\nHi\n\n{{ event.points | pionts }}', (6, 19, "PB405")),
        ("a/email.en.html", MAIL + "<p\ntitle={{ event.reason }}>", (6, 1, "PB405")),
        ("a/sms.en.txt", "x\n{% if x %}", (2, 1, "PB404")),
        ("a/sms.en.txt", "x\n\n{% fro x in y %}", (3, 4, "PB404")),
        ("a/sms.en.txt", 'x\n{% include "partials/x.txt" %}', (2, 13, "PB406")),
        ("a/sms.en.txt", "{{ strings.hi }}", (1, 12, "PB408")),
        ("a/sms.en.txt", "{{ upper(event.reason) }}", (1, 4, "PB405")),
        ("a/sms.en.txt", "x\n{{ member.name.upper() }}", (2, 16, "PB405")),
    ],
)
def test_what_is_wrong_is_found_where_it_stands(tmp_path, name, text, found):
    assert findings(tmp_path, {name: text}) == [(name, *found)]


def test_a_misspelt_filter_comes_with_the_one_meant(tmp_path):
    _, problems = load(tmp_path, {"a/sms.en.txt": "{{ event.points | pionts }}"})
    assert problems[0].suggestion == 'did you mean "points"?'


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("first_name", "did you mean member.first_name?"),
        ("firstname", "did you mean member.first_name?"),
        ("balance", "did you mean card.balance?"),
        ("membr", 'did you mean "member"?'),
        ("evnt", 'did you mean "event"?'),
    ],
)
def test_a_field_without_its_group_comes_with_the_one_meant(tmp_path, name, meant):
    _, problems = load(tmp_path, {"a/sms.en.txt": f"{{{{ {name} }}}}"})
    assert problems[0].suggestion == meant


def test_a_language_without_shared_phrases_is_told_which_file_it_needs(tmp_path):
    _, problems = load(tmp_path, {"a/sms.fr.txt": "{{ strings.greeting }}"}, "fr")
    assert "templates/strings.fr.yaml" in problems[0].suggestion


def test_html_and_text_do_not_share_files(tmp_path):
    shared = {"partials/a.txt": "{{ event.reason }}", "partials/b.html": "<b>"}
    mail = '---\nsubject: "Hi"\n---\n{% include "partials/a.txt" %}'
    assert findings(tmp_path, {"a/email.en.html": mail, **shared}) == [("a/email.en.html", 4, 13, "PB406")]
    subject = "---\nsubject: '{% include \"partials/b.html\" %}'\n---\nHi"
    assert findings(tmp_path / "2", {"a/email.en.html": subject, **shared}) == [("a/email.en.html", 2, 23, "PB406")]


def test_files_that_lead_back_to_themselves_are_found(tmp_path):
    files = {
        "partials/a.txt": '{% include "partials/b.txt" %}',
        "partials/b.txt": '{% include "partials/a.txt" %}',
        "a/sms.en.txt": '{% include "partials/a.txt" %}',
    }
    assert ("partials/b.txt", 1, 13, "PB406") in findings(tmp_path, files)


def test_a_layout_is_checked_although_nothing_uses_it(tmp_path):
    assert findings(tmp_path, {"layouts/x.html": "\n{{ 1 | nope }}", "a/sms.en.txt": "x"}) == [
        ("layouts/x.html", 2, 8, "PB405")
    ]


def test_one_bad_file_does_not_hide_the_others(tmp_path):
    templates, problems = load(tmp_path, {"a/sms.en.txt": "{{ 1 | nope }}", "b/sms.en.txt": "fine"})
    assert len(problems) == 1
    assert templates.names() == {"b"}


def test_a_layout_may_use_what_its_template_sets(tmp_path):
    files = {
        "layouts/x.txt": "{{ title }}: {% block body %}{% endblock %}",
        "a/sms.en.txt": '{% extends "layouts/x.txt" %}{% set title = "T" %}{% block body %}b{% endblock %}',
    }
    templates, problems = load(tmp_path, files)
    assert problems == []
    assert templates.choose("a", "sms", "en").render(view()).text == "T: b"


@pytest.mark.parametrize(
    ("strings", "found"),
    [
        ("points: {one: punkt, other: punktu}", (1, 1, "PB408")),
        ("points: {one: a, few: b, many: c, lots: d}", (1, 1, "PB408")),
        ("hello: Hi {{ name }}", (1, 1, "PB408")),
        ("list: [1]", (1, 1, "PB408")),
        ("a: 1\na: 2", (2, 1, "PB106")),
    ],
)
def test_shared_phrases_are_checked(tmp_path, strings, found):
    assert findings(tmp_path, {"strings.pl.yaml": strings, "a/sms.pl.txt": "x"}, "pl") == [("strings.pl.yaml", *found)]


def test_phrases_are_filled_by_name(tmp_path):
    files = {"strings.en.yaml": 'hi: "Hi {name}!"', "a/sms.en.txt": "{{ strings.hi | fill(name='Al') }}"}
    templates, problems = load(tmp_path, files)
    assert problems == []
    assert templates.choose("a", "sms", "en").render(view()).text == "Hi Al!"
    files["a/sms.en.txt"] = "{{ strings.hi | fill(nam='Al') }}"
    _, problems = load(tmp_path / "2", files)
    assert [problem.message for problem in problems] == [
        "strings.hi needs name=…",
        "strings.hi has no {nam} to fill in",
    ]


def test_a_regional_language_has_the_phrases_of_its_language(tmp_path):
    templates, problems = load(tmp_path, {"strings.pl.yaml": "a: b", "a/sms.pl-PL.txt": "{{ strings.a }}"}, "pl")
    assert problems == []
    assert templates.choose("a", "sms", "pl-PL").render(view()).text == "b"


def test_hidden_files_notes_and_backups_are_left_alone(tmp_path):
    files = {"a/.swp": "x", "a/sms.en.txt~": "x", "README.md": "x", ".git/x": "x", "a/sms.en.txt": "x"}
    assert findings(tmp_path, files) == []


def test_a_folder_that_is_not_there_holds_no_templates(tmp_path):
    templates, problems = load(tmp_path, {})
    assert (templates.names(), problems) == (set(), [])


def test_one_part_that_cannot_be_read_does_not_put_the_blame_on_the_other(tmp_path):
    files = {"a/email.en.html": b"caf\xe9", "a/email.en.txt": "Hello"}
    assert findings(tmp_path, files) == [("a/email.en.html", 1, 1, "PB402")]


def test_a_text_alone_is_told_where_its_subject_may_stand(tmp_path):
    _, problems = load(tmp_path, {"a/email.en.txt": "Hello"})
    assert [problem.code for problem in problems] == ["PB410"]
    assert "or add templates/a/email.en.html" in problems[0].suggestion


def test_a_misspelt_channel_comes_with_the_one_meant(tmp_path):
    _, problems = load(tmp_path, {"a/emial.pl.html": MAIL})
    assert [problem.suggestion for problem in problems] == ['did you mean "email"?']
