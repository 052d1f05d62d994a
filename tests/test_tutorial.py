"""docs/tutorial.md tells the truth: whoever does what stands there sees what stands there."""

import re
from pathlib import Path

import pytest

from .documents import acts, result_of

DOCS = Path(__file__).parent.parent / "docs"
TEXT = (DOCS / "tutorial.md").read_text(encoding="utf-8")


def plain(text):
    # A table is as wide as what is in it.
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def test_every_command_of_it_prints_what_stands_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = []
    for what, first, second in acts(TEXT):
        if what == "write":
            Path(first).write_text(second, encoding="utf-8")
        elif first[0] == "cd":
            monkeypatch.chdir(Path.cwd() / first[1])
        else:
            code, said = result_of(first[1:])
            assert plain(said) == plain(second), first
            ended.append(code)
    assert ended.count(1) == 4, "three mistakes and a test that fails"
    assert set(ended) == {0, 1}
    assert ended[-2:] == [0, 0]


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", TEXT))))
def test_its_links_lead_somewhere(link):
    file, _, anchor = link.partition("#")
    path = (DOCS / file).resolve() if file else DOCS / "tutorial.md"
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert not anchor or anchor in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
