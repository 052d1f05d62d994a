"""Rows of suppressed addresses and of consents -> what they say, or why they cannot be used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from ..addresses import normalised
from ..language.problem import suggest
from . import cells
from .cells import BadCell, Dates
from .table_file import Sheet

SUPPRESSIONS = Sheet(
    what="suppressed addresses",
    columns=("address", "reason", "since"),
    required=("address",),
    also={"email": "address", "e_mail": "address", "suppressed_at": "since", "created_at": "since"},
)
CONSENTS = Sheet(
    what="consents",
    columns=("member", "category", "granted", "since", "source"),
    required=("member", "category", "granted"),
    also={"id": "member", "member_id": "member", "customer_id": "member", "consent": "granted", "updated_at": "since"},
)
IMPORTED = "imported"
"""The reason of a suppression that a file gives none for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionRow:
    """An address that must not be written to."""

    address: str
    """As ``comparable`` writes it."""
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """A member's word about a category of messages."""

    member: str
    """An id or an alias."""
    category: str
    granted: bool
    since: datetime
    source: str
    """Where the word was given."""


def suppression_of(row: Mapping[str, object], as_of: datetime, dates: Dates, latest: datetime) -> SuppressionRow:
    """What a row says. Raises ``BadCell``."""
    said = cells.said(row)
    if "address" not in said:
        raise BadCell("address", "there is no address")
    return SuppressionRow(
        address=comparable(cells.address("address", said["address"])),
        reason=cells.text("reason", said["reason"]) if "reason" in said else IMPORTED,
        since=_since(said, as_of, dates, latest),
    )


def consent_of(row: Mapping[str, object], as_of: datetime, dates: Dates, latest: datetime, file: str) -> ConsentRow:
    """What a row says; ``file`` is the source of what names none. Raises ``BadCell``."""
    said = cells.said(row)
    for name in CONSENTS.required:
        if name not in said:
            raise BadCell(name, f"there is no {name}")
    return ConsentRow(
        member=cells.text("member", said["member"], number=True),
        category=cells.text("category", said["category"]),
        granted=cells.yes_no("granted", said["granted"]),
        since=_since(said, as_of, dates, latest),
        source=cells.text("source", said["source"]) if "source" in said else file,
    )


def unknown_category(name: str, known: Collection[str]) -> BadCell:
    """A word about messages there are none of would never be looked at."""
    return BadCell("category", f"there is no category {cells.quoted(name)} in the rules: {suggest(name, known)}")


def comparable(address: str) -> str:
    """An address as messages have it, in lower case: what a suppression is found by."""
    return (normalised(address) or address).lower()


def _since(said: Mapping[str, object], as_of: datetime, dates: Dates, latest: datetime) -> datetime:
    if "since" not in said:
        return as_of
    since = dates.moment("since", said["since"])
    if since > latest:
        raise BadCell("since", f"since {cells.quoted(str(said['since']))} is still to come")
    return since
