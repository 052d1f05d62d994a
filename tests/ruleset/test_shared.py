"""``rules/shared.yaml``: definitions that rules refer to, and what is wrong with them, each at its place."""

from datetime import timedelta

import pytest

from engine.language.kinds import Kind
from engine.ruleset.category import Consent
from engine.ruleset.lists import read_lists
from engine.ruleset.report import Report
from engine.ruleset.shared import SHARED, read_shared
from engine.ruleset.yaml import read_yaml

WORKED = """
audiences:
  active-members: member.metadata["status"] == "active"
  staff: member.email | default("") in lists.staff         # lists/staff.csv, or ends_with(...)
caps:
  marketing: {at_most: 3, per: 7 days, and: {at_most: 1, per: day}}
categories:
  loyalty: {consent: opt_out}             # news about your own points
  marketing: {consent: opt_in}
  security: {consent: transactional}      # ignores stops and caps, never bounces or erasure
fields:
  member.metadata["status"]: {type: text, one_of: [active, dormant]}
  member.birthdate: {type: date, path: customer.birthdate}
  event.store: text
defaults: {category: loyalty}
"""
UNKNOWN_TEXT = """audiences:
  gold: member.metadata["status"] == "activ"
fields: {'member.metadata["status"]': {type: text, one_of: [active]}}"""
LISTS = {"staff": frozenset({"bo@example.org"})}


def read(text):
    document = read_yaml(text.encode(), SHARED)
    report = Report(document.source)
    shared = read_shared(report, document.root, LISTS)
    return shared, [f"{found.line}:{found.column} {found.code}" for found in report.findings], report.findings


def test_the_worked_example_is_read_as_written():
    shared, findings, _ = read(WORKED)
    assert findings == []
    assert set(shared.audiences) == {"active-members", "staff"}
    assert [(limit.at_most, limit.per) for limit in shared.caps["marketing"]] == [(3, timedelta(days=7)), (1, "day")]
    assert {name: one.consent for name, one in shared.categories.items()} == {
        "loyalty": Consent.OPT_OUT,
        "marketing": Consent.OPT_IN,
        "security": Consent.TRANSACTIONAL,
    }
    assert [(one.path, one.type.kind, one.body_path) for one in shared.fields] == [
        (("member", "metadata", "status"), Kind.TEXT, None),
        (("member", "birthdate"), Kind.DATE, "customer.birthdate"),
        (("event", "store"), Kind.TEXT, None),
    ]
    assert shared.default_category == "loyalty"


def test_a_programme_without_the_file_has_one_category():
    report = Report(read_yaml(b"", SHARED).source)
    shared = read_shared(report, None, {})
    assert (shared.default_category, set(shared.categories)) == ("loyalty", {"loyalty"})


@pytest.mark.parametrize(
    ("text", "expected", "says"),
    [
        ("audiences: [a]", "1:12 PB152", "a mapping of names"),
        ("audiences: {Gold Members: card.balance > 0}", "1:13 PB155", 'write "gold-members"'),
        ("audiences: {gold: card.balence > 0}", "1:24 PB204", 'did you mean "balance"?'),
        ("audiences: {gold: event.points > 0}", "1:19 PB211", "defined for all rules"),
        ("audiences: {gold: member.email in lists.stuff}", "1:41 PB204", 'did you mean "staff"?'),
        (UNKNOWN_TEXT, "2:38 PB209", "active"),
        ("categories: {news: opt_in}", "1:20 PB152", "write {consent: opt_out}"),
        ("categories: {news: {consent: optin}}", "1:30 PB154", 'did you mean "opt_in"?'),
        ("categories: {news: {}}", "1:20 PB151", 'needs "consent"'),
        ("categories: {news: {consent: opt_in, cap: a}}", "1:43 PB309", "define it under"),
        ("caps: {few: {at_most: 3, per: day}}\ncategories: {news: {consent: opt_in, cap: fwe}}", "2:43 PB309", '"few"'),
        ("caps: {few: 3}", "1:13 PB152", "at_most: 3"),
        ("caps: {few: {at_most: 0, per: day}}", "1:23 PB154", "1 or more"),
        ("caps: {few: {at_most: 3, per: fortnight}}", "1:31 PB154", "calendar day"),
        ("caps: {few: {at_most: 3, per: day, and: {at_most: 1}}}", "1:42 PB151", 'needs "per"'),
        ("fields: {customer.birthdate: date}", "1:10 PB155", "member.birthdate"),
        ("fields: {member.age: {type: int}}", "1:29 PB154", 'did you mean "whole number"?'),
        ("fields: {member.age: {type: number, one_of: [a]}}", "1:45 PB154", "for texts"),
        ("fields: {member.age: {type: number, path: a..b}}", "1:43 PB154", "customer.birthdate"),
        ("fields: {member.age: [number]}", "1:22 PB152", "write {type: text}"),
        ("defaults: {category: news}", "1:22 PB307", "unknown category"),
        ("defaults: {quiet_hours: 21-8}", "1:25 PB154", 'write "21:00-08:00"'),
        ("defaults: {window: 21:00-08:00}", "1:12 PB153", "not yet available"),
        ("rules: []", "1:1 PB150", "files of their own"),
        ("[a]", "1:1 PB152", 'begin with "audiences:"'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place_with_its_fix(text, expected, says):
    _, findings, full = read(text)
    assert findings == [expected]
    assert says in f"{full[0].message} {full[0].suggestion}"


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"email\nBo@Example.org\n", {"bo@example.org"}),
        (b"\xef\xbb\xbfid;x\nc1\n", {"id;x", "c1"}),
        (b'"c, 1",ignored\n# a comment\n\n c2 \n', {"c, 1", "c2"}),
    ],
)
def test_a_list_is_the_first_column(data, values):
    lists, problems = read_lists({"lists/staff.csv": data})
    assert (lists["staff"], problems) == (frozenset(values), [])


@pytest.mark.parametrize(
    ("path", "data", "code", "line"),
    [
        ("lists/our-staff.csv", b"a\n", "PB155", 1),
        ("lists/staff.csv", b"a\n\xff\n", "PB102", 2),
        ("lists/staff.csv", b"email\n", "PB125", 1),
    ],
)
def test_a_list_that_cannot_be_used_is_told(path, data, code, line):
    _, [problem] = read_lists({path: data})
    assert (problem.file, problem.code, problem.line) == (path, code, line)
