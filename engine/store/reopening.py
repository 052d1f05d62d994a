"""Messages whose hours end before they went: they become timers again, to be worded anew when the hours begin.

A message that may go only at certain hours carries the timer that it would become, and is useful no longer than until
they end. Where others stand by, see ``fallback``, they come again together: the one that has stood by and is in line
when the hours end leaves its place to the first of them.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, bindparam, case, or_, update

from ..model import OnAmbiguous, Timer
from .dialect import stands
from .facts import PLAN
from .prepared import Prepared
from .rows import NotificationState, micros, timer_row
from .schema import notification

_NOW = bindparam("now", type_=BigInteger())
_PARKED = notification.c.on_ambiguous == OnAmbiguous.PARK.value
"""What may have been sent stays where it is: what is still in line has certainly not left the house."""
_NOTHING_LEFT = or_(_PARKED, notification.c.attempts == 0)
_FIRST = or_(notification.c.chain.is_(None), notification.c.chain == notification.c.key)
_AS_ANEW = case((_FIRST, NotificationState.WITHDRAWN.value), else_=NotificationState.DROPPED.value)
_CLOSE = Prepared(
    lambda *_: (
        update(notification)
        .where(
            stands(notification.c.state, NotificationState.QUEUED),
            notification.c.send_before <= _NOW,
            notification.c.again.is_not(None),
            or_(and_(_FIRST, _NOTHING_LEFT), _PARKED),
        )
        .values(state=_AS_ANEW, settled_at=bindparam("at"), withdrawn_at=bindparam("at"))
        .returning(notification.c.again, notification.c.chain)
    )
)
_REFUSED_BEFORE = Prepared(
    lambda *_: (
        update(notification)
        .where(notification.c.chain == bindparam("of"), stands(notification.c.state, NotificationState.REPLACED))
        .values(state=_AS_ANEW)
    )
)
"""Those that were refused before it: they are asked again with it, the first of them first."""


def again_row(timer: Timer | None) -> str | None:
    """The timer a message would become, as text."""
    return None if timer is None else json.dumps(timer_row(timer), ensure_ascii=False)


def reopen(connection: Connection, now: datetime) -> int:
    """Turn the messages whose hours have ended back into timers; how many timers."""
    closed = _CLOSE.run(connection, now=micros(now), at=micros(now)).all()
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in (json.loads(one.again) for one in closed):
        rows[row["rule"], row["subject"], row["slot"]] = row
    _REFUSED_BEFORE.each(connection, [{"of": one.chain} for one in closed if one.chain is not None])
    PLAN.many(connection, list(rows.values()))
    return len(rows)


def certain() -> Any:
    """Of a message that was withdrawn: nothing of it can have left the house."""
    return and_(stands(notification.c.state, NotificationState.WITHDRAWN), _NOTHING_LEFT)
