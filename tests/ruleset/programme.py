"""A small programme that the tests of rules share."""

from pathlib import Path

from engine.model import Programme
from engine.ruleset.positions import Source
from engine.ruleset.report import Report
from engine.ruleset.shared import SHARED, read_shared
from engine.ruleset.vocabulary import Vocabulary
from engine.ruleset.yaml import read_yaml

PROGRAMME = Programme(
    name="Bean Club", timezone="Europe/Warsaw", locale="en", channels={"email": "email", "sms": "phone"}
)
SPELLINGS = {
    "voucher.loyalty_card.points_expired": "points_expired",
    "customer.voucher.loyalty_card.points_expired": "points_expired",
}
TEMPLATES = (
    ("points-expired", "email", "en"),
    ("points-expired", "email", "pl"),
    ("points-expire-soon", "email", "en"),
    ("points-expire-soon-sms", "sms", "en"),
    ("only-polish", "email", "pl"),
)


def shared(text: str):
    """The definitions of a shared file that must be sound."""
    report = Report(Source(SHARED, text))
    found = read_shared(report, read_yaml(text.encode(), SHARED).root, {})
    assert not report.findings
    return found


DEFINITIONS = """
audiences:
  active: card.balance > 0
categories:
  loyalty: {consent: opt_out}
  marketing: {consent: opt_in}
"""
VOCABULARY = Vocabulary(
    channels=frozenset(PROGRAMME.channels),
    default_channel="email",
    locale="en",
    templates=frozenset(TEMPLATES),
    spellings=SPELLINGS.get,
    shared=shared(DEFINITIONS + "defaults: {category: loyalty}\n"),
)
RULE = "rule: points-expired\non: points_expired\nif: event.points >= 50\nsend: points-expired\n"


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    """Write the files, the templates included, and return the folder."""
    for name, channel, locale in TEMPLATES:
        mail = '---\nsubject: "Your points"\n---\n<p>{{ card.balance | points }}</p>\n'
        place, text = ("html", mail) if channel == "email" else ("txt", "{{ card.balance | points }}\n")
        _write(root / "templates" / name / f"{channel}.{locale}.{place}", text)
    for name, text in files.items():
        _write(root / name, text)
    return root


def _write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
