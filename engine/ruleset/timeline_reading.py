"""From a file of tests, or ``tests`` in a file of rules, to timelines; every mistake in one reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from ..language.problem import suggest
from ..model import EVENT_NAMES, Value
from . import codes
from .audiences import entries_of
from .diagnostics import Diagnostic
from .keys import Keys
from .positions import Block, Listing, Node, Plain, Scalar, descend
from .report import Report, is_nothing, kind_of
from .timeline_codes import (
    BACKWARDS,
    NO_RECORDING,
    TEST_TWICE,
    UNKNOWN_CARD,
    UNKNOWN_MEMBER,
    UNKNOWN_RULE,
)
from .timeline_expect import Expectations
from .timeline_facts import read_card, read_data, read_member
from .timeline_keys import STEP, TEST, TEST_FILE
from .timeline_names import Cast, Names, read_moment
from .timelines import Expected, Step, Timeline
from .yaml import Document

_UNKNOWN = "unknown"


def read_test_file(document: Document, known: Names) -> tuple[list[Timeline], list[Diagnostic]]:
    """The tests of a file that holds nothing else, and everything that is wrong with it."""
    report = Report(document.source)
    report.findings.extend(document.diagnostics)
    root = document.root
    if not document.whole:
        return [], report.findings
    if not isinstance(root, Block):
        at = (root.start, root.end) if root is not None else (0, 0)
        report.at(at, codes.WRONG_TYPE, "a test file is a mapping with a list of tests", 'begin it with "tests:"')
        return [], report.findings
    entries = report.entries(root, TEST_FILE)
    reader = _Reader(report, known, _cast(report, entries, known))
    return reader.tests(entries.get("tests"), None), report.findings


def read_tests_of_rules(document: Document, known: Names) -> tuple[list[Timeline], list[Diagnostic]]:
    """The tests in a file of rules, and what is wrong with them; of the rules nothing is said here."""
    report = Report(document.source)
    root = document.root
    if not isinstance(root, Block) or not document.whole:
        return [], []
    shared = _cast(report, _entries(root), known)
    alone = root.get("rules") is None
    found = [] if alone else _Reader(report, known, shared).tests(root.get("tests"), None)
    rules = descend(root, ("rules",)) if not alone else Listing(items=(root,), start=0, end=0)
    for block in rules.items if isinstance(rules, Listing) else ():
        if isinstance(block, Block) and not is_nothing(block.get("tests") or _NOTHING):
            own = shared if alone else _cast(report, _entries(block), known, shared)
            name = block.get("rule")
            rule = name.text if isinstance(name, Scalar) else None
            found += _Reader(report, known, own).tests(block.get("tests"), rule)
    return found, report.findings


_NOTHING = Scalar(value=None, text="", start=0, end=0)


def _entries(block: Block) -> dict[str, Node]:
    return {key.text: value for key, value in block.entries if not is_nothing(value)}


def _cast(report: Report, entries: Mapping[str, Node], known: Names, outer: Cast | None = None) -> Cast:
    members = {
        key.text: read_member(report, value, known.shared)
        for key, value in entries_of(report, entries.get("members"), "members")
    }
    cards = {
        key.text: read_card(report, value, known.shared)
        for key, value in entries_of(report, entries.get("cards"), "cards")
    }
    return Cast(
        members={**(outer.members if outer else {}), **members}, cards={**(outer.cards if outer else {}), **cards}
    )


class _Reader:
    """Reads the tests in one place."""

    def __init__(self, report: Report, known: Names, cast: Cast) -> None:
        self._report = report
        self._known = known
        self._cast = cast

    def tests(self, node: Node | None, own: str | None) -> list[Timeline]:
        """The list under ``tests``; ``own`` is the rule around it."""
        if node is None:
            return []
        if not isinstance(node, Listing):
            self._report.error(node, codes.WRONG_TYPE, f'"tests" is a list, not {kind_of(node)}')
            return []
        found = [self._test(item, own) for item in node.items]
        self._names_twice(node.items)
        return [test for test in found if test is not None]

    def _names_twice(self, tests: Iterable[Node]) -> None:
        taken: dict[str, Node] = {}
        for test in tests:
            name = test.get("test") if isinstance(test, Block) else None
            if isinstance(name, Scalar) and taken.setdefault(name.text, name) is not name:
                message = f"a test of this name stands already in {self._report.place(taken[name.text])}"
                self._report.error(name, TEST_TWICE, message, "give it another name")

    def _test(self, node: Node, own: str | None) -> Timeline | None:
        """A test, or ``None`` when anything in it is wrong."""
        report = self._report
        if not isinstance(node, Block):
            report.error(node, codes.WRONG_TYPE, f"a test is a mapping, not {kind_of(node)}", 'begin with "test:"')
            return None
        before = len(report.findings)
        keys = TEST if own is None else _within(own)
        entries = report.entries(node, keys)
        name = report.text(entries.get("test"), "test")
        rules = self._rules(entries.get("rule"), own)
        member_id, member = self._member(entries.get("member"))
        zone = ZoneInfo(str((member or {}).get("timezone") or self._known.programme.timezone))
        steps = self._steps(entries.get("timeline"), zone)
        until = self._until(entries.get("until"), steps, zone)
        consents = self._consents(entries.get("consents"))
        held_out = self._yes(entries.get("holdout"))
        expect = self._expect(entries.get("expect"), rules, zone)
        if len(report.findings) > before or name is None:
            return None
        return Timeline(
            name=name,
            rules=frozenset(rules),
            member_id=member_id,
            member=member or {},
            zone=zone,
            steps=tuple(step for step in steps if step is not None),
            expect=expect,
            consents=consents,
            held_out=held_out,
            until=until,
            file=report.source.file,
            line=report.source.place(node.start)[0],
        )

    def _expect(self, node: Node | None, rules: tuple[str, ...], zone: ZoneInfo) -> tuple[Expected, ...]:
        return Expectations(self._report, self._known, rules, zone).read(node) if rules else ()

    # --- Whom and what ------------------------------------------------------------------------------------------------

    def _rules(self, node: Node | None, own: str | None) -> tuple[str, ...]:
        if node is None:
            return () if own is None else (own,)
        read = [(item, self._report.text(item, "rule")) for item in self._report.items(node, "rule")]
        for item, name in read:
            if name is not None and name not in self._known.rules:
                self._report.error(item, UNKNOWN_RULE, f'unknown rule "{name}"', suggest(name, self._known.rules))
        return tuple(name for _, name in read if name is not None and name in self._known.rules)

    def _member(self, node: Node | None) -> tuple[str, Mapping[str, Value] | None]:
        if node is None:
            return "", None
        if isinstance(node, Block):
            member = read_member(self._report, node, self._known.shared)
            return str((member or {}).get("id") or "member"), member
        name = self._report.text(node, "member")
        if name is not None and name not in self._cast.members:
            fix = suggest(name, self._cast.members) if self._cast.members else "describe it under members:"
            self._report.error(node, UNKNOWN_MEMBER, f'unknown member "{name}"', fix)
        found = self._cast.members.get(name or "")
        return str((found or {}).get("id") or name or ""), found

    def _consents(self, node: Node | None) -> dict[str, bool | None]:
        found: dict[str, bool | None] = {}
        names = self._known.shared.names.get("categories", frozenset())
        for key, value in entries_of(self._report, node, "consents"):
            said = value.value if isinstance(value, Scalar) else None
            if key.text not in names:
                fix = suggest(key.text, names)
                self._report.error(key, codes.UNKNOWN_CATEGORY, f'unknown category "{key.text}"', fix)
            elif not isinstance(said, bool) and said != _UNKNOWN:
                self._report.error(value, codes.BAD_VALUE, "a consent is given, refused or not known", _ANSWERS)
            else:
                found[key.text] = said if isinstance(said, bool) else None
        return found

    def _yes(self, node: Node | None) -> bool:
        if node is None or (isinstance(node, Scalar) and isinstance(node.value, bool)):
            return bool(node is not None and node.value)
        self._report.error(node, codes.WRONG_TYPE, '"holdout" is true or false, whether the member is left out', None)
        return False

    # --- What comes in ------------------------------------------------------------------------------------------------

    def _steps(self, node: Node | None, zone: ZoneInfo) -> list[Step | None]:
        if node is None:
            return []
        if not isinstance(node, Listing) or not node.items:
            self._report.error(node, codes.WRONG_TYPE, '"timeline" is a list of what comes in', _STEP)
            return []
        steps: list[Step | None] = []
        latest: datetime | None = None
        for item in node.items:
            step = self._step(item, zone)
            steps.append(step)
            if step is not None and step.at is not None:
                if latest is not None and step.at < latest:
                    self._report.error(item, BACKWARDS, "this comes before the step above it", "put it before that one")
                latest = max(latest or step.at, step.at)
        return steps

    def _step(self, node: Node, zone: ZoneInfo) -> Step | None:
        if not isinstance(node, Block):
            self._report.error(node, codes.WRONG_TYPE, f"a step is a mapping, not {kind_of(node)}", _STEP)
            return None
        entries = self._report.entries(node, STEP)
        at = read_moment(self._report, entries.get("at"), "at", zone)
        if "recorded" in entries:
            return self._recorded(node, entries, at)
        for name in ("at", "event"):
            if node.get(name) is None and not (name == "event" and _has_other(node)):
                self._report.error(node, codes.MISSING_KEY, f'a step needs "{name}"', _STEP)
        event = self._event(entries.get("event"))
        if event is None:
            return None
        data = read_data(self._report, entries["data"], event, self._known.shared) if "data" in entries else {}
        return Step(at=at, event=event, card=self._card(entries.get("card")), data=data)

    def _recorded(self, node: Block, entries: Mapping[str, Node], at: datetime | None) -> Step | None:
        for name in ("event", "card", "data"):
            if (key := node.key(name)) is not None:
                message = f'a recorded event brings its own "{name}"'
                self._report.error(key, codes.UNKNOWN_KEY, message, f"leave out recorded, or {name}")
        file = self._report.text(entries["recorded"], "recorded")
        if file is not None and not self._known.is_file(file):
            fix = "give it relative to the programme's folder, or to that of this file"
            self._report.error(entries["recorded"], NO_RECORDING, f"there is no file {file}", fix)
        return Step(at=at, recorded=file, source=self._report.text(entries.get("source"), "source"))

    def _event(self, node: Node | None) -> str | None:
        text = self._report.text(node, "event")
        if text is None or node is None:
            return None
        name = text if text in EVENT_NAMES else self._known.spellings(text)
        if name in EVENT_NAMES:
            return name
        self._report.error(node, codes.UNKNOWN_EVENT, f'unknown event "{text}"', suggest(text, EVENT_NAMES))
        return None

    def _card(self, node: Node | None) -> Mapping[str, Plain] | None:
        if node is None or isinstance(node, Block):
            return None if node is None else read_card(self._report, node, self._known.shared)
        name = self._report.text(node, "card")
        if name is not None and name not in self._cast.cards:
            fix = suggest(name, self._cast.cards) if self._cast.cards else "describe it under cards:"
            self._report.error(node, UNKNOWN_CARD, f'unknown card "{name}"', fix)
        return self._cast.cards.get(name or "")

    def _until(self, node: Node | None, steps: Iterable[Step | None], zone: ZoneInfo) -> datetime | None:
        until = read_moment(self._report, node, "until", zone)
        times = [step.at for step in steps if step is not None and step.at is not None]
        if until is not None and node is not None and times and until < max(times):
            self._report.error(node, BACKWARDS, "the test would end before its last step", "give a later time")
        return until


_ANSWERS = "write true, false or unknown"
_STEP = "write {at: 2026-01-31 09:00, event: points_earned}"


def _within(own: str) -> Keys:
    """The keys of a test that stands in the rule it is about."""
    return replace(TEST, place=f"a test of {own}", required=("test", "member", "timeline"))


def _has_other(block: Block) -> bool:
    """Whether what happens is there under another name, which has been reported already."""
    return any(key.text in STEP.synonyms for key, _ in block.entries)
