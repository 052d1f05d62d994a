"""The keys of a rule that make its news wait, or keep it back: ``collect``, ``window``, ``quiet_hours``,
``suppresses`` and ``cap``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TypedDict

from ..language.problem import suggest
from . import codes
from .category import Category, Consent
from .hours import Span, read_span
from .options import DEFAULT_PRIORITY, PRIORITIES
from .positions import Block, Listing, Node, Scalar, descend
from .report import Report, kind_of
from .rule import BeforeTrigger, Suppression, Trigger
from .shared import Shared
from .times import in_words
from .triggers import read_length
from .yaml import Document

LONGEST_COLLECTION = timedelta(days=7)
NO_QUIET = "none"
EXEMPT = "exempt"


class Timing(TypedDict):
    """What ``Rule`` takes from these keys."""

    collect: timedelta | None
    window: Span | None
    quiet_hours: Span | None
    suppresses: tuple[Suppression, ...]
    cap: str | None


def read_timing(
    report: Report,
    entries: Mapping[str, Node],
    *,
    trigger: Trigger | None,
    category: Category | None,
    priority: int,
    shared: Shared,
    priorities: Mapping[str, int],
) -> Timing:
    """The keys of one rule; those at fault are reported, and their value is that of a rule without them.

    ``priorities`` are those of all rules by name.
    """
    free = category is not None and category.consent is Consent.TRANSACTIONAL
    window, quiet = _window(report, entries), _quiet_hours(report, entries, None if free else shared.quiet_hours)
    _never_open(report, entries, window, quiet)
    if isinstance(trigger, BeforeTrigger):
        _hour_of(report, entries, trigger, window, quiet)
    return Timing(
        collect=_collect(report, entries.get("collect"), trigger),
        window=window,
        quiet_hours=quiet,
        suppresses=_suppresses(report, entries, priority, priorities),
        cap=None if free and "cap" not in entries else _cap(report, entries.get("cap"), category, shared),
    )


def priorities_of(documents: Iterable[Document]) -> dict[str, int]:
    """The priorities of the rules in all these files by name, sound or not."""
    found: dict[str, int] = {}
    for document in documents:
        rules = descend(document.root, ("rules",)) if isinstance(document.root, Block) else None
        for node in rules.items if isinstance(rules, Listing) else (document.root,):
            name = node.get("rule") if isinstance(node, Block) else None
            if isinstance(node, Block) and isinstance(name, Scalar):
                found[name.text] = _said(node.get("priority"))
    return found


def _said(node: Node | None) -> int:
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, int) and value in PRIORITIES else DEFAULT_PRIORITY


def _collect(report: Report, node: Node | None, trigger: Trigger | None) -> timedelta | None:
    if node is None:
        return None
    if isinstance(trigger, BeforeTrigger):
        message = "a reminder collects nothing: no event happens, a date comes near"
        report.error(node, codes.NOTHING_TO_COLLECT, message, "leave it out")
        return None
    length = read_length(report, node, "collect", "minute")
    if length is None:
        return None
    if not timedelta(0) < length <= LONGEST_COLLECTION:
        longest = in_words(LONGEST_COLLECTION.days, "day")
        message = f'"collect" gathers for a while, and for {longest} at the longest'
        report.error(node, codes.BAD_VALUE, message, 'write it like "30 minutes"')
        return None
    return length


def _window(report: Report, entries: Mapping[str, Node]) -> Span | None:
    return read_span(report, entries["window"], "window", "09:00-20:00") if "window" in entries else None


def _quiet_hours(report: Report, entries: Mapping[str, Node], default: Span | None) -> Span | None:
    node = entries.get("quiet_hours")
    if node is None:
        return default
    return None if is_none(node) else read_span(report, node, "quiet_hours", "21:00-08:00, or none")


def is_none(node: Node) -> bool:
    """Whether the word for "none at all" stands there."""
    return isinstance(node, Scalar) and (node.text == NO_QUIET or node.value is False)


def _never_open(report: Report, entries: Mapping[str, Node], window: Span | None, quiet: Span | None) -> None:
    if window is not None and quiet is not None and not window.meets(quiet.rest):
        message = f"the window {window} lies within the quiet hours {quiet}: nothing could ever go"
        node = entries.get("window") or entries["quiet_hours"]
        report.error(node, codes.NEVER_OPEN, message, "move one of them")


def _hour_of(
    report: Report, entries: Mapping[str, Node], trigger: BeforeTrigger, window: Span | None, quiet: Span | None
) -> None:
    """A reminder that is due while nothing may go waits each time: allowed, and hardly meant."""
    for span, words in ((window, f"outside the window {window}"), (quiet and quiet.rest, f"in quiet hours {quiet}")):
        if span is not None and not span.holds(trigger.at):
            node = entries.get("window") or entries.get("quiet_hours") or entries["on"]
            message = f"the reminder is due at {trigger.at:%H:%M}, {words}: it waits until {span.start:%H:%M} each time"
            report.warning(node, codes.DUE_WHILE_CLOSED, message, f'write "at: {span.start:%H:%M}"')
            return


def _suppresses(
    report: Report, entries: Mapping[str, Node], priority: int, priorities: Mapping[str, int]
) -> tuple[Suppression, ...]:
    node = entries.get("suppresses")
    if node is None:
        return ()
    if not isinstance(node, Block):
        fix = "write {points-added: 24 hours}"
        message = f'"suppresses" is a mapping of rules to lengths of time, not {kind_of(node)}'
        report.error(node, codes.WRONG_TYPE, message, fix)
        return ()
    own = entries.get("rule")
    name = own.text if isinstance(own, Scalar) else ""
    read = (_suppression(report, key, value, name, priority, priorities) for key, value in node.entries)
    return tuple(one for one in read if one is not None)


def _suppression(  # noqa: PLR0917 - one entry, and what it is measured by.
    report: Report, key: Scalar, value: Node, own: str, priority: int, priorities: Mapping[str, int]
) -> Suppression | None:
    others = priorities.keys() - {own}
    if key.text not in others:
        told = "a rule cannot suppress itself" if key.text == own else f'unknown rule "{key.text}"'
        fix = 'use "again_after"' if key.text == own else suggest(key.text, others)
        report.error(key, codes.UNKNOWN_RULE, told, fix)
        return None
    if priorities[key.text] >= priority:
        message = f"{key.text} is as important as this rule, or more: {priorities[key.text]}, and {priority} here"
        fix = f"give this rule a priority above {priorities[key.text]}, or {key.text} a lower one"
        report.error(key, codes.NOT_LESS_IMPORTANT, message, fix)
        return None
    length = read_length(report, value, "suppresses", "hour")
    if length == timedelta(0):
        report.error(value, codes.BAD_VALUE, "for no time at all nothing is suppressed", 'write it like "24 hours"')
    return Suppression(rule=key.text, length=length) if length else None


def _cap(report: Report, node: Node | None, category: Category | None, shared: Shared) -> str | None:
    if node is None:
        return category.cap if category is not None else None
    text = report.text(node, "cap")
    if text is None or text == EXEMPT:
        return None
    names = shared.names.get("caps", frozenset())
    if text not in names:
        fix = suggest(text, names) if names else "define it under caps: in rules/shared.yaml"
        report.error(node, codes.UNKNOWN_CAP, f'unknown cap "{text}"', fix)
        return None
    return text
