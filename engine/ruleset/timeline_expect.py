"""``expect`` in a test: what must come of it, checked against what can come of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from ..language.problem import closest, suggest
from ..model import Reason
from . import codes
from .positions import Block, Listing, Node, Scalar
from .report import Report, kind_of
from .rule import BeforeTrigger, Rule
from .timeline_codes import NEVER_COMES, NO_OUTCOME, UNKNOWN_REASON
from .timeline_keys import EXPECTED, FIELDS_OF
from .timeline_names import Names, read_moment
from .timelines import KINDS, Expected, Outcome
from .times import in_words, read_duration

_TEXTS = ("subject", "preheader", "text", "html", "locale")


class Expectations:
    """Reads the lines under ``expect`` of one test."""

    def __init__(self, report: Report, known: Names, judged: Iterable[str], zone: ZoneInfo) -> None:
        self._report = report
        self._known = known
        self._judged = tuple(judged)
        self._zone = zone

    def read(self, node: Node | None) -> tuple[Expected, ...]:
        """All of them; an empty list, or none, says that nothing must come."""
        if node is not None and not isinstance(node, Listing):
            self._report.error(node, codes.WRONG_TYPE, f'"expect" is a list, not {kind_of(node)}')
        found = [self._line(item) for item in node.items] if isinstance(node, Listing) else []
        return tuple(line for line in found if line is not None)

    def _line(self, node: Node) -> Expected | None:
        if not isinstance(node, Block):
            fix = "write {at: 2026-01-31 09:00, send: points-expired}"
            self._report.error(node, codes.WRONG_TYPE, f"an outcome is a mapping, not {kind_of(node)}", fix)
            return None
        entries = self._report.entries(node, EXPECTED)
        at = read_moment(self._report, entries.get("at"), "at", self._zone)
        said = [kind for kind in KINDS if kind in entries]
        if len(said) != 1:
            message = f"it says both {said[0]} and {said[1]}" if said else "it does not say what comes"
            self._report.error(node, NO_OUTCOME, message, "write one of send, skip, move and cancel")
            return None
        kind = said[0]
        name = self._name(kind, entries[kind])
        fields = self._fields(kind, node, entries)
        if at is None or name is None:
            return None
        line = self._report.source.place(node.start)[0]
        return Expected(at=at.replace(second=0, microsecond=0), kind=kind, name=name, fields=fields, line=line)

    # --- What comes ---------------------------------------------------------------------------------------------------

    def _name(self, kind: Outcome, node: Node) -> str | None:
        name = self._report.text(node, kind)
        plans = kind in ("move", "cancel")
        possible = (set() if plans else self._templates()) | (set() if kind == "send" else set(self._judged))
        if name is None:
            return None
        if name in possible:
            if plans:
                self._reminds(node, kind, name)
            return name
        if kind in ("send", "skip") and name in self._known.templates:
            message = f"{_listed(self._judged)} never {'sends' if len(self._judged) == 1 else 'send'} {name}"
            self._report.error(node, NEVER_COMES, message, suggest(name, possible))
        elif kind in ("send", "skip"):
            self._report.error(node, codes.UNKNOWN_TEMPLATE, f'unknown template "{name}"', suggest(name, possible))
        else:
            message = f'"{name}" is not a rule of this test'
            self._report.error(node, NEVER_COMES, message, suggest(name, possible))
        return None

    def _rules(self) -> list[Rule]:
        return [rule for name in self._judged if (rule := self._known.rules.get(name)) is not None]

    def _templates(self) -> set[str]:
        if any(self._known.rules.get(name) is None for name in self._judged):
            return set(self._known.templates)  # A rule with mistakes may send anything.
        own = {send.template for rule in self._rules() for send in rule.sends}
        return own | {variant.template for rule in self._rules() for variant in rule.variants if variant.template}

    def _reminds(self, node: Node, kind: str, name: str) -> None:
        rule = self._known.rules.get(name)
        if rule is not None and not isinstance(rule.on, BeforeTrigger):
            message = f"{name} reminds of no date: there is nothing to {kind}"
            self._report.error(node, NEVER_COMES, message, "only a rule with on: before: plans ahead")

    # --- What is said of it -------------------------------------------------------------------------------------------

    def _fields(
        self, kind: Outcome, block: Block, entries: Mapping[str, Node]
    ) -> dict[str, str | int | tuple[datetime, ...]]:
        allowed = FIELDS_OF[kind]
        for key, _ in block.entries:
            if key.text in EXPECTED.available - {"at", kind} and key.text not in (*allowed, *KINDS):
                self._report.error(
                    key, codes.UNKNOWN_KEY, f'a {kind} has no "{key.text}"', f"it has {', '.join(sorted(allowed))}"
                )
        given = {name: entries[name] for name in sorted(allowed) if name in entries}
        read = {name: self._field(name, node) for name, node in given.items()}
        return {name: value for name, value in read.items() if value is not None}

    def _field(self, name: str, node: Node) -> str | int | tuple[datetime, ...] | None:
        if name in _TEXTS:
            return self._pattern(name, node)
        reads = {"channel": self._channel, "reason": self._reason, "offset": self._offset, "variant": self._variant}
        if name in reads:
            return reads[name](node)
        return self._count(node) if name == "count" else self._moments(node)

    def _pattern(self, name: str, node: Node) -> str | None:
        """A text in which ``*`` stands for anything; a number is its digits."""
        if isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return node.text
        return self._report.text(node, name)

    def _channel(self, node: Node) -> str | None:
        channel = self._report.text(node, "channel")
        channels = self._known.programme.channels
        if channel is not None and channel not in channels:
            self._report.error(node, codes.UNKNOWN_CHANNEL, f'unknown channel "{channel}"', suggest(channel, channels))
        return channel

    def _reason(self, node: Node) -> str | None:
        text = self._report.text(node, "reason")
        if text is None or text in tuple(Reason):
            return text
        near = closest(text.replace(" ", "_"), tuple(Reason))
        fix = f'did you mean "{near}"?' if near else f"available: {', '.join(sorted(Reason))}"
        self._report.error(node, UNKNOWN_REASON, f'unknown reason "{text}"', fix)
        return None

    def _offset(self, node: Node) -> str | None:
        text = self._report.text(node, "offset")
        if text is None:
            return None
        length = read_duration(text)
        meant = in_words(length.days, "day") if length is not None else text
        triggers = [rule.on for rule in self._rules() if isinstance(rule.on, BeforeTrigger)]
        offsets = [offset.text for trigger in triggers for offset in trigger.offsets]
        if meant not in offsets and len(self._rules()) == len(self._judged):
            fix = suggest(meant, offsets) if offsets else "only a rule with on: before: has offsets"
            self._report.error(node, NEVER_COMES, f'{_listed(self._judged)} has no offset "{text}"', fix)
        return meant

    def _variant(self, node: Node) -> str | None:
        name = self._report.text(node, "variant")
        names = [variant.name for rule in self._rules() for variant in rule.variants]
        if name is not None and name not in names and len(self._rules()) == len(self._judged):
            fix = suggest(name, names) if names else "only a rule with variants: has any"
            self._report.error(node, NEVER_COMES, f'{_listed(self._judged)} has no variant "{name}"', fix)
        return name

    def _count(self, node: Node) -> int | None:
        if isinstance(node, Scalar) and isinstance(node.value, int) and not isinstance(node.value, bool):
            return node.value
        self._report.error(node, codes.WRONG_TYPE, '"count" is a whole number', "write it like 2")
        return None

    def _moments(self, node: Node) -> tuple[datetime, ...]:
        read = [read_moment(self._report, item, "to", self._zone) for item in self._report.items(node, "to")]
        return tuple(sorted(at.replace(second=0, microsecond=0) for at in read if at is not None))


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names)
