"""Commands while a daemon runs, and while it comes and goes: it owns the database, and they go through its socket."""

import json
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager, suppress

import pytest

from engine.cli import work
from engine.config import load_config
from engine.errors import OfficeError
from engine.office import socket_path, wire
from engine.office.daemon import Standing
from engine.office.intake import Settled
from engine.store import sqlite

PATIENCE_S = 60


def earned(name):
    member = {"id": name, "email": f"{name}@example.org"}
    return json.dumps({"id": name, "type": "points_earned", "member": member, "data": {"points": 40}})


class Process:
    """``pointbell`` as a process: what it says line by line, as it says it."""

    def __init__(self, pointbell, *words):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine", *map(str, words), "-c", str(pointbell.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(pointbell._root)},
            text=True,
        )
        self.pid = self._process.pid
        self._lines = queue.SimpleQueue()
        self.said = []
        self._ended = None
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stderr:
            self.said.append(line)
            self._lines.put(line)
        self._lines.put("")

    def until(self, event):
        """Wait until it has logged the event."""
        while line := self._lines.get(timeout=PATIENCE_S):
            if line.startswith("{") and json.loads(line)["event"] == event:
                return
        raise AssertionError(f"it ended without saying {event!r}:\n{''.join(self.said)}")

    def write(self, text):
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def signal(self, number):
        self._process.send_signal(number)

    def end(self):
        """Wait for its end: the exit code, and what it printed."""
        if self._ended is None:
            self._process.stdin.close()
            printed = self._process.stdout.read()
            self._ended = self._process.wait(PATIENCE_S), printed
            self._reader.join(PATIENCE_S)
            self._process.stdout.close()
            self._process.stderr.close()
        return self._ended


@contextmanager
def daemon(pointbell):
    """A daemon process, ready; it must end well when it is told to, unless it is dead by then."""
    process = Process(pointbell, "run")
    try:
        process.until("listening")
        yield process
    finally:
        process.signal(signal.SIGTERM)
        code, _ = process.end()
    assert code in (0, -signal.SIGKILL), process.said


@pytest.fixture
def pointbell(pointbell):
    """The command line in a programme whose daemon takes any free port, and starts no children."""
    pointbell.replace("config.yaml", "  port: 8080", "  port: 0")
    pointbell.write("config.yaml", (pointbell.folder / "config.yaml").read_text(encoding="utf-8") + "\nworkers: 0\n")
    return pointbell


def counts(pointbell):
    return pointbell.json("status")


def owner(pointbell):
    """The process that answers for the database."""
    return work.of_daemon(load_config(pointbell.folder / "config.yaml"), Standing()).process


# --- through the socket ---


def test_commands_that_write_work_while_a_daemon_runs(pointbell):
    members = pointbell.write("members.csv", "id,email\nanna,anna@example.org\nbo,bo@example.org\n")
    events = pointbell.write("shop.jsonl", f"{earned('anna')}\n{{broken\n{earned('bo')}\n")
    with daemon(pointbell) as process:
        assert pointbell("members", "import", members) == "2 members imported, 0 lines rejected.\n"
        told = pointbell.json("ingest", events, "--source", "shop", code=1)
        assert (told["new"], told["repeated"], len(told["quarantined"])) == (3, 0, 1)
        assert told["events"] == {"decided": 2, "quarantined": 1}
        assert told["notifications"] == {"captured": 2}
        again = pointbell.json("replay", "1", "2", code=1)
        assert (again["replayed"], again["notifications"], again["events"]) == (2, {}, {})
        assert [row["seq"] for row in again["quarantined"]] == [2]
        pointbell("run", "--until-idle")
        assert owner(pointbell) == process.pid
    assert counts(pointbell)["members"] == 2
    assert not socket_path(pointbell.folder / "var" / "pointbell.db").exists()


def test_only_what_was_asked_is_counted(pointbell):
    with daemon(pointbell):
        pointbell("ingest", pointbell.write("a.jsonl", earned("a")), "--source", "shop")
        told = pointbell.json("ingest", pointbell.write("b.jsonl", f"{earned('a')}\n{earned('b')}"), "--source", "shop")
        assert (told["new"], told["repeated"], told["events"]) == (1, 1, {"decided": 1})
        assert told["notifications"] == {"captured": 1}


def test_what_is_only_handed_in_is_left_to_the_daemon(pointbell):
    with daemon(pointbell):
        shown = pointbell("ingest", pointbell.write("a.jsonl", earned("a")), "--source", "shop", "--no-process")
        assert shown == "1 delivery: 1 new, 0 repeated, 0 set aside.\n"
        assert "The daemon decides them now" in pointbell.said
        pointbell("run", "--until-idle")
        assert counts(pointbell)["notifications"] == {"captured": 1}


def test_rules_are_read_again_on_command(pointbell):
    pointbell("reload", code=2)
    assert "no daemon runs on this programme" in pointbell.said
    with daemon(pointbell):
        assert pointbell.json("reload")["good"] is True
        pointbell.replace("rules/points-expired.yaml", "event.points", "event.pionts")
        shown = pointbell("reload", code=1)
        assert shown.startswith("rules/points-expired.yaml:")
        assert "the daemon goes on with the last good set" in pointbell.said
        told = pointbell.json("reload", code=1)
        assert (told["good"], told["findings"][0]["file"]) == (False, "rules/points-expired.yaml")
        pointbell.replace("rules/points-expired.yaml", "event.pionts", "event.points")
        assert pointbell("reload") == ""
        assert "rules (" in pointbell.said


def test_a_broken_rule_on_disk_keeps_no_command_from_a_daemon_that_has_good_ones(pointbell):
    with daemon(pointbell):
        pointbell.replace("rules/points-expired.yaml", "event.points", "event.pionts")
        assert pointbell.json("ingest", pointbell.write("a.jsonl", earned("a")), "--source", "shop")["new"] == 1


def test_what_truly_needs_the_file_alone_says_who_has_it(pointbell):
    with daemon(pointbell) as process:
        pointbell("db", "upgrade", code=2)
        assert f"is in use by process {process.pid}" in pointbell.said
        pointbell("run", code=2)
        assert f"is in use by process {process.pid}" in pointbell.said


# --- several at once, and those that do not come to their end ---


@pytest.mark.parametrize("running", [True, False], ids=["daemon", "no daemon"])
def test_commands_at_the_same_time_all_come_through(running, pointbell):
    if running:
        with daemon(pointbell):
            _three_at_once(pointbell)
    else:
        _three_at_once(pointbell)
    assert counts(pointbell)["events"] == {"decided": 300}


def _three_at_once(pointbell):
    names = ("a", "b", "c")
    files = [pointbell.write(f"{one}.jsonl", "\n".join(earned(f"{one}{n}") for n in range(100))) for one in names]
    commands = [Process(pointbell, "ingest", file, "--source", "shop", "--json") for file in files]
    ends = [command.end() for command in commands]
    assert [code for code, _ in ends] == [0, 0, 0], [command.said for command in commands]
    assert [json.loads(printed)["new"] for _, printed in ends] == [100, 100, 100]


@pytest.mark.parametrize("running", [True, False], ids=["daemon", "no daemon"])
def test_an_import_that_is_killed_leaves_what_was_stored_and_can_be_run_again(running, pointbell):
    if running:
        with daemon(pointbell) as process:
            _kill_and_repeat(pointbell)
            assert owner(pointbell) == process.pid
    else:
        _kill_and_repeat(pointbell)
    assert counts(pointbell)["events"] == {"decided": 600}


def _kill_and_repeat(pointbell):
    lines = [earned(f"m{number}") for number in range(600)]
    command = Process(pointbell, "ingest", "-", "--source", "shop")
    command.write("\n".join(lines[:300]) + "\n")
    _until_stored(pointbell, 250)
    command.signal(signal.SIGKILL)
    assert command.end()[0] == -signal.SIGKILL
    again = pointbell.write("all.jsonl", "\n".join(lines))
    told = pointbell.json("ingest", again, "--source", "shop")
    assert (told["new"], told["repeated"]) == (350, 250)


def _until_stored(pointbell, count):
    database = pointbell.folder / "var" / "pointbell.db"
    while not database.exists():
        os.sched_yield()
    found = 0
    with closing(sqlite3.connect(database)) as connection:
        while found != count:
            with suppress(sqlite3.OperationalError):  # Its tables are only just being made.
                [(found,)] = connection.execute("SELECT count(*) FROM event")


# --- it comes and goes ---


def test_after_a_daemon_was_killed_a_command_does_its_work_itself(pointbell):
    file = pointbell.write("a.jsonl", earned("a"))
    with daemon(pointbell) as process:
        process.signal(signal.SIGKILL)
        process.end()
        assert socket_path(pointbell.folder / "var" / "pointbell.db").is_socket(), "nobody was left to take it away"
        assert pointbell.json("ingest", file, "--source", "shop")["notifications"] == {"captured": 1}
        with daemon(pointbell) as another:
            assert owner(pointbell) == another.pid
            assert pointbell.json("ingest", file, "--source", "shop")["repeated"] == 1


def test_a_daemon_that_is_just_starting_is_waited_for(pointbell):
    file = pointbell.write("a.jsonl", earned("a"))
    starting = Process(pointbell, "run")
    starting.until("store open")
    told = pointbell.json("ingest", file, "--source", "shop")
    assert told["notifications"] == {"captured": 1}
    starting.signal(signal.SIGTERM)
    assert starting.end()[0] == 0


def test_whoever_has_the_file_and_takes_no_commands_is_named(pointbell, monkeypatch):
    monkeypatch.setattr(work, "TRIES", 1)
    with sqlite.owned(pointbell.folder / "var" / "pointbell.db"):
        pointbell("ingest", pointbell.write("a.jsonl", earned("a")), "--source", "shop", code=2)
    assert f"is in use by process {os.getpid()}, which takes no commands" in pointbell.said


def test_a_daemon_of_another_version_says_which(pointbell, monkeypatch):
    file = pointbell.write("a.jsonl", earned("a"))
    with daemon(pointbell):
        monkeypatch.setattr(wire, "VERSION", "0.0.1")
        pointbell("ingest", file, "--source", "shop", code=2)
        assert "this command is 0.0.1: restart the daemon" in pointbell.said
        monkeypatch.undo()
        assert not pointbell.json("events", "list", "-c", pointbell.folder)


# --- waiting for what is due ---


class Office:
    """A daemon that gets on as it is told to."""

    alone = False

    def __init__(self, *left):
        self._left = list(left)
        self.asked = []

    async def ask(self, ask):
        self.asked.append(ask.upto)
        left = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        return Settled(upto=7, deliveries=left, messages=left)


async def test_as_long_as_the_work_gets_on_it_is_waited_for(capsys):
    office = Office(*range(20, -1, -1))
    assert (await work.settled(office)).done
    assert office.asked == [None, *[7] * 20]
    assert capsys.readouterr().err == ""


async def test_work_that_does_not_get_on_is_told_and_left_to_the_daemon(capsys):
    office = Office(9, 8, 8, 8, 7, 3)
    assert not (await work.settled(office)).done
    assert len(office.asked) == 6 + work.STILL
    assert "is not done yet with 3 deliveries and 3 messages, and goes on" in capsys.readouterr().err


def test_asking_nobody_is_no_error(pointbell):
    assert work.of_daemon(load_config(pointbell.folder / "config.yaml"), Standing()) is None


def test_a_daemon_that_does_not_understand_is_an_error(pointbell, monkeypatch):
    with daemon(pointbell):
        monkeypatch.setattr(wire, "VERSION", "0.0.1")
        with pytest.raises(OfficeError, match="restart the daemon"):
            work.of_daemon(load_config(pointbell.folder / "config.yaml"), Standing())


def test_numbers_in_a_row_are_noted_as_one():
    spans = []
    work.add_numbers(spans, [3, 4, 5, 8])
    work.add_numbers(spans, [9, 12])
    assert spans == [(3, 5), (8, 9), (12, 12)]


def test_files_come_in_while_a_daemon_works(pointbell):
    rows = "".join(
        f"c{number},m{number},500,2999-12-31,70,{'30 days' if number == 7 else ''}\n" for number in range(700)
    )
    cards = pointbell.write(
        "cards.csv", f"card,holder,balance,next_expiration_date,next_expiration_points,sent\n{rows}"
    )
    newer = pointbell.write("newer.csv", cards.read_text(encoding="utf-8").replace("2999-12-31", "2999-11-30"))
    members = pointbell.write("members.csv", "id,birthdate,metadata.shop\nm1,1990-02-28,12\n")
    with daemon(pointbell):
        assert pointbell.json("members", "import", members)["new"] == 1
        told = pointbell.json("cards", "import", cards)
        assert (told["new"], told["armed"]) == (700, 700 * 3 - 1)
        assert pointbell.json("cards", "import", newer)["follow"] == 700
        assert pointbell("suppress", "add", "a@example.org") == "1 address suppressed.\n"
        [address] = pointbell.json("suppress", "list")
        assert address["address"] == "a@example.org"
    pointbell("run", "--until-idle")
    assert {row["about"] for row in pointbell.json("timers", "--limit", 10_000)} == {"2999-11-30"}
    known = pointbell.json("members", "show", "m1")
    assert (known["birthdate"], known["metadata"]) == ("1990-02-28", {"shop": "12"})
