"""``init`` and ``check``."""

import json

import pytest


def test_init_makes_a_programme_that_passes_its_check(pointbell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = pointbell("init", "mine")
    assert "config.yaml" in written.splitlines()
    assert "rules/ (" in written
    assert "pointbell check" in pointbell.said
    assert "cd mine" in pointbell.said
    assert pointbell("check", "mine") == ""
    assert "no problems" in pointbell.said


def test_init_never_overwrites(pointbell):
    pointbell("init", pointbell.folder, code=2)
    assert "never overwrites" in pointbell.said


def test_init_into_a_file_is_refused(pointbell):
    pointbell("init", pointbell.folder / "config.yaml", code=2)


def test_a_clean_programme_is_silent_on_standard_output(pointbell):
    assert pointbell("check") == ""
    assert pointbell.said == "config.yaml, 4 rules, templates and tests: no problems.\n"
    assert json.loads(pointbell("check", "--format", "json")) == []


def test_a_finding_has_its_place_a_caret_and_the_likely_fix(pointbell):
    pointbell.replace("rules/points-expired.yaml", "event.points", "event.poins")
    shown = pointbell("check", code=1)
    assert 'rules/points-expired.yaml:4:11: error[PB204] unknown field "poins" on event' in shown
    assert '^^^^^ did you mean "points"?' in shown
    assert "1 error" in pointbell.said


def test_json_lists_findings_for_editors(pointbell):
    pointbell.replace("rules/points-expired.yaml", "event.points", "event.poins")
    [found] = json.loads(pointbell("check", "--format", "json", code=1))
    assert found == {
        "file": "rules/points-expired.yaml",
        "line": 4,
        "column": 11,
        "code": "PB204",
        "severity": "error",
        "message": 'unknown field "poins" on event',
        "suggestion": 'did you mean "points"?',
    }


def test_findings_in_templates_and_rules_come_together(pointbell):
    pointbell.replace("rules/points-expired.yaml", "event.points", "event.poins")
    pointbell.write("templates/points-added/email.en.txt", "{{ member.frist_name }}")
    files = {found["file"] for found in json.loads(pointbell("check", "--format", "json", code=1))}
    assert {"rules/points-expired.yaml", "templates/points-added/email.en.txt"} <= files


@pytest.mark.parametrize(("folder", "code"), [("programme", 1), (".", 1)])
def test_a_finding_in_config_yaml_is_one_like_any_other(folder, code, pointbell, monkeypatch):
    pointbell.replace("config.yaml", "mode: capture", "mode: captur")
    monkeypatch.chdir(pointbell.folder.parent if folder != "." else pointbell.folder)
    [found] = json.loads(pointbell("check", folder, "--format", "json", code=code))
    assert (found["file"], found["code"], found["suggestion"]) == ("config.yaml", "PB603", 'did you mean "capture"?')
    assert "before anything else can be checked" in pointbell.said


def test_a_folder_without_a_programme_cannot_be_checked(pointbell, tmp_path):
    pointbell("check", tmp_path / "nowhere", code=2)
    assert "cannot read" in pointbell.said


def test_config_yaml_that_is_no_yaml_is_a_finding(pointbell):
    pointbell.write("config.yaml", "programme: [")
    assert {found["file"] for found in json.loads(pointbell("check", "--format", "json", code=1))} == {"config.yaml"}
