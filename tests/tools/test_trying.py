"""Messages worded for members who do not exist: what goes wrong is told with its template and for whom."""

from itertools import count

import pytest

from engine.ruleset import load_ruleset
from engine.tools.made_up import PEOPLE
from engine.tools.trying import try_templates
from tests.programme import EXAMPLE, STARTER, WORKED, ruleset_of
from tests.ruleset.programme import PROGRAMME, SPELLINGS, write

NEWS = "rule: news\non: points_expired\nsend: {template: points-expire-soon-sms, channel: sms}\n"
SMS = "templates/points-expire-soon-sms/sms.en.txt"
MAIL = "templates/points-expired/email.en.html"
PLAIN, BARE, QUOTES, RIGHT_TO_LEFT, LONG = (person.who for person in PEOPLE)


def ruleset(root, files):
    return load_ruleset(write(root, files), programme=PROGRAMME, spellings=SPELLINGS.get)


def tried(root, text, rule=NEWS):
    return try_templates(ruleset(root, {"rules/news.yaml": rule, SMS: text}))


def told(found):
    return [
        f"{one.file}:{one.line}:{one.column} {one.severity.value} {one.code} {one.message}" for one in found.findings
    ]


@pytest.mark.parametrize("folder", [STARTER, EXAMPLE, WORKED], ids=lambda folder: folder.name)
def test_programmes_that_are_sound_are_silent(folder):
    found = try_templates(ruleset_of(folder))
    assert told(found) == []
    assert found.worded >= len(PEOPLE)
    assert found.left == 0


def test_a_division_that_goes_wrong_for_some_is_found_at_its_place(tmp_path):
    [found] = told(tried(tmp_path, "Hello\nOf each: {{ 100 / event.points }}\n"))
    assert found.startswith(f"{SMS}:2:1 warning PB417 ")
    assert found.endswith(f"(for {BARE}, rule news)")


def test_what_the_rule_does_not_let_through_is_not_tried(tmp_path):
    text = "{{ 100 / event.points }} {{ 100 / (event.points - 7) }} {{ member.first_name | default('you') }}\n"
    rule = NEWS.replace("send:", "if:\n  - event.points > 7\n  - tier.name in ['Gold', 'Platinum']\nsend:")
    found = tried(tmp_path, text, rule)
    assert (told(found), found.worded) == ([], len(PEOPLE))


def test_what_the_rule_lets_through_in_one_number_leaves_the_others_as_they_may_be(tmp_path):
    text = "{{ 100 * event.points / card.balance }}\n"
    [found] = told(tried(tmp_path, text, NEWS.replace("send:", "if: event.points >= 500\nsend:")))
    assert f"(for {BARE}" in found
    both = "if: event.points >= 500 and card.balance > event.points\nsend:"
    assert told(tried(tmp_path, text, NEWS.replace("send:", both))) == []


def test_a_condition_on_a_name_of_the_rules_own_is_met_too(tmp_path):
    rule = NEWS.replace("send:", "let: {hundreds: event.points / 100}\nif: hundreds >= 700\nsend:")
    found = tried(tmp_path, "{{ 1 / event.points }}\n", rule)
    assert (told(found), found.worded) == ([], len(PEOPLE))


def test_a_subject_that_is_empty_for_some_is_found(tmp_path):
    mail = '---\npreheader: "Your points"\nsubject: "{% if event.points > 0 %}Points{% endif %}"\n---\n<p>Hello</p>\n'
    rule = "rule: news\non: points_expired\nsend: points-expired\n"
    [found] = told(try_templates(ruleset(tmp_path, {"rules/news.yaml": rule, MAIL: mail})))
    assert found == f"{MAIL}:3:1 warning PB417 the subject comes out empty (for {BARE}, rule news)"


def test_a_word_such_as_none_that_no_template_has_is_found(tmp_path):
    [found] = told(tried(tmp_path, '{% set no = "No" %}Hello {{ member.first_name | default(no ~ "ne") }}\n'))
    assert f'{SMS}:1:1 warning PB417 the text says "None" (for {BARE}' in found
    assert told(tried(tmp_path, "None of your {{ event.points | number }} points is left.\n")) == []


@pytest.mark.parametrize(
    ("fits", "who"),
    [("<b>", QUOTES), ('"', QUOTES), ("\u05e0", RIGHT_TO_LEFT), ("\U0001f9e1", RIGHT_TO_LEFT), ("bergerdorff!", LONG)],
)
def test_awkward_names_are_tried(tmp_path, fits, who):
    rule = NEWS.replace("send:", "if: member.first_name is defined\nsend:")
    quoted = fits.replace('"', '\\"')
    text = f'Hello{{% if "{quoted}" in member.first_name %}} {{{{ 1 / (event.points - event.points) }}}}{{% endif %}}\n'
    assert [one.partition(" (for ")[2] for one in told(tried(tmp_path, text, rule))] == [f"{who}, rule news)"]


def test_every_event_offset_and_language_is_tried(tmp_path):
    rules = (
        "rules:\n- rule: one\n  on: [points_added, points_expired]\n  send: points-expired\n"
        "- rule: two\n  on: {before: card.next_expiration_date, by: [7 days, 1 day], at: 09:00}\n"
        "  send: points-expire-soon\n"
    )
    languages, occasions = 2, 2
    others = len(PEOPLE) - 2
    found = try_templates(ruleset(tmp_path, {"rules/news.yaml": rules}))
    assert found.worded == languages * (2 * occasions + others) + (2 * occasions + others)


def test_a_variants_subject_is_tried_too(tmp_path):
    variants = "variants:\n- {name: a, weight: 50, subject: '{% if event.points > 0 %}Points{% endif %}'}\n"
    rule = f"rule: news\non: points_expired\nsend: points-expired\n{variants}- {{name: b, weight: 50}}\n"
    found = told(try_templates(ruleset(tmp_path, {"rules/news.yaml": rule})))
    assert {one.partition(" (for ")[0].partition("PB417 ")[2] for one in found} == {"the subject comes out empty"}


def test_it_ends_in_time_and_says_how_much_is_left(tmp_path):
    rules = "rules:\n" + "".join(
        f"- rule: r{number}\n  on: points_expired\n  send: points-expired\n" for number in range(4)
    )
    ticks = count(0, 8)
    found = try_templates(ruleset(tmp_path, {"rules/news.yaml": rules}), lambda: float(next(ticks)))
    assert (found.left, found.worded) == (6, 2 * len(PEOPLE))


def test_a_comment_accepts_it_and_one_that_accepts_nothing_is_told(tmp_path):
    accepted = "{# pointbell: ignore PB417 because points are never 0 here #}\n"
    assert told(tried(tmp_path, accepted + "{{ 100 / event.points }}\n")) == []
    [found] = told(tried(tmp_path, accepted + "{{ 100 - event.points }}\n"))
    assert "PB515 there is no PB417 here to ignore" in found
