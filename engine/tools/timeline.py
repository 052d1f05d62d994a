"""Rule tests run: events in, the clock moved on, and everything that came of it.

The real engine in simulated time; nothing is sent. A test's member has said yes to every category, belongs to every
audience and to nobody's hold-out group unless the test says otherwise.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..deliver import Channel
from ..errors import PointbellError
from ..ingest import SourceSettings, read
from ..model import Cancel, Decision, Event, Notify, Reason, Schedule, Skip, Snapshot
from ..ruleset import Ruleset
from ..ruleset.audiences import Audience, Crowd
from ..ruleset.category import Category
from ..ruleset.category import Consent as Consents
from ..ruleset.positions import Plain
from ..ruleset.rule import Rule
from ..ruleset.timelines import Outcome, Step, Timeline
from ..settlement import EventState, Settlement
from ..store import Consent
from .event_files import type_of_name
from .intake import delivery_of, source_named
from .simulation import Simulation
from .watching import Watch

HORIZON = timedelta(days=400)
"""How far the clock runs on when a timeline does not say ``until``."""
OWN = "timeline"
SOURCE = SourceSettings(name=OWN, producer="native", unsigned=True)

_DEFAULT_DATA: Mapping[str, Mapping[str, Plain]] = {
    "points_transferred": {"points": 100, "direction": "in"},
    "points": {"points": 100},
    "tier": {"tier": "Gold", "tier_id": "gold"},
    "segment": {"segment": "Everyone"},
    "custom": {"custom_name": "custom"},
}
"""What events must have, where a step does not say it."""
_PLANNING = (Reason.ABSENT, Reason.DATE_PAST, Reason.NOTHING_AT_RISK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Something that came of a timeline, in the words of ``expect``."""

    at: datetime
    """Aware UTC, to the minute."""
    kind: Outcome
    name: str
    rule: str
    fields: Mapping[str, str | int | tuple[datetime, ...] | None] = field(default_factory=dict)
    optional: bool = False
    """Whether it counts only when it is listed."""
    detail: str = ""
    """Of a skip: why, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one timeline."""

    timeline: Timeline
    came: tuple[Came, ...]
    """Of the rules it judges, in order of time."""
    watch: Watch
    troubles: tuple[str, ...] = ()
    """What came in and could not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What timelines run on."""

    ruleset: Ruleset
    channels: Mapping[str, Channel]
    capture: Channel
    sources: Mapping[str, SourceSettings] = field(default_factory=dict)
    """The programme's, for recorded events."""
    recording: Callable[[Timeline, str], bytes] = field(default=lambda _, name: Path(name).read_bytes())
    """The body of a recorded event, by the name a test gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A step as a delivery."""

    at: datetime
    source: SourceSettings
    body: bytes
    type_hint: str | None = None
    member: str | None = None
    """Whom a recorded event is about."""


async def run_timeline(timeline: Timeline, stage: Stage, database: Path) -> Run:
    """Everything that came of the timeline for the rules it judges. ``database`` is a file that is made for it.

    Raises:
        PointbellError: a recorded event cannot be read, or names a source that config.yaml does not have.
    """
    arrivals = [_arrival(timeline, step, number, stage) for number, step in enumerate(timeline.steps)]
    start = min((one.at for one in arrivals), default=timeline.until or datetime(2026, 1, 1, tzinfo=UTC))
    sources = {SOURCE.name: SOURCE, **{one.source.name: one.source for one in arrivals}}
    watch = Watch(now=lambda: start)
    rules = tuple(_staged(rule, timeline) for rule in stage.ruleset.rules)
    simulation = Simulation(
        database=database,
        start=start,
        ruleset=watch.over(stage.ruleset, rules),
        sources=sources,
        channels=stage.channels,
        capture=stage.capture,
    )
    watch.now = simulation.clock.now
    async with simulation:
        await _introduce(simulation, timeline, arrivals, stage.ruleset, start)
        for one in arrivals:
            await simulation.advance(one.at)
            await simulation.deliver(one.source.name, one.body, one.type_hint)
        await simulation.advance(timeline.until or simulation.clock.now() + HORIZON)
        settlements = simulation.journal.settlements
    came = sorted(_came(settlements, timeline), key=lambda one: one.at)
    return Run(timeline=timeline, came=tuple(came), watch=watch, troubles=tuple(_troubles(settlements)))


async def _introduce(
    simulation: Simulation, timeline: Timeline, arrivals: Sequence[_Arrival], ruleset: Ruleset, start: datetime
) -> None:
    """The member as the directory knows them, and what they have said about categories."""
    known = next((one.member for one in arrivals if one.member is not None), timeline.member_id)
    person = {name: value for name, value in timeline.member.items() if name not in ("id", "aliases")}
    person["timezone"] = timeline.zone.key
    await simulation.import_members([Snapshot(id=known, as_of=start, fields=person)])
    said = {**dict.fromkeys(ruleset.shared.categories, True), **timeline.consents}
    words = [
        Consent(member=known, category=category, granted=granted, since=start, source=OWN)
        for category, granted in said.items()
        if granted is not None
    ]
    await simulation.record_consents(words)


# --- The rules as they are tested -------------------------------------------------------------------------------------


def _staged(rule: Rule, timeline: Timeline) -> Rule:
    """The rule without what would keep a test's member from it by chance."""
    if rule.name not in timeline.rules:
        return rule
    return replace(
        rule,
        holdout=float(timeline.held_out and bool(rule.holdout)),
        audience=rule.audience if _is_stated(rule.audience, timeline) else None,
        exclude=rule.exclude if _is_stated(rule.exclude, timeline) else None,
        category=_agreed(rule.category, timeline),
    )


def _agreed(category: Category | None, timeline: Timeline) -> Category | None:
    """The category without the yes it needs, which the member has given unless the test says otherwise."""
    if category is None or category.name in timeline.consents or category.consent is not Consents.OPT_IN:
        return category
    return replace(category, consent=Consents.OPT_OUT)


def _is_stated(crowd: Audience | Crowd | None, timeline: Timeline) -> bool:
    """Whether the test states any of the facts that decide who is among these people."""
    return crowd is not None and any(_states(path, timeline) for path in crowd.reads)


def _states(path: Sequence[str], timeline: Timeline) -> bool:
    if path[0] == "tier":
        return "tier" in timeline.member or any(step.event.startswith("tier_") for step in timeline.steps)
    if path[0] == "card":
        known = {"expiring_points": "next_expiration_points"}.get(path[1], path[1])
        return known in timeline.cards
    if path[0] != "member":
        return False
    if path[1] == "segments":
        return any(name.startswith("segment:") for name in timeline.member)
    inner = timeline.member.get(path[1])
    return path[1] in timeline.member and (len(path) == 2 or (isinstance(inner, dict) and path[2] in inner))  # noqa: PLR2004


# --- What comes in ----------------------------------------------------------------------------------------------------


def _arrival(timeline: Timeline, step: Step, number: int, stage: Stage) -> _Arrival:
    if step.recorded is None:
        at = step.at or datetime(2026, 1, 1, tzinfo=UTC)
        return _Arrival(at=at, source=SOURCE, body=_body(timeline, step, at, number))
    source = source_named(stage.sources, step.source)
    body = stage.recording(timeline, step.recorded)
    hint = type_of_name(step.recorded)
    event = _recorded(source, body, hint, step.at)
    if event is None:
        raise PointbellError(f"{timeline.file}:{timeline.line}: {step.recorded} holds no event about a member or card")
    member = event.member.id if event.member else event.holder_id
    return _Arrival(at=step.at or event.occurred_at, source=source, body=body, type_hint=hint, member=member)


def _recorded(source: SourceSettings, body: bytes, hint: str | None, at: datetime | None) -> Event | None:
    reading = read(delivery_of(body, source, hint, at or datetime(2026, 1, 1, tzinfo=UTC)))
    return next((event for event in reading.events if event.member or event.card), None)


def _body(timeline: Timeline, step: Step, at: datetime, number: int) -> bytes:
    """The step as a delivery in Pointbell's own JSON."""
    body: dict[str, object] = {
        "id": f"step-{number}",
        "type": step.event,
        "time": at.isoformat(),
        "member": {"id": timeline.member_id},
        "data": {**_default_data(step.event), **step.data},
    }
    if step.card is not None:
        own = {"id": f"card-of-{timeline.member_id}", "holder_id": timeline.member_id}
        body["card"] = {**own, **step.card}
    return json.dumps(body).encode()


def _default_data(name: str) -> Mapping[str, Plain]:
    return next((data for stem, data in _DEFAULT_DATA.items() if stem in name), {})


# --- What comes of it -------------------------------------------------------------------------------------------------


def _troubles(settlements: Iterable[Settlement]) -> Iterator[str]:
    for one in settlements:
        if one.state in (EventState.QUARANTINED, EventState.IGNORED):
            yield f"{one.name or 'a delivery'} could not be used: {one.note or one.state}"


def _came(settlements: Iterable[Settlement], timeline: Timeline) -> Iterator[Came]:
    for settlement in settlements:
        at = settlement.at.replace(second=0, microsecond=0)
        decisions = [one for one in settlement.decisions if one.rule in timeline.rules]
        for decision in decisions:
            came = _single(decision, at)
            if came is not None:
                yield came
        yield from _cancels([one for one in decisions if isinstance(one, Cancel)], at)
        yield from _moves([one for one in decisions if isinstance(one, Schedule) and one.moved_from], at)


def _single(decision: Decision, at: datetime) -> Came | None:
    if isinstance(decision, Notify):
        message = decision.notification
        words = message.words
        texts = {
            "subject": words.subject if words else None,
            "preheader": words.preheader if words else None,
            "text": words.text if words else None,
            "html": words.html if words else None,
        }
        about = {
            "channel": message.channel,
            "locale": message.locale,
            "offset": _offset(message.slot),
            "variant": message.variant,
        }
        return Came(at=at, kind="send", name=message.template, rule=decision.rule, fields={**about, **texts})
    if not isinstance(decision, Skip):
        return None
    planning = decision.slot is None and decision.reason in _PLANNING
    return Came(
        at=at,
        kind="skip",
        name=decision.template or decision.rule,
        rule=decision.rule,
        fields={"reason": decision.reason.value, "offset": _offset(decision.slot)},
        optional=planning or decision.reason is Reason.CONDITION,
        detail=decision.detail,
    )


def _offset(slot: str | None) -> str | None:
    """``30 days`` of a reminder's slot; what is no reminder has none."""
    first = (slot or "").partition("/")[0]
    return first if first.endswith((" day", " days")) else None


def _cancels(cancels: Iterable[Cancel], at: datetime) -> Iterator[Came]:
    for (rule, reason), count in Counter((one.rule, one.reason.value) for one in cancels).items():
        yield Came(at=at, kind="cancel", name=rule, rule=rule, fields={"count": count, "reason": reason})


def _moves(moves: Sequence[Schedule], at: datetime) -> Iterator[Came]:
    for rule in dict.fromkeys(one.rule for one in moves):
        to = sorted(one.timer.due_at.replace(second=0, microsecond=0) for one in moves if one.rule == rule)
        yield Came(at=at, kind="move", name=rule, rule=rule, fields={"count": len(to), "to": tuple(to)})
