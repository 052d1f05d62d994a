"""Pauses: what must not be sent for a while, and why. A pause ends when somebody ends it, or by itself.

A pause changes nothing but what may go now. Timers of a paused rule stay armed, messages it holds leave the line and
come back when it is over, and the permit asks once more, so that a pause holds from the moment it is committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from ..errors import StoreError
from .prepared import Prepared
from .rows import maybe_moment, micros, moment
from .schema import notification, pause


class Scope(StrEnum):
    """What a pause is about."""

    ALL = "all"
    RULE = "rule"
    CHANNEL = "channel"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One row. Times are aware UTC."""

    id: int
    scope: Scope
    name: str
    """Of the rule, the channel or the category; empty for ``ALL``."""
    reason: str
    since: datetime
    until: datetime
    ended_at: datetime | None = None
    """When somebody ended it before its time."""

    @property
    def over(self) -> datetime:
        """When it was, or will be, over."""
        return self.until if self.ended_at is None else min(self.until, self.ended_at)

    def holds(self, rule: str, channel: str, category: str | None) -> bool:
        """Whether it holds a message of this rule, over this channel, in this category."""
        said = {Scope.ALL: "", Scope.RULE: rule, Scope.CHANNEL: channel, Scope.CATEGORY: category}
        return said[self.scope] == self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Sends:
    """What of a rule matters to pauses, and to the order in which timers ring."""

    channels: frozenset[str] = frozenset()
    category: str | None = None
    priority: int = 50


NOTHING_KNOWN = Sends()

Reach: TypeAlias = Mapping[str, Sends]
"""The rules in force by name. Of one that is not there only pauses of all and of its name are known."""


def holding(standing: Iterable[Pause], rule: str, sends: Sends) -> Pause | None:
    """The pause for which a rule can send nothing at all; of several the one that lasts longest.

    Of a rule that sends over several channels, all of them must be paused: then the first to be over.
    """
    pauses = list(standing)
    whole = [one for one in pauses if one.scope is not Scope.CHANNEL and one.holds(rule, "", sends.category)]
    ways = [one for one in pauses if one.scope is Scope.CHANNEL]
    each = [_longest(one for one in ways if one.name == channel) for channel in sends.channels]
    found = [one for one in each if one is not None]
    if found and len(found) == len(each):
        whole.append(min(found, key=_over))
    return _longest(whole)


def add(connection: Connection, wanted: Pause) -> Pause:
    """Begin a pause; it is returned with its number.

    Raises:
        StoreError: it would be over before it begins.
    """
    if wanted.until <= wanted.since:
        raise StoreError(f"a pause until {wanted.until:%Y-%m-%d %H:%M} UTC would be over before it begins")
    row = {
        "scope": wanted.scope.value,
        "name": wanted.name,
        "reason": wanted.reason,
        "since": micros(wanted.since),
        "until": micros(wanted.until),
    }
    return _pause(connection.execute(pause.insert().returning(pause), row).mappings().one())


def end(connection: Connection, numbers: Sequence[int] | None, now: datetime) -> list[Pause]:
    """End open pauses before their time, all of them for ``None``; those that were open."""
    chosen = is_open(now) if numbers is None else and_(is_open(now), pause.c.id.in_(numbers))
    ended = update(pause).where(chosen).values(ended_at=micros(now)).returning(pause)
    return sorted(map(_pause, connection.execute(ended).mappings()), key=lambda one: one.id)


def open_at(connection: Connection, now: datetime) -> list[Pause]:
    """The pauses that hold something now, in the order in which they began."""
    # Sorted here: asked for an order, the database would rather walk through all the pauses there have been.
    rows = _OPEN.run(connection, now=micros(now)).mappings()
    return sorted(map(_pause, rows), key=lambda one: one.id)


def lasting_beyond(connection: Connection, when: datetime) -> list[Pause]:
    """The pauses, over by now or not, that were to last longer than until ``when``."""
    return [_pause(row) for row in connection.execute(select(pause).where(pause.c.until > micros(when))).mappings()]


def listed(connection: Connection, limit: int) -> list[Pause]:
    """All pauses there have been, newest first."""
    rows = connection.execute(select(pause).order_by(pause.c.id.desc()).limit(limit))
    return [_pause(row) for row in rows.mappings()]


def is_open(now: datetime | ColumnElement[int]) -> ColumnElement[bool]:
    """Of a row: whether it holds something now. Its beginning is not asked: a clock put back must not lift it."""
    return and_(pause.c.until > (micros(now) if isinstance(now, datetime) else now), pause.c.ended_at.is_(None))


_OPEN = Prepared(lambda *_: select(pause).where(is_open(bindparam("now", type_=BigInteger()))))


def holds_message(now: datetime | ColumnElement[int]) -> ColumnElement[bool]:
    """Of a row of ``notification``: whether an open pause holds it."""
    mine = or_(
        pause.c.scope == Scope.ALL,
        and_(pause.c.scope == Scope.RULE, pause.c.name == notification.c.rule),
        and_(pause.c.scope == Scope.CHANNEL, pause.c.name == notification.c.channel),
        and_(pause.c.scope == Scope.CATEGORY, pause.c.name == notification.c.category),
    )
    return exists().where(is_open(now), mine)


def take_out_of_line(connection: Connection, held: Mapping[int, Sequence[int]]) -> None:
    """Let messages wait for the end of a pause, given by the pause's number: nobody looks at them until then."""
    for number, ids in held.items():
        waits = update(notification).where(notification.c.id.in_(ids)).values(paused_by=number)
        connection.execute(waits)


def put_back_in_line(connection: Connection, now: datetime, limit: int) -> int:
    """Bring back messages whose pause is over, ``limit`` at most; how many."""
    standing = {one.id for one in open_at(connection, now)}
    back = 0
    for number in _in_use(connection):
        if number not in standing and back < limit:
            back += _put_back(connection, number, limit - back)
    return back


def _put_back(connection: Connection, number: int, limit: int) -> int:
    some = select(notification.c.id).where(notification.c.paused_by == number).order_by(notification.c.id).limit(limit)
    return connection.execute(update(notification).where(notification.c.id.in_(some)).values(paused_by=None)).rowcount


def _in_use(connection: Connection) -> list[int]:
    """The pauses that messages wait for: from one to the next, without looking at the messages in between."""
    found: list[int] = []
    following = select(func.min(notification.c.paused_by)).where(notification.c.paused_by.is_not(None))
    number = connection.scalar(following)
    while number is not None:
        found.append(number)
        number = connection.scalar(following.where(notification.c.paused_by > number))
    return found


def _longest(pauses: Iterable[Pause]) -> Pause | None:
    return max(pauses, key=_over, default=None)


def _over(one: Pause) -> datetime:
    return one.over


def _pause(row: RowMapping) -> Pause:
    return Pause(
        id=row["id"],
        scope=Scope(row["scope"]),
        name=row["name"],
        reason=row["reason"],
        since=moment(row["since"]),
        until=moment(row["until"]),
        ended_at=maybe_moment(row["ended_at"]),
    )
