"""Files of tests: every mistake is found at its place, and what is sound means what it says."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from engine.errors import RulesetInvalid
from engine.ruleset import load_ruleset
from engine.ruleset.parse import read_rules
from engine.ruleset.timeline_codes import TIMELINE_CODES
from engine.ruleset.timeline_names import Names
from engine.ruleset.timeline_reading import read_test_file, read_tests_of_rules
from engine.ruleset.yaml import read_yaml

from .programme import PROGRAMME, SPELLINGS, VOCABULARY, write

BROKEN = yaml.safe_load((Path(__file__).parent / "broken" / "timelines.yaml").read_text(encoding="utf-8"))
RULES = """
rules:
  - rule: points-expired
    on: points_expired
    send: points-expired
  - rule: points-expire-soon
    on: {before: card.next_expiration_date, by: [30 days, 7 days], at: 09:00}
    send: points-expire-soon
"""
KNOWN = Names(
    rules={rule.name: rule for rule in read_rules(read_yaml(RULES.encode(), "rules/a.yaml"), VOCABULARY).rules},
    templates=VOCABULARY.template_names,
    programme=PROGRAMME,
    shared=VOCABULARY.shared,
    spellings=SPELLINGS.get,
    is_file=lambda name: name == "recorded.json",
)


def read(text, known=KNOWN):
    return read_test_file(read_yaml(text.encode(), "a.yaml"), known)


def in_rules(text, known=KNOWN):
    return read_tests_of_rules(read_yaml(text.encode(), "rules/a.yaml"), known)


@pytest.mark.parametrize("case", BROKEN["cases"], ids=lambda case: case["case"])
def test_the_mistake_is_found_where_it_is_and_the_fix_is_named(case):
    text = case["text"] if case.get("without_head") else BROKEN["head"] + case["text"]
    timelines, findings = read(text)
    found = sorted(findings, key=lambda each: (each.line, each.column))
    assert [f"{each.line}:{each.column} {each.severity} {each.code}" for each in found] == case["expect"]
    said = " ".join(f"{each.message} {each.suggestion}" for each in found)
    assert [words for words in case.get("says", ()) if words not in said] == []
    assert bool(timelines) is not bool(findings) or case["case"].startswith("two tests")


def test_every_code_of_tests_has_a_case():
    assert set(TIMELINE_CODES) <= {line.split()[-1] for case in BROKEN["cases"] for line in case["expect"]}


TEST = """
members:
  anna: {first_name: Anna, timezone: Europe/Warsaw, segments: [vip], birthdate: 1990-02-28, id: a-1}
tests:
  - test: all of it
    rule: [points-expired, points-expire-soon]
    member: anna
    consents: {marketing: false, loyalty: unknown}
    holdout: true
    timeline:
      - {at: 2026-01-10 12:00, event: voucher.loyalty_card.points_expired, data: {points: 5}}
      - {at: "2026-07-10T12:00:00+00:00", event: points_earned, card: {balance: 3}}
      - {recorded: recorded.json}
    until: 2026-08-01
    expect:
      - {at: 2026-01-10 12:00, skip: points-expired, reason: holdout}
      - {at: 2026-07-10 14:00, move: points-expire-soon, to: [2026-07-12 09:00, 2026-07-11 09:00]}
      - {at: 2026-07-11 09:00, send: points-expire-soon, offset: 1 week, subject: 970}
"""


def test_a_test_means_what_it_says():
    [timeline], findings = read(TEST)
    assert findings == []
    assert timeline.rules == {"points-expired", "points-expire-soon"}
    assert timeline.member_id == "a-1"
    assert timeline.member["segment:vip"] is True
    assert timeline.member["birthdate"].isoformat() == "1990-02-28"
    assert timeline.consents == {"marketing": False, "loyalty": None}
    assert timeline.held_out
    assert (timeline.file, timeline.line) == ("a.yaml", 5)
    first, second, third = timeline.steps
    assert (first.event, first.at) == ("points_expired", datetime(2026, 1, 10, 11, tzinfo=UTC))
    assert (second.at, second.card) == (datetime(2026, 7, 10, 12, tzinfo=UTC), {"balance": 3})
    assert (third.recorded, third.at) == ("recorded.json", None)
    skip, move, send = timeline.expect
    assert (skip.kind, skip.name, skip.fields) == ("skip", "points-expired", {"reason": "holdout"})
    assert [at.day for at in move.fields["to"]] == [11, 12]
    assert send.fields == {"offset": "7 days", "subject": "970"}


def test_a_rule_with_mistakes_of_its_own_is_a_rule_all_the_same():
    known = replace(KNOWN, rules={"points-expired": None, "points-expire-soon": None})
    assert read(TEST, known)[1] == []


ALONE = """
rule: points-expired
on: points_expired
send: points-expired
members:
  anna: {first_name: Anna}
tests:
  - test: a
    member: anna
    timeline: [{at: 2026-01-10 12:00, event: points_expired}]
    expect: [{at: 2026-01-10 12:00, skip: points-expired, reason: no_address}]
"""


def test_within_a_rule_a_test_is_about_that_rule():
    [timeline], findings = in_rules(ALONE)
    assert findings == []
    assert timeline.rules == {"points-expired"}


def test_in_a_file_of_rules_tests_stand_within_a_rule_or_beside_them():
    inside = ALONE.replace("\n", "\n    ").replace("\n    rule:", "\n  - rule:", 1)
    step = "{at: 2026-01-10, event: points_expired}"
    beside = f"tests: [{{test: b, rule: points-expired, member: {{email: a@example.org}}, timeline: [{step}]}}]"
    timelines, findings = in_rules(f"rules:{inside.rstrip(' ')}{beside}\n")
    assert findings == []
    assert sorted(one.name for one in timelines) == ["a", "b"]


def test_a_broken_test_beside_a_rule_keeps_the_set_from_going_live(tmp_path):
    root = write(tmp_path, {"rules/a.yaml": ALONE.replace("member: anna", "member: ana")})
    with pytest.raises(RulesetInvalid, match=r"rules/a.yaml:9:13: error\[PB632\] unknown member"):
        load_ruleset(root, programme=PROGRAMME, spellings=SPELLINGS.get)


def test_a_sound_test_beside_a_rule_goes_live_with_it(tmp_path):
    root = write(tmp_path, {"rules/a.yaml": ALONE})
    assert load_ruleset(root, programme=PROGRAMME, spellings=SPELLINGS.get).rules
