"""The keys of a rule beside its trigger and condition: whom it leaves out, when it holds, how it repeats."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.decide import decide
from engine.decide.eligible import share
from engine.errors import RulesetInvalid
from engine.model import Card, Event, Fact, Facts, Member, Notify, Reason, Skip
from tests.programme import ruleset_of

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
SHARED = """
audiences:
  active-members: member.metadata["status"] == "active"
  staff: member.email | default("") in lists.staff
  polish: member.locale == "pl"
categories:
  loyalty: {consent: opt_out}
  marketing: {consent: opt_in}
  security: {consent: transactional}
fields:
  member.metadata["status"]: {type: text, one_of: [active, dormant]}
defaults: {category: loyalty}
"""
RULE = """
rule: news
on: points_added
send: news
"""


@pytest.fixture
def programme(tmp_path):
    """Decide about one event with a rule and some facts."""
    words = '---\nsubject: "{{ event.points }} points"\n---\n<p>Hello{{ extra }}</p>\n'
    files = {
        "rules/shared.yaml": SHARED,
        "lists/staff.csv": "email\nBo@Example.org \n",
        "templates/news/email.en.html": words.replace("{{ extra }}", ""),
        "templates/news/email.pl.html": words.replace("Hello{{ extra }}", "Cześć"),
        "templates/news/sms.en.txt": "Hello\n",
    }

    def ruleset(rule=RULE, **changed):
        for name, text in {**files, "rules/news.yaml": rule, **changed}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return ruleset_of(tmp_path)

    return ruleset


def event(**facts):
    return Event(
        key="e1",
        source="shop",
        name="points_added",
        producer_name="points_added",
        occurred_at=NOW,
        happening="h1",
        facts={"points": 100, **facts},
    )


def known(**facts):
    defaults = {"email": "anna@example.org", "metadata": {"status": "active"}}
    return Member(
        id="anna", facts={name: Fact(value=value, as_of=NOW) for name, value in {**defaults, **facts}.items()}
    )


def facts(member=None, **more):
    return Facts(member=member or known(), card=Card(id="card_1"), **more)


def made(ruleset, about=None, at=NOW, **more):
    return decide(event(), facts(about, **more), ruleset, at)


def skipped(decisions):
    [skip] = decisions
    assert isinstance(skip, Skip), skip
    return skip.reason, skip.detail


def sent(decisions):
    assert all(isinstance(one, Notify) for one in decisions), decisions
    return [one.notification for one in decisions]


def test_an_audience_leaves_others_out_and_says_why(programme):
    rules = programme(RULE + "audience: active-members\n")
    assert len(sent(made(rules))) == 1
    reason, detail = skipped(made(rules, known(metadata={"status": "dormant"})))
    assert reason is Reason.AUDIENCE
    assert detail == (
        'not in active-members: member.metadata["status"] == "active" (member.metadata["status"] = "dormant")'
    )


def test_a_list_excludes_whatever_the_case(programme):
    rules = programme(RULE + "exclude: staff\n")
    assert len(sent(made(rules))) == 1
    assert skipped(made(rules, known(email="bo@example.ORG"))) == (Reason.AUDIENCE, "in staff, which the rule excludes")


@pytest.mark.parametrize(
    ("audience", "locale", "inside"),
    [
        ("[active-members, polish]", "pl", True),
        ("[active-members, polish]", "en", False),
        ("{any: [polish, active-members]}", "en", True),
        ("{none: [polish]}", "en", True),
        ("{none: [polish]}", "pl", False),
        ("member.locale == 'pl'", "pl", True),
        ("member.locale == 'pl'", "en", False),
        ("{all: [active-members, {none: [staff]}]}", "en", True),
    ],
)
def test_audiences_go_together(programme, audience, locale, inside):
    decisions = made(programme(RULE + f"audience: {audience}\n"), known(locale=locale))
    assert (decisions[0].__class__ is Notify) is inside


def test_a_name_of_let_is_a_fact_in_conditions_and_templates(programme):
    rule = (
        "rule: news\non: points_added\nlet: {worth: event.points / 100, twice: worth * 2}\nif: twice >= 2\nsend: news\n"
    )
    words = '---\nsubject: "Worth {{ worth | number }}"\n---\n<p>{{ twice | number }}</p>\n'
    [message] = sent(
        made(programme(rule, **{"templates/news/email.en.html": words, "templates/news/email.pl.html": words}))
    )
    assert message.words.subject == "Worth 1"


def test_a_template_may_not_name_what_only_another_rule_lets(programme):
    words = '---\nsubject: "Worth {{ worth | number }}"\n---\n<p>News</p>\n'
    other = "rule: other\non: points_added\nlet: {worth: event.points / 100}\nsend: news\n"
    with pytest.raises(RulesetInvalid, match="worth"):
        programme(RULE, **{"rules/other.yaml": other, "templates/news/email.en.html": words})


def test_the_first_channel_with_an_address_carries_the_message(programme):
    rules = programme(RULE + "channel: [sms, email]\n")
    assert [message.channel for message in sent(made(rules))] == ["email"]
    [message] = sent(made(rules, known(phone="+48600000000")))
    assert (message.channel, message.slot) == ("sms", "news/email+sms")


def test_a_channel_put_first_does_not_send_again(programme):
    keys = {
        sent(made(programme(RULE + f"channel: {order}\n"), known(phone="+48600000000")))[0].key
        for order in ("[sms, email]", "[email, sms]")
    }
    assert len(keys) == 1


def test_held_out_members_are_the_same_for_ever(programme):
    rules = programme(RULE + "holdout: 20%\n")
    people = [Member(id=f"m{number}", facts=known().facts) for number in range(500)]
    out = {person.id for person in people if isinstance(made(rules, person)[0], Skip)}
    assert out == {person.id for person in people if share("holdout", "news", person.id) < 0.2}
    assert 60 < len(out) < 140
    assert skipped(made(rules, next(person for person in people if person.id in out)))[0] is Reason.HOLDOUT


def test_once_per_makes_one_message_of_many_happenings(programme):
    rules = programme("rule: news\non: points_added\nonce_per: [member, event.points]\nsend: news\n")
    one, other = (
        sent(decide(Event(**{**vars_of(event(points=points)), "happening": name}), facts(), rules, NOW))[0].key
        for name, points in (("h1", 5), ("h2", 5))
    )
    assert one == other == 'news|once ["anna", 5]|anna|news/email'


def vars_of(one):
    return {name: getattr(one, name) for name in one.__slots__}


def test_a_part_of_once_per_that_may_be_absent_is_refused(programme):
    with pytest.raises(RulesetInvalid, match="PB512"):
        programme(RULE + "once_per: [member, member.email]\n")


def test_again_after_waits_for_its_time(programme):
    rules = programme(RULE + "again_after: 7 days\n")
    day = timedelta(days=1)
    assert skipped(made(rules, reached={"news": NOW - 6 * day}))[0] is Reason.CAPPED
    assert len(sent(made(rules, reached={"news": NOW - 7 * day}))) == 1
    assert len(sent(made(rules, reached={"other": NOW}))) == 1


def test_a_rule_that_is_off_says_so(programme):
    assert skipped(made(programme(RULE + "mode: off\n"))) == (Reason.DISABLED, "the rule is off")


def test_a_rule_in_shadow_says_what_it_would_have_sent(programme):
    assert skipped(made(programme(RULE + "mode: shadow\n"))) == (
        Reason.SHADOW,
        "would have gone over email in en: 100 points",
    )


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("valid_from: 2026-01-11", "the rule holds from 2026-01-11 on"),
        ("valid_from: 2026-01-10", None),
        ("valid_until: 2026-01-10", None),
        ("valid_until: 2026-01-09", "the rule held until 2026-01-09"),
    ],
)
def test_first_and_last_day_are_inclusive(programme, keys, says):
    decisions = made(programme(RULE + keys + "\n"))
    assert (decisions[0].detail if isinstance(decisions[0], Skip) else None) == says


def test_the_days_are_the_members(programme):
    """At 23:30 UTC it is the next day in Warsaw already."""
    rules = programme(RULE + "valid_until: 2026-01-10\n")
    late = NOW.replace(hour=23, minute=30)
    assert skipped(made(rules, known(timezone="Europe/Warsaw"), at=late))[0] is Reason.OUTSIDE_VALIDITY
    assert len(sent(made(rules, known(timezone="Europe/London"), at=late))) == 1


def test_useful_for_ends_the_use_of_a_message(programme):
    [message] = sent(made(programme(RULE + "useful_for: 2 hours\n")))
    assert message.send_before == NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("category", "said", "goes"),
    [
        ("loyalty", {}, True),
        ("loyalty", {"loyalty": False}, False),
        ("loyalty", {"marketing": False}, True),
        ("marketing", {}, False),
        ("marketing", {"marketing": True}, True),
        ("marketing", {"marketing": False}, False),
        ("security", {"security": False}, True),
    ],
)
def test_a_category_needs_what_it_says(programme, category, said, goes):
    decisions = made(programme(RULE + f"category: {category}\n"), consents=said)
    if goes:
        assert sent(decisions)[0].category == category
    else:
        assert skipped(decisions)[0] is Reason.NO_CONSENT


def test_a_rule_without_a_category_takes_the_default_one_or_is_refused(programme):
    assert sent(made(programme()))[0].category == "loyalty"
    with pytest.raises(RulesetInvalid, match="PB509"):
        programme(**{"rules/shared.yaml": "categories: {loyalty: {consent: opt_out}}\n"})


def test_a_rule_chooses_the_language(programme):
    rules = programme(RULE + 'locale: "\\"pl\\" if event.points > 50 else \\"en\\""\n')
    assert sent(made(rules))[0].locale == "pl"


def test_a_division_by_zero_is_a_reason(programme):
    rule = "rule: news\non: points_added\nlet: {worth: 1 / (event.points - 100)}\nsend: news\n"
    assert skipped(made(programme(rule)))[0] is Reason.EVALUATION_ERROR


@pytest.mark.parametrize(
    ("declared", "value", "condition", "holds"),
    [
        ("whole number", 12, "> 10", True),
        ("whole number", "12", "> 10", True),
        ("whole number", "a dozen", "is none", True),
        ("number", 12.5, "> 10", True),
        ("date", "2026-01-31", "> today", True),
        ("date", "2026-01-31T23:00:00Z", "> today", True),
        ("date", "31.01.2026", "is none", True),
        ("time", "2026-01-10T11:00:00+00:00", "< now", True),
        ("yes/no", "true", "is none", True),
        ("text", 12, "is none", True),
        ("list of texts", ["a", "b"], "is not none", True),
        ("list of texts", ["a", 1], "is none", True),
    ],
)
def test_a_declared_field_has_its_type_or_is_absent(programme, declared, value, condition, holds):
    path = 'member.metadata["joined"]'
    test = f"{path} {condition}" if "none" in condition else f"{path} is not none and {path} {condition}"
    rule = f"rule: news\non: points_added\nif: '{test}'\nsend: news\n"
    fields = f"fields:\n  {path}: {{type: {declared}}}\n"
    rules = programme(rule, **{"rules/shared.yaml": fields})
    assert isinstance(made(rules, known(metadata={"joined": value}))[0], Notify) is holds


@pytest.mark.parametrize(
    ("segments", "goes"), [({"segment:VIP": True}, True), ({"segment:VIP": False}, False), ({}, False)]
)
def test_a_segment_can_be_asked_for(programme, segments, goes):
    rules = programme("rule: news\non: points_added\nif: '\"VIP\" in member.segments'\nsend: news\n")
    assert isinstance(made(rules, known(**segments))[0], Notify) is goes
