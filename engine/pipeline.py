"""accept -> process -> send: the way of every event, on one screen. Read this first.

A webhook and a timer that has come due walk the same way; the clock merely uses another door. What happens on each
step is one transaction of the store, so that a crash between any two of them loses nothing and sends nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from .decide import Book, Needs, replan
from .deciders import Deciders, InProcess
from .deciding import Desk
from .deliver import Channel, Deferred, Delivery, Withheld
from .errors import StoreBusy
from .failpoints import reach
from .ingest import Delivery as Body
from .ingest import SourceSettings, peek, unpack, verify
from .model import Card
from .routing import CAPTURE, Mode, Routing
from .ruleset import Ruleset
from .sending import Ways, given_back, outcome_of, outgoing, reach_of
from .settlement import Settlement, StoredEvent
from .settling import PATIENCE, Lane, Settler
from .store import PLANNED_UNDER, Outcome, Queued, Reach, Received, Settled, Store, rules_changed

__all__ = ["CAPTURE", "Mode", "Now", "Observer", "Pipeline", "Routing", "utc_now"]

Now: TypeAlias = Callable[[], datetime]
"""The time, aware UTC."""
PAGE = 500
"""How many cards are planned anew at a time."""


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
    deciders: Deciders | None = None
    """Who decides; by default this process."""

    async def accept(self, body: Body) -> bool:
        """Store a delivery, whatever is in it; ``True`` when any of it is new. Durable before it returns.

        Raises:
            SignatureError: nobody we know vouches for it.
            StoreBusy: it could not be stored; the producer should try again.
        """
        verify(body)
        news = await self.store.add_events([_received(part) for part in unpack(body)])
        for new in news:
            self.observer.accepted(body.source.name, new=new)
        return any(news)

    async def process(self, limit: int = 200) -> int:
        """Decide the next deliveries, each lane in the order of arrival; how many."""
        claimed = await self.claim(limit)
        for lane in await self.decide(claimed):
            await self.decide_alone(lane)
        return len(claimed)

    async def claim(self, limit: int) -> list[StoredEvent]:
        """The next deliveries, out of lanes of which nothing is being decided.

        Nothing is claimed that nobody could decide: a claim that ends with the process speaks against the delivery.

        Raises:
            ChildrenDown: there is nobody to decide.
        """
        await self.prepare(self.ruleset)
        return await self.store.claim_events(limit, self.now())

    async def decide(self, batch: Sequence[StoredEvent]) -> list[Lane]:
        """Read, decide and word what was claimed, and store all of it in one transaction; see ``settling``.

        What a child ended over is left: it is to be decided alone, and nobody should wait for it.
        """
        return await self._settler().settle(batch)

    async def decide_alone(self, lane: Lane) -> None:
        """Decide what ``decide`` has left of a lane."""
        await self._settler().alone(lane)

    async def send(self, message: Queued) -> None:
        """Carry one message out, permit first, and note how it ended."""
        message = self._as_the_mode_says(message)
        channel = self._channel(message.route)
        if channel is None:
            delivery: Delivery = Deferred(f"there is no channel {message.route} in config.yaml", about_relay=True)
        else:
            try:
                delivery = await channel.send(outgoing(message), lambda: self._permit(message))
            except StoreBusy as error:
                # No permit, so nothing was sent: the message goes back in line at once, not when its lease runs out.
                self.observer.refused("permit", error)
                await self._record([given_back(message, self.now(), PATIENCE, str(error))])
                return
        reach("wire.after_reply")
        wait = self.ways.note(message, delivery, self.now())
        if isinstance(delivery, Withheld):
            await self.store.withhold(message, self.now())
        else:
            await self._record([outcome_of(message, delivery, self.now(), wait)])
        self.observer.delivered(message, delivery)

    async def give_back(self, messages: Sequence[Queued]) -> None:
        """Put messages back in line that were claimed and not attempted."""
        now = self.now()
        await self._record([given_back(message, now, timedelta(), None) for message in messages])

    def routes(self) -> list[str]:
        """The ways messages may take now; those whose relay is out of order rest."""
        return self.ways.open((CAPTURE, *self.channels), self.now())

    def reach(self) -> Reach:
        """What of the rules in force matters to pauses."""
        return reach_of(self.ruleset)

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
        while self.ruleset is ruleset and (page := await self.store.cards_after(after, PAGE)):
            book = await self.store.load(Needs.of_cards(page))
            cards = [card for card in book.cards.values() if self._must_follow(card, book, ruleset)]
            await self.store.add_events([rules_changed(card, ruleset.hash, self.now()) for card in cards])
            moved, after = moved + len(cards), list(page)[-1]
        if self.ruleset is ruleset:
            await self.store.note(PLANNED_UNDER, under)
        return moved

    async def prepare(self, ruleset: Ruleset) -> None:
        """Make whoever decides ready for these rules, before they are in force.

        Raises:
            ChildrenDown: they cannot be decided with.
        """
        await self.who.prepare(replace(self._desk(), ruleset=ruleset))

    # --- process, step by step ---

    @property
    def who(self) -> Deciders:
        """Who decides."""
        return self.deciders or InProcess(self.sources)

    def _settler(self) -> Settler:
        return Settler(store=self.store, deciders=self.who, observer=self.observer, desk=self._desk)

    def _desk(self) -> Desk:
        """What is decided with from now on; a batch is decided wholly under one set of rules."""
        writers = {name: channel.prepare for name, channel in self.channels.items()}
        return Desk(ruleset=self.ruleset, writers=writers, routing=self.routing, at=self.now())

    def _must_follow(self, card: Card, book: Book, ruleset: Ruleset) -> bool:
        try:
            return bool(replan(book.standing(card), ruleset, self.now()))
        except Exception as error:  # noqa: BLE001 - a card nobody can plan for must not keep the others from their plans.
            self.observer.refused(f"plan for card {card.id}", error)
            return False

    # --- send, step by step ---

    def _as_the_mode_says(self, message: Queued) -> Queued:
        """A message that was worded to be sent is kept instead, if the mode now in force would not send it."""
        return message if self.routing.lets(message.address) else replace(message, route=CAPTURE)

    def _channel(self, route: str) -> Channel | None:
        return self.capture if route == CAPTURE else self.channels.get(route)

    async def _permit(self, message: Queued) -> bool:
        reach("wire.before_permit")
        given = await self.store.permit(message, self.now())
        reach("wire.after_permit")
        return given

    async def _record(self, outcomes: Sequence[Outcome]) -> None:
        """Note the outcomes; what is known of a message that went out is kept until the database takes it."""
        while True:
            try:
                await self.store.record(outcomes)
            except StoreBusy as error:
                self.observer.refused("record", error)
                await asyncio.sleep(PATIENCE.total_seconds())
            else:
                return


def _received(body: Body) -> Received:
    """A delivery as it is stored."""
    seen = peek(body)
    return Received(
        source=body.source.name,
        key=seen.transport_key,
        lane=seen.lane or seen.transport_key,
        raw=body.body,
        received_at=body.received_at,
        type_hint=seen.type_hint,
        content_type=body.headers.get("content-type"),
        telling=body.telling,
    )


def utc_now() -> datetime:
    """The system's time, aware UTC."""
    return datetime.now(UTC)
