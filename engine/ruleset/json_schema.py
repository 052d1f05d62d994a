"""JSON Schemas of rule files and ``rules/shared.yaml`` with this programme's names, for editors. Draft 7 only.

A schema completes keys and names while somebody types. It is laxer than ``check``: what it refuses, ``check`` does too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..language.schema import GROUPS
from ..model import EVENT_NAMES, OnAmbiguous
from .category import Consent
from .declared import TYPES
from .keys import BEFORE, CAP, CATEGORY, DEFAULTS, FIELD, FILE, RULE, SEND, SHARED_FILE, VARIANT, Keys
from .options import PRIORITIES
from .rule import Mode
from .shared import Shared
from .timing import EXEMPT, NO_QUIET
from .triggers import AVAILABLE_DATES

Schema: TypeAlias = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"

_TEXT: Schema = {"type": "string", "minLength": 1}
_ONE_LINE_OR_BLOCK: Schema = {"type": ["string", "array", "object"]}
_BOOK = ("description", "owner", "locale")
_LENGTH: Schema = {"type": "string", "examples": ["30 days"]}
_TIME = "[0-2][0-9]:[0-5][0-9]"
_HOURS: Schema = {"type": "string", "pattern": f"^{_TIME}-{_TIME}$", "examples": ["09:00-20:00"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What rules of a programme may refer to."""

    templates: frozenset[str]
    channels: frozenset[str]
    shared: Shared


def rules_schema(names: Names) -> Schema:
    """Of a rule file: one rule, or a list of them."""
    # "then" is judged only where "rules" is there, so an editor tells what is wrong with the rule and not "none of".
    several = _mapping(FILE, {"rules": {"type": "array", "items": {"$ref": "#/definitions/rule"}}})
    return {
        "$schema": DRAFT,
        "title": "Pointbell rules",
        "definitions": {"rule": _rule(names)},
        "if": {"type": "object", "required": ["rules"]},
        "then": several,
        "else": {"$ref": "#/definitions/rule"},
    }


def shared_schema(names: Names) -> Schema:
    """Of ``rules/shared.yaml``."""
    cap = _mapping(CAP, {"at_most": {"type": "integer", "minimum": 1}, "per": _TEXT, "and": {"type": "object"}})
    consent = _one_of(consent.value for consent in Consent)
    category = _mapping(CATEGORY, {"consent": consent, "cap": _name_of("caps", names)})
    declared = _mapping(FIELD, {"type": _one_of(TYPES), "one_of": {"type": "array"}, "path": _TEXT})
    sections = {
        "audiences": _each(_ONE_LINE_OR_BLOCK),
        "categories": _each(category),
        "caps": _each(cap),
        "fields": _each(declared),
        "defaults": _mapping(DEFAULTS, {"category": _name_of("categories", names), "quiet_hours": _HOURS}),
    }
    return {"$schema": DRAFT, "title": "Pointbell rules/shared.yaml", **_mapping(SHARED_FILE, sections)}


def _rule(names: Names) -> Schema:
    return _mapping(
        RULE,
        {
            "rule": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
            "on": _trigger(),
            "if": _ONE_LINE_OR_BLOCK,
            "send": _some({"anyOf": [_template(names), _send(names)]}),
            "channel": _some(_one_of(names.channels)),
            "audience": _crowd(names),
            "exclude": _crowd(names),
            "category": _name_of("categories", names),
            "let": {"type": "object"},
            "variants": {"type": "array", "minItems": 1, "items": _variant(names)},
            "holdout": {"type": "string", "pattern": r"^[0-9]{1,2}(\.[0-9]{1,2})? ?%$"},
            "once_per": _some(_TEXT),
            "again_after": _LENGTH,
            "useful_for": _LENGTH,
            "collect": {"type": "string", "pattern": "^[0-9]+ (minute|hour|day|week)s?$"},
            "window": _HOURS,
            "quiet_hours": {"anyOf": [_HOURS, {"enum": [NO_QUIET, False]}]},
            "suppresses": _each(_LENGTH),
            "cap": _cap(names),
            "priority": {"type": "integer", "minimum": PRIORITIES[0], "maximum": PRIORITIES[-1]},
            "mode": {"enum": [*(mode.value for mode in Mode), False]},
            "on_ambiguous": _one_of(choice.value for choice in OnAmbiguous),
            "tags": _some(_TEXT),
            "tests": {"type": "array"},
            "members": {"type": "object"},
            "cards": {"type": "object"},
            **dict.fromkeys(_BOOK, _TEXT),
        },
    )


def _trigger() -> Schema:
    known = _one_of(EVENT_NAMES | GROUPS.keys())
    event = {"anyOf": [known, {"type": "string", "pattern": "[.]", "description": "a producer's own name"}]}
    offset = {"type": "string", "pattern": "^[0-9]+ (day|week)s?$"}
    ahead = _mapping(BEFORE, {"before": _one_of(AVAILABLE_DATES), "by": _some(offset), "at": _TEXT, "grace": _TEXT})
    return {"anyOf": [event, {"type": "array", "minItems": 1, "items": event}, ahead]}


def _send(names: Names) -> Schema:
    parts = {"template": _template(names), "channel": _some(_one_of(names.channels)), "if": _ONE_LINE_OR_BLOCK}
    return _mapping(SEND, parts)


def _variant(names: Names) -> Schema:
    subject = {"anyOf": [_TEXT, {"type": "object", "additionalProperties": _TEXT}]}
    weight = {"type": "integer", "minimum": 1, "maximum": 100}
    return _mapping(VARIANT, {"name": _TEXT, "weight": weight, "subject": subject, "template": _template(names)})


def _crowd(names: Names) -> Schema:
    """A name, a condition, or a list or block of these."""
    known = {"anyOf": [_name_of("audiences", names), {"type": "string", "pattern": "[ .(]"}]}
    return {"anyOf": [known, {"type": ["array", "object"]}]}


def _cap(names: Names) -> Schema:
    return {"anyOf": [_name_of("caps", names), {"enum": [EXEMPT]}]}


def _template(names: Names) -> Schema:
    return _one_of(names.templates)


def _name_of(section: str, names: Names) -> Schema:
    return _one_of(names.shared.names.get(section, frozenset()))


def _one_of(values: Iterable[str]) -> Schema:
    known = sorted(values)
    # An enum must not be empty: a programme that has no such thing yet is free to name one.
    return {"enum": known} if known else _TEXT


def _some(schema: Schema) -> Schema:
    """One, or a list of them."""
    return {"anyOf": [schema, {"type": "array", "minItems": 1, "items": schema}]}


def _each(schema: Schema) -> Schema:
    """A mapping of names of one's own."""
    return {"type": "object", "additionalProperties": schema}


def _mapping(keys: Keys, parts: Mapping[str, Schema]) -> Schema:
    """A mapping that has these keys and no others."""
    known = {name: parts.get(name, {}) for name in sorted(keys.available)}
    return {"type": "object", "properties": known, "required": list(keys.required), "additionalProperties": False}
