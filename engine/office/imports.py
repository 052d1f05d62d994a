"""Asks that bring in what other systems know: members, cards, suppressed addresses, consents.

A file comes in pieces, each with its place in the file, so that whoever is cut off goes on where the last piece ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, PlainSerializer, PlainValidator

from ..decide.moving import Arrival, SentBefore
from ..model import Snapshot
from ..store import Came, Consent, ImportedFile, Reached, Suppression, allow, record_consents, suppress
from ..workshop import Workshop
from .ask import Answer, Ask

Kind = Literal["members", "cards", "suppressions", "consents"]


class Began(Answer):
    """A file that is coming in."""

    number: int
    """Of its import."""
    rows: int
    """How many of its rows are in already."""
    as_of: datetime
    """When what it says held."""
    before: datetime | None
    """When the same file was imported before."""


class BeginImport(Ask[Began]):
    """Begin to bring a file in, or go on with it where it was broken off."""

    kind: Kind
    name: str
    digest: str
    """Of its content, and of how it is to be read: the same file is known by it."""
    as_of: datetime | None = None
    """When what it says held, where somebody says so."""
    weighed_at: datetime | None = None
    """When what it says holds else."""
    rows: int = 0
    """How many of its rows can be used."""
    restart: bool = False


async def begin_import(shop: Workshop, ask: BeginImport) -> Began:
    """Durable before it answers. Without a daemon, the indexes of tables that are as good as empty wait."""
    now = shop.pipeline.now()
    file = ImportedFile(
        kind=ask.kind,
        name=ask.name,
        digest=ask.digest,
        weighed_at=ask.weighed_at or now,
        as_of=ask.as_of,
        rows=ask.rows,
    )
    begun = await shop.store.imports.begin(file, now, restart=ask.restart, alone=not shop.manned)
    return Began(number=begun.number, rows=begun.rows, as_of=begun.as_of, before=begun.before)


class Where(BaseModel, frozen=True):
    """Where a piece stands in its file."""

    number: int
    """Of the import."""
    rows: int
    """How many of the file's rows are in, with this piece."""
    last: bool = False

    def reached(self) -> Reached:
        """The same for the store."""
        return Reached(number=self.number, rows=self.rows, last=self.last)


class Brought(Answer):
    """What a piece came to."""

    new: int = 0
    changed: int = 0
    armed: int = 0
    """Reminders of new cards."""
    follow: int = 0
    """Cards whose reminders are being brought in line with what is new."""

    @staticmethod
    def of(came: Came) -> Brought:
        """What the store says of it."""
        return Brought(new=came.new, changed=came.changed, armed=came.armed, follow=came.follow)

    def __add__(self, other: Brought) -> Brought:
        return Brought(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            armed=self.armed + other.armed,
            follow=self.follow + other.follow,
        )


def _said(said: Snapshot) -> dict[str, Any]:
    """A snapshot as JSON can say it: days and times stand apart, since JSON has neither."""
    plain, days, times = dict[str, Any](), dict[str, str](), dict[str, str]()
    for name, value in said.fields.items():
        if isinstance(value, datetime):
            times[name] = value.isoformat()
        elif isinstance(value, date):
            days[name] = value.isoformat()
        else:
            plain[name] = value
    told = {"id": said.id, "as_of": said.as_of.isoformat(), "plain": plain, "days": days, "times": times}
    return {**told, "aliases": list(said.aliases)}


def _snapshot(told: Mapping[str, Any]) -> Snapshot:
    """The snapshot that it was."""
    days = {name: date.fromisoformat(value) for name, value in told["days"].items()}
    times = {name: datetime.fromisoformat(value) for name, value in told["times"].items()}
    as_of, aliases = datetime.fromisoformat(told["as_of"]), tuple(told["aliases"])
    return Snapshot(id=told["id"], as_of=as_of, fields={**told["plain"], **days, **times}, aliases=aliases)


def _whole_snapshot(told: Any) -> Snapshot:
    try:
        return told if isinstance(told, Snapshot) else _snapshot(told)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("is not what a file says of a member") from error


def _arrived(arrival: Arrival) -> dict[str, Any]:
    sent = [{"slot": one.slot, "rule": one.rule, "at": one.at.isoformat() if one.at else None} for one in arrival.sent]
    return {"said": _said(arrival.snapshot), "sent": sent}


def _whole_arrival(told: Any) -> Arrival:
    try:
        return told if isinstance(told, Arrival) else _arrival(told)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("is not what a file says of a card") from error


def _arrival(told: Mapping[str, Any]) -> Arrival:
    sent = (
        SentBefore(slot=one["slot"], rule=one["rule"], at=datetime.fromisoformat(one["at"]) if one["at"] else None)
        for one in told["sent"]
    )
    return Arrival(snapshot=_snapshot(told["said"]), sent=tuple(sent))


OneMember: TypeAlias = Annotated[
    Any, PlainValidator(_whole_snapshot), PlainSerializer(_said, return_type=dict[str, Any])
]
"""A ``Snapshot``: as it is within a process, as plain JSON through a socket. pydantic would look into its values, which
may hold values, and find no end."""
OneCard: TypeAlias = Annotated[
    Any, PlainValidator(_whole_arrival), PlainSerializer(_arrived, return_type=dict[str, Any])
]


class ImportMembers(Ask[Brought]):
    """Merge what a file says of members into the directory."""

    members: tuple[OneMember, ...]
    where: Where


async def import_members(shop: Workshop, ask: ImportMembers) -> Brought:
    """One transaction: all of them or none."""
    came = await shop.store.imports.members(ask.members, ask.where.reached(), shop.pipeline.now())
    return _seen_to(shop, came)


class ImportCards(Ask[Brought]):
    """Bring cards in and arm the reminders of those that are new."""

    cards: tuple[OneCard, ...]
    where: Where
    catch_up: bool = False
    """Also those whose hour has passed, within the rule's grace."""


async def import_cards(shop: Workshop, ask: ImportCards) -> Brought:
    """One transaction: all of them or none. Planned under the rules in force."""
    now = shop.pipeline.now()
    mover = shop.store.imports.mover(shop.pipeline.ruleset, now, catch_up=ask.catch_up)
    came = await shop.store.imports.cards(ask.cards, mover, ask.where.reached(), now)
    return _seen_to(shop, came)


class OneSuppression(BaseModel, frozen=True):
    """An address, in lower case, that must not be written to."""

    address: str
    reason: str
    since: datetime


class ImportSuppressions(Ask[Brought]):
    """Write to these addresses no more. ``where`` is missing where no file says so."""

    suppressions: tuple[OneSuppression, ...]
    where: Where | None = None


async def import_suppressions(shop: Workshop, ask: ImportSuppressions) -> Brought:
    """It holds from the moment this answers."""
    rows = [Suppression(address=one.address, reason=one.reason, since=one.since) for one in ask.suppressions]
    reached = ask.where.reached() if ask.where else None
    came = await shop.store.imports.rows(
        reached, shop.pipeline.now(), lambda connection: Came(new=suppress(connection, rows))
    )
    return Brought.of(came)


class Allowed(Answer):
    """What came of it."""

    addresses: tuple[str, ...]
    """Those that were suppressed."""


class Allow(Ask[Allowed]):
    """Write to these addresses again. What was withheld meanwhile stays withheld."""

    addresses: tuple[str, ...]


async def allow_again(shop: Workshop, ask: Allow) -> Allowed:
    """Durable before it answers."""
    allowed: list[str] = []

    def work(connection: Any) -> Came:
        allowed.extend(allow(connection, ask.addresses))
        return Came()

    await shop.store.imports.rows(None, shop.pipeline.now(), work)
    return Allowed(addresses=tuple(allowed))


class OneConsent(BaseModel, frozen=True):
    """A member's word about a category."""

    member: str
    category: str
    granted: bool
    since: datetime
    source: str


class ImportConsents(Ask[Brought]):
    """Take members at their word; the latest holds."""

    consents: tuple[OneConsent, ...]
    where: Where | None = None


async def import_consents(shop: Workshop, ask: ImportConsents) -> Brought:
    """It holds from the moment this answers."""
    rows = [Consent(**one.model_dump()) for one in ask.consents]
    reached = ask.where.reached() if ask.where else None
    came = await shop.store.imports.rows(
        reached, shop.pipeline.now(), lambda connection: Came(changed=record_consents(connection, rows))
    )
    return Brought.of(came)


class Plan(Ask[None]):
    """Have the reminders follow that an import has asked to be planned anew. A daemon does so by itself."""


async def plan(shop: Workshop, _ask: Plan) -> None:
    """Decides what waits to be decided, and sends nothing."""
    while not shop.manned and await shop.pipeline.process():
        pass


def _seen_to(shop: Workshop, came: Came) -> Brought:
    if came.follow:
        shop.worker.wake()
    return Brought.of(came)
