"""The broken files of ``tests/ruleset/broken``, and what is said of them: whole programmes, read as the daemon does."""

from pathlib import Path

import yaml

from engine.config import load_config
from engine.errors import ConfigError, RulesetInvalid
from engine.ruleset import load_ruleset

from .ruleset.programme import PROGRAMME, SPELLINGS, write

BROKEN = Path(__file__).parent / "ruleset" / "broken"
RULES = """
rules:
- {rule: to-phones, on: points_expired, send: {template: points-expire-soon-sms, channel: sms}, category: loyalty}
- {rule: by-mail, on: points_expired, send: points-expired, category: loyalty, let: {worth: event.points / 100}}
"""
CATEGORY = "categories: {loyalty: {consent: opt_out}}\n"
SECTIONS = {
    "programme": "programme: {name: Fern Club, timezone: Europe/Warsaw}\n",
    "sources": "sources: {own: {producer: native, unsigned: true}}\n",
    "channels": "channels: {email: {kind: capture}}\n",
}
"""Of config.yaml, behind what a case has."""


def cases(name):
    """The cases of one of the files."""
    return yaml.safe_load((BROKEN / f"{name}.yaml").read_text(encoding="utf-8"))


def content(case):
    """What the broken file holds."""
    return bytes.fromhex(case["bytes"]) if "bytes" in case else case["text"].encode()


def found_in_shared(case, root):
    """What is said of a rules/shared.yaml; the rules name a category, which may be missing then."""
    files = {"rules/a.yaml": RULES.replace(", category: loyalty", ""), "rules/shared.yaml": content(case)}
    return _of_ruleset(write(root, {**files, "lists/staff.csv": "bo@example.org\n"}), "rules/shared.yaml")


def found_in_template(case, root):
    """What is said of a template, and of what stands beside it."""
    file = f"templates/{case.get('file', 'points-expire-soon-sms/sms.en.txt')}"
    beside = {f"templates/{name}": text for name, text in case.get("beside", {}).items()}
    shared = {"rules/a.yaml": RULES, "rules/shared.yaml": CATEGORY}
    return _of_ruleset(write(root, {**shared, **beside, file: content(case)}), *beside, file)


def found_in_config(case, root):
    """What is said of a config.yaml: the text of the case, and behind it the sections that it does not have."""
    text = case["text"]
    if not case.get("whole"):
        has = [line.partition(":")[0] for line in text.splitlines()]
        text += "".join(section for name, section in SECTIONS.items() if name not in has)
    path = root / "config.yaml"
    root.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    try:
        return load_config(path, {"DATABASE": "var/points.db"}).warnings
    except ConfigError as error:
        return error.diagnostics


def _of_ruleset(root, *files):
    try:
        found = load_ruleset(root, programme=PROGRAMME, spellings=SPELLINGS.get).warnings
    except RulesetInvalid as refused:
        found = refused.diagnostics
    return [one for one in found if one.file in files]


READERS = {"shared": found_in_shared, "config": found_in_config, "templates": found_in_template}
