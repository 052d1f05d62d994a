"""Every mistake in ``broken/`` is found at its place, once, and the fix is named."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from engine.errors import RulesetInvalid
from engine.language.problem import CODES as LANGUAGE_CODES
from engine.ruleset import load_ruleset
from engine.ruleset.codes import CODES
from engine.ruleset.load import _names_twice
from engine.ruleset.parse import read_rules
from engine.ruleset.template_codes import TEMPLATE_CODES
from engine.ruleset.timeline_codes import TIMELINE_CODES
from engine.ruleset.yaml import read_yaml

from .programme import DEFINITIONS, PROGRAMME, SPELLINGS, VOCABULARY, shared, write

CASES = yaml.safe_load((Path(__file__).parent / "broken" / "index.yaml").read_text(encoding="utf-8"))
NEED_A_FOLDER = {"PB104", "PB126", "PB505", "PB513", "PB514", "PB515"}


def content(case):
    if "bytes" in case:
        return bytes.fromhex(case["bytes"])
    if "repeat" in case:
        return (case["repeat"]["text"] * case["repeat"]["times"]).encode()
    return case["text"].encode()


def findings(case):
    known = replace(VOCABULARY, shared=shared(DEFINITIONS)) if case.get("without_default") else VOCABULARY
    file = read_rules(read_yaml(content(case), "rules/a.yaml"), known)
    return sorted([*file.diagnostics, *_names_twice([file])], key=lambda found: (found.line, found.column))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_mistake_is_found_where_it_is_and_the_fix_is_named(case):
    found = findings(case)
    said = " ".join(f"{each.message} {each.suggestion}" for each in found)
    assert [words for words in case.get("says", ()) if words not in said] == []
    assert [f"{each.line}:{each.column} {each.severity} {each.code}" for each in found] == case["expect"]


def test_every_code_of_rule_files_has_a_case():
    shown = {line.split()[-1] for case in CASES for line in case["expect"]}
    assert set(CODES) - NEED_A_FOLDER <= shown
    assert shown <= set(CODES) | set(LANGUAGE_CODES)


def test_a_code_means_one_thing():
    tables = [set(CODES), set(LANGUAGE_CODES), set(TEMPLATE_CODES), set(TIMELINE_CODES)]
    assert len(set.union(*tables)) == sum(map(len, tables))


def test_the_mistakes_of_all_files_are_told_at_once(tmp_path):
    broken = [case for case in CASES if "error" in str(case["expect"])]
    root = write(tmp_path, {f"rules/{number:03}.yaml": content(case) for number, case in enumerate(broken)})
    with pytest.raises(RulesetInvalid) as refused:
        load_ruleset(root, programme=PROGRAMME, spellings=SPELLINGS.get)
    assert {found.file for found in refused.value.diagnostics} == {
        f"rules/{number:03}.yaml" for number in range(len(broken))
    }
