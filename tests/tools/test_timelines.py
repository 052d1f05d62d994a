"""Tests of rules, run: what counts as given, what is judged, and what is said of a test that fails."""

import json

import pytest

from engine.decide.eligible import share
from engine.ingest import SourceSettings
from engine.tools.coverage import coverage_of
from engine.tools.divergence import failure
from engine.tools.judging import judge
from engine.tools.timeline import Stage, run_timeline
from engine.tools.timeline_files import timelines_of
from tests.programme import capture, channels, ruleset_of

SHARED = """
audiences:
  active: member.metadata["status"] == "active"
  rich: card.balance >= 500
  staff: member.email | default("") in lists.staff
categories:
  loyalty: {consent: opt_out}
  marketing: {consent: opt_in}
defaults: {category: loyalty}
"""
RULE = """
rule: news
on: points_added
if: [event.points >= 50, card.balance > 0]
send: news
"""
WORDS = '---\nsubject: "{{ event.points }} points"\n---\n<p>Hello {{ member.first_name | default("you") }}</p>\n'
FILES = {
    "lists/staff.csv": "email\nbo@example.org\n",
    "templates/news/email.en.html": WORDS,
    "templates/news/email.pl.html": WORDS.replace("Hello", "Cześć"),
    "templates/news/sms.en.txt": "Hello\n",
}
ANNA = "{first_name: Anna, email: anna@example.org, timezone: Europe/Warsaw}"
COMES = "[{at: 2026-01-10 12:00, send: news}]"
STEP = "{at: 2026-01-10 12:00, event: points_added, card: {balance: 100}}"


@pytest.fixture
def house(tmp_path):
    """Run one test of one rule."""

    class House:
        def __init__(self):
            self.sources = {}
            self.runs = 0
            for name, text in FILES.items():
                self.write(name, text)

        def write(self, name, text):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return path

        def stage(self, rule=RULE, shared=SHARED):
            self.write("rules/news.yaml", rule)
            self.write("rules/shared.yaml", shared)
            return Stage(
                ruleset=ruleset_of(tmp_path),
                channels=channels(),
                capture=capture(),
                sources=self.sources,
                recording=lambda _, name: (tmp_path / name).read_bytes(),
            )

        def read(self, stage, member=ANNA, timeline=STEP, expect=COMES, **more):
            extra = "".join(f", {name}: {value}" for name, value in more.items())
            said = f"test: t, rule: news, member: {member}, timeline: [{timeline}], expect: {expect}{extra}"
            test = f"tests:\n  - {{{said}}}\n"
            found = timelines_of(tmp_path, stage.ruleset, [self.write("tests/timelines/t.yaml", test)])
            assert found.findings == ()
            return found.timelines[0]

        async def __call__(self, rule=RULE, **test):
            stage = self.stage(rule)
            self.runs += 1
            database = tmp_path / f"{self.runs}.db"
            verdict = judge(await run_timeline(self.read(stage, **test), stage, database))
            self.told = failure(verdict, stage.ruleset)
            self.coverage = coverage_of(stage.ruleset, [verdict.run])
            self.came = [(one.kind, one.name, one.fields.get("reason")) for one in verdict.run.came]
            return verdict.passed

    return House()


SENT = [("send", "news", None)]
SKIPPED = [("skip", "news", "audience")]


# --- What counts as given ---------------------------------------------------------------------------------------------


async def test_who_says_nothing_of_it_belongs_to_the_audience(house):
    assert await house(f"{RULE}audience: active\n")
    assert house.came == SENT


@pytest.mark.parametrize(("status", "came"), [("active", SENT), ("dormant", SKIPPED)])
async def test_what_the_member_states_is_judged(house, status, came):
    await house(f"{RULE}audience: active\n", member=f"{{email: a@example.org, metadata: {{status: {status}}}}}")
    assert house.came == came


async def test_what_a_step_says_of_the_card_is_judged_too(house):
    await house(f"{RULE}audience: rich\n")
    assert house.came == SKIPPED


@pytest.mark.parametrize(("email", "came"), [("anna@example.org", SENT), ("bo@example.org", SKIPPED)])
async def test_who_is_excluded_is_judged_by_what_is_stated(house, email, came):
    await house(f"{RULE}exclude: staff\n", member=f"{{email: {email}}}")
    assert house.came == came


async def test_who_has_no_address_is_not_excluded_by_it(house):
    await house(f"{RULE}exclude: staff\n", member="{first_name: Anna}")
    assert house.came == [("skip", "news", "no_address")]


@pytest.mark.parametrize(("held_out", "came"), [("false", SENT), ("true", [("skip", "news", "holdout")])])
async def test_nobody_is_held_out_by_chance(house, held_out, came):
    await house(f"{RULE}holdout: 99%\n", holdout=held_out)
    assert house.came == came


@pytest.mark.parametrize("said", ["false", "unknown"])
async def test_who_says_nothing_of_it_has_agreed(house, said):
    marketing = f"{RULE}category: marketing\n"
    assert await house(marketing)
    await house(marketing, consents=f"{{marketing: {said}}}")
    assert house.came == [("skip", "news", "no_consent")]


# --- What is judged ---------------------------------------------------------------------------------------------------


VARIANTS = """
variants:
  - name: warm
    weight: 50
    subject: {en: "Welcome", pl: "Witaj"}
  - {name: long, weight: 50, template: news-long}
"""


def of_variant(name):
    """A member who is given this variant of the rule news."""
    halves = {True: "warm", False: "long"}
    number = next(n for n in range(100) if halves[share("variant", "news", f"m{n}") < 0.5] == name)
    return f"{{id: m{number}, email: a@example.org}}"


async def test_a_variant_is_expected_by_its_name_and_the_same_for_a_member_each_time(house):
    house.write("templates/news-long/email.en.html", WORDS)
    warm = "[{at: 2026-01-10 12:00, send: news, variant: warm, subject: Welcome}]"
    for _ in range(2):
        assert await house(RULE + VARIANTS, member=of_variant("warm"), expect=warm)
    assert await house(
        RULE + VARIANTS, member=of_variant("long"), expect="[{at: 2026-01-10 12:00, send: news-long, variant: long}]"
    )
    assert not await house(RULE + VARIANTS, member=of_variant("long"), expect=warm)
    assert "variant: long" in house.told


async def test_coverage_counts_variants_where_there_are_any(house):
    house.write("templates/news-long/email.en.html", WORDS)
    await house(RULE + VARIANTS, member=of_variant("warm"))
    assert "sends 1/2 (never: news news-long), variants 1/2 (never: news long)" in str(house.coverage)


async def test_texts_are_patterns(house):
    assert await house(
        expect='[{at: 2026-01-10 12:00, send: news, subject: "1?? *", html: "*Anna*", text: "Hello A*"}]'
    )
    assert not await house(expect='[{at: 2026-01-10 12:00, send: news, text: "Bye*"}]')
    assert 'text is "Hello Anna", not "Bye*"' in house.told


async def test_the_language_is_judged(house):
    anna = "{email: a@example.org, locale: pl}"
    assert await house(member=anna, expect="[{at: 2026-01-10 12:00, send: news, locale: pl}]")


async def test_what_is_not_listed_fails(house):
    assert not await house(expect="[]")
    assert "+ 2026-01-10 12:00  send news" in house.told


async def test_a_skip_by_condition_counts_only_when_it_is_listed(house):
    low = "{at: 2026-01-10 12:00, event: points_added, data: {points: 49}, card: {balance: 100}}"
    assert await house(timeline=low, expect="[]")
    assert await house(timeline=low, expect="[{at: 2026-01-10 12:00, skip: news, reason: condition}]")


async def test_the_line_that_says_most_is_met_first(house):
    twice = f"{STEP}, {{at: 2026-01-10 12:00, event: points_added, data: {{points: 70}}}}"
    more = '[{at: 2026-01-10 12:00, send: news}, {at: 2026-01-10 12:00, send: news, subject: "100*"}]'
    assert await house(timeline=twice, expect=more)


async def test_a_recorded_event_is_read_as_its_producer_meant_it(house):
    house.sources = {"shop": SourceSettings(name="shop", producer="native", secrets=("never used",))}
    body = {
        "id": "e",
        "type": "points_added",
        "time": "2026-01-10T11:00:00Z",
        "member": {"id": "m-9"},
        "card": {"id": "c", "balance": 5},
        "data": {"points": 80},
    }
    house.write("recorded.json", json.dumps(body))
    assert await house(timeline="{recorded: recorded.json}")
    assert await house(
        timeline="{at: 2026-01-11 08:00, recorded: recorded.json}", expect="[{at: 2026-01-11 08:00, send: news}]"
    )


async def test_what_cannot_be_used_fails_the_test(house):
    assert not await house(timeline="{at: 2026-01-10 12:00, event: points_added, data: {points: null}}", expect="[]")
    assert "could not be used: points_added without points" in house.told


# --- What is said of a test that fails --------------------------------------------------------------------------------

LOW = """\
tests/timelines/t.yaml:2: t
  ~ 2026-01-10 12:00  skip news, reason: condition
  - 2026-01-10 12:00  send news
  first difference at 2026-01-10 12:00:
      news did not send news: its condition does not hold: event.points >= 50 (event.points = 49)
      news:
        ✗ event.points >= 50  event.points = 49   rules/news.yaml:4:6
        · card.balance > 0    card.balance = 100  rules/news.yaml:4:26"""
LATE = """\
tests/timelines/t.yaml:2: t
  + 2026-01-10 12:00  send news, channel: email, locale: en, subject: "100 points"
  - 2026-01-10 13:00  send news
  first difference at 2026-01-10 12:00:
      news did this: send news
      news:
        ✓ event.points >= 50  event.points = 100  rules/news.yaml:4:6
        ✓ card.balance > 0    card.balance = 100  rules/news.yaml:4:26"""
DEAF = """\
tests/timelines/t.yaml:2: t
  - 2026-01-10 12:00  send news
  first difference at 2026-01-10 12:00:
      no step is an event that news listens to"""


async def test_the_difference_is_told_with_what_the_rule_looked_at(house):
    low = "{at: 2026-01-10 12:00, event: points_added, data: {points: 49}, card: {balance: 100}}"
    assert not await house(timeline=low)
    assert house.told == LOW


async def test_what_came_at_another_time_stands_in_order(house):
    assert not await house(expect="[{at: 2026-01-10 13:00, send: news}]")
    assert house.told == LATE


async def test_a_rule_that_does_not_listen_is_told(house):
    assert not await house(timeline="{at: 2026-01-10 12:00, event: points_expired}")
    assert house.told == DEAF


async def test_the_audience_explains_itself(house):
    anna = "{email: a@example.org, metadata: {status: dormant}}"
    assert not await house(f"{RULE}audience: active\n", member=anna)
    assert 'audience active:\n        ✗ member.metadata["status"] == "active"' in house.told
    assert "rules/shared.yaml:3:11" in house.told


# --- Coverage ---------------------------------------------------------------------------------------------------------


async def test_coverage_tells_what_no_test_has_seen(house):
    await house()
    assert str(house.coverage) == (
        "coverage: rules 1/1, conditions 0/2 (never false: rules/news.yaml:4:6, rules/news.yaml:4:26), "
        "sends 1/1, locales 1/2 (never: pl)"
    )
    assert house.coverage.percent == 50


async def test_an_expression_that_was_not_asked_is_not_covered(house):
    low = "{at: 2026-01-10 12:00, event: points_added, data: {points: 49}, card: {balance: 0}}"
    await house(timeline=low, expect="[]")
    assert "never true: rules/news.yaml:4:6; never asked: rules/news.yaml:4:26" in str(house.coverage)
    assert str(house.coverage).startswith("coverage: rules 0/1 (never: news)")
