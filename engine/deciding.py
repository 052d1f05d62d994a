"""From a stored delivery to its settlement: read, decide, write down. Nothing here touches the store or the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from .decide import Book, decide, replan, withdrawals
from .errors import BodyError
from .ingest import Delivery, Reading, SourceSettings, read
from .model import RULES_CHANGED, UNKNOWN_EVENT, Decision, Event, Notification, Notify, Reason, Skip, Snapshot, Telling
from .routing import Routing
from .ruleset import Ruleset
from .settlement import CLOCK, EventState, Received, Settlement, StoredEvent, Worded, clock_event

Writer: TypeAlias = Callable[[Notification], bytes]
"""How a channel writes a message down; see ``Channel.prepare``."""
HISTORY = "history"
"""The note of a delivery that only informs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a batch is decided with: the rules in force, how each channel writes it down, and the time."""

    ruleset: Ruleset
    writers: Mapping[str, Writer]
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


def open_delivery(stored: StoredEvent, sources: Mapping[str, SourceSettings], ruleset: Ruleset) -> Opened:
    """Read a delivery, the fields that the rules declare included; what comes back is a reading or a reason."""
    try:
        return Opened(stored=stored, reading=_read(stored, sources, ruleset))
    except BodyError as error:
        return Opened(stored=stored, reading=error)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a body that breaks its reader is set aside with what it broke.
        return Opened(stored=stored, reading=BodyError(f"reading it failed: {type(error).__name__}: {error}"))


def settle_delivery(opened: Opened, book: Book, desk: Desk) -> Settlement:
    """Decide on a delivery and note in the book what it changed.

    Raises:
        Exception: whatever a defect raises; the book is then as it was before the event that met it.
    """
    if isinstance(opened.reading, BodyError):
        return set_aside(opened.stored, str(opened.reading), desk)
    history = [HISTORY] if opened.stored.received.telling is Telling.HISTORY else []
    note = "; ".join([*history, *opened.reading.notes]) or None
    settlement = replace(set_aside(opened.stored, "", desk), state=EventState.IGNORED, note=note)
    for event in opened.reading.events:
        if event.name == UNKNOWN_EVENT:
            settlement = replace(settlement, name=UNKNOWN_EVENT)
        else:
            settlement = _decided(settlement, _as_it_came(event, opened.stored), book, desk)
    return settlement


def judge(opened: Opened, book: Book, desk: Desk) -> tuple[Settlement, Exception | None]:
    """Decide on a delivery, whatever is in it; one that meets a defect is set aside with what it met.

    Raises:
        MemoryError: it takes more than this process may use.
    """
    try:
        return settle_delivery(opened, book, desk), None
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - one poisonous event must not stop the others; it is kept and listed.
        return set_aside(opened.stored, f"{type(error).__name__}: {error}", desk), error


def set_aside(stored: StoredEvent, reason: str, desk: Desk) -> Settlement:
    """The settlement of a delivery that cannot be decided."""
    return Settlement(
        seq=stored.seq,
        claim=stored.claim,
        state=EventState.QUARANTINED,
        at=desk.at,
        ruleset=desk.ruleset.hash,
        note=reason,
    )


def _read(stored: StoredEvent, sources: Mapping[str, SourceSettings], ruleset: Ruleset) -> Reading:
    received = stored.received
    if received.source == CLOCK:
        return Reading(events=(clock_event(received),))
    source = sources.get(received.source)
    if source is None:
        raise BodyError(f"there is no source {received.source} in config.yaml any more")
    return read(as_delivered(received, source), ruleset.shared.body_fields)


def as_delivered(received: Received, source: SourceSettings) -> Delivery:
    """A stored delivery as it came in, without the headers that are not stored."""
    headers = {"content-type": received.content_type} if received.content_type else {}
    return Delivery(
        source=source,
        headers=headers,
        body=received.raw,
        received_at=received.received_at,
        type_hint=received.type_hint,
        key=received.key,
    )


def _decided(settlement: Settlement, told: Event, book: Book, desk: Desk) -> Settlement:
    event = book.addressed(told)
    facts = book.facts_for(event, settlement.seq)
    worded, decisions = _write_down(decide(event, facts, desk.ruleset, desk.at), desk)
    catch_up = event.telling is not Telling.HISTORY
    others = [
        (other, replan(other, desk.ruleset, desk.at, catch_up=catch_up))
        for other in book.other_cards(event, facts.member)
    ]
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
        decisions=[*settlement.decisions, *_worth_keeping(event, decisions)],
        worded=[*settlement.worded, *worded],
        withdrawals=[*settlement.withdrawals, *withdrawals(event, decisions)],
        erased=event.member.id if event.erases and event.member else settlement.erased,
    )


def _worth_keeping(event: Event, decisions: list[Decision]) -> list[Decision]:
    """Of history and of changed rules, only what they did to reminders: that nothing is planned explains nothing."""
    if event.telling is not Telling.HISTORY and event.name != RULES_CHANGED:
        return decisions
    return [made for made in decisions if not isinstance(made, Notify) and made.timer is not None]


def _write_down(decisions: list[Decision], desk: Desk) -> tuple[list[Worded], list[Decision]]:
    """The messages as bytes; one whose address cannot be written becomes a skip."""
    worded: list[Worded] = []
    kept: list[Decision] = []
    for decision in decisions:
        if isinstance(decision, Notify):
            written, why_not = _all_ways(decision, desk)
            worded += written
            message = written[0].notification if written else decision.notification
            skip = Skip(rule=decision.rule, reason=Reason.NO_ADDRESS, detail=why_not, slot=message.slot)
            made = Notify(rule=decision.rule, notification=message)
            kept.append(made if written else replace(skip, template=message.template))
        else:
            kept.append(decision)
    return worded, kept


def _all_ways(made: Notify, desk: Desk) -> tuple[list[Worded], str]:
    """The message over the first channel that can write to its address, and what stands by for it; or why nothing."""
    written: list[Worded] = []
    why_not = ""
    key = made.notification.key
    for message in (made.notification, *made.instead):
        own = replace(message, key=f"{key}|{message.channel}") if written else replace(message, key=key)
        try:
            payload = desk.writers[own.channel](own)
        except ValueError as error:
            why_not = why_not or str(error)
            continue
        route = desk.routing.route(own)
        written.append(Worded(notification=own, payload=payload, route=route, instead_of=key if written else None))
    return written, why_not


def _as_it_came(event: Event, stored: StoredEvent) -> Event:
    """The event with what its arrival says of it.

    A snapshot cannot be newer than its arrival: a clock set wrong must not freeze what is known.
    """
    received = stored.received
    latest = received.received_at
    member, card = _by(event.member, latest), _by(event.card, latest)
    return replace(event, member=member, card=card, telling=received.telling, arrived_at=latest)


def _by(snapshot: Snapshot | None, latest: datetime) -> Snapshot | None:
    return snapshot if snapshot is None or snapshot.as_of <= latest else replace(snapshot, as_of=latest)
