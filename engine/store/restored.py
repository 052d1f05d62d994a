"""A database that went back in time: what may have been sent since is held, and never sent unasked.

A restored database does not know what its programme did after the backup. So whatever it had in hand at that moment,
and whatever happened or came due until it was put in place, may be with the members already. Messages about it are
worded as ever and held, with their bytes, for somebody to say what becomes of them; everything newer flows as usual.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from ..model import Notification, Reason
from ..settlement import CLOCK, EventState, Settlement
from . import clockwork, installation
from .dialect import stands
from .rows import NotificationState, micros, moment
from .schema import event, notification

CATCHING_UP = timedelta(days=3)
"""How long lost events may still come in again: as long as producers keep trying."""

_NOTED = "restored"
_LATEST = 10_000
_OPEN = (NotificationState.QUEUED, NotificationState.CLAIMED, NotificationState.PERMITTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The time that is missing from the database."""

    since: datetime
    """The moment the backup shows."""
    at: datetime
    """When it was put in place. What happens from then on is new."""
    last_seq: int
    """The last delivery that was in the backup, or that came of a timer due in the time that is missing."""

    def covers(self, message: Notification, seq: int, received_at: datetime) -> bool:
        """Whether a message may have been sent in the time that is missing.

        ``seq`` and ``received_at`` are its delivery's. An event that does not say when it happened counts as happening
        on arrival; while lost events may still come in again, nobody can tell it from one of those.
        """
        happened_at, untold_at = message.happened_at or received_at, message.untold_at
        if seq <= self.last_seq or happened_at <= self.at:
            return True
        if message.about is None and happened_at == received_at:
            untold_at = received_at
        return untold_at is not None and untold_at <= self.at + CATCHING_UP


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """What the database had in hand when the time that is missing began."""

    restored: Restored
    messages: int
    """Worded and not yet sent: held now."""
    events: int
    """Stored and not yet decided: their messages will be held."""
    timers: int
    """Due in the time that is missing: their messages will be held."""
    untimed_events: bool
    """Whether there are producers whose events do not say when they happened."""


def restored(connection: Connection) -> Restored | None:
    """The time that is missing, if the database ever went back in time."""
    noted = installation.noted(connection, _NOTED)
    if noted is None:
        return None
    said = json.loads(noted)
    return Restored(since=moment(said["since"]), at=moment(said["at"]), last_seq=said["last_seq"])


def went_back(connection: Connection, since: datetime, now: datetime) -> Unsure:
    """Note that everything between ``since`` and ``now`` is missing, and hold what the database has in hand."""
    undecided = stands(event.c.state, EventState.STORED, EventState.CLAIMED)
    waiting = connection.scalar(select(func.count()).select_from(event).where(undecided)) or 0
    # Before anything new is known: an event that comes in again must not put off to tomorrow what went today.
    rung = clockwork.ring_all(connection, now)
    last = connection.scalar(select(func.max(event.c.seq))) or 0
    unsure = Unsure(
        restored=Restored(since=since, at=now, last_seq=last),
        messages=_hold(connection),
        events=waiting,
        timers=rung,
        untimed_events=_untimed(connection),
    )
    said = {"since": micros(since), "at": micros(now), "last_seq": last}
    installation.note(connection, _NOTED, json.dumps(said))
    installation.forget(connection, installation.COPIED_AT)
    return unsure


def hold_back(connection: Connection, window: Restored, settlement: Settlement, fresh: Collection[str]) -> None:
    """Of a settlement's messages that were just queued (their keys: ``fresh``), hold those that may have been sent."""
    if not fresh:
        return
    arrived = connection.execute(select(event.c.received_at).where(event.c.seq == settlement.seq)).scalar_one()
    worded = [one.notification for one in settlement.worded if one.notification.key in fresh]
    keys = [message.key for message in worded if window.covers(message, settlement.seq, moment(arrived))]
    if keys:
        held = {"state": NotificationState.HELD, "reason": Reason.RESTORED}
        connection.execute(update(notification).where(notification.c.key.in_(keys)).values(held))


def copied_at(connection: Connection) -> datetime | None:
    """The moment that a copy shows, when the database is one that ``backup`` made."""
    noted = installation.noted(connection, installation.COPIED_AT)
    return None if noted is None else moment(int(noted))


def last_sign_of_life(connection: Connection) -> datetime | None:
    """When something last happened in the database; ``None`` when nothing ever did."""
    newest = select(event.c.received_at, event.c.decided_at).order_by(event.c.seq.desc()).limit(1)
    times = [*(connection.execute(newest).first() or ()), installation.noted(connection, installation.ALIVE)]
    known = [int(time) for time in times if time is not None]
    return moment(max(known)) if known else None


def _hold(connection: Connection) -> int:
    held = {"state": NotificationState.HELD, "reason": Reason.RESTORED, "lease": None, "leased_until": None}
    chosen = stands(notification.c.state, *_OPEN)
    return connection.execute(update(notification).where(chosen).values(paused_by=None, **held)).rowcount


def _untimed(connection: Connection) -> bool:
    """Whether some of the latest deliveries bear no time but that of their arrival."""
    latest = (
        select(event.c.source, event.c.occurred_at, event.c.received_at).order_by(event.c.seq.desc()).limit(_LATEST)
    )
    seen = latest.subquery()
    untimed = select(seen.c.source).where(seen.c.source != CLOCK, seen.c.occurred_at == seen.c.received_at).limit(1)
    return connection.execute(untimed).first() is not None
