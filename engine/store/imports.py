"""What files bring in: members, cards, suppressed addresses, consents. In bulk, and each batch with its place.

How far a file has come is noted in the transaction that brings its rows in, so that whoever begins anew goes on where
the last batch ended. Cards that nobody has told of are written with their reminders at once, without an event for each;
known ones whose reminders must follow get one, and it walks the way of all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ClauseElement, Connection, exists, null, select

from ..decide import ERASED, Book, Needs, known_of
from ..decide.moving import Arrival, Mover, Standing
from ..model import Card, Member, Snapshot, Telling, TimerState
from ..ruleset import Ruleset
from . import events, facts
from .bulk import make_whole, put_off_indexes
from .clockwork import rules_changed
from .dialect import insert, stands
from .ground import Brought, earlier, ground, held_at
from .prepared import Prepared
from .rows import card_of, micros, moment, timer_row
from .schema import card, file_import, member, timer
from .writer import Writer

_PLACE = ("rule", "subject", "slot")
_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """A file that is to be brought in."""

    kind: str
    name: str
    digest: str
    """What it is known by."""
    weighed_at: datetime
    as_of: datetime | None = None
    """When what it says held, where somebody says so; else it holds as of when it was weighed first."""
    rows: int = 0
    """How many of its rows can be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The import of a file, begun or taken up again."""

    number: int
    rows: int
    """How many of the file's rows are in already."""
    as_of: datetime
    """When what the file says held."""
    before: datetime | None
    """When the same file was imported before; ``None`` for a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far a file is in, with a batch of it."""

    number: int
    """Of the import."""
    rows: int
    """How many of the file's rows are in, with this batch."""
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What a batch came to."""

    new: int = 0
    changed: int = 0
    armed: int = 0
    """Reminders of new cards."""
    follow: int = 0
    """Cards whose reminders an event brings in line with what is new."""

    def __add__(self, other: Came) -> Came:
        return Came(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            armed=self.armed + other.armed,
            follow=self.follow + other.follow,
        )


class Imports:
    """The verbs of bringing in, each one transaction."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._mover: Mover | None = None

    def mover(self, ruleset: Ruleset, now: datetime, *, catch_up: bool) -> Mover:
        """Whoever plans for new cards, kept for a while: what has been worked out need not be for the next batch.

        A reminder that comes due in that while counts as not yet due; it goes out like any other.
        """
        known = self._mover
        if known is None or not known.serves(ruleset, now, catch_up=catch_up):
            known = self._mover = Mover(ruleset, now, catch_up=catch_up)
        return known

    async def begin(self, file: ImportedFile, now: datetime, *, restart: bool, alone: bool = False) -> Begun:
        """Begin to import a file, or go on with it. ``alone``: nobody else works on the database until it is in."""

        def work(connection: Connection) -> Begun:
            begun = _begin(connection, file, now, restart=restart)
            if alone:
                put_off_indexes(connection, file.kind, file.rows - begun.rows)
            return begun

        return await self._writer.do(work)

    async def cards(self, arrivals: Sequence[Arrival], mover: Mover, reached: Reached, now: datetime) -> Came:
        """Bring cards in, and arm the reminders of those that are new."""
        return await self._bring(
            lambda connection: _advance(
                connection, reached, now, import_cards(connection, arrivals, mover, reached, now)
            )
        )

    async def members(self, said: Sequence[Snapshot], reached: Reached, now: datetime) -> Came:
        """Merge what a file says of members into the directory."""
        return await self._bring(
            lambda connection: _advance(
                connection, reached, now, import_members(connection, said, now, import_id=reached.number)
            )
        )

    async def rows(self, reached: Reached | None, now: datetime, work: Callable[[Connection], Came]) -> Came:
        """Bring in rows that ``work`` knows how to write; ``reached`` is missing where they are of no file."""
        return await self._bring(lambda connection: _advance(connection, reached, now, work(connection)))

    async def _bring(self, work: Callable[[Connection], Came]) -> Came:
        """Once more if the ground moved: on PostgreSQL others write beside this one."""
        for _ in range(_TRIES - 1):
            try:
                return await self._writer.do(work)
            except facts.Conflict:
                continue
        return await self._writer.do(work)


def import_members(
    connection: Connection, snapshots: Iterable[Snapshot], now: datetime, import_id: int | None = None
) -> Came:
    """Merge what is said of members into the directory, field by field. Their cards' reminders follow their zones."""
    said = list(snapshots)
    names = frozenset(name for snapshot in said for name in (snapshot.id, *snapshot.aliases))
    nothing: frozenset[str] = frozenset()
    book = facts.load(connection, Needs(members=names, cards=nothing, happenings=nothing, erased=nothing))
    before = dict(book.members)
    for snapshot in said:
        id_ = book.member_id(snapshot)
        merged = known_of(book.members.get(id_), replace(snapshot, id=id_, aliases=(snapshot.id, *snapshot.aliases)))
        if merged != book.members.get(id_):
            book.know(merged)
    facts.save(connection, book, now, import_id)
    known = book.changed_members & before.keys()
    return Came(
        new=len(book.changed_members) - len(known),
        changed=len(known),
        follow=_follow_zones(connection, book, before, now),
    )


def import_cards(
    connection: Connection, arrivals: Sequence[Arrival], mover: Mover, reached: Reached, now: datetime
) -> Came:
    """Bring cards in, and arm the reminders of those that are new."""
    came = Came()
    for some in _each_once(arrivals):
        came += _bring_in(connection, some, mover, reached, now)
    return came


def _bring_in(
    connection: Connection, arrivals: Sequence[Arrival], mover: Mover, reached: Reached, now: datetime
) -> Came:
    known, versions = ground(connection, arrivals, mover.rules)
    changed, rows, follow = list[Card](), list[dict[str, Any]](), list[Card]()
    shapes: dict[Standing, list[dict[str, Any]]] = {}
    armed = 0
    for arrival in arrivals:
        merged = mover.merged(arrival, known.cards.get(arrival.snapshot.id))
        standing = mover.stand(arrival, merged, known)
        if known.cards.get(merged.id) != merged:
            changed.append(merged)
        own = _rows_of(standing, merged, shapes)
        rows += own
        armed += sum(row["state"] == TimerState.ARMED for row in own)
        if standing.follow:
            follow.append(merged)
    facts.save_cards(connection, changed, versions, now, reached.number)
    _TIMERS.many(connection, rows)
    _have_followed(connection, follow, now, Telling.NEWS if mover.catch_up else Telling.HISTORY)
    new = len(changed) - sum(one.id in known.cards for one in changed)
    return Came(new=new, changed=len(changed) - new, armed=armed, follow=len(follow))


def _rows_of(standing: Standing, owner: Card, shapes: dict[Standing, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The timers of a card as rows; what many cards share is made into rows once."""
    if not standing.timers:
        return []
    shape = shapes.get(standing)
    if shape is None:
        shape = shapes[standing] = [timer_row(found) for found in standing.timers]
    own = {"subject": owner.id, "member_id": owner.member_id, "lane": owner.holder_id}
    return [{**row, **own} for row in shape]


def _writing(connection: Connection, names: Sequence[str]) -> ClauseElement:
    statement = insert(connection, timer).inline()
    fresh = {name: statement.excluded[name] for name in names if name not in _PLACE}
    return statement.on_conflict_do_update(index_elements=_PLACE, set_=fresh)


_TIMERS = Prepared(_writing)


def _each_once(arrivals: Iterable[Arrival]) -> Iterator[list[Arrival]]:
    """The arrivals in order, so divided that no card is twice in a part: the later line finds what the earlier left."""
    part: dict[str, Arrival] = {}
    for arrival in arrivals:
        if arrival.snapshot.id in part:
            yield list(part.values())
            part = {}
        part[arrival.snapshot.id] = arrival
    if part:
        yield list(part.values())


def _follow_zones(connection: Connection, book: Book, before: dict[str, Member], now: datetime) -> int:
    """Reminders go out at the member's hour: those of members whose zone is another now must follow."""
    nobody = Member(id="")
    moved = [
        found
        for found in (book.members[id_] for id_ in sorted(book.changed_members))
        if found.get("timezone") != before.get(found.id, nobody).get("timezone") and ERASED not in found.facts
    ]
    names = {name for found in moved for name in (found.id, *found.aliases)}
    armed = exists().where(timer.c.subject == card.c.id, stands(timer.c.state, TimerState.ARMED))
    cards = [
        card_of(dict(row))
        for chunk in facts.chunks(names)
        for row in connection.execute(select(card).where(card.c.member_id.in_(chunk), armed)).mappings()
    ]
    return _have_followed(connection, cards, now, Telling.HISTORY)


def _have_followed(connection: Connection, cards: Iterable[Card], now: datetime, telling: Telling) -> int:
    """Ask for the reminders of these cards to be planned anew; with ``HISTORY`` nobody is told of the past."""
    asked = [rules_changed(one, "import", now, telling) for one in cards]
    events.add(connection, asked)
    return len(asked)


# --- how far a file has come ---


def _begin(connection: Connection, file: ImportedFile, now: datetime, *, restart: bool) -> Begun:
    brought = earlier(connection, file.kind, file.digest)
    held = held_at(brought, file.as_of, file.weighed_at)
    alike = [one for one in brought if one.as_of == held]
    before = brought[-1].started_at if brought else None
    if alike and _goes_on(alike[-1], file) and not restart:
        return Begun(number=alike[-1].number, rows=alike[-1].rows, as_of=held, before=before)
    number = connection.execute(
        file_import.insert().values(
            kind=file.kind,
            name=file.name,
            digest=file.digest,
            as_of=micros(held),
            started_at=micros(now),
            row_count=0,
            expected=file.rows,
        )
    ).inserted_primary_key[0]  # type: ignore[index]  # An insert of one row has one.
    return Begun(number=number, rows=0, as_of=held, before=before)


def _goes_on(import_: Brought, file: ImportedFile) -> bool:
    """Whether it was broken off, and its rows still count the same.

    What could not be used then, such as a time that was still to come, may be usable now: the rows would be others.
    """
    return import_.finished_at is None and import_.expected == file.rows


def _advance(connection: Connection, reached: Reached | None, now: datetime, came: Came) -> Came:
    """Note how far the file has come, in the transaction that brought it there."""
    if reached is None:
        return came
    finished = {"finished_at": micros(now)} if reached.last else {}
    connection.execute(
        file_import.update().where(file_import.c.id == reached.number).values(row_count=reached.rows, **finished)
    )
    if reached.last:
        make_whole(connection)
    return came


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtIn:
    """The file that last told of a member, or of one of their cards."""

    card: str | None
    """``None`` for the member."""
    file: str
    at: datetime
    """When it was imported."""
    as_of: datetime
    """When what it says held."""


def imports_of(connection: Connection, member_id: str) -> list[BroughtIn]:
    """The files that last told of a member and of their cards."""
    of_cards = select(card.c.id.label("card"), file_import).join(file_import, file_import.c.id == card.c.import_id)
    of_member = select(null().label("card"), file_import).join(member, file_import.c.id == member.c.import_id)
    found = [
        *connection.execute(of_member.where(member.c.id == member_id)),
        *connection.execute(of_cards.where(card.c.member_id == member_id).order_by(card.c.id)),
    ]
    return [
        BroughtIn(card=row.card, file=row.name, at=moment(row.started_at), as_of=moment(row.as_of)) for row in found
    ]
