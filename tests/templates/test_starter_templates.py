"""The starter programme's words: whatever is known of a member, every mail reads as if somebody had written it."""

import re
from datetime import date, timedelta
from itertools import product

import pytest

from engine.model import Programme
from engine.ruleset import load_ruleset
from engine.ruleset.plaintext import text_of
from engine.ruleset.template_use import check_use

from .samples import BRAND, reminder, view

LOCALES = ("en", "pl")
BARE = {"name": "Fern & Thistle"}
AMOUNTS = (0, 1, 2, 5, 22, 1_000_000, 12.5)
MEMBERS = {
    "known": {"first_name": "Anna"},
    "full name": {"name": "Alex Doe"},
    "nobody": {},
    "long": {"first_name": "A" * 200},
    "long and short": {"first_name": "A" * 200, "name": "Łukasz"},
    "quotes": {"name": 'O\'Neill "Jay"'},
    "markup": {"first_name": "<b>Anna</b>"},
    "right to left": {"name": "אברהם כהן"},
    "bidi": {"name": "Anna\u202e,olleH"},
    "emoji": {"name": "Zoë 🎉"},
    "template": {"name": "{{ 7*7 }}"},
    "link": {"name": "Win at evil.com"},
    "address": {"name": "anna@example.org"},
    "line ends": {"name": "Anna\r\nMaria"},
    "blank": {"first_name": "  ", "name": "\u00a0"},
}
FULL = {"balance": 2641, "order_id": "o1", "order_amount": 364.5, "reason": "Spring", "campaign": "Club"}
PENDING = {"activates_on": date(2026, 3, 7), "order_id": "o1", "change": 10}
TIER = {"tier": "Gold", "tier_id": "t2"}
EVENTS = {
    "points-added": ("points_added", ({}, FULL, {"balance": 0})),
    "points-expired": ("points_expired", ({}, {"balance": 970, "expired_on": date(2025, 12, 31)}, {"balance": 0})),
    "pending-points-added": ("pending_points_added", ({}, PENDING)),
    "pending-points-updated": (
        "pending_points_updated",
        ({}, PENDING, {**PENDING, "change": -1}, {**PENDING, "change": 0}),
    ),
    "pending-points-activated": ("pending_points_activated", ({}, {**PENDING, "balance": 523}, {"balance": 0})),
    "pending-points-canceled": ("pending_points_canceled", ({}, {**PENDING, "change": -23})),
}
TIERS = ("Gold", ("Loyal Star Platinum " * 5).strip(), '<b>Gold</b> & "Co"', "זהב", "🥇")
NEVER = re.compile(r"None|[Uu]ndefined|Absent|\{\{|\}\}|\{%|<b>Anna|evil\.com|olleH|href=\"\"|src=\"\"")
CLUMSY = re.compile(r"Hello ,|Hello!|Cześć,? !|Cześć,\n|  |[ \n][,.!:]|\.\.|\(\)")


@pytest.fixture(scope="module")
def ruleset(root):
    return load_ruleset(root, programme=Programme(name="Fern Club", timezone="Europe/Warsaw"))


@pytest.fixture(scope="module")
def word(ruleset):
    """Words a message and looks at every part of it."""

    def worded(name, locale, facts):
        words = ruleset.templates.choose(name, "email", locale).render(facts)
        page = text_of(words.html)
        for part in (words.subject, words.preheader, words.text, page):
            assert part
            assert not NEVER.search(part), part
            assert not CLUMSY.search(part), part
        assert not NEVER.search(words.html)
        assert page.count("http") == words.text.count("http")
        return words

    return worded


def moments(name):
    """Every sort of event a template is sent for, in each amount."""
    event, variants = EVENTS[name]
    return [(event, {"points": amount, **facts}) for amount, facts in product(AMOUNTS, variants)]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", EVENTS)
def test_every_amount_and_every_absence_is_worded(word, name, locale):
    for (event, facts), brand in product(moments(name), (BRAND, BARE)):
        word(name, locale, view(event, facts, member={"first_name": "Anna"}, brand=brand))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", [*EVENTS, "tier-reached", "points-expire-soon"])
def test_every_member_is_greeted(word, name, locale):
    event = EVENTS.get(name, ("tier_upgraded", ()))[0]
    for member in MEMBERS.values():
        facts = _due(970, member=member) if name == "points-expire-soon" else view(event, _least(name), member=member)
        words = word(name, locale, facts)
        greeting = words.text.partition("\n")[0]
        assert greeting == text_of(words.html).split("\n\n")[1]
        assert re.fullmatch(r"Hello( [^,]+)?," if locale == "en" else r"Cześć(, [^!]+)?!", greeting)


def test_greetings_with_and_without_a_name(word):
    facts = {name: view(member=member) for name, member in MEMBERS.items()}
    greetings = {name: word("points-added", "en", facts[name]).text.partition("\n")[0] for name in MEMBERS}
    assert greetings == {
        **dict.fromkeys(MEMBERS, "Hello,"),
        "known": "Hello Anna,",
        "full name": "Hello Alex Doe,",
        "long and short": "Hello Łukasz,",
        "quotes": 'Hello O\'Neill "Jay",',
        "right to left": "Hello אברהם כהן,",
        "emoji": "Hello Zoë 🎉,",
        "line ends": "Hello Anna Maria,",
    }
    assert word("points-added", "pl", facts["known"]).text.startswith("Cześć, Anna!\n")
    assert word("points-added", "pl", facts["nobody"]).text.startswith("Cześć!\n")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_is_welcomed(word, tier, locale):
    for facts in ({**TIER, "tier": tier}, {**TIER, "tier": tier, "previous_tier": "Silver"}):
        words = word("tier-reached", locale, view("tier_upgraded", facts))
        assert tier[:50] in words.subject
        assert "<b>" not in words.html


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("days_left", [30, 7, 2, 1, 0])
@pytest.mark.parametrize("amount", AMOUNTS[1:])
def test_every_reminder_is_worded(word, amount, days_left, locale):
    for balance in (amount, amount + 100):
        words = word("points-expire-soon", locale, _due(amount, balance=balance, days_left=days_left))
        assert ("31 stycznia" if locale == "pl" else "January 31") in words.text
        assert ("saldo" in words.text or "balance" in words.text) is (balance > amount)


@pytest.mark.parametrize(
    ("points", "subject"),
    [
        (1, "1 punkt nie zostanie dodany"),
        (2, "2 punkty nie zostaną dodane"),
        (5, "5 punktów nie zostanie dodanych"),
        (22, "22 punkty nie zostaną dodane"),
    ],
)
def test_polish_verbs_follow_the_number(word, points, subject):
    words = word("pending-points-canceled", "pl", view("pending_points_canceled", {"points": points}))
    assert words.subject == subject


def test_the_last_day_is_said_to_be_included(word):
    english, polish = word("points-expire-soon", "en", _due(970)), word("points-expire-soon", "pl", _due(970))
    assert english.subject == "Use 970 points by January 31"
    assert "until the end of Saturday, January 31, 2026" in english.text
    assert polish.subject == "Wykorzystaj 970 punktów do 31 stycznia"
    assert "do końca dnia 31 stycznia 2026" in polish.text
    assert (
        word("points-expire-soon", "en", _due(970, days_left=1)).subject == "Tomorrow is the last day to use 970 points"
    )
    assert (
        word("points-expire-soon", "pl", _due(1, days_left=0)).subject == "Dziś ostatni dzień: 1 punkt do wykorzystania"
    )


def test_a_balance_is_told_only_when_it_is_known(word):
    card = {"balance": 2641}
    assert "2,641" in word("points-added", "en", view(facts={"points": 40, "balance": 2641})).text
    assert "You now have" not in word("points-added", "en", view(card=card)).text


def test_the_button_is_there_when_there_is_somewhere_to_go(word):
    full, bare = word("points-added", "en", view()), word("points-added", "en", view(brand=BARE))
    assert 'href="https://example.org/points?a=1&amp;b=2"' in full.html
    assert "https://example.org/points?a=1&b=2" in full.text
    assert "<a " not in bare.html


def test_the_footer_says_who_writes_and_why(word):
    words = word("points-added", "en", view())
    for part in (words.text, text_of(words.html)):
        assert "Fern & Thistle, 1 Garden Street, Edinburgh" in part
        assert "because you are a member of Fern Club" in part
        assert "help@example.org" in part


def test_phones_and_dark_mode_are_looked_after(word):
    html = word("points-added", "en", view()).html
    assert "@media (max-width: 600px)" in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert html.startswith("<!DOCTYPE html>")
    assert '<html lang="en" dir="ltr">' in html
    assert len(html) < 20_000, "Gmail cuts mails off at about 100 kB"


def test_every_template_speaks_every_language_of_the_programme(ruleset):
    for name in ruleset.templates.names():
        assert ruleset.templates.locales(name, "email") == set(LOCALES)


def test_every_template_has_the_facts_of_the_rules_that_send_it(ruleset):
    assert ruleset.warnings == ()
    for rule in ruleset.rules:
        assert {send.template for send in rule.sends} <= ruleset.templates.names()
    assert list(check_use(ruleset.rules, ruleset.templates)) == []


def _least(name):
    return TIER if name == "tier-reached" else {"points": 40}


def _due(amount, *, balance=None, days_left=30, **known):
    day = date(2026, 1, 31)
    card = {"balance": balance or amount, "next_expiration_points": amount, "next_expiration_date": day}
    return reminder(card, days_left=days_left, offset=timedelta(days=days_left), **known)
