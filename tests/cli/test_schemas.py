"""``schema``: an editor learns this programme's names."""

import json


def test_the_schema_names_what_this_programme_has(pointbell):
    made = json.loads(pointbell("schema", "rules"))
    assert made["$schema"] == "http://json-schema.org/draft-07/schema#"
    send = made["definitions"]["rule"]["properties"]["send"]
    assert "points-expired" in json.dumps(send)
    assert "loyalty" in made["definitions"]["rule"]["properties"]["category"]["enum"]


def test_it_is_written_where_it_is_wanted(pointbell, tmp_path):
    assert pointbell("schema", "shared", "--out", tmp_path / "a" / "b") == ""
    assert "audiences" in json.loads((tmp_path / "a" / "b" / "shared.schema.json").read_text("utf-8"))["properties"]


def test_a_new_programme_has_its_schemas(pointbell, tmp_path):
    pointbell("init", tmp_path / "mine")
    assert {path.name for path in (tmp_path / "mine" / ".pointbell").iterdir()} == {
        "rules.schema.json",
        "shared.schema.json",
    }
