"""Members, cards and timers: read together for a batch, written back only if nobody else has changed them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ClauseElement, ColumnElement, Connection, Table, and_, bindparam, func, not_, or_, select, update

from ..decide import ERASED, Book, Needs
from ..model import Card, Member, Timer, TimerState
from .dialect import insert, stands
from .letters import worded
from .prepared import Prepared, every_row
from .rows import NotificationState, card_of, member_of, micros, moment, offset_of, pack_facts, timer_of, timer_row
from .schema import alias, card, consent, event, happening, member, notification, timer

_CHUNK = 500
"""Ids per statement: SQLite allows no more than 32,766 parameters, and older builds 999."""


_TO = "to_"
"""Before the name of a column that is set, where the row is found by other values."""


def _adding(table: Table, key: str) -> Prepared:
    """Stores rows; one whose key is taken touches nothing."""
    return Prepared(
        lambda connection, _: insert(connection, table).inline().on_conflict_do_nothing(index_elements=[key])
    )


def _changing(table: Table) -> Prepared:
    """Changes records; one that has another version by now is left alone."""
    return Prepared(
        lambda _, names: (
            update(table)
            .where(table.c.id == bindparam("which"), table.c.version == bindparam("before"))
            .values({name.removeprefix(_TO): bindparam(name) for name in names if name.startswith(_TO)})
        )
    )


def _planning(connection: Connection, names: Sequence[str]) -> ClauseElement:
    """Arms and moves timers. What was sent is for the outbox to say."""
    statement = insert(connection, timer).inline()
    place = ["rule", "subject", "slot"]
    fresh = {name: statement.excluded[name] for name in names if name not in {*place, "sent_at", "sent_about"}}
    return statement.on_conflict_do_update(index_elements=place, set_=fresh)


_ADD = {
    table.name: _adding(table, key)
    for table, key in ((member, "id"), (card, "id"), (alias, "alias"), (happening, "key"))
}
_CHANGE = {table.name: _changing(table) for table in (member, card)}
PLAN = Prepared(_planning)
_WAIT = Prepared(
    lambda _, names: (
        update(timer)
        .where(
            timer.c.rule == bindparam("r"),
            timer.c.subject == bindparam("s"),
            timer.c.slot == bindparam("o"),
            stands(timer.c.state, TimerState.ARMED),
            timer.c.generation == bindparam("before"),
        )
        .values({name.removeprefix(_TO): bindparam(name) for name in names if name.startswith(_TO)})
    )
)
"""Changes what waits, unless it has rung meanwhile, or somebody else has changed it."""


class Conflict(Exception):
    """Someone else changed a record between reading and writing; read again and decide again."""


_NEVER_REACHED = (
    NotificationState.WITHDRAWN,
    NotificationState.FAILED,
    NotificationState.EXPIRED,
    NotificationState.DROPPED,
    NotificationState.STANDBY,
    NotificationState.REPLACED,
)
"""Where nobody has got the message, nor will."""


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
    book.gathering, book.suppressing = needs.gathering, needs.expected
    subjects = frozenset(cards) | needs.cards
    for found in _timers(connection, subjects | people if needs.waits else subjects, erased):
        book.timers.setdefault(found.subject, {})[found.rule, found.slot] = found
        if found.waits:
            book.waiting[found.rule, found.subject, found.slot] = found.generation
    for found in _expected(connection, book.members, needs.expected):
        book.expect(found)
    book.held = _held(connection, needs.cards)
    book.happenings = _happenings(connection, needs.happenings)
    # Who comes for the first time may have said something before: consents are brought in ahead of members, too.
    book.consents = _consents(connection, people.union(book.members))
    book.reached = _reached(connection, book.members, needs.rules)
    book.counted = _counted(connection, book.members, needs.caps)
    return book


def save(connection: Connection, book: Book, now: datetime, import_id: int | None = None) -> None:
    """Write back what the batch changed; ``import_id`` names the file that it came from.

    Raises:
        Conflict: a record was changed since it was read; nothing of this transaction may stay.
    """
    members = [book.members[id_] for id_ in sorted(book.changed_members)]
    _save_records(
        connection, member, [_from(import_id, _member_row(found)) for found in members], book.member_versions, now
    )
    _save_aliases(connection, members)
    save_cards(connection, [book.cards[id_] for id_ in sorted(book.changed_cards)], book.card_versions, now, import_id)
    _save_timers(connection, book)
    _save_happenings(connection, book.new_happenings)


def save_cards(
    connection: Connection, cards: Iterable[Card], versions: Mapping[str, int], now: datetime, import_id: int | None
) -> None:
    """Write cards, new ones and those that are known under the versions.

    Raises:
        Conflict: one was changed since it was read; nothing of this transaction may stay.
    """
    _save_records(connection, card, [_from(import_id, _card_row(found)) for found in cards], versions, now)


def _members(connection: Connection, ids: frozenset[str]) -> tuple[dict[str, Member], dict[str, int]]:
    rows = [row for chunk in chunks(ids) for row in every_row(connection, select(member).where(member.c.id.in_(chunk)))]
    names: dict[str, set[str]] = {}
    for chunk in chunks(row["id"] for row in rows):
        for row in every_row(connection, select(alias).where(alias.c.member_id.in_(chunk))):
            names.setdefault(row["member_id"], set()).add(row["alias"])
    found = {row["id"]: member_of(row, frozenset(names.get(row["id"], ()))) for row in rows}
    return found, {row["id"]: row["version"] for row in rows}


def _aliases(connection: Connection, names: frozenset[str]) -> dict[str, str]:
    return {
        row["alias"]: row["member_id"]
        for chunk in chunks(names)
        for row in every_row(connection, select(alias).where(alias.c.alias.in_(chunk)))
    }


def _with_owners(names: frozenset[str], aliases: dict[str, str]) -> frozenset[str]:
    return names | {aliases[name] for name in names if name in aliases}


def _cards(connection: Connection, ids: frozenset[str], members: frozenset[str]) -> list[dict[str, Any]]:
    rows = [row for chunk in chunks(ids) for row in every_row(connection, select(card).where(card.c.id.in_(chunk)))]
    for chunk in chunks(members):
        rows += every_row(connection, select(card).where(card.c.member_id.in_(chunk)))
    return list({row["id"]: row for row in rows}.values())


def _timers(connection: Connection, cards: frozenset[str], erased: frozenset[str]) -> Iterable[Timer]:
    # What has waited and is told is of no more interest; reminders remember what became of them.
    matters = or_(timer.c.waits.is_(None), stands(timer.c.state, TimerState.ARMED))
    for chunk in chunks(cards):
        yield from map(timer_of, every_row(connection, select(timer).where(timer.c.subject.in_(chunk), matters)))
    for chunk in chunks(erased):
        owned = or_(timer.c.member_id.in_(chunk), timer.c.lane.in_(chunk))
        yield from map(timer_of, every_row(connection, select(timer).where(owned)))


def _held(connection: Connection, cards: frozenset[str]) -> frozenset[tuple[str, str, str]]:
    """Rule, subject and offset of the reminders whose message waits for its template."""
    waiting = select(notification.c.rule, notification.c.subject_id, notification.c.slot).where(
        notification.c.state == NotificationState.HELD, notification.c.about.is_not(None)
    )
    return frozenset(
        (row["rule"], row["subject_id"], offset_of(row["slot"]))
        for chunk in chunks(cards)
        for row in every_row(connection, waiting.where(notification.c.subject_id.in_(chunk)))
    )


def _consents(connection: Connection, members: Iterable[str]) -> dict[str, dict[str, bool]]:
    said: dict[str, dict[str, bool]] = {}
    for chunk in chunks(members):
        for row in connection.execute(select(consent).where(consent.c.member_id.in_(chunk))):
            said.setdefault(row.member_id, {})[row.category] = bool(row.granted)
    return said


def _reached(connection: Connection, members: Iterable[str], rules: frozenset[str]) -> dict[str, dict[str, datetime]]:
    """When each of the rules last made a message for each of the members that reached them, or still may."""
    reached: dict[str, dict[str, datetime]] = {}
    last = func.max(func.coalesce(notification.c.settled_at, notification.c.created_at)).label("last")
    counts = and_(notification.c.rule.in_(rules), _may_reach())
    for chunk in chunks(members) if rules else ():
        of_these = and_(notification.c.member_id.in_(chunk), counts)
        found = select(notification.c.member_id, notification.c.rule, last).where(of_these)
        for row in connection.execute(found.group_by(notification.c.member_id, notification.c.rule)):
            reached.setdefault(row.member_id, {})[row.rule] = moment(row.last)
    return reached


def _may_reach() -> ColumnElement[bool]:
    """Of a message: whether somebody has got it, or still may. What waits to be worded is decided anew with its words,
    and must not stand in its own way then.
    """
    unworded = and_(stands(notification.c.state, NotificationState.HELD), not_(worded()))
    return and_(notification.c.state.not_in(_NEVER_REACHED), not_(unworded))


def _counted(
    connection: Connection, members: Iterable[str], caps: frozenset[str]
) -> dict[str, dict[str, tuple[datetime, ...]]]:
    """When each of the members got something that counts under the caps, once for each occasion."""
    counted: dict[str, dict[str, tuple[datetime, ...]]] = {}
    counts = and_(notification.c.cap.in_(caps), _may_reach())
    occasion = (notification.c.event_seq, notification.c.rule)
    columns = (notification.c.member_id, notification.c.cap, notification.c.created_at, *occasion)
    for chunk in chunks(members) if caps else ():
        found = select(*columns).where(notification.c.member_id.in_(chunk), counts).distinct()
        for row in connection.execute(found.order_by(notification.c.created_at)):
            own = counted.setdefault(row.member_id, {})
            own[row.cap] = (*own.get(row.cap, ()), moment(row.created_at))
    return counted


def _happenings(connection: Connection, keys: frozenset[str]) -> dict[str, tuple[int, str]]:
    joined = select(happening.c.key, event.c.seq, event.c.source, event.c.key.label("delivery")).join(
        event, event.c.seq == happening.c.event_seq
    )
    return {
        row["key"]: (row["seq"], f"delivery {row['delivery']} from {row['source']}")
        for chunk in chunks(keys)
        for row in every_row(connection, joined.where(happening.c.key.in_(chunk)))
    }


def _member_row(found: Member) -> dict[str, Any]:
    email = found.get("email")
    address = email.lower() if isinstance(email, str) else None
    return {"id": found.id, "facts": pack_facts(found.facts), "email": address}


def _card_row(found: Card) -> dict[str, Any]:
    code = found.get("code")
    facts, code = pack_facts(found.facts), code if isinstance(code, str) else None
    return {"id": found.id, "member_id": found.member_id, "facts": facts, "code": code}


def _from(import_id: int | None, row: dict[str, Any]) -> dict[str, Any]:
    """The row with the file it came from; what came otherwise leaves standing which file last told of it."""
    return row if import_id is None else {**row, "import_id": import_id}


def _save_records(
    connection: Connection, table: Table, rows: list[dict[str, Any]], versions: Mapping[str, int], now: datetime
) -> None:
    at = micros(now)
    new = [{**row, "version": 1, "changed_at": at} for row in rows if row["id"] not in versions]
    if _ADD[table.name].many(connection, new) != len(new):
        raise Conflict
    known = ((row, versions[row["id"]]) for row in rows if row["id"] in versions)
    changed = [
        {"which": row["id"], "before": version, **_to({**row, "version": version + 1, "changed_at": at})}
        for row, version in known
    ]
    if sum(_CHANGE[table.name].each(connection, changed)) != len(changed):
        raise Conflict


def _to(row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{_TO}{name}": value for name, value in row.items()}


def _save_aliases(connection: Connection, members: list[Member]) -> None:
    erased = [found.id for found in members if ERASED in found.facts]
    if erased:
        connection.execute(alias.delete().where(alias.c.member_id.in_(erased)))
    rows = [{"alias": name, "member_id": found.id} for found in members for name in sorted(found.aliases)]
    # An alias that someone else already carries stays theirs: members are never merged by guess.
    _ADD[alias.name].many(connection, rows)


def _save_timers(connection: Connection, book: Book) -> None:
    waited = book.changed_timers.keys() & book.waiting.keys()
    rows = {place: timer_row(changed) for place, changed in book.changed_timers.items()}
    PLAN.many(connection, [row for place, row in rows.items() if place not in waited])
    changed = [
        {**dict(zip("rso", place, strict=True)), "before": book.waiting[place], **_to(rows[place])} for place in waited
    ]
    if sum(_WAIT.each(connection, changed)) != len(changed):
        raise Conflict


def _expected(connection: Connection, members: Iterable[str], rules: frozenset[str]) -> Iterable[Timer]:
    """What is about to be told to these members by these rules."""
    for chunk in chunks(members) if rules else ():
        armed = and_(timer.c.rule.in_(rules), stands(timer.c.state, TimerState.ARMED))
        yield from map(timer_of, every_row(connection, select(timer).where(timer.c.member_id.in_(chunk), armed)))


def _save_happenings(connection: Connection, new: dict[str, int]) -> None:
    rows = [{"key": key, "event_seq": seq} for key, seq in new.items()]
    if sum(_ADD[happening.name].each(connection, rows)) != len(rows):
        raise Conflict


def chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    """The ids in order, as many at a time as one statement takes."""
    ordered = sorted(set(ids))
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))
