"""What may stand where in a file of tests."""

from __future__ import annotations

from .keys import Keys

TEST_FILE = Keys(
    place="a test file",
    available=frozenset({"tests", "members", "cards"}),
    required=("tests",),
    synonyms={"test": "tests", "timelines": "tests", "customers": "members", "vouchers": "cards"},
    hints={"rule": "each test names its rule, under tests:", "rules": "rules stand in files of their own, in rules/"},
)

TEST = Keys(
    place="a test",
    available=frozenset(
        {"test", "rule", "member", "timeline", "until", "expect", "consents", "holdout", "description"}
    ),
    required=("test", "rule", "member", "timeline"),
    synonyms={
        "name": "test",
        "rules": "rule",
        "given": "timeline",
        "steps": "timeline",
        "events": "timeline",
        "then": "expect",
        "expected": "expect",
        "consent": "consents",
        "end": "until",
    },
)

STEP = Keys(
    place="a step of a timeline",
    available=frozenset({"at", "event", "card", "data", "recorded", "source"}),
    synonyms={"time": "at", "on": "event", "type": "event", "name": "event", "facts": "data", "file": "recorded"},
    hints={"member": "a test has one member, beside its timeline"},
)

EXPECTED = Keys(
    place='a line of "expect"',
    available=frozenset(
        {
            "at",
            "send",
            "skip",
            "move",
            "cancel",
            "channel",
            "subject",
            "preheader",
            "text",
            "html",
            "locale",
            "reason",
            "offset",
            "count",
            "to",
            "variant",
        }
    ),
    required=("at",),
    synonyms={
        "time": "at",
        "sends": "send",
        "template": "send",
        "skipped": "skip",
        "moved": "move",
        "moves": "move",
        "cancelled": "cancel",
        "why": "reason",
        "because": "reason",
        "body": "text",
        "language": "locale",
        "slot": "offset",
    },
)

FIELDS_OF = {
    "send": frozenset({"channel", "subject", "preheader", "text", "html", "locale", "offset", "variant"}),
    "skip": frozenset({"reason", "offset"}),
    "move": frozenset({"to", "count"}),
    "cancel": frozenset({"reason", "count"}),
}
"""What may be said of each kind of outcome, beside when and what."""
