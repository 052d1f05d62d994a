"""On a terminal of 80 columns no line is longer, and ids give way before words do."""

import os
import pty
import subprocess
import sys

import pytest


def on_a_terminal(history, *words):
    """Standard output of the command as a terminal of 80 columns gets it."""
    leader, follower = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": str(history.events.parent.parent), "COLUMNS": "80", "TERM": "xterm"}
    command = [sys.executable, "-m", "engine", *words, "-c", str(history.folder)]
    subprocess.run(command, stdout=follower, stderr=subprocess.DEVNULL, env=environ | {"NO_COLOR": "1"}, check=True)
    os.close(follower)
    shown = bytearray()
    try:
        while part := os.read(leader, 65536):
            shown += part
    except OSError:  # What a terminal answers once its other end is closed and everything is read.
        pass
    finally:
        os.close(leader)
    return shown.decode()


@pytest.mark.parametrize("words", [("events", "list"), ("outbox", "list"), ("timers",), ("why", "L0y4L")], ids=" ".join)
def test_tables_fit(words, history):
    shown = on_a_terminal(history, *words)
    lines = [line.rstrip() for line in shown.splitlines()]
    assert lines
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in shown, "NO_COLOR is honoured"
