"""Variants: members are shared out between wordings, always the same way, and every wording is checked."""

from collections import Counter

import pytest

from engine.decide.eligible import share
from engine.errors import RulesetInvalid
from engine.ruleset.variant import Variant, chosen

from .test_rule_keys import RULE, known, made, programme, sent

__all__ = ["programme"]

VARIANTS = """\
variants:
  - name: warm
    weight: 30
    subject: {en: "Welcome, {{ event.points }}", pl: "Witaj, {{ event.points }}"}
  - name: plain
    weight: 70
"""


def member(name, **facts):
    return known(**facts).__class__(id=name, facts=known(**facts).facts)


def one(rules, name, **facts):
    [message] = sent(made(rules, member(name, **facts)))
    return message


def of(variant):
    """A member who gets this variant of the rule news."""
    warm = (f"m{number}" for number in range(1000) if share("variant", "news", f"m{number}") < 0.3)
    plain = (f"m{number}" for number in range(1000) if share("variant", "news", f"m{number}") >= 0.3)
    return next(warm if variant == "warm" else plain)


def problems(programme, text, **files):
    with pytest.raises(RulesetInvalid) as refused:
        programme(RULE + text, **files)
    return [f"{found.line}:{found.column} {found.severity} {found.code}" for found in refused.value.diagnostics]


@pytest.mark.parametrize(
    ("name", "locale", "subject"),
    [
        ("warm", "en", "Welcome, 100"),
        ("warm", "pl", "Witaj, 100"),
        ("warm", "de", "Welcome, 100"),
        ("plain", "en", "100 points"),
    ],
)
def test_a_variant_has_its_own_subject_in_every_language(programme, name, locale, subject):
    message = one(programme(RULE + VARIANTS), of(name), locale=locale)
    assert (message.variant, message.words.subject) == (name, subject)
    assert message.words.text == ("Cześć" if locale == "pl" else "Hello")


def test_members_are_shared_out_by_weight():
    variants = (Variant(name="warm", weight=30), Variant(name="plain", weight=70))
    counts = Counter(chosen(variants, share("variant", "news", f"m{number}")).name for number in range(10_000))
    assert 2800 < counts["warm"] < 3200


@pytest.mark.parametrize(("at", "name"), [(0.0, "a"), (0.2999, "a"), (0.3, "b"), (0.9999999, "b"), (1.0, "b")])
def test_the_bounds_of_a_share(at, name):
    assert chosen((Variant(name="a", weight=30), Variant(name="b", weight=70)), at).name == name


def test_the_variant_is_no_part_of_the_key(programme):
    with_them, without = programme(RULE + VARIANTS), programme(RULE)
    assert one(with_them, of("warm")).key == one(without, of("warm")).key


def test_a_variant_may_have_a_template_of_its_own_under_the_same_key(programme):
    files = {"templates/kind/email.en.html": '---\nsubject: "Kind"\n---\n<p>Kind</p>\n'}
    text = "variants: [{name: warm, weight: 30, template: kind}, {name: plain, weight: 70}]\n"
    rules = programme(RULE + text, **files)
    message = one(rules, of("warm"))
    assert (message.template, message.words.subject) == ("kind", "Kind")
    assert message.key == one(programme(RULE), of("warm")).key


def test_one_subject_may_serve_every_language(programme):
    text = "variants: [{name: warm, weight: 30, subject: Hi}, {name: plain, weight: 70}]\n"
    rules = programme(RULE + text)
    assert {one(rules, of("warm"), locale=locale).words.subject for locale in ("en", "pl")} == {"Hi"}
    assert rules.warnings == ()


def test_a_missing_language_is_a_warning(programme):
    rules = programme(RULE + VARIANTS.replace(', pl: "Witaj, {{ event.points }}"', ""))
    [warning] = rules.warnings
    assert (warning.code, warning.severity, warning.line) == ("PB513", "warning", 8)
    assert "no subject in pl" in warning.message
    assert one(rules, of("warm"), locale="pl").words.subject == "100 points"


def test_every_subject_is_checked_where_it_stands(programme):
    wrong = VARIANTS.replace("Witaj, {{ event.points }}", "Witaj, {{ event.pionts }}")
    assert problems(programme, wrong) == ["8:71 error PB204"]


def test_the_same_mistake_in_two_languages_is_found_in_both_places(programme):
    wrong = VARIANTS.replace("event.points", "event.pionts")
    assert problems(programme, wrong) == ["8:38 error PB204", "8:71 error PB204"]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ('"{{ event.points"', "8:15 error PB404"),
        ('"{{ event.points | monye }}"', "8:33 error PB405"),
        ("'{{ event.reason }}'", "8:18 error PB412"),
        ("|\n      {{ event.points }}\n      {{ evnt.points }}", "10:10 error PB409"),
    ],
)
def test_a_subject_that_cannot_be_used(programme, subject, expected):
    text = f"variants:\n  - name: warm\n    weight: 100\n    subject: {subject}\n"
    assert problems(programme, text) == [expected]


EXAMPLE = """\
rule: news
on: [tier_joined, tier_upgraded]
if: tier.name != "Basic"
send: news
variants:
  - name: warm
    weight: 50
    subject: {en: "Welcome to {{ tier.name }}", pl: "Witaj w {{ tier.name }}"}
  - name: plain              # the template's own subject
    weight: 50
holdout: 5%
once_per: [member, tier.id]
priority: 80
"""


def test_the_published_example_loads(programme):
    words = '---\nsubject: "{{ tier.name }}"\n---\n<p>{{ tier.name }}</p>\n'
    files = {f"templates/news/email.{locale}.html": words for locale in ("en", "pl")}
    rules = programme(EXAMPLE, **files)
    assert [variant.name for variant in rules.rule("news").variants] == ["warm", "plain"]
    assert rules.warnings == ()


def test_a_subject_may_name_what_the_rule_lets(programme):
    text = 'let: {worth: event.points / 100}\nvariants: [{name: warm, weight: 100, subject: "{{ worth | number }}"}]\n'
    assert one(programme(RULE + text), "anna").words.subject == "1"


def test_what_a_rule_sends_without_a_subject_is_left_as_it_is(programme):
    rules = programme(RULE + "channel: sms\n" + VARIANTS)
    message = one(rules, of("warm"), phone="+48600000000")
    assert (message.variant, message.words.subject) == ("warm", "")


@pytest.mark.parametrize(
    ("variants", "expected", "said"),
    [
        ("[{name: a, weight: 30}, {name: b, weight: 60}]", "5:53 error PB508", "add up to 90"),
        ("[{name: a, weight: 30}, {name: b, weight: 80}]", "5:53 error PB508", "add up to 110"),
        ("[{name: a, weight: 30}, {name: a, weight: 70}]", "5:42 error PB510", "already"),
        ("[{name: a, weight: 0.5}]", "5:30 error PB154", "whole number"),
        ("[{name: a, weight: 0}]", "5:30 error PB154", "whole number"),
        ("[{name: a, weight: true}]", "5:30 error PB154", "whole number"),
        ("[{name: A b, weight: 100}]", "5:19 error PB155", "a-z"),
        ("[{weight: 100}]", "5:13 error PB151", '"name"'),
        ("[{name: a}]", "5:13 error PB151", '"weight"'),
        ("{name: a, weight: 100}", "5:11 error PB152", "a list"),
        ("[a]", "5:12 error PB152", "a mapping"),
        ("[]", "5:11 error PB156", "empty list"),
        ("[{name: a, weight: 100, template: newz}]", "5:45 error PB301", "news"),
        ("[{name: a, weight: 100, subject: {xx: Hi}}]", "5:45 error PB154", "xx"),
        ('[{name: a, weight: 100, subject: ""}]', "5:44 error PB156", "empty"),
        ("[{name: a, percent: 100}]", "5:22 error PB150", "weight"),
    ],
)
def test_variants_that_cannot_be_used(programme, variants, expected, said):
    with pytest.raises(RulesetInvalid) as refused:
        programme(RULE + f"variants: {variants}\n")
    [found] = refused.value.diagnostics
    assert f"{found.line}:{found.column} {found.severity} {found.code}" == expected
    assert said in f"{found.message} {found.suggestion}"


def test_a_template_replaces_one_message_only(programme):
    text = (
        "rule: news\non: points_added\nsend: [{template: news, channel: email}, {template: news, channel: sms}]\n"
        "variants: [{name: a, weight: 100, template: news}]\n"
    )
    with pytest.raises(RulesetInvalid) as refused:
        programme(text)
    [found] = refused.value.diagnostics
    assert (found.code, "2 messages" in found.message) == ("PB154", True)


def test_a_member_gets_the_same_variant_whatever_happens(programme):
    rules = programme(RULE + VARIANTS)
    for name in (f"m{number}" for number in range(40)):
        expected = "warm" if share("variant", "news", name) < 0.3 else "plain"
        assert one(rules, name).variant == expected
