"""What holds for every command: help with an example, exit codes, errors without a traceback."""

import pytest
from typer.main import get_command

from engine.cli import app


def commands(group=None, path=()):
    for name, command in (group or get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


COMMANDS = list(commands())


def test_the_commands_are_those_the_handbook_names():
    assert {" ".join(words) for words in COMMANDS} == {
        "init", "run", "reload", "demo", "check", "preview", "ingest", "test", "explain",
        "explain-code", "schema", "new rule", "fields list", "fields learn", "why", "status", "timers", "replay",
        "members import", "members show", "outbox list", "outbox unknown", "outbox show", "outbox open",
        "outbox export", "outbox resolve", "events list", "events show", "events drop", "db upgrade", "db backup",
        "db restore", "db tidy", "cards import", "consent import", "consent show",
        "suppress add", "suppress import", "suppress list", "suppress remove",
        "pause rule", "pause channel", "pause category", "pause all", "pause list", "pause end",
    }  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(words, history):
    said = history(*words, "--help")
    assert f"pointbell {' '.join(words)}" in " ".join(said.split("Example", 1)[1].split())


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("status",),
        ("timers",),
        ("why", "anna"),
        ("ingest", "x.json"),
        ("replay", "1"),
        ("members", "import", "x.csv"),
        ("members", "show", "anna"),
        ("outbox", "list"),
        ("outbox", "show", "1"),
        ("outbox", "export"),
        ("outbox", "resolve", "1", "--as", "drop", "--because", "x"),
        ("events", "list"),
        ("events", "drop", "1", "--because", "x"),
        ("pause", "all", "--for", "2h", "--reason", "x"),
        ("pause", "list"),
        ("pause", "end", "--all"),
        ("db", "backup", "copy.db"),
        ("db", "restore", "copy.db", "--yes"),
        ("db", "tidy"),
        ("db", "upgrade"),
        ("run",),
        ("preview", "points-expired", "--event", "x.json"),
    ],
    ids=" ".join,
)
def test_without_a_programme_every_command_says_how_to_get_one(words, pointbell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert pointbell(*words, code=2) == ""
    assert "cannot read config.yaml" in pointbell.said
    assert "pointbell init" in pointbell.said


@pytest.mark.parametrize("words", [("why", "anna"), ("status",), ("timers",), ("outbox", "list"), ("events", "list")])
def test_before_anything_happened_there_is_no_database_to_ask(words, pointbell):
    pointbell(*words, code=2)
    assert "there is no database" in pointbell.said


def test_a_file_that_is_no_database_is_named(pointbell):
    (pointbell.folder / "var").mkdir()
    (pointbell.folder / "var" / "pointbell.db").write_bytes(b"something else" * 1000)
    pointbell("status", code=2)
    assert "cannot read the database at" in pointbell.said
    assert "not a database" in pointbell.said


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("ingest",),
        ("why",),
        ("preview", "points-expired"),
        ("events", "list", "--state", "lost"),
        ("outbox", "show", "one"),
        ("outbox", "show", str(2**63)),
        ("timers", "--limit", "0"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(words, history):
    history(*words, code=2)
    assert "Traceback" not in history.said


def test_a_misspelt_command_is_recognised(history):
    history("statsu", code=2)
    assert "status" in history.said


def test_the_programme_can_be_named_by_file_folder_or_environment(history, tmp_path, monkeypatch):
    by_default = history("status")
    monkeypatch.chdir(tmp_path)
    assert history("status", "-c", history.folder) == by_default
    assert history("status", "--config", history.folder / "config.yaml") == by_default
    monkeypatch.setenv("POINTBELL_CONFIG", str(history.folder))
    assert history("status") == by_default


def test_broken_rules_stop_what_needs_them_with_the_place(pointbell):
    pointbell.replace("rules/points-expired.yaml", "event.points", "event.poins")
    pointbell("ingest", pointbell.events / "voucher.loyalty_card.points_expired.json", code=2)
    assert "rules/points-expired.yaml:" in pointbell.said
    assert 'did you mean "points"?' in pointbell.said


def test_colours_and_widths_are_for_terminals_only(history):
    done = history.process("outbox", "list", "-c", history.folder)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout + done.stderr
    assert any(len(line) > 80 for line in done.stdout.decode().splitlines()) or b"jack" not in done.stdout


def test_a_name_that_is_no_text_is_merely_unknown(history):
    done = history.process("why", b"\xff\xfe".decode("utf-8", "surrogateescape"), "-c", history.folder)
    assert done.returncode == 1
    assert b"there is no member" in done.stderr
    assert b"Traceback" not in done.stderr
