"""What people ask the store: counts, lists, and one member's story. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError

from ..decide import Book, Needs
from ..errors import StoreError
from ..model import TimerState, values_of
from ..settlement import EventState, Received
from . import alarms, clockwork, events, facts, installation, pauses, progress, resolve, retention, search, sqlite
from .alarms import Alarms
from .dialect import stands
from .messages import EVERY_MESSAGE, Messages
from .pauses import Pause, Reach
from .resolve import RESOLVED, Resolved, Ruling
from .retention import Kind, Retention
from .rows import NotificationState, maybe_moment, micros, moment, unpack_facts
from .schema import alias, card, decision, event, letter, member, notification, timer

T = TypeVar("T")

_PAGE = 100
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
        "emptied_at",
    }
)

_TOLD = ("channel", "category", "subject", "address", "attempts", "variant")
"""What a member's story tells of a message, beside what became of it."""


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

    def status(self, most: int | None = None) -> dict[str, Any]:
        """Events, decisions (by outcome and reason), notifications and timers, counted by state.

        ``most``: of tables with more rows only the newest that many; ``cut`` names those tables.
        """
        with self._reading() as connection:
            outcomes = _newest(connection, decision.c.id, decision.c.outcome, most)
            events = _newest(connection, event.c.seq, event.c.state, most)
            messages = _newest(connection, notification.c.id, notification.c.state, most)
            timers = _timers(connection, most)
            by_table = {"decisions": outcomes, "events": events, "notifications": messages, "timers": timers}
            return {
                "events": events,
                "events_by_name": _newest(connection, event.c.seq, func.coalesce(event.c.name, "unread"), most),
                "decisions": {
                    "by_outcome": outcomes,
                    "by_reason": _newest(connection, decision.c.id, decision.c.reason, most),
                },
                "notifications": messages,
                "waiting": _waiting(connection, most),
                "timers": timers,
                "members": connection.scalar(select(func.count()).select_from(member)) or 0,
                "cards": connection.scalar(select(func.count()).select_from(card)) or 0,
                "cut": [name for name, by in by_table.items() if most is not None and sum(by.values()) >= most],
            }

    def outcome(self, spans: Iterable[progress.Span]) -> Mapping[str, Counter[str]]:
        """What came of some deliveries: decisions by outcome, messages and deliveries by state."""
        with self._reading() as connection:
            return progress.outcome(connection, spans)

    def notifications(
        self, wanted: Messages = EVERY_MESSAGE, *, state: NotificationState | None = None, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Messages, newest first, without their bodies; ``state`` for those in that state."""
        wanted = wanted if state is None else replace(wanted, states=(state,))
        columns = [column for column in notification.c if column.name not in ("lease", "leased_until")]
        return self._rows(select(*columns).where(*wanted.where()).order_by(wanted.newest_first()).limit(limit))

    def worded(self, wanted: Messages) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Messages that have words, with their bytes, in the order of their numbers, one at a time."""
        here = select(notification, letter.c.payload).join(letter).where(*wanted.where())
        following = here.where(notification.c.id > bindparam("after")).order_by(notification.c.id).limit(_PAGE)
        page = self._page(following, 0)
        while page:
            yield from ((_readable(dict(row)), row["payload"]) for row in page)
            page = self._page(following, page[-1]["id"])

    def judge(self, wanted: Messages, ruling: Ruling, after: int, limit: int) -> Resolved:
        """What ``Store.resolve`` would do."""
        with self._reading() as connection:
            return resolve.judge(connection, wanted, ruling, after, limit)

    def pauses(self, now: datetime, limit: int | None = None) -> list[Pause]:
        """The pauses that are open, in the order in which they began; with a limit the newest there have been."""
        with self._reading() as connection:
            return pauses.open_at(connection, now) if limit is None else pauses.listed(connection, limit)

    def alarms(
        self, now: datetime, reach: Reach | None = None, silent_after: Mapping[str, timedelta] | None = None
    ) -> Alarms:
        """What needs somebody's attention; see ``alarms.look``."""
        with self._reading() as connection:
            return alarms.look(connection, now, reach or {}, silent_after or {})

    def noted(self, name: str) -> str | None:
        """What was last noted under a name."""
        with self._reading() as connection:
            return installation.noted(connection, name)

    def payload(self, number: int) -> tuple[dict[str, Any], bytes | None] | None:
        """One message by its number: its row and its bytes."""
        with self._reading() as connection:
            kept = select(notification, letter.c.payload).outerjoin(letter).where(notification.c.id == number)
            row = connection.execute(kept).mappings().first()
        return None if row is None else (_readable(dict(row)), row["payload"])

    def timers(
        self, *, state: str | None = "armed", member_id: str | None = None, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Reminders, soonest first."""
        wanted = [] if state is None else [stands(timer.c.state, state)]
        if member_id is not None:
            wanted.append(or_(timer.c.member_id == member_id, timer.c.lane == member_id))
        elif state == TimerState.ARMED:
            with self._reading() as connection:
                return [_readable(dict(row)) for row in clockwork.soonest(connection, limit)]
        return self._rows(select(timer).where(*wanted).order_by(timer.c.due_at, timer.c.subject).limit(limit))

    def events(self, *, state: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Deliveries, newest first, without their bodies."""
        columns = [column for column in event.c if column.name not in ("raw", "claimed_until")]
        statement = select(*columns).order_by(event.c.seq.desc()).limit(limit)
        if state is not None:
            statement = statement.where(stands(event.c.state, state))
        return self._rows(statement)

    def deliveries(self, source: str | None, before: int, limit: int) -> list[tuple[int, Received]]:
        """Deliveries before this one whose bodies are still there, with their numbers, newest first."""
        with self._reading() as connection:
            return events.newest(connection, source, before, limit)

    def set_aside(self, after: int, limit: int) -> list[int]:
        """The numbers of the next deliveries that are set aside."""
        aside = select(event.c.seq).where(stands(event.c.state, EventState.QUARANTINED), event.c.seq > after)
        with self._reading() as connection:
            return list(connection.scalars(aside.order_by(event.c.seq).limit(limit)))

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

    def overdue(self, kept: Retention, now: datetime) -> Counter[Kind]:
        """How much of each kind has been kept long enough."""
        with self._reading() as connection:
            limits = {kind: retention.limit_of(kind, kept, now) for kind in Kind}
            found = {kind: retention.count(connection, kind, limit) for kind, limit in limits.items() if limit}
        return Counter(found)

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
                *(notification.c[name] for name in _TOLD),
                notification.c.due_at.label("message_due_at"),
                notification.c.reply,
                notification.c.settled_at,
                notification.c.emptied_at,
                notification.c.reason.label("message_reason"),
            )
            .join(event, event.c.seq == decision.c.event_seq)
            .outerjoin(notification, notification.c.key == decision.c.notification)
            .where(decision.c.member_id == member_id)
            .order_by(decision.c.id.desc())
            .limit(limit)
        )
        return self._rows(statement)

    def ask(self, question: Callable[[Connection], T]) -> T:
        """The answer to a question that a module of the store knows how to put: ``suppressions``, ``imports_of``."""
        with self._reading() as connection:
            return question(connection)

    def silent_events(self, member_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """Events about a member that no rule listened to, newest first; as far back as decisions are kept."""
        since = self.decisions_since()
        columns = [column for column in event.c if column.name not in ("raw", "claimed_until")]
        statement = (
            select(*columns)
            .where(event.c.member_id == member_id, ~exists().where(decision.c.event_seq == event.c.seq))
            .order_by(event.c.seq.desc())
            .limit(limit)
        )
        if since is not None:
            statement = statement.where(func.coalesce(event.c.decided_at, event.c.received_at) >= micros(since))
        return self._rows(statement)

    def decisions_since(self) -> datetime | None:
        """Since when all decisions are there, aware UTC; ``None`` when none was ever removed."""
        noted = self.noted(installation.DECISIONS_SINCE)
        return None if noted is None else moment(int(noted))

    def _page(self, following: Select[Any], after: int) -> Sequence[RowMapping]:
        """A page in a transaction of its own: one that lasts keeps the database from tidying up behind itself."""
        with self._reading() as connection:
            return connection.execute(following, {"after": after}).mappings().all()

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
    return values_of(unpack_facts(text))


def _waiting(connection: Connection, most: int | None) -> dict[str, Any] | None:
    """What keeps messages from going out: how many were tried in vain, and what the other side last said."""
    in_line = and_(stands(notification.c.state, NotificationState.QUEUED), notification.c.paused_by.is_(None))
    tried = and_(in_line, notification.c.reply.is_not(None), notification.c.reply.not_like(f"{RESOLVED}%"))
    some = select(notification.c.id).where(tried).limit(most).subquery()
    count = connection.scalar(select(func.count()).select_from(some)) or 0
    if not count:
        return None
    last = select(notification.c.reply).where(tried).order_by(notification.c.due_at.desc()).limit(1)
    return {"count": count, "reply": connection.scalar(last)}


def _newest(
    connection: Connection, number: Column[int], column: ColumnElement[str], most: int | None
) -> dict[str, int]:
    """The newest rows, counted by what a column says."""
    rows = select(column.label("said"))
    some = rows if most is None else rows.order_by(number.desc()).limit(most)
    return _count(connection, some.subquery().c.said)


def _timers(connection: Connection, most: int | None) -> dict[str, int]:
    """Timers by state; of those to come and of those that are over up to ``most`` each."""
    armed = stands(timer.c.state, TimerState.ARMED)
    over = timer.c.state != literal(TimerState.ARMED, literal_execute=True)
    halves = (select(timer.c.state).where(which).limit(most).subquery() for which in (armed, over))
    found = {name: count for half in halves for name, count in _count(connection, half.c.state).items()}
    return dict(sorted(found.items()))


def _count(connection: Connection, column: ColumnElement[str]) -> dict[str, int]:
    rows = connection.execute(select(column, func.count()).where(column.is_not(None)).group_by(column).order_by(column))
    return {str(name): count for name, count in rows}
