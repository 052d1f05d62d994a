"""A programme made by ``init``, and the command line that works on it."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from engine.cli import app


class CommandLine:
    """``pointbell`` as a function: the arguments, and the exit code it must end with."""

    def __init__(self, folder, root):
        self.folder = folder
        self.events = root / "tests" / "events"
        self._root = root

    def __call__(self, *words, code=0):
        """What the command printed, as text; ``.stderr`` of the last one is in ``said``."""
        result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "80", "NO_COLOR": "1"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.said = result.stderr
        assert result.exit_code == code, f"exit code {result.exit_code}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def json(self, *words, code=0):
        """What the command printed, as data."""
        return json.loads(self(*words, "--json", code=code))

    def process(self, *words, stdin=b"", **environ):
        """The command in a process of its own."""
        return subprocess.run(  # noqa: PLW1510 - the caller looks at the code
            [sys.executable, "-m", "engine", *map(str, words)],
            input=stdin,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(self._root), "COLUMNS": "80", **environ},
        )

    def write(self, name, text):
        """A file in the programme's folder."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def replace(self, name, old, new):
        """Edit a file of the programme."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))


SHOP = "\n  shop:\n    producer: native\n    unsigned: true\n\nchannels:"


@pytest.fixture(scope="session")
def fresh(tmp_path_factory, root):
    """The starter programme without its larger half, and with a second source for plain JSON."""
    folder = tmp_path_factory.mktemp("fresh") / "programme"
    pointbell = CommandLine(folder, root)
    pointbell("init", folder)
    pointbell.replace("config.yaml", "\nchannels:", SHOP)
    (folder / "rules" / "pending-points.yaml").unlink()
    for template in folder.glob("templates/pending-*"):
        shutil.rmtree(template)
    return folder


@pytest.fixture(scope="session")
def lived(fresh, tmp_path_factory, root):
    """A programme in which something has happened. Tests only read it."""
    folder = tmp_path_factory.mktemp("lived") / "programme"
    shutil.copytree(fresh, folder)
    pointbell = CommandLine(folder, root)
    members = pointbell.write("members.csv", MEMBERS)
    pointbell("members", "import", members, "-c", folder)
    pointbell("ingest", "--any-age", *sorted(pointbell.events.glob("*.json")), "-c", folder)
    pointbell("ingest", pointbell.write("shop.jsonl", SHOP_EVENTS), "--source", "shop", "-c", folder, code=1)
    return folder


MEMBERS = """\
id,email,first_name,locale,timezone,aliases
cust_IdgAFZxYwwHctOk9pPuMu308,jack@example.org,Jack,en,,
cust_2p0TvCOvB25HWUrW9JFf4czJ,alex@example.org,Alex,en,,
anna,anna@example.org,Anna,pl,Europe/London,crm-1;crm-2
"""

SHOP_EVENTS = """\
{"id": "a1", "type": "points_earned", "member": {"id": "anna"}, "card": {"id": "card-a", "balance": 400, \
"next_expiration_date": "2999-12-31", "next_expiration_points": 400}, "data": {"points": 400}}
{broken
{"id": "a2", "type": "card_published", "member": {"id": "bo"}, "card": {"id": "card-b"}}
{"id": "a3", "type": "never_heard_of", "member": {"id": "bo"}}
"""


@pytest.fixture
def pointbell(fresh, tmp_path, root, monkeypatch):
    """The command line in a programme of its own."""
    folder = tmp_path / "programme"
    shutil.copytree(fresh, folder)
    monkeypatch.chdir(folder)
    return CommandLine(folder, root)


@pytest.fixture
def history(lived, root, monkeypatch):
    """The command line in the programme in which something has happened."""
    monkeypatch.chdir(lived)
    return CommandLine(lived, root)
