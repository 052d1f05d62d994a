"""The JSON Schemas: what is sound passes, what they refuse ``check`` refuses too, and editors know the names."""

from pathlib import Path

import jsonschema
import pytest

from engine.language import Severity
from engine.ruleset.json_schema import Names, rules_schema, shared_schema
from engine.ruleset.positions import plain
from engine.ruleset.yaml import read_yaml
from tests.programme import STARTER

from .programme import DEFINITIONS, VOCABULARY
from .test_broken_files import CASES, content, findings

NAMES = Names(templates=VOCABULARY.template_names, channels=VOCABULARY.channels, shared=VOCABULARY.shared)
RULES = jsonschema.Draft7Validator(rules_schema(NAMES))
SHARED = jsonschema.Draft7Validator(shared_schema(NAMES))
WHOLE = [case for case in CASES if read_yaml(content(case), "a.yaml").whole and content(case).strip()]


def data(text):
    return plain(read_yaml(text.encode(), "a.yaml").root)


def refused_by_check(case):
    return any(found.severity is Severity.ERROR for found in findings(case))


def starter_rules():
    return sorted(path for path in Path(STARTER, "rules").glob("*.yaml") if path.name != "shared.yaml")


@pytest.mark.parametrize("validator", [RULES, SHARED])
def test_the_schemas_are_of_draft_7(validator):
    jsonschema.Draft7Validator.check_schema(validator.schema)


@pytest.mark.parametrize("path", starter_rules(), ids=lambda path: path.name)
def test_the_starters_rules_pass(path):
    templates = frozenset(folder.name for folder in Path(STARTER, "templates").iterdir() if folder.is_dir())
    names = Names(templates=templates, channels=frozenset({"email"}), shared=VOCABULARY.shared)
    assert list(jsonschema.Draft7Validator(rules_schema(names)).iter_errors(data(path.read_text("utf-8")))) == []


def test_a_shared_file_passes():
    text = DEFINITIONS + "caps: {few: {at_most: 3, per: 7 days}}\nfields: {'member.metadata[\"a\"]': {type: text}}\n"
    assert list(SHARED.iter_errors(data(text + "defaults: {category: loyalty}\n"))) == []


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case["case"])
def test_what_the_schema_refuses_check_refuses(case):
    root = read_yaml(content(case), "a.yaml").root
    refused = root is not None and not RULES.is_valid(plain(root))
    assert not refused or refused_by_check(case)


@pytest.mark.parametrize(
    "text",
    [
        "rule: a\non: points_expird\nsend: points-expired",
        "rule: a\non: points_expired\nsend: points-expird",
        "rule: a\non: points_expired\nsnd: points-expired",
        "rule: a\non: points_expired\nsend: {template: points-expired, channel: emial}",
        "rule: a\non: points_expired\nsend: points-expired\naudience: actve",
        "rule: a\non: points_expired\nsend: points-expired\ncategory: marketting",
        "rule: a\non: points_expired\nsend: points-expired\nmode: lvie",
        "rule: a\non: points_expired\nsend: points-expired\nvariants: [{name: a}]",
        "rule: a\non: points_expired",
        "rules: [{rule: a, on: points_expired, send: points-expird}]",
    ],
)
def test_an_editor_knows_keys_and_names(text):
    assert not RULES.is_valid(data(text))


@pytest.mark.parametrize(
    "text",
    ["audience: {gold: a}", "categories: {news: {consent: optin}}", "defaults: {category: news}", "fields: {a: {}}"],
)
def test_an_editor_knows_what_may_be_shared(text):
    assert not SHARED.is_valid(data(text))


EVERYTHING = """\
rule: a
on: [points_added, voucher.loyalty_card.points_expired]
if: {all: [event.points > 0]}
audience: {any: [active, "member.id == 'anna'"]}
exclude: [active]
let: {lost: event.points}
send: [{template: points-expired, channel: email, if: event.points > 1}]
variants: [{name: a, weight: 100, subject: {en: Hello, pl: Hej}}]
holdout: 2.5 %
once_per: member
again_after: 20 days
useful_for: 3 days
category: loyalty
priority: 1
mode: off
locale: '"pl"'
valid_from: 2026-01-01
valid_until: 2026-12-31
on_ambiguous: resend
description: All of it.
owner: anna
tags: [a, b]
"""


def test_a_rule_with_every_key_passes_both():
    case = {"text": EVERYTHING}
    assert findings(case) == []
    assert list(RULES.iter_errors(data(EVERYTHING))) == []
