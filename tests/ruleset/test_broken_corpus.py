"""Every mistake in the shared files, configs and templates of ``broken/`` is found where it is, and nothing else."""

import pytest

from engine.config.reading import CODES as CONFIG_CODES
from engine.ruleset.template_codes import FAILS_WHEN_TRIED, TEMPLATE_CODES
from tests.corpus import READERS, cases

CASES = [(name, case) for name in READERS for case in cases(name)]
OF_SIZE = {"PB411"}
"""Shown in ``test_bombs``: too large for a file of data."""


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case['case']}" for name, case in CASES])
def test_the_mistake_is_found_where_it_is(name, case, tmp_path):
    found = sorted(READERS[name](case, tmp_path / "p"), key=lambda one: (one.file, one.line, one.column))
    assert [f"{one.line}:{one.column} {one.severity.value} {one.code}" for one in found] == case["expect"]
    assert all(one.code.startswith("PB") and one.message for one in found)


def test_no_case_is_sound_and_none_is_there_twice():
    assert all(case["expect"] for _, case in CASES)
    assert len({(name, case["case"]) for name, case in CASES}) == len(CASES) >= 120
    files = [(name, str({**case, "case": ""})) for name, case in CASES]
    assert len(set(files)) == len(files)


def test_every_code_of_templates_and_of_config_yaml_has_a_case():
    shown = {line.split()[-1] for _, case in CASES for line in case["expect"]}
    assert {*TEMPLATE_CODES, *CONFIG_CODES} - OF_SIZE - {FAILS_WHEN_TRIED} <= shown
