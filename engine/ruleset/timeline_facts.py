"""What a test states of members, cards and events, checked against the facts there are."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from ..language.declared import as_type
from ..language.kinds import OBJECT, Kind, Type
from ..language.problem import suggest
from ..language.schema import CARD_FIELDS, EVENT_FIELDS, EVERY_EVENT, MEMBER_FIELDS, Fields
from ..model import SEGMENT, Value
from . import codes
from .positions import Block, Node, Plain, Scalar, plain
from .report import Report, is_nothing, kind_of
from .shared import Shared
from .timeline_codes import BAD_FACT, UNKNOWN_FACT
from .timelines import stated

TIER = Type(kind=Kind.OBJECT)
_MEMBER: Fields = {**MEMBER_FIELDS, "tier": TIER}
_CARD: Fields = {name: kind for name, kind in CARD_FIELDS.items() if name != "expiring_points"}
_ELSEWHERE: Mapping[str, str] = {
    "expiring_points": "it is worked out: give next_expiration_points and balance",
    "status": "a producer's own value stands under metadata",
}


def read_member(report: Report, node: Node, shared: Shared) -> dict[str, Value] | None:
    """What is known of a member, in the types facts have; ``None``, reported, for what is no mapping."""
    values = _facts(report, node, "a member", shared.types.fields("member", _MEMBER), shared)
    if values is None:
        return None
    zone = node.get("timezone") if isinstance(node, Block) else None
    if isinstance(zone, Scalar) and zone_named(zone.text) is None:
        fix = "write it like Europe/Warsaw"
        report.error(zone, BAD_FACT, f'there is no time zone "{zone.text}"', fix)
        values.pop("timezone", None)
    known: dict[str, Value] = {name: _typed(value, _MEMBER.get(name, OBJECT)) for name, value in values.items()}
    segments = known.pop("segments", None)
    return {**known, **{f"{SEGMENT}{name}": True for name in (segments if isinstance(segments, list) else ())}}


def read_card(report: Report, node: Node, shared: Shared) -> dict[str, Plain] | None:
    """What a step says of a card, as a producer would; ``None``, reported, for what is no mapping."""
    return _facts(report, node, "a card", shared.types.fields("card", _CARD), shared)


def read_data(report: Report, node: Node, event: str, shared: Shared) -> dict[str, Plain]:
    """The facts of an event; those that it does not have are reported."""
    own = {name: kind for name, kind in EVENT_FIELDS[event].items() if name not in EVERY_EVENT}
    return _facts(report, node, event, shared.types.fields("event", own), shared) or {}


def zone_named(name: str) -> ZoneInfo | None:
    """The time zone of this IANA name, if there is one."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def _facts(report: Report, node: Node, what: str, fields: Fields, shared: Shared) -> dict[str, Plain] | None:
    if not isinstance(node, Block):
        report.error(node, codes.WRONG_TYPE, f"{what} is a mapping of fields, not {kind_of(node)}")
        return None
    found: dict[str, Plain] = {}
    for key, value in node.entries:
        kind = fields.get(key.text)
        if kind is None:
            fix = _ELSEWHERE.get(key.text) or suggest(key.text, fields)
            report.error(key, UNKNOWN_FACT, f'{what} has no field "{key.text}"', fix)
        elif _fits(report, key, value, kind, shared, group=_GROUPS.get(what, "event")):
            found[key.text] = plain(value)
    return found


_GROUPS: Mapping[str, str] = {"a member": "member", "a card": "card"}


def _fits(report: Report, key: Scalar, value: Node, kind: Type, shared: Shared, *, group: str) -> bool:
    """Whether the value can be one of this field; one that cannot is reported. Nothing clears a field."""
    if is_nothing(value):
        return True
    if kind.kind is Kind.OBJECT:
        return _fits_object(report, key, value, shared, group)
    said = as_type(stated(plain(value)), kind)
    if isinstance(said, str) and kind.one_of and said not in kind.one_of:
        report.error(value, BAD_FACT, f'{key.text} cannot be "{said}"', suggest(said, kind.one_of))
        return False
    if said is not None:
        return True
    fix = f'put it in quotes: "{value.text}"' if kind.kind is Kind.TEXT and isinstance(value, Scalar) else _like(kind)
    report.error(value, BAD_FACT, f"{key.text} is a {kind.kind.value}, not {_shown(value)}", fix)
    return False


def _fits_object(report: Report, key: Scalar, value: Node, shared: Shared, group: str) -> bool:
    if not isinstance(value, Block):
        report.error(value, BAD_FACT, f"{key.text} is a mapping, not {kind_of(value)}")
        return False
    declared = shared.types.entries.get((group, key.text), {})
    entries = [(name, inner) for name, inner in value.entries if name.text in declared]
    fitting = [_fits(report, name, inner, declared[name.text], shared, group=group) for name, inner in entries]
    return all(fitting)


def _shown(value: Node) -> str:
    return f'"{value.text}"' if isinstance(value, Scalar) else kind_of(value)


def _like(kind: Type) -> str | None:
    return {Kind.DATE: "write it like 2026-01-31", Kind.YES_NO: "write true or false"}.get(kind.kind)


def _typed(value: Plain, kind: Type) -> Value:
    """Dates as dates; a mapping stays as it is."""
    return stated(value) if kind.kind is Kind.OBJECT or value is None else as_type(stated(value), kind)
