"""How often each source is heard, so that silence can be told from its usual quiet hours.

A shop is quiet at night and on Sundays, so the middle of its gaps says nothing: what counts is the longest gap of each
day. The second longest of the last weeks is taken for the usual one, because the longest may have been an outage.
What is known is kept as one small note and carried on from there, event by event.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from ..model import Telling
from ..settlement import CLOCK
from . import installation
from .rows import moment
from .schema import event

PULSE = "pulse"
"""The name of the note."""
TIMES = 2
"""Silent for this many times its usual longest gap is silent."""
SHORTEST = timedelta(minutes=15)
"""No source is silent before."""
_DAY = 24 * 3600 * 1_000_000
_DAYS = 28
_AT_ONCE = 50_000
"""Deliveries counted in one look: a fraction of a second's work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One source."""

    last: int
    """When it was last heard; microseconds, as in the event table."""
    longest: Mapping[str, int] = field(default_factory=dict)
    """By UTC day, in days since 1970: the longest gap that ended on it, in microseconds."""

    def usual(self) -> timedelta | None:
        """Its usual longest gap; ``None`` while it is known for less than two days."""
        gaps = sorted(self.longest.values())
        return timedelta(microseconds=gaps[-2]) if len(gaps) > 1 else None

    def after(self, moments: Iterable[int]) -> Heard:
        """With more deliveries, in the order of their arrival."""
        last, longest = self.last, dict(self.longest)
        for at in moments:
            day = str(at // _DAY)
            longest[day] = max(at - last, longest.get(day, 0))
            last = max(last, at)
        newest = sorted(longest.items(), key=lambda one: int(one[0]))[-_DAYS:]
        return Heard(last=last, longest=dict(newest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """All sources, up to a delivery."""

    seen: int = 0
    """The number of the last delivery that was counted."""
    sources: Mapping[str, Heard] = field(default_factory=dict)
    behind: bool = False
    """There are more deliveries than could be counted at once: who was heard last is not known yet."""

    def text(self) -> str:
        """As a note."""
        heard = {name: [one.last, dict(one.longest)] for name, one in self.sources.items()}
        return json.dumps([self.seen, heard], separators=(",", ":"))


def felt(connection: Connection) -> Pulse:
    """The pulse, with the deliveries that came since it was last noted. History is no sign of life."""
    pulse = _noted(connection)
    newest = connection.scalar(select(func.max(event.c.seq))) or 0
    upto = min(newest, pulse.seen + _AT_ONCE)
    fresh = select(event.c.source, event.c.received_at).where(
        event.c.seq.between(pulse.seen + 1, upto), event.c.source != CLOCK, event.c.history != Telling.HISTORY
    )
    came: dict[str, list[int]] = {}
    for source, at in connection.execute(fresh.order_by(event.c.seq)):
        came.setdefault(source, []).append(at)
    heard = {name: pulse.sources.get(name, Heard(last=moments[0])).after(moments) for name, moments in came.items()}
    return Pulse(seen=max(upto, pulse.seen), sources={**pulse.sources, **heard}, behind=upto < newest)


def silent_ratio(heard: Heard, now: datetime, limit: timedelta | None) -> float:
    """How long the source has been silent, as a share of what it may be; 1 and more is an alarm.

    ``limit`` is what the operator allows; without it, it is ``TIMES`` the usual longest gap. 0 while nobody can tell.
    """
    usual = heard.usual()
    if limit is None and usual is not None:
        limit = max(TIMES * usual, SHORTEST)
    return 0.0 if limit is None else max(0.0, (now - moment(heard.last)) / limit)


def _noted(connection: Connection) -> Pulse:
    text = installation.noted(connection, PULSE)
    if text is None:
        return Pulse()
    seen, heard = json.loads(text)
    return Pulse(seen=seen, sources={name: Heard(last=last, longest=gaps) for name, (last, gaps) in heard.items()})
