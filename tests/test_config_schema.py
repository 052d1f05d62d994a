"""The JSON Schema of config.yaml: what is sound passes, and what it refuses ``check`` refuses, too."""

import jsonschema
import pytest

from engine.config import load_config
from engine.config.json_schema import config_schema
from engine.errors import ConfigError
from engine.ruleset.positions import plain
from engine.ruleset.yaml import read_yaml

from .programme import STARTER

SCHEMA = jsonschema.Draft7Validator(config_schema(["email", "sms"]))
GOOD = (STARTER / "config.yaml").read_text("utf-8")
SOUND = [
    ("  port: 8080", '  port: "8080"'),
    ("  port: 8080", "  port: ${PORT}"),
    ("  port: 8080", "  max_body: 2 MB\n  header_timeout: 5 s"),
    ("mode: capture ", "mode: ${MODE} "),
    ("mode: capture ", "mode: live\n  default_channel: sms\n  max_age: 2 days "),
    ("unsigned: true  ", "secrets: a-secret\n  "),
    ("unsigned: true  ", "secrets: [one, two]\n    silent_after: 1 hour\n  "),
    (
        "kind: capture",
        "kind: webhook\n    url: https://example.org/hook\n    secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]",
    ),
    (
        "store: var/pointbell.db",
        "store: sqlite:///a.db\nworkers: 2\nretention: {bodies: 30 days, decisions: forever, events: forever}",
    ),
    ("store: var/pointbell.db", "workers: auto"),
    ("store: var/pointbell.db", "watch_rules: false"),
]
WRONG = [
    ("  port: 8080", "  prot: 8080"),
    ("  port: 8080", "  port: 99999"),
    ("  timezone: Europe/Warsaw", ""),
    ("mode: capture ", "mode: captured "),
    ("mode: capture ", "default_channel: push "),
    ("kind: capture", "kind: pigeon"),
    ("host: 127.0.0.1\n    port: 1025", "port: 1025"),
    ("    tls: none", "    tls: maybe"),
    ("producer: native", "producer: nativ"),
    ("brand:", "brands:"),
    ("store: var/pointbell.db", "workers: 2000"),
    ("  name: Fern Club", "  name: [Fern]"),
]


def data(text):
    return plain(read_yaml(text.encode(), "config.yaml").root)


def edited(old, new):
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def load(folder, text):
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, {"PORT": "8080", "MODE": "allowlist"})


def test_it_is_of_draft_7_and_takes_the_starters_file():
    jsonschema.Draft7Validator.check_schema(SCHEMA.schema)
    assert list(SCHEMA.iter_errors(data(GOOD))) == []


@pytest.mark.parametrize(("old", "new"), SOUND)
def test_what_is_sound_passes(old, new, tmp_path):
    text = edited(old, new)
    load(tmp_path, text)
    assert [error.message for error in SCHEMA.iter_errors(data(text))] == []


@pytest.mark.parametrize(("old", "new"), WRONG)
def test_what_it_refuses_check_refuses(old, new, tmp_path):
    text = edited(old, new)
    assert not SCHEMA.is_valid(data(text))
    with pytest.raises(ConfigError):
        load(tmp_path, text)


def test_settings_are_explained_where_they_are_written():
    http = SCHEMA.schema["properties"]["http"]["properties"]
    assert http["port"]["description"].startswith("0: any free port")
