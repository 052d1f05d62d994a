"""Asks about messages and deliveries that only a person can help."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from ..pipeline import CAPTURE
from ..store import Messages, NotificationState, Ruling, Verdict
from ..workshop import Workshop
from .ask import Answer, Ask

PAGE = 500
"""Messages or deliveries per ask, each ask being one transaction."""


class Resolved(Answer):
    """What came of a page of messages."""

    done: tuple[int, ...]
    left: tuple[tuple[int, str], ...]
    """Those left alone, and why, in words that go on after their number."""
    last: int | None
    """The number of the last message looked at, to go on after; ``None``: there was none."""


class Resolve(Ask[Resolved]):
    """Decide about the next messages after a number. Done twice, it finds nothing left to decide."""

    verdict: Verdict
    because: str
    by: str
    """Who decides: a user's name."""
    ids: tuple[int, ...] | None = None
    states: tuple[NotificationState, ...] = ()
    rule: str | None = None
    member_id: str | None = None
    channel: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    even_late: bool = False
    after: int = 0
    limit: int = Field(default=PAGE, ge=1, le=PAGE)

    def wanted(self) -> Messages:
        """The messages that are meant."""
        return Messages(
            ids=self.ids,
            states=self.states,
            rule=self.rule,
            member_id=self.member_id,
            channel=self.channel,
            reason=self.reason,
            since=self.since,
            until=self.until,
        )

    def ruling(self, at: datetime, channels: frozenset[str]) -> Ruling:
        """The decision about them; ``channels`` by which messages can go now."""
        return Ruling(
            verdict=self.verdict,
            because=self.because,
            by=self.by,
            at=at,
            routes=channels | {CAPTURE},
            even_late=self.even_late,
        )


async def resolve(shop: Workshop, ask: Resolve) -> Resolved:
    """What goes again is due at once; the permit asks once more for all that stands in its way."""
    ruling = ask.ruling(shop.pipeline.now(), frozenset(shop.pipeline.channels))
    come = await shop.store.resolve(ask.wanted(), ruling, ask.after, ask.limit)
    if come.done:
        # The message's own note is written over when it goes again; the log keeps who decided it.
        shop.observer.resolved(ask.verdict, ask.by, ask.because, come.done)
        shop.worker.wake()
    return Resolved(done=come.done, left=come.left, last=come.last)


class Dropped(Answer):
    """What came of some deliveries."""

    dropped: tuple[int, ...]
    """Those that were set aside, and are not any more."""


class DropEvents(Ask[Dropped]):
    """End deliveries that are set aside without deciding them."""

    seqs: tuple[int, ...] = Field(max_length=PAGE)
    because: str
    by: str


async def drop_events(shop: Workshop, ask: DropEvents) -> Dropped:
    """They stay stored, as ignored, with the reason."""
    note = f"dropped by {ask.by} at {shop.pipeline.now():%Y-%m-%d %H:%M} UTC: {ask.because}"
    dropped = await shop.store.drop_events(ask.seqs, note)
    return Dropped(dropped=tuple(dropped))
