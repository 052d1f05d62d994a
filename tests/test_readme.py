"""The README tells the truth: its rule, its template and its mail are the real ones, and its commands exist."""

import json
import re
from datetime import UTC, datetime

import pytest
from typer.main import get_command

from engine.cli import app
from engine.config import load_config
from engine.decide import Book, decide
from engine.ingest import Delivery, SourceSettings, read
from engine.language import EVENT_FIELDS, GROUPS, JINJA_FUNCTIONS
from engine.model import EVENT_NAMES, Notify

from .programme import STARTER

README = (STARTER / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def uncommented(path):
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("#"))


def test_its_first_rule_is_the_starter_rule_and_four_lines():
    first = blocks("yaml")[0]
    assert first == uncommented(STARTER / "rules" / "points-expired.yaml")
    assert len(first.splitlines()) == 4


def test_its_reminder_is_the_starter_rule():
    assert uncommented(STARTER / "rules" / "points-expire-soon.yaml") in blocks("yaml")


def test_its_template_is_the_starter_template():
    [shown] = blocks("jinja")
    assert shown == (STARTER / "templates" / "points-expired" / "email.en.txt").read_text(encoding="utf-8")


def test_its_mail_is_what_its_event_leads_to():
    [event], [mail] = blocks("json"), blocks("text")
    json.loads(event)
    now = datetime(2026, 2, 1, tzinfo=UTC)
    source = SourceSettings(name="own", producer="native", unsigned=True)
    [read_event] = read(Delivery(source=source, body=event.encode(), received_at=now)).events
    decisions = decide(read_event, Book().facts_for(read_event, 1), load_config(STARTER / "config.yaml").ruleset(), now)
    [words] = [one.notification.words for one in decisions if isinstance(one, Notify)]
    assert mail == f"Subject: {words.subject}\n\n{words.text}\n"


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^\$ pointbell (\w+)", README, re.MULTILINE))))
def test_its_commands_exist(command):
    assert command in get_command(app).commands


def test_it_names_every_event_group_and_function():
    for name in (*EVENT_NAMES, *EVENT_FIELDS, *GROUPS, *JINJA_FUNCTIONS):
        assert f"`{name}" in README, name


def test_the_proofs_it_names_are_there():
    for path in re.findall(r"`(tests/[\w/.]+)`", README):
        assert (STARTER / path).exists(), path
