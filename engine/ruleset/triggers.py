"""``on``: what makes a rule apply. Events by name, or a date that comes nearer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import time, timedelta

from ..language import Scope
from ..language.problem import closest, suggest
from ..language.schema import GROUP_DIRECTIONS, GROUPS, REMINDER_FIELDS
from ..model import EVENT_NAMES
from . import codes
from .keys import BEFORE
from .positions import Block, Node, Scalar, span
from .report import Report, kind_of
from .rule import BOTH_WAYS, GRACE, BeforeTrigger, EventTrigger, Offset, Trigger
from .times import LONGEST, duration_meant, in_words, read_duration, read_time, time_meant

AVAILABLE_DATES = ("card.next_expiration_date",)
UNTIL_NEXT = "until_next"

_TRANSFER = "points_transferred"
_NO_SPACE = re.compile(r"(?:before|by|at|grace):(?=\S)")
_DAY = timedelta(days=1)


def read_trigger(report: Report, node: Node, spellings: Callable[[str], str | None]) -> Trigger | None:
    """The trigger; ``None``, reported, when it cannot be used."""
    if isinstance(node, Block):
        return _before(report, node)
    return _events(report, node, spellings)


def scope_of(node: Node, trigger: Trigger | None) -> Scope | None:
    """The facts that may be used; ``None`` when that depends on what is wrong with the trigger."""
    if isinstance(trigger, EventTrigger):
        return Scope.for_events(trigger.names)
    if isinstance(node, Block) and not any(key.text in BEFORE.later for key, _ in node.entries):
        return Scope.for_reminder(trigger.field if trigger else AVAILABLE_DATES[0])
    return None


def _events(report: Report, node: Node, spellings: Callable[[str], str | None]) -> EventTrigger | None:
    found: set[tuple[str, str]] = set()
    items = report.items(node, "on")
    read = [(item, _happenings(report, item, spellings)) for item in items]
    for item, happenings in read:
        if happenings and happenings <= found:
            report.warning(item, codes.EVENT_TWICE, "the rule listens to this already", "leave it out")
        found |= happenings
    if not all(happenings for _, happenings in read) or not found:
        return None
    directions = frozenset(direction for name, direction in found if name == _TRANSFER)
    return EventTrigger(names=frozenset(name for name, _ in found), directions=directions or BOTH_WAYS)


def _happenings(report: Report, node: Node, spellings: Callable[[str], str | None]) -> set[tuple[str, str]]:
    """The events one name stands for, transfers by direction; none, reported, for a name nobody knows."""
    text = report.text(node, "on")
    if text is None:
        return set()
    if text in GROUPS:
        return set(_by_direction(GROUPS[text], GROUP_DIRECTIONS.get(text)))
    name = text if text in EVENT_NAMES else spellings(text)
    if name not in EVENT_NAMES:
        _refuse_event(report, node, text)
        return set()
    return set(_by_direction(frozenset({name}), None))


def _by_direction(names: frozenset[str], direction: str | None) -> Iterator[tuple[str, str]]:
    for name in names:
        if name != _TRANSFER:
            yield name, ""
        else:
            yield from ((name, each) for each in ([direction] if direction else sorted(BOTH_WAYS)))


def _refuse_event(report: Report, node: Node, text: str) -> None:
    slip = _NO_SPACE.match(text)
    if slip is not None and isinstance(node, Scalar):
        report.at(span(report.source, node, slip.end(), 1), codes.SPACE_AFTER_COLON, 'there is no space after ":"')
        return
    names = [*EVENT_NAMES, *GROUPS]
    words = text.lower().replace("-", "_").split(".")
    near = next((near for last in (1, 2) if (near := closest("_".join(words[-last:]), names))), None)
    fix = f'did you mean "{near}"?' if near else suggest(text, names)
    report.error(node, codes.UNKNOWN_EVENT, f'unknown event "{text}"', fix)


def _before(report: Report, block: Block) -> BeforeTrigger | None:
    later = next((key for key, _ in block.entries if key.text in BEFORE.later), None)
    if later is not None:
        # A trigger of another kind: its other keys are not worth a finding each.
        report.not_yet(later, f'"{later.text}" under "on"')
        return None
    entries = report.entries(block, BEFORE)
    field = _date(report, entries.get("before"))
    offsets = _offsets(report, entries.get("by"))
    at = _time(report, entries.get("at"))
    grace = _grace(report, entries["grace"]) if "grace" in entries else GRACE
    if field is None or not offsets or at is None:
        return None
    return BeforeTrigger(field=field, offsets=offsets, at=at, grace=grace)


def _date(report: Report, node: Node | None) -> str | None:
    field = report.text(node, "before")
    if field is None or node is None:
        return None
    if field in AVAILABLE_DATES:
        return field
    if field in REMINDER_FIELDS:
        report.not_yet(node, f"a reminder ahead of {field}")
    else:
        fix = suggest(field, AVAILABLE_DATES)
        report.error(node, codes.UNKNOWN_DATE, f'no reminder can run ahead of "{field}"', fix)
    return None


def _offsets(report: Report, node: Node | None) -> tuple[Offset, ...]:
    found: dict[int, Node] = {}
    for item in report.items(node, "by") if node is not None else ():
        days = _days(report, item)
        if days in found:
            message = f"the same offset stands in {report.place(found[days])}"
            report.error(item, codes.OFFSET_TWICE, message, "keep one of them")
        elif days is not None:
            found[days] = item
    return tuple(Offset(days=days, text=in_words(days, "day")) for days in sorted(found, reverse=True))


def _days(report: Report, node: Node) -> int | None:
    length = read_length(report, node, "by")
    if length is None:
        return None
    if length % _DAY:
        fix = f'write "{in_words(max(1, round(length / _DAY)), "day")}", and the hour under "at"'
        report.error(node, codes.BAD_VALUE, "an offset is counted in whole days", fix)
        return None
    if isinstance(node, Scalar) and node.text.rstrip("s").endswith(("hour", "minute")):
        fix = f'write "{in_words(length.days, "day")}"'
        report.error(node, codes.BAD_VALUE, "an offset is counted in calendar days", fix)
        return None
    return length.days


def read_length(report: Report, node: Node, name: str, unit: str = "day") -> timedelta | None:
    """A duration; ``None``, reported, for anything else. A bare number is taken for one of ``unit`` in the fix."""
    if not isinstance(node, Scalar) or isinstance(node.value, bool) or node.value is None:
        report.error(node, codes.WRONG_TYPE, f'"{name}" must be a duration, not {kind_of(node)}')
        return None
    length = read_duration(node.text)
    if length is None:
        report.error(node, codes.BAD_VALUE, f'"{node.text}" is not a duration', duration_meant(node.text, unit))
    elif length > LONGEST:
        report.error(node, codes.BAD_VALUE, f'"{node.text}" is longer than {LONGEST.days} days')
        return None
    return length


def _time(report: Report, node: Node | None) -> time | None:
    if node is None:
        return None
    if not isinstance(node, Scalar) or isinstance(node.value, bool):
        report.error(node, codes.WRONG_TYPE, f'"at" must be a time of day, not {kind_of(node)}')
        return None
    at = read_time(node.text)
    if at is None:
        report.error(node, codes.BAD_VALUE, f'"{node.text}" is not a time of day', time_meant(node.text))
    return at


def _grace(report: Report, node: Node) -> timedelta | None:
    if isinstance(node, Scalar) and node.text == UNTIL_NEXT:
        return None
    if isinstance(node, Scalar) and closest(node.text.replace(" ", "_"), {UNTIL_NEXT}):
        report.error(node, codes.BAD_VALUE, f'"{node.text}" is no grace', f'did you mean "{UNTIL_NEXT}"?')
        return None
    grace = read_length(report, node, "grace")
    if grace == timedelta(0):
        message = "with no grace at all no reminder could ever go: none leaves in the very instant it is due"
        report.error(node, codes.BAD_VALUE, message, 'write "1 hour" or more')
    return grace
