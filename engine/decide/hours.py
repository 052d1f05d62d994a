"""When a rule's messages may go: its window and the quiet hours, on the member's clock, whatever is done to the clock.

Hours are taken as instants: in a gap they begin or end with the first instant after it, in a fold with the first of the
two. What falls outside waits; nothing is dropped for the hour.
"""

from __future__ import annotations

from datetime import datetime, tzinfo

from ..model import Reason
from ..ruleset.hours import Span
from ..ruleset.rule import Rule
from .calendar import ONE_DAY, instant

_ROUNDS = 20
"""How often one of the hours may lead out of the other before the search is given up: they meet every day."""


def opening(rule: Rule, moment: datetime, zone: tzinfo) -> tuple[datetime, Reason | None]:
    """The first instant, ``moment`` included, at which the rule's messages may go; and what was waited for, if so."""
    why: Reason | None = None
    for _ in range(_ROUNDS if rule.may_wait else 0):
        before = moment
        for span, reason in _spans(rule):
            begin, _end = _around(span, moment, zone)
            if begin > moment:
                moment, why = begin, reason
        if moment == before:
            break
    return moment, why


def closing(rule: Rule, moment: datetime, zone: tzinfo) -> datetime | None:
    """When the hours end in which ``moment`` lies; ``None`` for a rule whose messages may go at any time."""
    return min((_around(span, moment, zone)[1] for span, _ in _spans(rule)), default=None)


def _spans(rule: Rule) -> tuple[tuple[Span, Reason], ...]:
    """The hours in which it may go, each with what is waited for outside."""
    window = () if rule.window is None else ((rule.window, Reason.WINDOW),)
    return window if rule.quiet_hours is None else (*window, (rule.quiet_hours.rest, Reason.QUIET_HOURS))


def _around(span: Span, moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Beginning and end of the hours in which the moment lies, or of the next ones."""
    day = moment.astimezone(zone).date() - ONE_DAY
    while True:
        begin = instant(day, span.start, zone)
        end = instant(day if span.start < span.end else day + ONE_DAY, span.end, zone)
        # A clock that is put forward may leave nothing of them on one day.
        if begin < end and moment < end:
            return begin, end
        day += ONE_DAY
