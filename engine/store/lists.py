"""Addresses that must not be written to, and what members have said about categories of messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ClauseElement, Connection, select

from .dialect import insert
from .ground import resolved
from .prepared import Prepared
from .rows import micros, moment
from .schema import consent, suppression


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address, in lower case, that nothing is sent to."""

    address: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A member's word about a category of messages."""

    member: str
    """An id or an alias; out of the store, the id."""
    category: str
    granted: bool
    since: datetime
    """When the word was given: the latest holds."""
    source: str


def suppress(connection: Connection, rows: Sequence[Suppression]) -> int:
    """Write to these addresses no more; how many were not suppressed before. Who is keeps reason and time."""
    said = [{"address": one.address, "reason": one.reason, "since": micros(one.since)} for one in rows]
    return sum(_SUPPRESS.each(connection, said))


def allow(connection: Connection, addresses: Iterable[str]) -> list[str]:
    """Write to these addresses again; which of them were suppressed."""
    wanted = suppression.c.address.in_(list(addresses))
    return sorted(connection.scalars(suppression.delete().where(wanted).returning(suppression.c.address)))


def suppressions(connection: Connection, like: str | None, limit: int) -> list[Suppression]:
    """Suppressed addresses, the latest first; ``like``: only those that contain it."""
    rows = select(suppression).order_by(suppression.c.since.desc(), suppression.c.address).limit(limit)
    if like is not None:
        rows = rows.where(suppression.c.address.contains(like.lower(), autoescape=True))
    return [
        Suppression(address=row.address, reason=row.reason, since=moment(row.since)) for row in connection.execute(rows)
    ]


def consents(connection: Connection, member_id: str) -> list[Consent]:
    """What a member has said, by category."""
    rows = connection.execute(select(consent).where(consent.c.member_id == member_id).order_by(consent.c.category))
    return [
        Consent(
            member=row.member_id,
            category=row.category,
            granted=bool(row.granted),
            since=moment(row.since),
            source=row.source,
        )
        for row in rows
    ]


def record_consents(connection: Connection, rows: Sequence[Consent]) -> int:
    """Take members at their word, the latest one; how many words are new or other than before."""
    ids = resolved(connection, (one.member for one in rows))
    said = [
        {
            "member_id": ids.get(one.member, one.member),
            "category": one.category,
            "granted": int(one.granted),
            "since": micros(one.since),
            "source": one.source,
        }
        for one in rows
    ]
    return sum(_CONSENT.each(connection, said))


def _consenting(connection: Connection, names: Sequence[str]) -> ClauseElement:
    statement = insert(connection, consent).inline()
    fresh: dict[str, Any] = {name: statement.excluded[name] for name in names if name not in _WHOSE}
    newer = consent.c.since < statement.excluded.since
    return statement.on_conflict_do_update(index_elements=_WHOSE, set_=fresh, where=newer)


_WHOSE = ("member_id", "category")
_SUPPRESS = Prepared(
    lambda connection, _: insert(connection, suppression).inline().on_conflict_do_nothing(index_elements=["address"])
)
_CONSENT = Prepared(_consenting)
