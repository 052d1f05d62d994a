"""Databases of earlier versions come to the newest shape, and keep what is in them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect

from engine.store import sqlite, upgrade

HERE = Path(__file__).parent


def shape(path):
    engine = sqlite.writing_engine(path)
    try:
        look = inspect(engine)
        return {
            table: (
                {column["name"]: (str(column["type"]), column["nullable"]) for column in look.get_columns(table)},
                {index["name"]: (index["column_names"], _condition(index)) for index in look.get_indexes(table)},
            )
            for table in look.get_table_names()
        }
    finally:
        engine.dispose()


def _condition(index):
    """Which rows the index holds."""
    return " ".join(str(index["dialect_options"].get("sqlite_where", "all")).split())


@pytest.fixture
def old(tmp_path):
    """A database as version 1 wrote it, with a member and a card in it."""
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript((HERE / "schema_1.sql").read_text())
        connection.execute("INSERT INTO meta VALUES ('schema_version', '1')")
        facts = json.dumps({"email": ["Anna@Example.org", 0], "name": ["Anna", 0]})
        connection.execute("INSERT INTO member VALUES ('anna', ?, 1, 0)", [facts])
        connection.execute("INSERT INTO member VALUES ('bob', '{}', 1, 0)")
        card = json.dumps({"code": ["FERN-1", 0]})
        connection.execute("INSERT INTO card VALUES ('card_1', 'anna', ?, 1, 0)", [card])
    return path


def test_version_1_comes_to_the_shape_of_a_new_database(old, tmp_path):
    assert upgrade(old) == (1, 2)
    upgrade(tmp_path / "new.db")
    assert shape(old) == shape(tmp_path / "new.db")


def test_what_was_known_can_be_found_by_address_and_by_code(old):
    upgrade(old)
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT id, email FROM member ORDER BY id").fetchall() == [
            ("anna", "anna@example.org"),
            ("bob", None),
        ]
        assert connection.execute("SELECT code FROM card").fetchall() == [("FERN-1",)]


def test_messages_keep_their_bytes_which_have_a_table_of_their_own_since(old):
    said = {"key": "m", "event_seq": 1, "rule": "rule", "subject_id": "card_1", "slot": "email", "member_id": "anna",
            "channel": "email", "route": "email", "address": "anna@example.org", "template": "t", "locale": "en",
            "subject": "Hi", "on_ambiguous": "park", "state": "queued", "created_at": 0, "due_at": 0,
            "attempts": 0}  # fmt: skip
    with closing(sqlite3.connect(old)) as connection, connection:
        add = f"INSERT INTO notification (id, payload, {', '.join(said)}) VALUES (?, ?{', ?' * len(said)})"
        connection.execute(add, [7, b"bytes", *said.values()])
        connection.execute(add, [8, None, *{**said, "key": "held", "state": "held"}.values()])
    upgrade(old)
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT * FROM letter").fetchall() == [(7, b"bytes")]
