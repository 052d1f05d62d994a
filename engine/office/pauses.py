"""Asks about pauses: begin one, end some."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import AwareDatetime, Field

from ..errors import PointbellError
from ..language.problem import suggest
from ..store import Pause, Scope
from ..workshop import Workshop
from .ask import Answer, Ask

LONGEST = timedelta(days=366)
"""A pause is for a while; what is not to be sent at all any more is switched off in its rule."""


class Paused(Answer):
    """One pause. Times are aware UTC."""

    id: int
    scope: Scope
    name: str
    reason: str
    since: datetime
    until: datetime
    ended_at: datetime | None = None

    @staticmethod
    def of(pause: Pause) -> Paused:
        """The pause as an answer."""
        return Paused(
            id=pause.id,
            scope=pause.scope,
            name=pause.name,
            reason=pause.reason,
            since=pause.since,
            until=pause.until,
            ended_at=pause.ended_at,
        )


class BeginPause(Ask[Paused]):
    """Send nothing of a rule, over a channel, in a category or at all, for a while. Nothing is taken back."""

    scope: Scope
    name: str = ""
    reason: str = Field(min_length=1)
    until: AwareDatetime | None = None
    lasts: timedelta | None = None
    """Instead of ``until``: how long from now."""


async def begin_pause(shop: Workshop, ask: BeginPause) -> Paused:
    """It holds when this has answered: whatever has its permit by then is on its way.

    Raises:
        PointbellError: there is no such rule, channel or category, or the time cannot be meant.
        StoreError: it would be over before it begins.
    """
    _check(shop, ask)
    now = shop.pipeline.now()
    until = ask.until if ask.until is not None else now + (ask.lasts or timedelta())
    if until - now > LONGEST:
        raise PointbellError(f"a pause lasts {LONGEST.days} days at most; to end a rule, write `mode: off` in it")
    wanted = Pause(id=0, scope=ask.scope, name=ask.name, reason=ask.reason, since=now, until=until)
    begun = await shop.store.pause(wanted)
    shop.observer.paused(begun)
    return Paused.of(begun)


class Ended(Answer):
    """The pauses that were open, and are not any more."""

    pauses: tuple[Paused, ...]


class EndPauses(Ask[Ended]):
    """End open pauses before their time."""

    ids: tuple[int, ...] | None
    """``None`` for all."""


async def end_pauses(shop: Workshop, ask: EndPauses) -> Ended:
    """What they held goes on at once, as fast as each channel takes it."""
    ended = await shop.store.end_pauses(ask.ids, shop.pipeline.now())
    for pause in ended:
        shop.observer.unpaused(pause)
    shop.worker.wake()
    return Ended(pauses=tuple(map(Paused.of, ended)))


def _check(shop: Workshop, ask: BeginPause) -> None:
    ruleset = shop.pipeline.ruleset
    known = {
        Scope.ALL: {""},
        Scope.RULE: {rule.name for rule in ruleset.rules},
        Scope.CHANNEL: set(shop.pipeline.channels),
        Scope.CATEGORY: {rule.category.name for rule in ruleset.rules if rule.category is not None},
    }[ask.scope]
    if ask.name not in known:
        hint = f"; {suggest(ask.name, known)}" if known else ""
        raise PointbellError(f"there is no {ask.scope} {ask.name!r}{hint}")
