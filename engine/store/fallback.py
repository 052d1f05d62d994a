"""What goes instead of a message that its channel refuses: worded with it, and in line only once it is refused.

Messages that stand by know their chain, which is the key of the one they stand by for. In the transaction that notes
that a message has failed for good, the next of its chain is put in line; so there is never more than one of a chain on
its way, and none of them is lost, whenever the process ends. Nothing else puts one in line: not a message of which
nobody knows whether it arrived, and not one that waits. Once one of them has gone, or goes no more, the others are
dropped.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, String, bindparam, select, update

from ..model import Reason
from .dialect import stands
from .prepared import Prepared
from .rows import NotificationState, maybe_moment, micros
from .schema import notification

_STANDING_BY = stands(notification.c.state, NotificationState.STANDBY)
_CHAIN = bindparam("chain_of", type_=String())
_NEXT = select(notification.c.id).where(notification.c.chain == _CHAIN, _STANDING_BY).order_by(notification.c.id)
_PUT_IN_LINE = Prepared(
    lambda *_: (
        update(notification)
        .where(notification.c.id == _NEXT.limit(1).scalar_subquery())
        .values(state=NotificationState.QUEUED.value, due_at=bindparam("at", type_=BigInteger()))
    )
)
_REPLACE = Prepared(
    lambda *_: (
        update(notification)
        .where(notification.c.key == bindparam("which"))
        .values(state=NotificationState.REPLACED.value)
    )
)
_DROP = Prepared(
    lambda *_: (
        update(notification)
        .where(notification.c.chain == _CHAIN, _STANDING_BY)
        .values(state=NotificationState.DROPPED.value, settled_at=bindparam("at", type_=BigInteger()))
    )
)
_DROP_LATE = Prepared(
    lambda *_: (
        update(notification)
        .where(_STANDING_BY, notification.c.send_before <= bindparam("now", type_=BigInteger()))
        .values(
            state=NotificationState.DROPPED.value,
            reason=Reason.USEFUL_TIME_OVER.value,
            settled_at=bindparam("at", type_=BigInteger()),
        )
    )
)


def go_on(connection: Connection, key: str, chain: str | None, at: datetime) -> bool:
    """Put in line what stands by for a message that has just failed for good; whether there is anything."""
    if chain is None or not _PUT_IN_LINE.run(connection, chain_of=chain, at=micros(at)).rowcount:
        return False
    _REPLACE.run(connection, which=key)
    return True


def end(connection: Connection, chain: str | None, at: datetime) -> None:
    """Drop what stands by for a message that has gone, or goes no more."""
    if chain is not None:
        _DROP.run(connection, chain_of=chain, at=micros(at))


def end_those_of(connection: Connection, numbers: Collection[int], at: datetime) -> None:
    """Drop what stands by for any of these messages."""
    chains = select(notification.c.chain).where(notification.c.id.in_(numbers), notification.c.chain.is_not(None))
    for chain in connection.scalars(chains.distinct()).all():
        end(connection, chain, at)


def drop_late(connection: Connection, now: datetime) -> None:
    """Drop what stands by and would be of no use any more."""
    _DROP_LATE.run(connection, now=micros(now), at=micros(now))


def instead_of(connection: Connection, key: str) -> list[dict[str, Any]]:
    """What goes, went or stands by instead of a message, in this order: each with its channel and its state."""
    columns = (
        notification.c.id.label("number"),
        notification.c.channel,
        notification.c.address,
        notification.c.state,
        notification.c.reply,
        notification.c.reason,
        notification.c.settled_at,
        notification.c.due_at.label("message_due_at"),
    )
    others = select(*columns).where(notification.c.chain == key, notification.c.key != key).order_by(notification.c.id)
    rows = connection.execute(others).mappings().all()
    return [{**row, **{name: maybe_moment(row[name]) for name in ("settled_at", "message_due_at")}} for row in rows]
