"""accept -> process -> send: the way of every event, on one screen. Read this first.

A webhook and a timer that has come due walk the same way; the clock merely uses another door. What happens on each
step is one transaction of the store, so that a crash between any two of them loses nothing and sends nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from random import Random
from typing import Literal, Protocol, TypeAlias

from .decide import Book, Needs, decide, replan, withdrawals
from .deliver import Channel, Deferred, Delivery, Outgoing, Refused, Sent, Unknown, Withheld, retry_after
from .errors import BodyError, StoreBusy
from .ingest import Delivery as Body
from .ingest import Reading, SourceSettings, peek, read, verify
from .model import (
    UNKNOWN_EVENT,
    Decision,
    Notification,
    Notify,
    OnAmbiguous,
    Reason,
    Skip,
)
from .ruleset import Ruleset
from .store import (
    CLOCK,
    PLANNED_UNDER,
    Conflict,
    EventState,
    NotificationState,
    Outcome,
    Queued,
    Received,
    Settled,
    Settlement,
    Store,
    StoredEvent,
    Worded,
    clock_event,
    rules_changed,
)
from .trial import culprits

Now: TypeAlias = Callable[[], datetime]
"""The time, aware UTC."""
Mode: TypeAlias = Literal["capture", "allowlist", "live"]
CAPTURE = "capture"
"""The route of messages that are kept instead of sent."""
KILLED = "deciding it ends the process: it was tried alone, in a child that did not come back"
PAGE = 500
"""How many cards are planned anew at a time."""
PATIENCE_S = 1.0
"""How long to wait before a database that refused is asked again."""


class Observer(Protocol):
    """Whoever counts and logs what the pipeline does."""

    def accepted(self, source: str, *, new: bool) -> None: ...
    def settled(self, settlements: Sequence[Settlement], done: Settled) -> None: ...
    def delivered(self, message: Queued, delivery: Delivery) -> None: ...
    def refused(self, what: str, error: Exception) -> None: ...


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


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """The three steps, and what they need."""

    store: Store
    ruleset: Ruleset
    """The set in force; a reload puts another one here, between two batches."""
    sources: Mapping[str, SourceSettings]
    channels: Mapping[str, Channel]
    capture: Channel
    now: Now
    observer: Observer
    routing: Routing = Routing()
    random: Random

    async def accept(self, body: Body) -> bool:
        """Store a delivery, whatever is in it; ``True`` when it is new. Durable before it returns.

        Raises:
            SignatureError: nobody we know vouches for it.
            StoreBusy: it could not be stored; the producer should try again.
        """
        verify(body)
        seen = peek(body)
        received = Received(
            source=body.source.name,
            key=seen.transport_key,
            lane=seen.lane or seen.transport_key,
            raw=body.body,
            received_at=body.received_at,
            type_hint=seen.type_hint,
            content_type=body.headers.get("content-type"),
        )
        [new] = await self.store.add_events([received])
        self.observer.accepted(body.source.name, new=new)
        return new

    async def process(self, limit: int = 200) -> int:
        """Decide the next deliveries in the order of arrival; how many."""
        claimed = await self.store.claim_events(limit, self.now())
        if not claimed:
            return 0
        readings = [(stored, self._read(stored)) for stored in claimed]
        needs = Needs.of(event for _, reading in readings if isinstance(reading, Reading) for event in reading.events)
        settlements, done = await self._until_stored(readings, needs)
        self.observer.settled(settlements, done)
        return len(claimed)

    async def send(self, message: Queued) -> None:
        """Carry one message out, permit first, and note how it ended."""
        channel = self.capture if message.route == CAPTURE else self.channels.get(message.route)
        if channel is None:
            delivery: Delivery = Deferred(f"there is no channel {message.route} in config.yaml", about_relay=True)
        else:
            delivery = await channel.send(_outgoing(message), lambda: self.store.permit(message, self.now()))
        if isinstance(delivery, Withheld):
            await self.store.withhold(message, self.now())
        else:
            await self._record(self._outcome(message, delivery))
        self.observer.delivered(message, delivery)

    async def replan(self) -> int:
        """Bring all cards' reminders in line with the rules in force; how many cards had to follow.

        Does nothing when they were planned under the same ruleset before. Only cards whose plan differs get an event
        of their own; it walks the same way as any other.
        """
        moved, after = 0, ""
        if await self.store.noted(PLANNED_UNDER) == self.ruleset.hash:
            return 0
        while page := await self.store.cards_after(after, PAGE):
            book = await self.store.load(Needs.of_cards(page))
            cards = [card for card in book.cards.values() if replan(book.standing(card), self.ruleset, self.now())]
            await self.store.add_events([rules_changed(card, self.ruleset.hash, self.now()) for card in cards])
            moved, after = moved + len(cards), max(page)
        await self.store.note(PLANNED_UNDER, self.ruleset.hash)
        return moved

    # --- process, step by step ---

    def _read(self, stored: StoredEvent) -> Reading | BodyError:
        received = stored.received
        if received.source == CLOCK:
            return Reading(events=(clock_event(received),))
        source = self.sources.get(received.source)
        if source is None:
            return BodyError(f"there is no source {received.source} in config.yaml any more")
        headers = {"content-type": received.content_type} if received.content_type else {}
        body = Body(
            source=source,
            headers=headers,
            body=received.raw,
            received_at=received.received_at,
            type_hint=received.type_hint,
            key=received.key,
        )
        try:
            return read(body)
        except BodyError as error:
            return error

    async def _until_stored(
        self, readings: Sequence[tuple[StoredEvent, Reading | BodyError]], needs: Needs
    ) -> tuple[list[Settlement], Settled]:
        """Decide on what is known and store it; once more if the ground moved, later if the database refuses."""
        while True:
            try:
                book = await self.store.load(needs)
                guilty = await self._guilty(readings, book)
                settlements = [
                    self._set_aside(stored, KILLED) if stored.seq in guilty else self._settlement(stored, reading, book)
                    for stored, reading in readings
                ]
                return settlements, await self.store.settle(book, settlements)
            except Conflict:
                continue
            except StoreBusy as error:
                self.observer.refused("settle", error)
                await asyncio.sleep(PATIENCE_S)

    async def _guilty(self, readings: Sequence[tuple[StoredEvent, Reading | BodyError]], book: Book) -> set[int]:
        """Of the deliveries that were being decided when a process ended, those that end every process."""
        suspects = [pair for pair in readings if pair[0].attempts]
        if not suspects:
            return set()

        def judge(pair: tuple[StoredEvent, Reading | BodyError]) -> None:
            stored, reading = pair
            if isinstance(reading, Reading):
                self._decided(self._set_aside(stored, ""), reading, deepcopy(book), self.ruleset)

        found = await asyncio.to_thread(culprits, suspects, judge)
        return {stored.seq for stored, _ in found}

    def _set_aside(self, stored: StoredEvent, reason: str) -> Settlement:
        return Settlement(
            seq=stored.seq, state=EventState.QUARANTINED, at=self.now(), ruleset=self.ruleset.hash, note=reason
        )

    def _settlement(self, stored: StoredEvent, reading: Reading | BodyError, book: Book) -> Settlement:
        if isinstance(reading, BodyError):
            return self._set_aside(stored, str(reading))
        try:
            return self._decided(self._set_aside(stored, ""), reading, book, self.ruleset)
        except Exception as error:  # noqa: BLE001 - one poisonous event must not stop the others; it is kept and listed.
            self.observer.refused("decide", error)
            return self._set_aside(stored, f"{type(error).__name__}: {error}")

    def _decided(self, empty: Settlement, reading: Reading, book: Book, ruleset: Ruleset) -> Settlement:
        settlement = replace(empty, state=EventState.IGNORED, note="; ".join(reading.notes) or None)
        for unaddressed in reading.events:
            if unaddressed.name == UNKNOWN_EVENT:
                settlement = replace(settlement, name=UNKNOWN_EVENT)
                continue
            event = book.addressed(unaddressed)
            facts = book.facts_for(event, empty.seq)
            decisions = decide(event, facts, ruleset, empty.at)
            worded, decisions = self._write_down(decisions)
            book.note(event, empty.seq, facts, decisions)
            for other in list(book.other_cards(event)):
                followed = replan(other, ruleset, empty.at)
                book.note(event, empty.seq, other, followed)
                decisions = [*decisions, *followed]
            settlement = replace(
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
        return settlement

    def _write_down(self, decisions: list[Decision]) -> tuple[list[Worded], list[Decision]]:
        """The messages as bytes; one whose address cannot be written becomes a skip."""
        worded: list[Worded] = []
        kept: list[Decision] = []
        for decision in decisions:
            if isinstance(decision, Notify):
                message = decision.notification
                try:
                    payload = self.channels[message.channel].prepare(message)
                except ValueError as error:
                    skip = Skip(rule=decision.rule, reason=Reason.NO_ADDRESS, detail=str(error), slot=message.slot)
                    kept.append(replace(skip, template=message.template))
                    continue
                worded.append(Worded(notification=message, payload=payload, route=self.routing.route(message)))
            kept.append(decision)
        return worded, kept

    # --- send, step by step ---

    def _outcome(self, message: Queued, delivery: Delivery) -> Outcome:
        now = self.now()
        end = Outcome(key=message.key, lease=message.lease, state=NotificationState.SENT, at=now, reply="")
        if isinstance(delivery, Sent):
            state = NotificationState.CAPTURED if message.route == CAPTURE else NotificationState.SENT
            return replace(end, state=state, reply=delivery.reply)
        if isinstance(delivery, Refused):
            bad = message.address if delivery.address_is_bad else None
            return replace(end, state=NotificationState.FAILED, reply=delivery.reply, suppress=bad)
        again = replace(end, state=NotificationState.QUEUED)
        if isinstance(delivery, Deferred):
            wait = delivery.retry_after or self._wait(message, about_relay=delivery.about_relay)
            return replace(again, reply=delivery.reply, due_at=now + wait, counts=not delivery.about_relay)
        if isinstance(delivery, Unknown) and message.on_ambiguous == OnAmbiguous.RESEND:
            return replace(again, reply=delivery.reply, due_at=now + self._wait(message, about_relay=False))
        reply = delivery.reply if isinstance(delivery, Unknown) else ""
        return replace(end, state=NotificationState.UNKNOWN, reply=reply)

    def _wait(self, message: Queued, *, about_relay: bool) -> timedelta:
        return retry_after(message.attempts + 1, self.random, about_relay=about_relay)

    async def _record(self, outcome: Outcome) -> None:
        """Note the outcome; what is known of a message that went out is kept until the database takes it."""
        while True:
            try:
                await self.store.record([outcome])
            except StoreBusy as error:
                self.observer.refused("record", error)
                await asyncio.sleep(PATIENCE_S)
            else:
                return


def _outgoing(message: Queued) -> Outgoing:
    return Outgoing(key=message.key, address=message.address, payload=message.payload, attempt=message.attempts + 1)


def utc_now() -> datetime:
    """The system's time, aware UTC."""
    return datetime.now(UTC)
