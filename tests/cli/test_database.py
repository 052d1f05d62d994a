"""``db``: copies of the database, and what is kept in it."""

import json
import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from engine.store import sqlite

EVENT = json.dumps(
    {
        "id": "e1",
        "type": "points_expired",
        "time": "2026-01-10T11:00:00Z",
        "member": {"id": "anna", "email": "anna@example.org"},
        "card": {"id": "card-a", "balance": 40},
        "data": {"points": 80},
    }
)


def database(pointbell):
    return pointbell.folder / "var" / "pointbell.db"


def ask(pointbell, question, *values):
    with closing(sqlite3.connect(database(pointbell))) as connection, connection:
        return connection.execute(question, values).fetchall()


@pytest.fixture
def told(pointbell):
    """A programme that has decided one event and worded one message."""
    event = pointbell.write("event.json", EVENT)
    pointbell("ingest", event, "--source", "shop", "--any-age")
    return pointbell


# --- backup ---


def test_a_backup_is_named_by_its_time_unless_it_is_given_a_name(told, tmp_path):
    named = told("db", "backup", tmp_path / "mine.db").strip()
    assert named == str(tmp_path / "mine.db")
    assert "Copied and checked" in told.said
    beside, inside = told("db", "backup").strip(), told("db", "backup", tmp_path).strip()
    assert beside.startswith(str(told.folder / "var" / "pointbell-20"))
    assert inside.startswith(str(tmp_path / "pointbell-20"))
    assert inside.endswith("Z.db")


def test_a_backup_can_be_told_as_data(told, tmp_path):
    made = told.json("db", "backup", tmp_path / "mine.db")
    assert set(made) == {"path", "taken_at", "bytes"}
    assert made["bytes"] == (tmp_path / "mine.db").stat().st_size


def test_a_backup_never_overwrites(told, tmp_path):
    told("db", "backup", tmp_path / "mine.db")
    told("db", "backup", tmp_path / "mine.db", code=2)
    assert "never overwrites" in told.said


# --- restore ---


def test_a_restore_keeps_what_was_there_and_says_what_to_do(told, tmp_path):
    told("db", "backup", tmp_path / "mine.db")
    told("ingest", told.write("event2.json", EVENT.replace('"e1"', '"e2"')), "--source", "shop", "--any-age")
    shown = told("db", "restore", tmp_path / "mine.db", "--yes")
    assert "1 event, 1 member, 1 card, 0 sent messages, 0 armed reminders" in shown
    assert "of this installation" in shown
    assert "Restored." in shown
    assert "pointbell outbox list --state held --reason restored" in told.said
    assert ask(told, "SELECT count(*) FROM event") == [(1,)]
    [aside] = (told.folder / "var").glob("pointbell.db.before-restore-*")
    with closing(sqlite3.connect(aside)) as kept:
        assert kept.execute("SELECT count(*) FROM event").fetchone() == (2,)


def test_what_comes_in_again_after_a_restore_is_held_and_listed(told, tmp_path):
    told("db", "backup", tmp_path / "mine.db")
    lost = told.write("event2.json", EVENT.replace('"e1"', '"e2"'))
    told("ingest", lost, "--source", "shop", "--any-age")
    told("db", "restore", tmp_path / "mine.db", "--yes")
    told("ingest", lost, "--source", "shop", "--any-age")
    [row] = told.json("outbox", "list", "--state", "held", "--reason", "restored")
    assert row["reason"] == "restored"
    assert "it may have been sent before the database was restored" in told("why", "anna")
    assert "held" in told("status")


def test_a_restore_can_be_told_as_data(told, tmp_path):
    told("db", "backup", tmp_path / "mine.db")
    done = told.json("db", "restore", tmp_path / "mine.db", "--yes")
    assert done["same_installation"] is True
    assert (done["messages_held"], done["reminders_due"], done["events_without_time"]) == (0, 0, False)
    assert done["missing_since"] == done["taken_at"] < done["missing_until"]


def test_nobody_is_asked_where_nobody_is(told, tmp_path):
    told("db", "backup", tmp_path / "mine.db")
    told("db", "restore", tmp_path / "mine.db", code=2)
    assert "--yes" in told.said
    assert list((told.folder / "var").glob("*before-restore*")) == []
    assert list((told.folder / "var").glob(".*part*")) == []


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_on_a_terminal_it_asks_first(told, tmp_path, answer, code):
    told("db", "backup", tmp_path / "mine.db")
    leader, follower = pty.openpty()
    os.write(leader, f"{answer}\n".encode())
    command = [sys.executable, "-m", "engine", "db", "restore", tmp_path / "mine.db"]
    environ = {**os.environ, "PYTHONPATH": str(told.events.parent.parent)}
    done = subprocess.run(command, stdin=follower, capture_output=True, cwd=told.folder, env=environ)  # noqa: PLW1510 - the code is looked at
    os.close(leader)
    os.close(follower)
    assert done.returncode == code, done.stderr
    assert b"What is there now is kept beside it." in done.stderr
    assert len(list((told.folder / "var").glob("*before-restore*"))) == (code == 0)


def test_the_daemon_must_not_run(told, tmp_path):
    told("db", "backup", tmp_path / "mine.db")
    with sqlite.owned(database(told)):
        told("db", "restore", tmp_path / "mine.db", "--yes", code=2)
    assert "is in use by process" in told.said


def test_a_backup_of_another_installation_has_to_be_adopted(told, tmp_path):
    told("db", "backup", tmp_path / "mine.db")
    ask(told, "UPDATE meta SET value = '00' WHERE name = 'installation_secret'")
    told("db", "restore", tmp_path / "mine.db", "--yes", code=2)
    assert "--adopt" in told.said
    told("db", "restore", tmp_path / "mine.db", "--yes", "--adopt")


def test_a_restore_works_where_there_is_no_database_yet_and_where_it_cannot_be_read(told, tmp_path):
    told("db", "backup", tmp_path / "mine.db")
    database(told).write_bytes(b"scrambled" * 1_000)
    assert "nothing here to compare it with" in told("db", "restore", tmp_path / "mine.db", "--yes")
    [aside] = (told.folder / "var").glob("pointbell.db.before-restore-*")
    assert aside.read_bytes().startswith(b"scrambled")
    database(told).unlink()
    told("db", "restore", tmp_path / "mine.db", "--yes")
    assert ask(told, "SELECT count(*) FROM event") == [(1,)]


def spoil(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (lambda path: path.unlink(), "there is no backup at"),
        (lambda path: path.write_bytes(b"Dear Anna" * 1_000), "file is not a database"),
        (lambda path: path.write_bytes(path.read_bytes()[: 30 * 4096]), "not sound|malformed"),
        (lambda path: path.write_bytes(b""), "is not a database of Pointbell"),
        (
            lambda path: spoil(path, "UPDATE meta SET value = '99' WHERE name = 'schema_version'"),
            "mine.db has schema 99",
        ),
        (
            lambda path: spoil(
                path,
                "CREATE TABLE wrong (points CHECK (points > 0))",
                "PRAGMA ignore_check_constraints = ON",
                "INSERT INTO wrong VALUES (-1)",
            ),
            "not sound: CHECK constraint failed",
        ),
        (lambda path: spoil(path, "PRAGMA foreign_keys = OFF", "DELETE FROM event"), "refers to a event that is not"),
    ],
)
def test_what_is_no_sound_backup_changes_nothing(told, tmp_path, spoilt, why):
    backup = tmp_path / "mine.db"
    told("db", "backup", backup)
    spoilt(backup)
    told("db", "restore", backup, "--yes", code=2)
    assert any(one in told.said.replace("\n", " ") for one in why.split("|")), told.said
    assert ask(told, "SELECT count(*) FROM event") == [(1,)]
    assert list((told.folder / "var").glob("*before-restore*")) == []


def test_a_backup_of_an_older_version_is_brought_up_to_date(told, tmp_path, root):
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.executescript((root / "tests" / "store" / "schema_1.sql").read_text())
        connection.execute("INSERT INTO meta VALUES ('schema_version', '1')")
    told("db", "restore", old, "--yes", "--adopt")
    assert told.json("status")["events"] == {}
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone() == ("1",)


def test_a_plain_copy_of_a_working_database_is_restored_with_its_wal(told, tmp_path):
    with closing(sqlite3.connect(database(told), isolation_level=None)) as writer:
        writer.execute("INSERT INTO meta VALUES ('only', 'in the WAL')")
        for suffix in ("", "-wal"):
            part = database(told).with_name(f"pointbell.db{suffix}")
            (tmp_path / f"plain.db{suffix}").write_bytes(part.read_bytes())
    told("db", "restore", tmp_path / "plain.db", "--yes")
    assert ask(told, "SELECT value FROM meta WHERE name = 'only'") == [("in the WAL",)]


def test_the_wal_of_a_broken_database_is_kept_beside_it_and_does_not_spoil_the_restored_one(told, tmp_path):
    told("db", "backup", tmp_path / "mine.db")
    with closing(sqlite3.connect(database(told), isolation_level=None)) as writer:
        writer.execute("UPDATE meta SET value = '77' WHERE name = 'schema_version'")
        left = database(told).with_name("pointbell.db-wal").read_bytes()
    database(told).write_bytes(b"scrambled" * 1_000)
    database(told).with_name("pointbell.db-wal").write_bytes(left)
    told("db", "restore", tmp_path / "mine.db", "--yes")
    assert ask(told, "SELECT value FROM meta WHERE name = 'schema_version'") == [("2",)]
    [aside] = (told.folder / "var").glob("pointbell.db.before-restore-*-wal")
    assert aside.read_bytes() == left


def test_a_restored_database_keeps_the_mode_of_the_one_before(told, tmp_path):
    told("db", "backup", tmp_path / "mine.db")
    database(told).chmod(0o640)
    told("db", "restore", tmp_path / "mine.db", "--yes")
    assert database(told).stat().st_mode & 0o777 == 0o640


# --- tidy ---


def age(pointbell, days):
    """Have everything be as if it had happened so much earlier."""
    for table, columns in {
        "event": ("received_at", "decided_at", "occurred_at"),
        "decision": ("at",),
        "notification": ("created_at", "settled_at", "due_at"),
    }.items():
        moved = ", ".join(f"{column} = {column} - ?" for column in columns)
        ask(pointbell, f"UPDATE {table} SET {moved}", *([days * 86_400_000_000] * len(columns)))


def test_tidy_removes_at_once_what_has_been_kept_long_enough(told):
    age(told, 91)
    assert told.json("db", "tidy", "--dry-run")["removed"]["bodies"] == 1
    assert "Nothing was removed" in (told("db", "tidy", "--dry-run"), told.said)[1]
    shown = told("db", "tidy")
    assert "1  bodies of deliveries" in shown
    assert told.json("db", "tidy")["removed"] == dict.fromkeys(
        ("bodies", "messages", "decisions", "events", "timers"), 0
    )


def test_what_is_no_longer_kept_is_said_wherever_it_is_asked_for(told):
    age(told, 91)
    told("db", "tidy")
    gone = "was removed on 20"
    assert f"The body {gone}" in told("events", "show", 1)
    assert told.json("events", "show", 1)["body"] is None
    told("replay", 1, code=1)
    assert f"delivery 1 cannot be replayed: its body {gone}" in told.said.replace("\n", " ")
    told("outbox", "show", 1, code=1)
    assert f"what it said {gone}" in told.said.replace("\n", " ")
    assert "message (words removed on 20" in told("why", "anna")


def test_decisions_that_are_no_longer_kept_are_not_told_as_silence(told):
    told.replace("config.yaml", "\nchannels:", "\nretention: {decisions: 30 days}\n\nchannels:")
    age(told, 31)
    told("db", "tidy")
    story = told("why", "anna")
    assert "no rule listens" not in story
    assert "is no longer kept (retention)" in told.said
