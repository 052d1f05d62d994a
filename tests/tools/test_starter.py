"""The starter programme: complete, sound, and never in anybody's way."""

import pytest

from engine.errors import PointbellError
from engine.tools.starter import copy_starter, example_events, starter_root

HINTED = {"config.yaml": ".pointbell/config.schema.json", "rules": "../.pointbell/rules.schema.json"}


def test_the_copy_is_the_programme_of_this_repository(tmp_path, root):
    written = copy_starter(tmp_path / "new" / "programme")
    assert starter_root() == root
    assert {path.parts[0] for path in written} == {"config.yaml", "rules", "templates", "tests"}
    assert {path.name for path in written if path.parts[0] == "tests"} == {"points.yaml"}
    for path in written:
        hint = f"# yaml-language-server: $schema={HINTED[path.parts[0]]}\n" if path.parts[0] in HINTED else ""
        copied = (tmp_path / "new" / "programme" / path).read_text(encoding="utf-8")
        assert copied == hint + (root / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("taken", ["config.yaml", "rules", "templates", "tests/timelines"])
def test_nothing_is_overwritten(taken, tmp_path):
    (tmp_path / taken).mkdir(parents=True)
    with pytest.raises(PointbellError, match=f"already has {taken}, and init never overwrites"):
        copy_starter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [taken.partition("/")[0]]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PointbellError, match=r"cannot write to .*file"):
        copy_starter(tmp_path / "file" / "below")


def test_the_published_events_are_at_hand():
    assert "voucher.loyalty_card.points_expired" in {path.stem for path in example_events()}
