"""The keys of the rule language: those that work, and those that are known but not yet available.

A key that is known but not available is refused, never ignored: a rule must not do less than it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What may stand in one place."""

    place: str
    """The place in words: ``a rule``."""
    available: frozenset[str]
    required: tuple[str, ...] = ()
    later: frozenset[str] = frozenset()
    instead: Mapping[str, str] = field(default_factory=dict)
    """Later keys that will stand in place of a required one."""
    synonyms: Mapping[str, str] = field(default_factory=dict)
    """What people write who know other tools, and how it is called here."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """What to do about other keys that people write."""


FILE = Keys(
    place="a file with a list of rules",
    available=frozenset({"rules"}),
    later=frozenset({"audiences", "caps", "categories", "fields", "defaults", "tests", "members", "cards"}),
)

RULE = Keys(
    place="a rule",
    available=frozenset({"rule", "on", "if", "send", "again_after", "on_ambiguous", "description", "owner", "tags"}),
    required=("rule", "on", "send"),
    later=frozenset(
        {
            "audience",
            "let",
            "channel",
            "variants",
            "holdout",
            "at",
            "window",
            "quiet_hours",
            "timezone",
            "collect",
            "digest",
            "once_per",
            "cap",
            "suppresses",
            "category",
            "priority",
            "locale",
            "mode",
            "valid_from",
            "valid_until",
            "steps",
            "stop_on",
            "if_running",
            "tests",
            "exclude",
            "useful_for",
            "fresh_for",
            "not_on",
            "silence",
            "spread",
            "each",
            "yearly",
            "once",
            "every",
            "cron",
            "audiences",
            "caps",
            "categories",
            "fields",
            "defaults",
        }
    ),
    instead={"steps": "send", "silence": "on", "cron": "on", "every": "on", "once": "on"},
    synonyms={
        "name": "rule",
        "id": "rule",
        "event": "on",
        "events": "on",
        "trigger": "on",
        "when": "if",
        "where": "if",
        "condition": "if",
        "conditions": "if",
        "template": "send",
        "message": "send",
        "notify": "send",
        "then": "send",
        "cooldown": "again_after",
    },
)

BEFORE = Keys(
    place='the "on" of a reminder',
    available=frozenset({"before", "by", "at", "grace"}),
    required=("before", "by", "at"),
    later=frozenset(
        {
            "after",
            "yearly",
            "once",
            "every",
            "day",
            "month",
            "weekday",
            "cron",
            "each",
            "spread",
            "silence",
            "for",
            "not_on",
            "until",
            "window",
            "timezone",
            "quiet_hours",
            "fresh_for",
        }
    ),
    synonyms={"date": "before", "field": "before", "offsets": "by", "time": "at", "hour": "at"},
    hints=dict.fromkeys(("event", "events", "name", "type"), 'write the name right after "on:"'),
)

SEND = Keys(
    place='an entry of "send"',
    available=frozenset({"template", "channel", "if"}),
    required=("template",),
    later=frozenset({"subject", "preheader", "variants", "locale", "category"}),
    synonyms={"name": "template", "send": "template", "via": "channel", "when": "if"},
)
