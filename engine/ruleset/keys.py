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
    available=frozenset({"rules", "tests", "members", "cards"}),
    hints=dict.fromkeys(("audiences", "caps", "categories", "fields", "defaults"), "it stands in rules/shared.yaml"),
)

SHARED_FILE = Keys(
    place="rules/shared.yaml",
    available=frozenset({"audiences", "categories", "caps", "fields", "defaults"}),
    synonyms={"segments": "audiences", "groups": "audiences", "topics": "categories", "lists": "audiences"},
    hints={"rules": "rules stand in files of their own beside it", "rule": "rules stand in files of their own"},
)

CATEGORY = Keys(
    place="a category",
    available=frozenset({"consent", "cap"}),
    required=("consent",),
)

CAP = Keys(place="a cap", available=frozenset({"at_most", "per", "and"}), required=("at_most", "per"))

FIELD = Keys(
    place="a field",
    available=frozenset({"type", "one_of", "path"}),
    required=("type",),
    synonyms={"kind": "type", "enum": "one_of", "values": "one_of", "from": "path"},
)

DEFAULTS = Keys(
    place='"defaults"',
    available=frozenset({"category", "quiet_hours"}),
    later=frozenset({"window", "cap", "timezone", "locale", "channel"}),
)

VARIANT = Keys(
    place="a variant",
    available=frozenset({"name", "weight", "subject", "template"}),
    required=("name", "weight"),
    synonyms={"share": "weight", "percent": "weight", "variant": "name", "send": "template"},
)

RULE = Keys(
    place="a rule",
    available=frozenset(
        {
            "rule",
            "on",
            "if",
            "audience",
            "exclude",
            "let",
            "send",
            "channel",
            "variants",
            "holdout",
            "once_per",
            "again_after",
            "category",
            "priority",
            "locale",
            "mode",
            "valid_from",
            "valid_until",
            "useful_for",
            "collect",
            "window",
            "quiet_hours",
            "suppresses",
            "cap",
            "on_ambiguous",
            "description",
            "owner",
            "tags",
            "tests",
            "members",
            "cards",
        }
    ),
    required=("rule", "on", "send"),
    later=frozenset(
        {
            "at",
            "timezone",
            "digest",
            "steps",
            "stop_on",
            "if_running",
            "fresh_for",
            "not_on",
            "silence",
            "spread",
            "each",
            "yearly",
            "once",
            "every",
            "cron",
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
        "segment": "audience",
        "audiences": "audience",
        "unless": "exclude",
        "language": "locale",
        "start": "valid_from",
        "end": "valid_until",
        "expires": "useful_for",
        "ttl": "useful_for",
        "control": "holdout",
        "dedupe": "once_per",
        "batch": "collect",
        "hours": "window",
        "inhibits": "suppresses",
        "mutes": "suppresses",
        "quiet": "quiet_hours",
        "limit": "cap",
        "frequency_cap": "cap",
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
