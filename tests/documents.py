"""Documents that are run: their blocks, and the commands in them with what they print."""

import re
import shlex

from typer.testing import CliRunner

from engine.cli import app

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w./-]+)`:\s*\Z")


def blocks(language, text):
    """What stands in the blocks of this language."""
    return [content for name, content in FENCE.findall(text) if name == language]


def commands(block):
    """(words, what they print) of each command in a block."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield shlex.split(command), output


def acts(text):
    """What a reader does, in order: ("write", file, content) and ("run", words, what it prints)."""
    for found in FENCE.finditer(text):
        file = _FILE.search(text, 0, found.start())
        if found[1] == "console":
            yield from (("run", words, output) for words, output in commands(found[2]))
        elif file:
            yield "write", file[1], found[2]


def result_of(words):
    """The command's exit code and everything it printed, as on a wide terminal."""
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output
