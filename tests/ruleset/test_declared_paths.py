"""``path`` of declared fields: what may be read from bodies, and under which names."""

import pytest

from engine.ingest import BodyField
from engine.ruleset.declared import read_fields
from engine.ruleset.report import Report
from engine.ruleset.yaml import read_yaml


def declared(text):
    document = read_yaml(text.encode(), "rules/shared.yaml")
    report = Report(document.source)
    return read_fields(report, document.root), report.findings


def test_a_path_is_read_from_bodies():
    (plain, entry), findings = declared(
        "member.shoe_size: {type: number, path: 'customer.extra[0].shoe'}\n"
        'card.metadata["a b"]: {type: text, path: \'x["a b"]\'}\n'
    )
    assert findings == []
    assert plain.body_field == BodyField(group="member", name="shoe_size", path=("customer", "extra", 0, "shoe"))
    assert entry.body_field == BodyField(group="card", name="metadata", entry="a b", path=("x", "a b"))


def test_without_a_path_nothing_is():
    (one,), _ = declared("member.shoe_size: number\n")
    assert one.body_field is None


@pytest.mark.parametrize("name", ["member.id", "member.erased", "card.holder_id", "card.member_id", "event.name"])
def test_what_pointbell_knows_itself_is_not_read_from_bodies(name):
    found, findings = declared(f"{name}: {{type: text, path: a.b}}\n")
    assert found == ()
    assert [one.code for one in findings] == ["PB154"]
    assert f"{name} is not read from bodies" in findings[0].message


@pytest.mark.parametrize("path", ["a..b", "a b", "$.a", "a["])
def test_a_path_must_be_one(path):
    found, findings = declared(f"member.x: {{type: text, path: '{path}'}}\n")
    assert found == ()
    assert "is not a path in a body" in findings[0].message
