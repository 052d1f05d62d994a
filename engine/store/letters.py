"""The bytes of messages, in a table of their own: on its way a message changes its state four times, and every change
writes its whole row anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, bindparam, delete, exists, func, select

from .dialect import insert
from .prepared import Prepared
from .schema import letter, notification


def worded() -> ColumnElement[bool]:
    """Of a message: whether its bytes are kept."""
    return exists().where(letter.c.message_id == notification.c.id).correlate(notification)


def worded_upserting() -> ColumnElement[bool]:
    """``worded`` where an INSERT meets the message: SQLAlchemy correlates nothing with that."""
    return notification.c.id.in_(select(letter.c.message_id))


def weight() -> ScalarSelect[int]:
    """Of a message: how many bytes are kept of it."""
    size = select(func.length(letter.c.payload)).where(letter.c.message_id == notification.c.id)
    return size.correlate(notification).scalar_subquery()


def keep(connection: Connection, payloads: Mapping[int, bytes | None]) -> None:
    """Keep these bytes for messages by their numbers; ``None`` for one that has none any more."""
    _KEEP.each(connection, [{"message_id": id_, "payload": sent} for id_, sent in payloads.items() if sent is not None])
    _DROP.each(connection, [{"which": id_} for id_, sent in payloads.items() if sent is None])


def read(connection: Connection, numbers: Iterable[int]) -> dict[int, bytes]:
    """The bytes of messages that have words, by their numbers."""
    wanted = list(numbers)
    found = _READ.firsts(connection, [{"which": number} for number in wanted])
    return {number: row[0] for number, row in zip(wanted, found, strict=True) if row is not None}


def drop(connection: Connection, chosen: ColumnElement[bool]) -> None:
    """Remove the bytes of the chosen messages."""
    connection.execute(delete(letter).where(letter.c.message_id.in_(select(notification.c.id).where(chosen))))


def _keeping(connection: Connection, _: object) -> Any:
    statement = insert(connection, letter).inline()
    return statement.on_conflict_do_update(index_elements=["message_id"], set_={"payload": statement.excluded.payload})


_READ = Prepared(lambda *_: select(letter.c.payload).where(letter.c.message_id == bindparam("which")))
_KEEP = Prepared(_keeping)
_DROP = Prepared(lambda *_: delete(letter).where(letter.c.message_id == bindparam("which")))
