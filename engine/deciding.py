"""From a stored delivery to its settlement: read, decide, write down. Nothing here touches the store or the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from .decide import Book, decide, replan, withdrawals
from .deliver import Channel
from .errors import BodyError
from .ingest import Delivery, Reading, SourceSettings, read
from .model import UNKNOWN_EVENT, Decision, Event, Notification, Notify, Reason, Skip, Snapshot
from .ruleset import Ruleset
from .store import CLOCK, EventState, Settlement, StoredEvent, Worded, clock_event
from .trial import culprits

Mode: TypeAlias = Literal["capture", "allowlist", "live"]
CAPTURE = "capture"
"""The route of messages that are kept instead of sent."""
KILLED = "deciding it ends the process: it was tried alone, in a child that did not come back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Who is really written to. The default writes to nobody."""

    mode: Mode = "capture"
    allow: tuple[str, ...] = ()
    """Patterns of addresses, such as ``*@example.org``, that ``allowlist`` lets through."""

    def route(self, notification: Notification) -> str:
        """The way a message takes, fixed when it is worded: switching the mode never releases old ones."""
        address = notification.address.lower()
        listed = any(fnmatchcase(address, pattern.lower()) for pattern in self.allow)
        if self.mode == "live" or (self.mode == "allowlist" and listed):
            return notification.channel
        return CAPTURE


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a batch is decided with: the rules in force, the channels that write it down, and the time."""

    ruleset: Ruleset
    channels: Mapping[str, Channel]
    routing: Routing
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A delivery and what it says, or why it cannot be read."""

    stored: StoredEvent
    reading: Reading | BodyError

    @property
    def events(self) -> tuple[Event, ...]:
        """The events it reports; none when it cannot be read."""
        return self.reading.events if isinstance(self.reading, Reading) else ()


def open_delivery(stored: StoredEvent, sources: Mapping[str, SourceSettings]) -> Opened:
    """Read a delivery. Whatever is in it, what comes back is a reading or a reason."""
    try:
        return Opened(stored=stored, reading=_read(stored, sources))
    except BodyError as error:
        return Opened(stored=stored, reading=error)
    except Exception as error:  # noqa: BLE001 - a body that breaks its reader is set aside with what it broke.
        return Opened(stored=stored, reading=BodyError(f"reading it failed: {type(error).__name__}: {error}"))


def settle_delivery(opened: Opened, book: Book, desk: Desk) -> Settlement:
    """Decide on a delivery and note in the book what it changed.

    Raises:
        Exception: whatever a defect raises; the book is then as it was before the event that met it.
    """
    if isinstance(opened.reading, BodyError):
        return set_aside(opened.stored, str(opened.reading), desk)
    settlement = replace(
        set_aside(opened.stored, "", desk), state=EventState.IGNORED, note="; ".join(opened.reading.notes) or None
    )
    for event in opened.reading.events:
        if event.name == UNKNOWN_EVENT:
            settlement = replace(settlement, name=UNKNOWN_EVENT)
        else:
            settlement = _decided(settlement, _not_from_the_future(event, opened.stored), book, desk)
    return settlement


def set_aside(stored: StoredEvent, reason: str, desk: Desk) -> Settlement:
    """The settlement of a delivery that cannot be decided."""
    return Settlement(seq=stored.seq, state=EventState.QUARANTINED, at=desk.at, ruleset=desk.ruleset.hash, note=reason)


def guilty(batch: Sequence[Opened], book: Book, desk: Desk) -> set[int]:
    """Of the deliveries that were being decided when a process ended, those that end every process. Blocks."""

    def judge(opened: Opened) -> None:
        settle_delivery(opened, book, desk)

    suspects = [opened for opened in batch if opened.stored.attempts]
    return {opened.stored.seq for opened in culprits(suspects, judge)}


def _read(stored: StoredEvent, sources: Mapping[str, SourceSettings]) -> Reading:
    received = stored.received
    if received.source == CLOCK:
        return Reading(events=(clock_event(received),))
    source = sources.get(received.source)
    if source is None:
        raise BodyError(f"there is no source {received.source} in config.yaml any more")
    headers = {"content-type": received.content_type} if received.content_type else {}
    return read(
        Delivery(
            source=source,
            headers=headers,
            body=received.raw,
            received_at=received.received_at,
            type_hint=received.type_hint,
            key=received.key,
        )
    )


def _decided(settlement: Settlement, told: Event, book: Book, desk: Desk) -> Settlement:
    event = book.addressed(told)
    facts = book.facts_for(event, settlement.seq)
    worded, decisions = _write_down(decide(event, facts, desk.ruleset, desk.at), desk)
    others = [(other, replan(other, desk.ruleset, desk.at)) for other in book.other_cards(event, facts.member)]
    book.note(event, settlement.seq, facts, decisions)
    for other, followed in others:
        book.note(event, settlement.seq, other, followed)
        decisions = [*decisions, *followed]
    return replace(
        settlement,
        state=EventState.DECIDED,
        name=event.name,
        member_id=facts.member.id if facts.member else None,
        card_id=facts.card.id if facts.card else None,
        occurred_at=event.occurred_at,
        decisions=[*settlement.decisions, *decisions],
        worded=[*settlement.worded, *worded],
        withdrawals=[*settlement.withdrawals, *withdrawals(event, decisions)],
        erased=event.member.id if event.erases and event.member else settlement.erased,
    )


def _write_down(decisions: list[Decision], desk: Desk) -> tuple[list[Worded], list[Decision]]:
    """The messages as bytes; one whose address cannot be written becomes a skip."""
    worded: list[Worded] = []
    kept: list[Decision] = []
    for decision in decisions:
        if isinstance(decision, Notify):
            message = decision.notification
            try:
                payload = desk.channels[message.channel].prepare(message)
            except ValueError as error:
                skip = Skip(rule=decision.rule, reason=Reason.NO_ADDRESS, detail=str(error), slot=message.slot)
                kept.append(replace(skip, template=message.template))
                continue
            worded.append(Worded(notification=message, payload=payload, route=desk.routing.route(message)))
        kept.append(decision)
    return worded, kept


def _not_from_the_future(event: Event, stored: StoredEvent) -> Event:
    """A snapshot cannot be newer than its arrival: a clock set wrong must not freeze what is known."""
    latest = stored.received.received_at
    return replace(event, member=_by(event.member, latest), card=_by(event.card, latest))


def _by(snapshot: Snapshot | None, latest: datetime) -> Snapshot | None:
    return snapshot if snapshot is None or snapshot.as_of <= latest else replace(snapshot, as_of=latest)
