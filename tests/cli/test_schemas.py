"""``schema``: an editor learns this programme's names."""

import json

import pytest

SCHEMAS = {"rules.schema.json", "shared.schema.json", "config.schema.json"}


def test_the_schema_names_what_this_programme_has(pointbell):
    made = json.loads(pointbell("schema", "rules"))
    assert made["$schema"] == "http://json-schema.org/draft-07/schema#"
    send = made["definitions"]["rule"]["properties"]["send"]
    assert "points-expired" in json.dumps(send)
    assert "loyalty" in made["definitions"]["rule"]["properties"]["category"]["enum"]


def test_the_schema_of_config_yaml_names_its_channels(pointbell):
    made = json.loads(pointbell("schema", "config"))
    assert {"enum": ["email", "sms"]} in made["properties"]["delivery"]["properties"]["default_channel"]["anyOf"]


def test_it_is_written_where_it_is_wanted(pointbell, tmp_path):
    assert pointbell("schema", "shared", "--out", tmp_path / "a" / "b") == ""
    assert "audiences" in json.loads((tmp_path / "a" / "b" / "shared.schema.json").read_text("utf-8"))["properties"]


def test_a_folder_that_cannot_be_written_is_told(pointbell):
    pointbell("schema", "shared", "--out", pointbell.write("taken", ""), code=2)
    assert "cannot write to" in pointbell.said


def test_all_are_made_anew_where_the_hints_point(pointbell):
    folder = pointbell.folder / ".pointbell"
    for name in SCHEMAS:
        (folder / name).write_text("{}", encoding="utf-8")
    assert pointbell("schema") == ""
    assert all("properties" in (folder / name).read_text("utf-8") for name in SCHEMAS)
    assert {path.name for path in folder.iterdir()} == SCHEMAS


@pytest.mark.parametrize("file", ["config.yaml", "rules/points-expired.yaml", "rules/tier-reached.yaml"])
def test_the_files_of_a_new_programme_say_on_their_first_line_where_their_schema_is(pointbell, file):
    path = pointbell.folder / file
    mark, _, target = path.read_text("utf-8").splitlines()[0].partition("$schema=")
    assert mark == "# yaml-language-server: "
    assert (path.parent / target).resolve().name in SCHEMAS
    assert (path.parent / target).is_file()
