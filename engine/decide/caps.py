"""Frequency caps: how much a member may get in a while, of all rules that share a cap.

What is counted is occasions: the messages of one rule about one happening, however many channels they take, are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from ..model import Reason
from ..ruleset.shared import Cap, Limit

_LAST = {"hour": "this hour", "day": "today", "week": "this week", "month": "this month"}


def over(name: str, cap: Cap, told: Sequence[datetime], now: datetime, zone: tzinfo) -> tuple[Reason, str] | None:
    """Why no more may go under the cap now; ``None`` while more may. ``told``: when something that counts went."""
    for limit in cap:
        count = sum(_counts(limit, at, now, zone) for at in told)
        if count >= limit.at_most:
            while_ = _LAST[limit.per] if isinstance(limit.per, str) else f"in the last {_words(limit.per)}"
            return Reason.CAPPED, f"{name}: {count} of {limit.at_most} {while_}"
    return None


def _counts(limit: Limit, at: datetime, now: datetime, zone: tzinfo) -> bool:
    if isinstance(limit.per, timedelta):
        return now - at < limit.per
    return _period(limit.per, at, zone) == _period(limit.per, now, zone)


def _period(per: str, moment: datetime, zone: tzinfo) -> object:
    """The calendar's hour, day, week (from Monday on) or month in which the moment lies, on the member's clock."""
    local = moment.astimezone(zone)
    if per == "week":
        return local.isocalendar()[:2]
    if per == "month":
        return local.year, local.month
    return local.date() if per == "day" else (local.date(), local.hour, local.utcoffset())


def _words(length: timedelta) -> str:
    return f"{length}".removesuffix(", 0:00:00")
