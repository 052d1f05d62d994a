"""Members, cards and timers: read together for a batch, written back only if nobody else has changed them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, or_, select

from ..decide import ERASED, Book, Needs, known_of
from ..model import Member, Snapshot, Timer
from . import installation
from .dialect import insert
from .rows import NotificationState, card_of, member_of, micros, offset_of, pack_facts, timer_of, timer_row
from .schema import alias, card, event, happening, member, notification, timer

_CHUNK = 500
"""Ids per statement: SQLite allows no more than 32,766 parameters, and older builds 999."""


class Conflict(Exception):
    """Someone else changed a record between reading and writing; read again and decide again."""


def load(connection: Connection, needs: Needs) -> Book:
    """Everything the events may touch."""
    aliases = _aliases(connection, needs.members)
    people = needs.members | frozenset(aliases.values())
    rows = _cards(connection, needs.cards, _with_owners(needs.all_cards, aliases))
    cards = {row["id"]: card_of(row) for row in rows}
    book = Book(aliases=aliases, cards=cards, card_versions={row["id"]: row["version"] for row in rows})
    owners = frozenset(found.member_id for found in cards.values())
    aliases.update(_aliases(connection, owners - people))
    book.members, book.member_versions = _members(connection, people | owners | frozenset(aliases.values()))
    erased = people if needs.erased else needs.erased
    for found in _timers(connection, frozenset(cards) | needs.cards, erased):
        book.timers.setdefault(found.subject, {})[found.rule, found.slot] = found
    book.held = _held(connection, needs.cards)
    book.happenings = _happenings(connection, needs.happenings)
    return book


def save(connection: Connection, book: Book, now: datetime) -> None:
    """Write back what the batch changed.

    Raises:
        Conflict: a record was changed since it was read; nothing of this transaction may stay.
    """
    _save_records(
        connection,
        member,
        [_member_row(book.members[id_]) for id_ in sorted(book.changed_members)],
        dict(book.member_versions),
        now,
    )
    _save_aliases(connection, [book.members[id_] for id_ in sorted(book.changed_members)])
    _save_records(
        connection,
        card,
        [
            {"id": id_, "member_id": book.cards[id_].member_id, "facts": pack_facts(book.cards[id_].facts)}
            for id_ in sorted(book.changed_cards)
        ],
        dict(book.card_versions),
        now,
    )
    _save_timers(connection, book.changed_timers.values())
    _save_happenings(connection, book.new_happenings)


def import_members(connection: Connection, snapshots: Iterable[Snapshot], now: datetime) -> None:
    """Merge what a file says of members into the directory, field by field."""
    said = list(snapshots)
    names = frozenset(name for snapshot in said for name in (snapshot.id, *snapshot.aliases))
    nothing: frozenset[str] = frozenset()
    book = load(connection, Needs(members=names, cards=nothing, happenings=nothing, erased=nothing))
    for snapshot in said:
        id_ = book.member_id(snapshot)
        merged = known_of(book.members.get(id_), replace(snapshot, id=id_, aliases=(snapshot.id, *snapshot.aliases)))
        book.know(merged)
    save(connection, book, now)
    if any("timezone" in snapshot.fields for snapshot in said):
        # Reminders go out at the member's hour: all cards are planned anew when the daemon starts.
        installation.note(connection, installation.PLANNED_UNDER, "")


def _members(connection: Connection, ids: frozenset[str]) -> tuple[dict[str, Member], dict[str, int]]:
    rows = [row for chunk in _chunks(ids) for row in _all(connection, select(member).where(member.c.id.in_(chunk)))]
    names: dict[str, set[str]] = {}
    for chunk in _chunks(row["id"] for row in rows):
        for row in _all(connection, select(alias).where(alias.c.member_id.in_(chunk))):
            names.setdefault(row["member_id"], set()).add(row["alias"])
    found = {row["id"]: member_of(row, frozenset(names.get(row["id"], ()))) for row in rows}
    return found, {row["id"]: row["version"] for row in rows}


def _aliases(connection: Connection, names: frozenset[str]) -> dict[str, str]:
    return {
        row["alias"]: row["member_id"]
        for chunk in _chunks(names)
        for row in _all(connection, select(alias).where(alias.c.alias.in_(chunk)))
    }


def _with_owners(names: frozenset[str], aliases: dict[str, str]) -> frozenset[str]:
    return names | {aliases[name] for name in names if name in aliases}


def _cards(connection: Connection, ids: frozenset[str], members: frozenset[str]) -> list[dict[str, Any]]:
    rows = [row for chunk in _chunks(ids) for row in _all(connection, select(card).where(card.c.id.in_(chunk)))]
    for chunk in _chunks(members):
        rows += _all(connection, select(card).where(card.c.member_id.in_(chunk)))
    return list({row["id"]: row for row in rows}.values())


def _timers(connection: Connection, cards: frozenset[str], erased: frozenset[str]) -> Iterable[Timer]:
    for chunk in _chunks(cards):
        yield from map(timer_of, _all(connection, select(timer).where(timer.c.subject.in_(chunk))))
    for chunk in _chunks(erased):
        owned = or_(timer.c.member_id.in_(chunk), timer.c.lane.in_(chunk))
        yield from map(timer_of, _all(connection, select(timer).where(owned)))


def _held(connection: Connection, cards: frozenset[str]) -> frozenset[tuple[str, str, str]]:
    """Rule, subject and offset of the reminders whose message waits for its template."""
    waiting = select(notification.c.rule, notification.c.subject_id, notification.c.slot).where(
        notification.c.state == NotificationState.HELD, notification.c.about.is_not(None)
    )
    return frozenset(
        (row["rule"], row["subject_id"], offset_of(row["slot"]))
        for chunk in _chunks(cards)
        for row in _all(connection, waiting.where(notification.c.subject_id.in_(chunk)))
    )


def _happenings(connection: Connection, keys: frozenset[str]) -> dict[str, tuple[int, str]]:
    joined = select(happening.c.key, event.c.seq, event.c.source, event.c.key.label("delivery")).join(
        event, event.c.seq == happening.c.event_seq
    )
    return {
        row["key"]: (row["seq"], f"delivery {row['delivery']} from {row['source']}")
        for chunk in _chunks(keys)
        for row in _all(connection, joined.where(happening.c.key.in_(chunk)))
    }


def _member_row(found: Member) -> dict[str, Any]:
    return {"id": found.id, "facts": pack_facts(found.facts)}


def _save_records(
    connection: Connection, table: Table, rows: list[dict[str, Any]], versions: dict[str, int], now: datetime
) -> None:
    at = micros(now)
    new = [{**row, "version": 1, "changed_at": at} for row in rows if row["id"] not in versions]
    if new:
        statement = insert(connection, table).on_conflict_do_nothing(index_elements=["id"]).returning(table.c.id)
        if len(connection.execute(statement, new).all()) != len(new):
            raise Conflict
    for row in rows:
        version = versions.get(row["id"])
        if version is not None:
            changed = {**row, "version": version + 1, "changed_at": at}
            unmoved = (table.c.id == row["id"]) & (table.c.version == version)
            if connection.execute(table.update().where(unmoved).values(changed)).rowcount != 1:
                raise Conflict


def _save_aliases(connection: Connection, members: list[Member]) -> None:
    erased = [found.id for found in members if ERASED in found.facts]
    if erased:
        connection.execute(alias.delete().where(alias.c.member_id.in_(erased)))
    rows = [{"alias": name, "member_id": found.id} for found in members for name in sorted(found.aliases)]
    if rows:
        # An alias that someone else already carries stays theirs: members are never merged by guess.
        connection.execute(insert(connection, alias).on_conflict_do_nothing(index_elements=["alias"]), rows)


def _save_timers(connection: Connection, timers: Iterable[Timer]) -> None:
    rows = [timer_row(changed) for changed in timers]
    if not rows:
        return
    statement = insert(connection, timer)
    place = ["rule", "subject", "slot"]
    kept = {*place, "sent_at", "sent_about"}  # What was sent is for the outbox to say.
    fresh = {column.name: statement.excluded[column.name] for column in timer.c if column.name not in kept}
    connection.execute(statement.on_conflict_do_update(index_elements=place, set_=fresh), rows)


def _save_happenings(connection: Connection, new: dict[str, int]) -> None:
    rows = [{"key": key, "event_seq": seq} for key, seq in new.items()]
    if not rows:
        return
    statement = insert(connection, happening).on_conflict_do_nothing(index_elements=["key"])
    if len(connection.execute(statement.returning(happening.c.key), rows).all()) != len(rows):
        raise Conflict


def _chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(set(ids))
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))


def _all(connection: Connection, statement: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(statement).mappings()]
