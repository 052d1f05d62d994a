"""What tests need to run a programme: rules and templates from a folder, channels that capture."""

from __future__ import annotations

from pathlib import Path

from engine.deliver import CaptureChannel, CaptureSettings, EmailChannel, EmailSettings
from engine.ingest import neutral_name
from engine.model import Programme
from engine.ruleset import load_ruleset

TESTS = Path(__file__).parent
EXAMPLE = TESTS / "example_programme"
WORKED = TESTS / "worked_example"
"""Rules 1 to 4 of the worked examples as they are written there, with their shared definitions and their tests."""
STARTER = TESTS.parent
SECRET = b"an installation's secret"
BRAND = {
    "name": "Fern & Thistle",
    "postal_address": "1 Garden Street, Edinburgh",
    "website": "https://example.org",
    "support_email": None,
    "colour": None,
    "logo_url": None,
}
PROGRAMME = Programme(
    name="Fern Club",
    timezone="Europe/Warsaw",
    locale="en",
    brand=BRAND,
    channels={"email": "email", "sms": "phone", "push": "source_id"},
)


def channels():
    """E-mail in its real bytes, and capture channels standing in for SMS and push."""
    mail = EmailSettings.model_validate({"from": "Fern Club <club@example.org>", "host": "127.0.0.1", "tls": "none"})
    sms = CaptureSettings.model_validate({"address_field": "phone"})
    push = CaptureSettings.model_validate({"address_field": "source_id"})
    return {
        "email": EmailChannel("email", mail, SECRET),
        "sms": CaptureChannel("sms", sms, SECRET),
        "push": CaptureChannel("push", push, SECRET),
    }


def capture():
    """The development mailbox."""
    return CaptureChannel("capture", CaptureSettings(), SECRET)


def ruleset_of(folder: Path = EXAMPLE):
    """The rules and templates of a folder, as the daemon loads them."""
    return load_ruleset(folder, programme=PROGRAMME, default_channel="email", spellings=neutral_name)
