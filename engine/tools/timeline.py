"""Rule tests as timelines: events in, the clock moved on, and every send, skip, move and cancel expected.

A timeline fixes the clock, judges the rules it names and is strict for those. Left to the reader's choice are skips by
``condition``, and a reminder rule's remark that there is nothing to plan: they count only when listed. Times without
an offset are the member's local time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..deliver import Channel
from ..errors import ImportFileError
from ..ingest import SourceSettings
from ..model import Cancel, Decision, Notify, Reason, Schedule, Skip, Snapshot
from ..ruleset import Ruleset, format_text
from ..ruleset.positions import plain
from ..ruleset.yaml import read_yaml
from ..store import Settlement
from .simulation import Simulation

HORIZON = timedelta(days=400)
"""How far the clock runs on when a timeline does not say ``until``."""
SOURCE = SourceSettings(name="timeline", producer="native", unsigned=True)
_DEFAULT_DATA: Mapping[str, Mapping[str, object]] = {
    "points": {"points": 100},
    "tier": {"tier": "Gold", "tier_id": "gold"},
    "segment": {"segment": "Everyone"},
    "custom": {"custom_name": "custom"},
}
_TIME_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
_PLANNING = (Reason.ABSENT, Reason.DATE_PAST, Reason.NOTHING_AT_RISK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One test: who, what comes in, and what must come of it."""

    name: str
    rules: frozenset[str]
    member_id: str
    member: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    expect: Sequence[Mapping[str, Any]]
    cards: Mapping[str, Mapping[str, Any]]
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Something that came of a timeline, in the words of ``expect``."""

    at: str
    kind: str
    """``send``, ``skip``, ``move`` or ``cancel``."""
    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False

    def matches(self, wanted: Mapping[str, Any]) -> bool:
        """Whether an expectation describes this outcome; texts may be patterns."""
        if wanted.get("at") != self.at or wanted.get(self.kind) != self.name:
            return False
        said = {key: value for key, value in wanted.items() if key not in ("at", self.kind)}
        return all(_same(value, self.fields.get(key)) for key, value in said.items())

    def __str__(self) -> str:
        fields = "".join(f", {key}: {value}" for key, value in self.fields.items() if value is not None)
        return f"{{at: {self.at}, {self.kind}: {self.name}{fields}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a timeline went: what was expected and did not come, and what came unexpected."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Nothing missing, nothing unexpected."""
        return not self.missing and not self.unexpected


def read_timelines(data: bytes, file: str) -> list[Timeline]:
    """The timelines of a test file.

    Raises:
        ImportFileError: it is not a test file; the message says where.
    """
    document = read_yaml(data, file)
    content = plain(document.root) if document.root is not None else None
    tests = content.get("tests") if isinstance(content, dict) else None
    if document.diagnostics or not isinstance(content, dict) or not isinstance(tests, list):
        findings = format_text(document.diagnostics)
        raise ImportFileError(f"{file}: {findings or 'a test file has a list under tests:'}")
    return [_timeline(content, test, file) for test in tests]


async def run_timeline(
    timeline: Timeline,
    ruleset: Ruleset,
    *,
    channels: Mapping[str, Channel],
    capture: Channel,
    database: Path,
) -> list[Outcome]:
    """Everything that came of the timeline for the rules it names, in order."""
    zone = ZoneInfo(str(timeline.member.get("timezone", ruleset.programme.timezone)))
    steps = [(_instant(step["at"], zone), step) for step in timeline.steps]
    start = steps[0][0] if steps else datetime(2026, 1, 1, tzinfo=UTC)
    simulation = Simulation(
        database=database,
        start=start,
        ruleset=ruleset,
        sources={SOURCE.name: SOURCE},
        channels=channels,
        capture=capture,
    )
    async with simulation:
        person = {name: value for name, value in timeline.member.items() if name != "timezone"}
        known = Snapshot(id=timeline.member_id, as_of=start, fields={**person, "timezone": str(zone)})
        await simulation.import_members([known])
        for number, (at, step) in enumerate(steps):
            await simulation.advance(at)
            await simulation.deliver(SOURCE.name, _body(timeline, step, at, number))
        end = _instant(timeline.until, zone) if timeline.until else simulation.clock.now() + HORIZON
        await simulation.advance(end)
        return list(_outcomes(simulation.journal.settlements, timeline, zone))


def judge(timeline: Timeline, outcomes: Sequence[Outcome]) -> Verdict:
    """Compare what came with what was expected, each outcome against one expectation."""
    wanted = list(timeline.expect)
    unexpected: list[str] = []
    for outcome in outcomes:
        match = next((one for one in wanted if outcome.matches(one)), None)
        if match is not None:
            wanted.remove(match)
        elif not outcome.optional:
            unexpected.append(str(outcome))
    return Verdict(missing=tuple(_as_text(one) for one in wanted), unexpected=tuple(unexpected))


def _timeline(content: Mapping[str, Any], test: Any, file: str) -> Timeline:
    try:
        members, named = content.get("members", {}), test["rule"]
        return Timeline(
            name=test["test"],
            rules=frozenset([named] if isinstance(named, str) else named),
            member_id=test["member"],
            member=members[test["member"]],
            steps=test["timeline"],
            expect=test.get("expect", []),
            cards=content.get("cards", {}),
            until=test.get("until"),
        )
    except (KeyError, TypeError) as error:
        raise ImportFileError(f"{file}: a test needs test, rule, member and timeline ({error} is missing)") from error


def _instant(text: str, zone: ZoneInfo) -> datetime:
    for form in _TIME_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone).astimezone(UTC)
        except ValueError:
            continue
    return datetime.fromisoformat(text).astimezone(UTC)


def _body(timeline: Timeline, step: Mapping[str, Any], at: datetime, number: int) -> bytes:
    """The step as a delivery in Pointbell's own JSON."""
    name = step["event"]
    given = step.get("card")
    card = timeline.cards[given] if isinstance(given, str) else given
    body: dict[str, Any] = {
        "id": f"step-{number}",
        "type": name,
        "time": at.isoformat(),
        "member": {"id": timeline.member_id},
        "data": {**_default_data(name), **step.get("data", {})},
    }
    if card is not None:
        body["card"] = {"id": f"card-of-{timeline.member_id}", "holder_id": timeline.member_id, **card}
    return json.dumps(body).encode()


def _default_data(name: str) -> Mapping[str, object]:
    return next((data for stem, data in _DEFAULT_DATA.items() if stem in name), {})


def _outcomes(settlements: Sequence[Settlement], timeline: Timeline, zone: ZoneInfo) -> Iterator[Outcome]:
    for settlement in settlements:
        at = f"{settlement.at.astimezone(zone):%Y-%m-%d %H:%M}"
        decisions = [one for one in settlement.decisions if one.rule in timeline.rules]
        for decision in decisions:
            outcome = _single(decision, at)
            if outcome is not None:
                yield outcome
        yield from _cancels([one for one in decisions if isinstance(one, Cancel)], at)
        yield from _moves([one for one in decisions if isinstance(one, Schedule) and one.moved_from], at, zone)


def _single(decision: Decision, at: str) -> Outcome | None:
    if isinstance(decision, Notify):
        message = decision.notification
        subject = message.words.subject if message.words else None
        return Outcome(at=at, kind="send", name=message.template, fields={
            "channel": message.channel, "subject": subject, "locale": message.locale})  # fmt: skip
    if isinstance(decision, Skip):
        planning = decision.slot is None and decision.reason in _PLANNING
        fields = {"reason": decision.reason.value, "offset": decision.slot}
        name = decision.template or decision.rule
        optional = planning or decision.reason is Reason.CONDITION
        return Outcome(at=at, kind="skip", name=name, fields=fields, optional=optional)
    return None


def _cancels(cancels: Sequence[Cancel], at: str) -> Iterator[Outcome]:
    for (rule, reason), count in Counter((one.rule, one.reason.value) for one in cancels).items():
        yield Outcome(at=at, kind="cancel", name=rule, fields={"count": count, "reason": reason})


def _moves(moves: Sequence[Schedule], at: str, zone: ZoneInfo) -> Iterator[Outcome]:
    for rule in dict.fromkeys(one.rule for one in moves):
        to = sorted(one.timer.due_at for one in moves if one.rule == rule)
        yield Outcome(
            at=at, kind="move", name=rule, fields={"to": [f"{due.astimezone(zone):%Y-%m-%d %H:%M}" for due in to]}
        )


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, str) and isinstance(found, str):
        return fnmatchcase(found, wanted)
    return bool(wanted == found)


def _as_text(expectation: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in expectation.items()) + "}"
