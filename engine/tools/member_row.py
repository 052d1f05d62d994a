"""One row of a members file -> what it says of a member, or why it cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from ..model import Snapshot, Value
from . import cells
from .cells import BadCell, Dates
from .table_file import METADATA, Sheet

MEMBERS = Sheet(
    what="members",
    columns=(
        "id",
        "email",
        "first_name",
        "last_name",
        "name",
        "phone",
        "locale",
        "timezone",
        "birthdate",
        "source_id",
        "aliases",
        "metadata",
    ),
    required=("id",),
    also={"member_id": "id", "customer_id": "id", "time_zone": "timezone", "language": "locale"},
    metadata=True,
)

_Cell = Callable[[str, object], Value]
_CELLS: Mapping[str, _Cell] = {
    "email": cells.address,
    "first_name": cells.text,
    "last_name": cells.text,
    "name": cells.text,
    "phone": cells.text,
    "locale": cells.locale,
    "timezone": cells.zone,
}


def snapshot_of(row: Mapping[str, object], as_of: datetime, dates: Dates) -> Snapshot:
    """What a row says. Empty cells and nulls say nothing.

    Raises:
        BadCell: it cannot be used; the message is the reason, without the place.
    """
    said = cells.said(row)
    if "id" not in said:
        raise BadCell("id", "there is no id")
    id_ = cells.text("id", said["id"], number=True)
    fields = {name: read(name, said[name]) for name, read in _CELLS.items() if name in said}
    if "birthdate" in said:
        fields["birthdate"] = dates.day("birthdate", said["birthdate"])
    names = list(_aliases(said.get("aliases")))
    if "source_id" in said:
        fields["source_id"] = source = cells.text("source_id", said["source_id"], number=True)
        names.append(source)
    return Snapshot(
        id=id_,
        as_of=as_of,
        fields={**fields, **metadata(said)},
        aliases=tuple(dict.fromkeys(name for name in names if name != id_)),
    )


def metadata(said: Mapping[str, object]) -> dict[str, Value]:
    """The entries of the metadata that a row has, each a field of its own: what it does not name stays as it is."""
    names = [name for name in said if name.startswith("metadata")]
    if not names:
        return {}
    whole = said.get("metadata") or {}
    if not isinstance(whole, dict):
        message = "metadata is not an object: in a CSV file it has columns such as metadata.status"
        raise BadCell("metadata", message)
    entries = {f"{METADATA}{name}": value for name, value in whole.items()}
    entries.update((name, _entry(name, said[name])) for name in names if name != "metadata")
    return entries


def _entry(name: str, value: object) -> Value:
    return cells.text(name, value) if isinstance(value, str) else value  # type: ignore[return-value]  # JSON values are facts


def _aliases(value: object) -> Iterator[str]:
    if isinstance(value, str):
        value = value.split(";")
    if value is not None and not isinstance(value, list):
        raise BadCell("aliases", "aliases is not a list of texts")
    for alias in value or ():
        if not cells.is_empty(alias):
            yield cells.text("aliases", alias, number=True)
