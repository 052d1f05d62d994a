"""docs/operations.md tells the truth: its drill prints what stands there, and what it names exists."""

import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from engine.cli import app
from engine.config.retention import RetentionSettings
from engine.metrics import Metrics
from engine.store import Kind

from .documents import blocks, commands, result_of

DOC = (Path(__file__).parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
CHANGES = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME"),
    (r"\d{8}T\d{6}Z", "STAMP"),
    (r"\d+ bytes", "N bytes"),
    (r"(less than a minute|\d+ minutes?) ago", "AGE ago"),
    (r"/\S*/drill/", "DRILL/"),
)
"""What is another one each time."""


def section(title):
    return DOC.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def plain(text):
    for pattern, word in CHANGES:
        text = re.sub(pattern, word, text)
    # A table is as wide as what is in it.
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def run(*words):
    code, said = result_of(words)
    assert code == 0, said
    return said


def test_its_restore_drill_prints_what_stands_there(tmp_path, monkeypatch):
    folder = tmp_path / "drill"
    run("init", str(folder))
    monkeypatch.chdir(folder)
    drill = section("Restore drill")
    for name, content in zip(("anna", "bo"), blocks("json", drill), strict=True):
        (folder / f"{name}.json").write_text(content, encoding="utf-8")
    told = [one for block in blocks("console", drill) for one in commands(block)]
    assert len(told) == 7
    for words, output in told:
        assert plain(run(*words[1:])) == plain(output), words
    tidy = [one for one in blocks("console", section("What is kept for how long")) for one in commands(one)]
    assert [plain(run(*words[1:])) for words, _ in tidy] == [plain(output) for _, output in tidy]


def test_its_commands_exist():
    known = get_command(app).commands
    for first, second in re.findall(r"pointbell (?!\w*\.)([a-z-]+)(?: ([a-z-]+))?", re.sub(r"https?://\S+", "", DOC)):
        if first in known and hasattr(known[first], "commands"):
            assert second in known[first].commands, (first, second)
    named = set(re.findall(r"`pointbell ([a-z-]+)", DOC)) | set(
        re.findall(r"^\$ pointbell ([a-z-]+)", DOC, re.MULTILINE)
    )
    assert len(named) > 10
    assert named <= set(known)


def test_its_metrics_exist():
    text = Metrics().text().decode()
    for name in set(re.findall(r"`(pointbell_\w+)", DOC)):
        assert f"# HELP {name.removesuffix('_total')}" in text, name


def test_its_retention_is_the_default_and_names_every_kind():
    [shown] = [yaml.safe_load(block) for block in blocks("yaml", DOC) if "retention:\n  bodies" in block]
    assert set(shown["retention"]) == {kind.value for kind in Kind}
    assert RetentionSettings.model_validate(shown["retention"]) == RetentionSettings()


@pytest.mark.parametrize("anchor", re.findall(r"\]\(#([\w-]+)\)", DOC))
def test_its_links_lead_somewhere(anchor):
    titles = [title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", DOC, re.MULTILINE)]
    assert anchor in titles
