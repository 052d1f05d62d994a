"""One row of a cards file -> what it says of a card and what was sent for it, or why it cannot be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from ..decide.book import LAST_ACTIVITY
from ..decide.calendar import ONE_DAY
from ..decide.moving import Arrival, SentBefore
from ..model import Snapshot, Value
from ..ruleset.times import in_words, read_duration
from . import cells
from .cells import BadCell, Dates
from .member_row import metadata
from .table_file import Sheet

_COUNTERS = (
    "points",
    "pending_points",
    "expired_points",
    "subtracted_points",
    "redeemed_points",
    "next_expiration_points",
)
CARDS = Sheet(
    what="cards",
    columns=(
        "card",
        "holder",
        "member",
        "code",
        "balance",
        "next_expiration_date",
        "next_expiration_points",
        "last_activity",
        "active",
        "sent",
        "as_of",
        "points",
        "pending_points",
        "expired_points",
        "subtracted_points",
        "redeemed_points",
        "campaign",
        "campaign_id",
        "timezone",
        "metadata",
    ),
    required=("card",),
    also={
        "id": "card",
        "card_id": "card",
        "holder_id": "holder",
        "member_id": "member",
        "customer": "member",
        "customer_id": "member",
        "status": "active",
        "updated_at": "as_of",
        "time_zone": "timezone",
    },
    metadata=True,
)

_SENT = re.compile(r"(?:(?P<rule>[^:]+?)\s*:\s*)?(?P<offset>\d+\s+[a-z]+)(?:\s+on\s+(?P<on>\S+))?")
_Cell = Callable[[str, object], Value]
_CELLS: Mapping[str, _Cell] = {
    "code": cells.text,
    "campaign": cells.text,
    "timezone": cells.zone,
    "active": cells.yes_no,
    "balance": cells.points,
}


def arrival_of(row: Mapping[str, object], as_of: datetime, dates: Dates, latest: datetime) -> Arrival:
    """What a row says. Empty cells say nothing; ``none``, or null in JSON, clears the expiry and the counters.

    ``as_of`` is the time for which it holds where the row has none of its own; ``latest`` is now.

    Raises:
        BadCell: it cannot be used; the message is the reason, without the place.
    """
    said = cells.said(row)
    if "card" not in said:
        raise BadCell("card", "there is no card")
    if "holder" not in said and "member" not in said:
        raise BadCell("holder", "there is neither a holder nor a member: nobody could be told")
    snapshot = Snapshot(
        id=cells.text("card", said["card"], number=True),
        as_of=_held(said, dates, latest) or as_of,
        fields=dict(_fields(row, said, dates)),
    )
    return Arrival(snapshot=snapshot, sent=tuple(_sent(said.get("sent"), dates)))


def _held(said: Mapping[str, object], dates: Dates, latest: datetime) -> datetime | None:
    if "as_of" not in said:
        return None
    held = dates.moment("as_of", said["as_of"])
    if held > latest:
        raise BadCell("as_of", f"as_of {cells.quoted(str(said['as_of']))} is still to come")
    return held


def _fields(row: Mapping[str, object], said: Mapping[str, object], dates: Dates) -> Iterator[tuple[str, Value]]:
    for name, fact in (("holder", "holder_id"), ("member", "member_id"), ("campaign_id", "campaign_id")):
        if name in said:
            yield fact, cells.text(name, said[name], number=True)
    for name, read in _CELLS.items():
        if name in said:
            yield name, read(name, said[name])
    for name in _COUNTERS:
        if name in row and (cleared := _cleared(row[name])) is not None:
            yield name, None if cleared else cells.points(name, row[name])
    date = "next_expiration_date"
    if date in row and (cleared := _cleared(row[date])) is not None:
        yield date, None if cleared else dates.day(date, row[date])
    if LAST_ACTIVITY in said:
        yield LAST_ACTIVITY, dates.moment(LAST_ACTIVITY, said[LAST_ACTIVITY])
    yield from metadata(said).items()


def _cleared(value: object) -> bool | None:
    """Whether a cell clears what is known; ``None`` where it says nothing."""
    if isinstance(value, str):
        written = value.strip().lower()
        return written == cells.CLEARED if written else None
    return value is None


def _sent(value: object, dates: Dates) -> Iterator[SentBefore]:
    """``30 days; points-expire-soon: 7 days on 2026-01-02``, or a list of such."""
    if isinstance(value, str):
        value = value.split(";")
    if value is not None and not isinstance(value, list):
        raise BadCell("sent", 'sent is not a list of offsets such as "30 days; 7 days"')
    for one in value or ():
        if not cells.is_empty(one):
            yield _sent_before(cells.text("sent", one), dates)


def _sent_before(written: str, dates: Dates) -> SentBefore:
    found = _SENT.fullmatch(written)
    length = read_duration(" ".join(found["offset"].split())) if found else None
    if found is None or length is None or length % ONE_DAY:
        message = f'sent {cells.quoted(written)} is no offset: write it like "30 days; 7 days"'
        raise BadCell("sent", f'{message}, or "points-expire-soon: 30 days"')
    at = dates.moment("sent", found["on"]) if found["on"] else None
    return SentBefore(slot=in_words(length.days, "day"), rule=found["rule"], at=at)
