"""``test``: the starter's tests pass as they come, and what fails is told in every form."""

import json
from xml.etree import ElementTree as ET

import pytest

FAILING = """\
tests:
  - test: fifty points are not enough
    rule: points-expired
    member: {email: anna@example.org}
    timeline: [{at: 2026-02-01 00:05, event: points_expired, data: {points: 50}}]
    expect: []
  - test: forty-nine are not
    rule: points-expired
    member: {email: anna@example.org}
    timeline: [{at: 2026-02-01 00:05, event: points_expired, data: {points: 49}}]
    expect: []
"""


@pytest.fixture
def failing(pointbell):
    """A programme with one test that fails and one that passes."""
    pointbell.write("tests/timelines/points.yaml", FAILING)
    return pointbell


def test_the_tests_of_the_starter_pass_and_nothing_is_stored(pointbell):
    assert "8 tests: 8 passed" in pointbell("test")
    assert not (pointbell.folder / "var").exists()


def test_a_failure_is_told_with_its_place_and_ends_with_1(failing):
    shown = failing("test", code=1)
    assert shown.startswith("tests/timelines/points.yaml:2: fifty points are not enough\n  + 2026-02-01 00:05  send")
    assert "✓ event.points >= 50  event.points = 50  rules/points-expired.yaml:4:5" in shown
    assert shown.endswith("\n\n2 tests: 1 passed, 1 failed\n")


def test_only_the_tests_that_are_asked_for_run(failing):
    assert failing("test", "-k", "not fifty") == "1 test: 1 passed\n"
    failing("test", "-k", "nothing like it", code=2)
    assert "No test has nothing like it in its name." in failing.said
    elsewhere = failing.write("other.yaml", FAILING.replace("expect: []\n  - test: forty", "expect: []\n  - test: 40"))
    assert "2 tests" in failing("test", elsewhere, code=1)
    failing("test", "nowhere.yaml", code=2)


def test_tests_beside_a_rule_run_too(pointbell):
    own = FAILING.replace("    rule: points-expired\n", "")
    rule = (pointbell.folder / "rules" / "points-expired.yaml").read_text(encoding="utf-8")
    pointbell.write("rules/points-expired.yaml", f"{rule}{own}")
    assert "10 tests: 9 passed, 1 failed" in pointbell("test", code=1)
    assert "2 tests: 1 passed, 1 failed" in pointbell("test", "rules/points-expired.yaml", code=1)


def test_a_broken_file_is_told_with_the_place_and_ends_with_2(pointbell):
    pointbell.write("tests/timelines/points.yaml", FAILING.replace("points-expired", "points-expird", 1))
    shown = pointbell("test", code=2)
    assert shown.startswith('tests/timelines/points.yaml:3:11: error[PB631] unknown rule "points-expird"\n')
    assert '          ^^^^^^^^^^^^^ did you mean "points-expired"?' in shown
    assert "The tests cannot run: 1 error." in pointbell.said


def test_the_forms_for_programs(failing):
    told = json.loads(failing("test", "--format", "json", "--coverage", code=1))
    assert [(one["test"], one["passed"], one["line"]) for one in told["tests"]] == [
        ("fifty points are not enough", False, 2),
        ("forty-nine are not", True, 7),
    ]
    assert told["tests"][0]["unexpected"][0]["send"] == "points-expired"
    assert told["coverage"]["rules"] == {"seen": 1, "total": 4, "lacking": told["coverage"]["rules"]["lacking"]}
    suite = ET.fromstring(failing("test", "--format", "junit", code=1))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert "first difference" in suite.find("testcase/failure").text


def test_too_little_coverage_ends_with_1(pointbell):
    assert "coverage: rules 4/4, conditions 2/3 (never false: " in pointbell("test", "--coverage-min", "50")
    pointbell("test", "--coverage-min", "100", code=1)
    assert "is covered, less than 100 %" in pointbell.said


def test_no_secret_is_needed(pointbell):
    unsigned = "    unsigned: true                # for trying"
    pointbell.replace("config.yaml", unsigned, '    secrets: ["${NEVER_SET}"]  #')
    pointbell.replace("config.yaml", "port: 1025", "port: ${NO_PORT}")
    assert "8 passed" in pointbell("test")


def test_without_tests_there_is_nothing_to_fail(pointbell):
    (pointbell.folder / "tests" / "timelines" / "points.yaml").unlink()
    assert pointbell("test") == ""
    assert "There are no tests" in pointbell.said
