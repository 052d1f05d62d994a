"""``run`` and ``demo``: the engine at work."""

import pytest


def test_the_demo_runs_anywhere_and_says_where_the_mails_are(pointbell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = pointbell("demo", "--out", "mails")
    assert "mails/index.html" in shown
    assert (tmp_path / "mails" / "index.html").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name == "var"] == []


@pytest.mark.parametrize("where", ["programme", "programme/config.yaml"])
def test_all_due_work_can_be_done_without_staying(where, pointbell, monkeypatch):
    monkeypatch.chdir(pointbell.folder.parent)
    pointbell("run", "--until-idle", "-c", where)
    assert pointbell.json("status", "-c", where)["events"] == {}
