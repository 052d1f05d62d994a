"""The finished message is looked at once more: what only a template would say is held, and so is a hole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import TemplateError
from engine.ruleset import leftovers

from .samples import load, say, view


def reason(text):
    return view(facts={"points": 1, "reason": text})


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("Dear {{ first_name }}", 'a template\'s {{ is left in it: "Dear {{ first_name }}"'),
        ("{% if", "a template's {% is left"),
        ("x }}", "a template's }} is left"),
        ("Hello ,", 'a word is missing before the ,: "Hello ,"'),
        ("Spring\nCześć !\nx", 'a word is missing before the !: "Cześć !"'),
        ("Cześć, !", "a word is missing before the !"),
        ("Hi {name}!", "{name} is not filled in"),
    ],
)
def test_what_no_reader_should_see_is_held(tmp_path, words, why):
    with pytest.raises(TemplateError) as held:
        _phrases(tmp_path, "{{ event.reason }}").render(reason(words))
    assert str(held.value).startswith("templates/note/sms.en.txt: the text is not fit to be sent: ")
    assert why in str(held.value)


@pytest.mark.parametrize(
    "words", ["Hello, Anna!", "Sizes: {S}", "100 % , really", "Hello!\n\n- , -", "if !important", "a\n, b"]
)
def test_ordinary_words_are_left_alone(tmp_path, words):
    assert _phrases(tmp_path, "{{ event.reason }}").render(reason(words)).text == words


def test_a_space_before_an_exclamation_mark_is_right_in_french(tmp_path):
    assert say(tmp_path, "Bonjour !", locale="fr") == "Bonjour !"
    with pytest.raises(TemplateError, match="a word is missing before the ,"):
        say(tmp_path / "2", "Bonjour ,", locale="fr")


@pytest.mark.parametrize(
    ("subject", "body", "part"),
    [
        ("Hello {{ event.reason }},", "<p>x</p>", "subject"),
        ("S", "<p>Hello <b>{{ event.reason }}</b>,</p>", "text"),
    ],
)
def test_the_subject_and_the_html_are_looked_at(tmp_path, subject, body, part):
    files = {"a/email.en.html": f"---\nsubject: '{subject}'\n---\n{body}"}
    templates, _ = load(tmp_path, files)
    with pytest.raises(TemplateError, match=f"the {part} is not fit to be sent"):
        templates.choose("a", "email", "en").render(reason(""))


def test_the_html_is_looked_at_although_a_text_lies_beside_it(tmp_path):
    files = {"a/email.en.html": "---\nsubject: S\n---\n<p>Hi {{ event.reason }}!</p>", "a/email.en.txt": "x"}
    templates, _ = load(tmp_path, files)
    with pytest.raises(TemplateError, match="the HTML is not fit to be sent"):
        templates.choose("a", "email", "en").render(reason(""))


def test_attributes_and_styles_are_no_words(tmp_path):
    body = '<style>@media print {p {color: red}}</style><p title="Hello ,">x</p>'
    templates, _ = load(tmp_path, {"a/email.en.html": f"---\nsubject: S\n---\n{body}"})
    assert templates.choose("a", "email", "en").render(view()).text == "x"


def _phrases(root, source):
    files = {"strings.en.yaml": 'hi: "Hi {name}!"', "note/sms.en.txt": source}
    templates, problems = load(root, files)
    assert problems == []
    return templates.choose("note", "sms", "en")


@pytest.mark.parametrize("parts", [("Hello", ","), ("{", "{"), ("{a", "}"), ("Hi,", "!"), ("Hello ", ", x")])
def test_the_parts_are_looked_at_one_by_one(tmp_path, parts):
    subject, text = parts
    files = {
        "strings.en.yaml": 'x: "{a}"',
        "a/push.en.txt": "---\nsubject: '{{ event.reason }}'\n---\n{{ member.name }}",
    }
    templates, _ = load(tmp_path, files)
    known = view(facts={"points": 1, "reason": subject}, member={"name": text})
    words = templates.choose("a", "push", "en").render(known)
    assert (words.subject, words.text) == (subject.strip(), text)


@given(text=st.text(alphabet=" \t\n,!ab1_{}%:\xa0", max_size=12), french=st.booleans())
def test_nothing_is_overlooked_for_speed(text, french):
    hole = leftovers._HOLE_IN_FRENCH if french else leftovers._HOLE
    wrong = leftovers._TAGS.search(text) or "{a}" in text or hole.search(text)
    assert bool(leftovers.leftover(text, "fr" if french else "en", {"a"})) is bool(wrong)
