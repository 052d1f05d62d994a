"""``outbox`` and ``db``: messages and the file they are in."""

from email import message_from_bytes, policy

import pytest


def ids(history, *words):
    return [row["id"] for row in history.json("outbox", "list", *words)]


def test_messages_are_listed_newest_first_with_masked_addresses(history):
    rows = history.json("outbox", "list")
    assert {row["state"] for row in rows} == {"captured"}
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert "payload" not in rows[0]
    shown = history("outbox", "list")
    assert "a***@example.org" in shown
    assert "alex@example.org" not in shown


def test_lists_are_filtered(history):
    everything = ids(history)
    tier = ids(history, "--rule", "tier-reached")
    assert tier == ids(history, "--member", "alex@example.org", "--rule", "tier-reached")
    assert 0 < len(tier) < len(everything)
    assert ids(history, "--state", "captured") == everything
    assert ids(history, "--state", "sent") == []
    assert history.json("outbox", "unknown") == []
    assert history("outbox", "unknown") == ""
    assert "There is no such message." in history.said


def test_a_message_is_shown_as_its_reader_gets_it(history):
    [number] = ids(history, "--rule", "tier-reached")
    headers, _, text = history("outbox", "show", number).partition("\n\n")
    assert "To: alex@example.org" in headers
    assert "Subject: Welcome to Loyal gold" in headers
    assert "Hello Alex" in text
    told = history.json("outbox", "show", number)
    assert told["headers"]["To"] == "alex@example.org"
    assert told["html"].lstrip().startswith("<!")


def test_open_writes_what_the_browser_shows(history, monkeypatch):
    opened = []
    monkeypatch.setattr("typer.launch", lambda url: opened.append(url) or 1)
    [number] = ids(history, "--rule", "tier-reached")
    path = history("outbox", "open", number).strip()
    assert opened == [path]
    assert "No browser could be started" in history.said
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        assert "Loyal gold" in file.read()


def test_export_writes_the_very_bytes(history, tmp_path):
    shown = history("outbox", "export", "--out", tmp_path / "mails").splitlines()
    assert len(shown) == len(ids(history))
    for path in (tmp_path / "mails").iterdir():
        assert path.suffix == ".eml"
        mail = message_from_bytes(path.read_bytes(), policy=policy.SMTP)
        assert mail.as_bytes() == path.read_bytes()
    [number] = ids(history, "--rule", "tier-reached")
    [one] = history("outbox", "export", number, "--out", tmp_path / "one").splitlines()
    assert one.endswith(f"{number:06d}-tier-reached.eml")


def test_export_to_a_place_that_cannot_be_written(history, tmp_path):
    (tmp_path / "file").touch()
    history("outbox", "export", "--out", tmp_path / "file" / "below", code=2)
    assert "cannot write" in history.said


@pytest.mark.parametrize("words", [("show", "999"), ("open", "999"), ("export", "999")])
def test_a_message_that_is_not_there(words, history):
    history("outbox", *words, code=1)
    assert "there is no message 999" in history.said


def test_a_backup_is_a_database_and_never_overwrites(history, tmp_path):
    target = tmp_path / "copy.db"
    assert history("db", "backup", target) == f"{target}\n"
    history("db", "backup", target, code=2)
    assert "never overwrites" in history.said
    history("db", "backup", tmp_path / "no" / "such" / "folder.db", code=2)
    assert "cannot back up" in history.said


def test_upgrade_says_where_the_schema_stands(pointbell):
    pointbell("db", "upgrade", code=2)
    assert "there is no database" in pointbell.said
    pointbell("ingest", pointbell.write("e.json", "{broken"), code=1)
    pointbell("db", "upgrade")
    assert "The schema is version" in pointbell.said
