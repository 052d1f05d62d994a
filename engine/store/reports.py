"""What people ask the store: counts, lists, and one member's story. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, exists, func, or_, select
from sqlalchemy.exc import DBAPIError

from ..decide import Book, Needs
from ..errors import StoreError
from . import facts, search, sqlite
from .dialect import stands
from .rows import NotificationState, maybe_moment, unpack_facts
from .schema import alias, card, decision, event, member, notification, timer

_TIMES = frozenset(
    {
        "at",
        "due_at",
        "moved_from",
        "received_at",
        "occurred_at",
        "created_at",
        "settled_at",
        "send_before",
        "sent_at",
        "decided_at",
        "message_due_at",
    }
)


class Reports:
    """Questions to a database file, also while a daemon runs on it.

    Raises:
        StoreError: there is no database, or it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine: Engine = sqlite.reading_engine(path)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def status(self) -> dict[str, Any]:
        """Events, decisions (by outcome and reason), notifications and timers, counted by state."""
        with self._reading() as connection:
            return {
                "events": _count(connection, event.c.state),
                "events_by_name": _count(connection, func.coalesce(event.c.name, "unread")),
                "decisions": {
                    "by_outcome": _count(connection, decision.c.outcome),
                    "by_reason": _count(connection, decision.c.reason),
                },
                "notifications": _count(connection, notification.c.state),
                "waiting": _waiting(connection),
                "timers": _count(connection, timer.c.state),
                "members": connection.scalar(select(func.count()).select_from(member)) or 0,
                "cards": connection.scalar(select(func.count()).select_from(card)) or 0,
            }

    def notifications(
        self, *, state: str | None = None, member_id: str | None = None, rule: str | None = None, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Messages, newest first, without their bodies."""
        columns = [column for column in notification.c if column.name not in ("payload", "lease", "leased_until")]
        statement = select(*columns).order_by(notification.c.id.desc()).limit(limit)
        if state is not None:
            statement = statement.where(notification.c.state == state)
        if member_id is not None:
            statement = statement.where(notification.c.member_id == member_id)
        if rule is not None:
            statement = statement.where(notification.c.rule == rule)
        return self._rows(statement)

    def payload(self, number: int) -> tuple[dict[str, Any], bytes | None] | None:
        """One message by its number: its row and its bytes."""
        with self._reading() as connection:
            row = connection.execute(select(notification).where(notification.c.id == number)).mappings().first()
        if row is None:
            return None
        found = dict(row)
        return _readable(found), found["payload"]

    def timers(
        self, *, state: str | None = "armed", member_id: str | None = None, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Reminders, soonest first."""
        statement = select(timer).order_by(timer.c.due_at, timer.c.subject).limit(limit)
        if state is not None:
            statement = statement.where(timer.c.state == state)
        if member_id is not None:
            statement = statement.where(or_(timer.c.member_id == member_id, timer.c.lane == member_id))
        return self._rows(statement)

    def events(self, *, state: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Deliveries, newest first, without their bodies."""
        columns = [column for column in event.c if column.name not in ("raw", "claimed_until")]
        statement = select(*columns).order_by(event.c.seq.desc()).limit(limit)
        if state is not None:
            statement = statement.where(event.c.state == state)
        return self._rows(statement)

    def event(self, seq: int) -> tuple[dict[str, Any], bytes] | None:
        """One delivery by its number: its row and its body."""
        with self._reading() as connection:
            row = connection.execute(select(event).where(event.c.seq == seq)).mappings().first()
        if row is None:
            return None
        found = dict(row)
        body = found.pop("raw")
        return _readable(found), body

    def find_members(self, name: str) -> list[str]:
        """The members with this id, alias, card or e-mail address: one, as a rule."""
        with self._reading() as connection:
            return sorted(search.members_named(connection, name))

    def members_like(self, name: str, limit: int = 5) -> list[tuple[str, str]]:
        """Members whose id, alias, card, name or address resembles ``name``: (what resembles it, id)."""
        with self._reading() as connection:
            return search.members_like(connection, name, limit)

    def book(self, needs: Needs) -> Book:
        """What is known of everyone events may touch, to try a decision on."""
        with self._reading() as connection:
            return facts.load(connection, needs)

    def member(self, member_id: str) -> dict[str, Any] | None:
        """What is known of a member and their cards."""
        with self._reading() as connection:
            row = connection.execute(select(member).where(member.c.id == member_id)).mappings().first()
            names = list(connection.scalars(select(alias.c.alias).where(alias.c.member_id == member_id)))
            cards = connection.execute(select(card).where(card.c.member_id == member_id)).mappings().all()
        if row is None:
            return None
        return {
            "id": member_id,
            "aliases": names,
            **_plain_facts(row["facts"]),
            "cards": [{"id": found["id"], **_plain_facts(found["facts"])} for found in cards],
        }

    def story(self, member_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """Every decision about a member, newest first, with its event and what became of the message."""
        statement = (
            select(
                decision,
                event.c.name.label("event_name"),
                event.c.source,
                event.c.key.label("event_key"),
                event.c.received_at,
                event.c.occurred_at,
                event.c.card_id,
                notification.c.id.label("number"),
                notification.c.state.label("message_state"),
                notification.c.channel,
                notification.c.subject,
                notification.c.address,
                notification.c.attempts,
                notification.c.due_at.label("message_due_at"),
                notification.c.reply,
                notification.c.settled_at,
                notification.c.reason.label("message_reason"),
            )
            .join(event, event.c.seq == decision.c.event_seq)
            .outerjoin(notification, notification.c.key == decision.c.notification)
            .where(decision.c.member_id == member_id)
            .order_by(decision.c.id.desc())
            .limit(limit)
        )
        return self._rows(statement)

    def silent_events(self, member_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """Events about a member that no rule listened to, newest first."""
        columns = [column for column in event.c if column.name not in ("raw", "claimed_until")]
        statement = (
            select(*columns)
            .where(event.c.member_id == member_id, ~exists().where(decision.c.event_seq == event.c.seq))
            .order_by(event.c.seq.desc())
            .limit(limit)
        )
        return self._rows(statement)

    def _rows(self, statement: Select[Any]) -> list[dict[str, Any]]:
        with self._reading() as connection:
            return [_readable(dict(row)) for row in connection.execute(statement).mappings()]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreError(f"cannot read the database at {self._path}: {error.orig}") from error


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its times as aware UTC times."""
    return {name: maybe_moment(value) if name in _TIMES else value for name, value in row.items() if name != "payload"}


def _plain_facts(text: str) -> dict[str, Any]:
    return {name: fact.value for name, fact in unpack_facts(text).items()}


def _waiting(connection: Connection) -> dict[str, Any] | None:
    """What keeps messages from going out: how many were tried in vain, and what the other side last said."""
    tried = (stands(notification.c.state, NotificationState.QUEUED), notification.c.reply.is_not(None))
    count = connection.scalar(select(func.count()).select_from(notification).where(*tried)) or 0
    if not count:
        return None
    last = select(notification.c.reply).where(*tried).order_by(notification.c.due_at.desc()).limit(1)
    return {"count": count, "reply": connection.scalar(last)}


def _count(connection: Connection, column: Any) -> dict[str, int]:
    rows = connection.execute(select(column, func.count()).where(column.is_not(None)).group_by(column).order_by(column))
    return {str(name): count for name, count in rows}
