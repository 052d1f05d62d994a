"""What is known of the cards and members that a file names: read for many at once, and only as much as matters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, inspect, select
from sqlalchemy.exc import DBAPIError

from ..decide import ERASED
from ..decide.moving import Arrival, Known
from ..errors import StoreError
from ..model import Card, Fact, Member, Timer
from . import facts, migrations, sqlite
from .rows import card_of, maybe_moment, moment, timer_of
from .schema import alias, card, consent, file_import, member, suppression, timer

_MATTERS = ("timezone", ERASED)
"""The facts of a member on which it depends when reminders go."""


class Ground:
    """What a database knows already, for whoever weighs a file before it is brought in. Nothing is written.

    Raises:
        StoreError: the database cannot be read, or is of an earlier version.
    """

    def __init__(self, path: Path) -> None:
        self._engine = sqlite.reading_engine(path) if path.exists() else None
        with self._reading() as connection:
            found = migrations.version(connection) if connection is not None else migrations.NEWEST
        if 0 < found < migrations.NEWEST:
            self.close()
            raise StoreError(f"{path} was written by an earlier Pointbell: `pointbell db upgrade` brings it up to date")

    def close(self) -> None:
        """Let go of the file."""
        if self._engine is not None:
            self._engine.dispose()

    def known(self, arrivals: Sequence[Arrival], rules: Iterable[str], matters: Iterable[str]) -> Known:
        """What is known of the cards, their timers of these rules, and of their members the facts that matter."""
        with self._reading() as connection:
            if connection is None:
                return Known()
            return ground(connection, arrivals, rules, {*_MATTERS, *matters})[0]

    def resolved(self, names: Iterable[str]) -> dict[str, str]:
        """The ids of members that are known, under the names by which they are asked for."""
        with self._reading() as connection:
            return resolved(connection, names) if connection is not None else {}

    def suppressed(self, addresses: Iterable[str]) -> set[str]:
        """Which of the addresses, in lower case, must not be written to."""
        with self._reading() as connection:
            return suppressed(connection, addresses) if connection is not None else set()

    def consents(self, members: Iterable[str]) -> dict[tuple[str, str], datetime]:
        """Since when members, by their ids, have had their say about categories."""
        with self._reading() as connection:
            rows = [] if connection is None else _all(connection, select(consent), consent.c.member_id, members)
        return {(row["member_id"], row["category"]): moment(row["since"]) for row in rows}

    def brought(self, kind: str, digest: str) -> list[Brought]:
        """The imports of a file there have been, the oldest first."""
        with self._reading() as connection:
            return earlier(connection, kind, digest) if connection is not None else []

    @contextmanager
    def _reading(self) -> Iterator[Connection | None]:
        if self._engine is None:
            yield None
            return
        try:
            with self._engine.connect() as connection:
                yield connection if inspect(connection).has_table(card.name) else None
        except DBAPIError as error:
            raise StoreError(f"cannot read the database: {error.orig}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """An import of a file, as far as it came."""

    number: int
    as_of: datetime
    started_at: datetime
    rows: int
    expected: int
    """How many rows could be used."""
    finished_at: datetime | None


def earlier(connection: Connection, kind: str, digest: str) -> list[Brought]:
    """The imports of a file there have been, the oldest first."""
    which = select(file_import).where(file_import.c.digest == digest, file_import.c.kind == kind)
    return [
        Brought(
            number=row.id,
            as_of=moment(row.as_of),
            started_at=moment(row.started_at),
            rows=row.row_count,
            expected=row.expected,
            finished_at=maybe_moment(row.finished_at),
        )
        for row in connection.execute(which.order_by(file_import.c.id))
    ]


def ground(
    connection: Connection, arrivals: Sequence[Arrival], rules: Iterable[str], matters: Iterable[str] = _MATTERS
) -> tuple[Known, dict[str, int]]:
    """What is known, of members the facts that matter, of timers those of the rules; and the versions of the cards."""
    ids = {arrival.snapshot.id for arrival in arrivals}
    rows = _all(connection, select(card), card.c.id, ids)
    cards = {row["id"]: card_of(row) for row in rows}
    timers: dict[str, dict[tuple[str, str], Timer]] = {}
    # A card that nobody knows has no timers.
    of_rules = select(timer).where(timer.c.rule.in_(list(rules)))
    for row in _all(connection, of_rules, timer.c.subject, cards):
        timers.setdefault(row["subject"], {})[row["rule"], row["slot"]] = timer_of(row)
    names = {name for arrival in arrivals for name in _owners(arrival)} | _told(cards.values())
    known = Known(cards=cards, timers=timers, members=people(connection, names, matters))
    return known, {row["id"]: row["version"] for row in rows}


def people(connection: Connection, names: Iterable[str], matters: Iterable[str] = _MATTERS) -> dict[str, Member]:
    """Members under the names by which they were asked for, be they ids or aliases; of them the facts that matter."""
    wanted, facts_of = set(names), frozenset(matters)
    found = _members(connection, wanted, facts_of)
    missing = wanted - found.keys()
    owners = {row["alias"]: row["member_id"] for row in _all(connection, select(alias), alias.c.alias, missing)}
    others = _members(connection, owners.values(), facts_of)
    found.update((name, others[owner]) for name, owner in owners.items() if owner in others)
    return found


def suppressed(connection: Connection, addresses: Iterable[str]) -> set[str]:
    """Which of the addresses, in lower case, must not be written to."""
    return {row["address"] for row in _all(connection, select(suppression), suppression.c.address, addresses)}


def resolved(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """The ids of members that are known, under the names by which they were asked for."""
    wanted = set(names)
    found = {row["id"]: row["id"] for row in _all(connection, select(member.c.id), member.c.id, wanted)}
    others = _all(connection, select(alias), alias.c.alias, wanted - found.keys())
    return found | {row["alias"]: row["member_id"] for row in others}


def _owners(arrival: Arrival) -> Iterable[str]:
    said = arrival.snapshot
    told = (said.fields.get(name) for name in ("member_id", "holder_id"))
    return {str(name) for name in told if name} or {said.id}


def _told(cards: Iterable[Card]) -> set[str]:
    return {one.member_id for one in cards}


def _members(connection: Connection, ids: Iterable[str], matters: frozenset[str]) -> dict[str, Member]:
    rows = _all(connection, select(member.c.id, member.c.facts), member.c.id, ids)
    return {row["id"]: _member(row["id"], row["facts"], matters) for row in rows}


def _member(id_: str, text: str, matters: frozenset[str]) -> Member:
    if not any(name in text for name in matters):
        return Member(id=id_)
    said = json.loads(text)
    told = {name: Fact(value=said[name][0], as_of=moment(said[name][1])) for name in matters if name in said}
    return Member(id=id_, facts=told)


def _all(connection: Connection, statement: Select[Any], column: Any, ids: Iterable[str]) -> list[Any]:
    return [
        row for chunk in facts.chunks(ids) for row in connection.execute(statement.where(column.in_(chunk))).mappings()
    ]


def held_at(brought: Sequence[Brought], as_of: datetime | None, now: datetime) -> datetime:
    """When a file holds of which nobody says it: it cannot be newer than when it was first brought in."""
    return as_of or (brought[0].as_of if brought else now)
