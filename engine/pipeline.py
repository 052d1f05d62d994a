"""accept -> process -> send: the way of every event, on one screen. Read this first.

A webhook and a timer that has come due walk the same way; the clock merely uses another door. What happens on each
step is one transaction of the store, so that a crash between any two of them loses nothing and sends nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from .decide import Book, Needs, replan
from .deciding import (
    CAPTURE,
    KILLED,
    Desk,
    Mode,
    Opened,
    Routing,
    guilty,
    open_delivery,
    set_aside,
    settle_delivery,
)
from .deliver import Channel, Deferred, Delivery, Withheld
from .errors import StoreBusy
from .ingest import Delivery as Body
from .ingest import SourceSettings, peek, verify
from .model import Card
from .ruleset import Ruleset
from .sending import Ways, given_back, outcome_of, outgoing
from .store import (
    PLANNED_UNDER,
    Conflict,
    Outcome,
    Queued,
    Received,
    Settled,
    Settlement,
    Store,
    rules_changed,
)

__all__ = ["CAPTURE", "Mode", "Now", "Observer", "Pipeline", "Routing", "utc_now"]

Now: TypeAlias = Callable[[], datetime]
"""The time, aware UTC."""
PAGE = 500
"""How many cards are planned anew at a time."""
PATIENCE = timedelta(seconds=1)
"""How long to wait before a database that refused is asked again."""


class Observer(Protocol):
    """Whoever counts and logs what the pipeline does."""

    def accepted(self, source: str, *, new: bool) -> None: ...
    def settled(self, settlements: Sequence[Settlement], done: Settled) -> None: ...
    def delivered(self, message: Queued, delivery: Delivery) -> None: ...
    def refused(self, what: str, error: Exception) -> None: ...


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
    ways: Ways
    routing: Routing = field(default_factory=Routing)

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
        if claimed:
            await self._settle([open_delivery(stored, self.sources) for stored in claimed])
        return len(claimed)

    async def send(self, message: Queued) -> None:
        """Carry one message out, permit first, and note how it ended."""
        channel = self._channel(message.route)
        if channel is None:
            delivery: Delivery = Deferred(f"there is no channel {message.route} in config.yaml", about_relay=True)
        else:
            try:
                delivery = await channel.send(outgoing(message), lambda: self.store.permit(message, self.now()))
            except StoreBusy as error:
                # No permit, so nothing was sent: the message goes back in line at once, not when its lease runs out.
                self.observer.refused("permit", error)
                await self._record(given_back(message, self.now(), PATIENCE, str(error)))
                return
        wait = self.ways.note(message, delivery, self.now())
        if isinstance(delivery, Withheld):
            await self.store.withhold(message, self.now())
        else:
            await self._record(outcome_of(message, delivery, self.now(), wait))
        self.observer.delivered(message, delivery)

    def routes(self) -> list[str]:
        """The ways messages may take now; those whose relay is out of order rest."""
        return self.ways.open((CAPTURE, *self.channels), self.now())

    async def replan(self, *, anew: bool = False) -> int:
        """Bring all cards' reminders in line with the rules in force; how many cards had to follow.

        Does nothing when they were planned under the same rules and time zone before, unless told to do it ``anew``.
        Only cards whose plan differs get an event of their own; it walks the same way as any other.
        """
        ruleset = self.ruleset
        under = f"{ruleset.hash} {ruleset.programme.timezone}"
        if not anew and await self.store.noted(PLANNED_UNDER) == under:
            return 0
        moved, after = 0, ""
        while page := await self.store.cards_after(after, PAGE):
            book = await self.store.load(Needs.of_cards(page))
            cards = [card for card in book.cards.values() if self._must_follow(card, book, ruleset)]
            await self.store.add_events([rules_changed(card, ruleset.hash, self.now()) for card in cards])
            moved, after = moved + len(cards), list(page)[-1]
        if self.ruleset is ruleset:
            await self.store.note(PLANNED_UNDER, under)
        return moved

    # --- process, step by step ---

    async def _settle(self, batch: list[Opened]) -> None:
        """Decide on what is known and store it; once more if the ground moved, later if the database refuses."""
        while True:
            try:
                settlements, done = await self._try_to_settle(batch)
            except Conflict:
                continue
            except StoreBusy as error:
                self.observer.refused("settle", error)
                await asyncio.sleep(PATIENCE.total_seconds())
            except Exception as error:  # noqa: BLE001 - one delivery the store cannot take must not hold up the others.
                await self._isolate(batch, error)
                return
            else:
                self.observer.settled(settlements, done)
                return

    async def _try_to_settle(self, batch: list[Opened]) -> tuple[list[Settlement], Settled]:
        desk = Desk(ruleset=self.ruleset, channels=self.channels, routing=self.routing, at=self.now())
        book = await self.store.load(Needs.of(event for opened in batch for event in opened.events))
        killers = await self._killers(batch, book, desk)
        settlements = [
            set_aside(opened.stored, KILLED, desk) if opened.stored.seq in killers else self._judge(opened, book, desk)
            for opened in batch
        ]
        return settlements, await self.store.settle(book, settlements)

    async def _killers(self, batch: list[Opened], book: Book, desk: Desk) -> set[int]:
        if not any(opened.stored.attempts for opened in batch):
            return set()
        return await asyncio.to_thread(guilty, batch, book, desk)

    def _judge(self, opened: Opened, book: Book, desk: Desk) -> Settlement:
        try:
            return settle_delivery(opened, book, desk)
        except Exception as error:  # noqa: BLE001 - one poisonous event must not stop the others; it is kept and listed.
            self.observer.refused("decide", error)
            return set_aside(opened.stored, f"{type(error).__name__}: {error}", desk)

    async def _isolate(self, batch: list[Opened], error: Exception) -> None:
        """Settle the halves of a batch that cannot be settled as a whole; a single delivery is set aside."""
        if len(batch) == 1:
            self.observer.refused("settle", error)
            await self.store.quarantine(batch[0].stored.seq, f"{type(error).__name__}: {error}")
            return
        middle = len(batch) // 2
        await self._settle(batch[:middle])
        await self._settle(batch[middle:])

    def _must_follow(self, card: Card, book: Book, ruleset: Ruleset) -> bool:
        try:
            return bool(replan(book.standing(card), ruleset, self.now()))
        except Exception as error:  # noqa: BLE001 - a card nobody can plan for must not keep the others from their plans.
            self.observer.refused(f"plan for card {card.id}", error)
            return False

    # --- send, step by step ---

    def _channel(self, route: str) -> Channel | None:
        return self.capture if route == CAPTURE else self.channels.get(route)

    async def _record(self, outcome: Outcome) -> None:
        """Note the outcome; what is known of a message that went out is kept until the database takes it."""
        while True:
            try:
                await self.store.record([outcome])
            except StoreBusy as error:
                self.observer.refused("record", error)
                await asyncio.sleep(PATIENCE.total_seconds())
            else:
                return


def utc_now() -> datetime:
    """The system's time, aware UTC."""
    return datetime.now(UTC)
