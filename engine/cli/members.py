"""``members``: the directory of who can be written to."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated, Any

import typer

from ..model import Snapshot
from ..office import Office
from ..office.imports import Brought, ImportMembers, Kind, Where
from ..store import Reports
from ..tools.forecast import MemberForecast
from ..tools.member_row import MEMBERS, snapshot_of
from ..tools.table_file import Sheet, TableRow
from .import_options import Options, takes_options
from .imports import Workplace, many, run_import
from .shell import HERE, Commands, ConfigOption, Fit, JsonOption, counted, programme_at, show, show_json, show_table
from .who import member_named

members_app = typer.Typer(cls=Commands, no_args_is_help=True, help="The directory: who can be written to, and where.")


@members_app.command("import", epilog="Example: pointbell members import members.csv --dry-run")
@takes_options
def import_members(options: Options) -> None:
    """Bring members in from files, or learn what is wrong with their lines.

    Columns: id (required), email, first_name, last_name, name, phone, locale, timezone, birthdate, source_id, aliases
    (separated by semicolons), and metadata.NAME for anything else. An empty cell says nothing and changes nothing; of
    two lines about one member the later wins. Lines that cannot be used are rejected by number, all others come in.
    A file that was broken off goes on where it ended; running it twice changes nothing.
    """
    run_import(_Members, options)


@members_app.command("show", epilog="Example: pointbell members show anna@example.org")
def show_member(
    name: Annotated[str, typer.Argument(metavar="MEMBER", help="An id, alias, card or e-mail address.")],
    *,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Show what is known of a member and their cards."""
    config = programme_at(config_path)
    with closing(Reports(config.database)) as reports:
        member_id = member_named(reports, name)
        known = reports.member(member_id) or {"id": member_id, "aliases": [], "cards": []}
    if as_json:
        show_json(known)
        return
    cards = known.pop("cards")
    _facts(known)
    for card in cards:
        show("")
        _facts({"card": card.pop("id"), **card})


class _Members:
    """See ``imports.Job``."""

    kind: Kind = "members"
    sheet: Sheet = MEMBERS
    manner = ""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._forecast = MemberForecast()

    def read(self, row: TableRow, as_of: datetime) -> Snapshot:
        return snapshot_of(row.cells, as_of, self._place.dates)

    def key(self, item: Snapshot) -> str:
        return item.id

    def weigh(self, batch: Sequence[Snapshot]) -> None:
        ground = self._place.ground
        addresses = [said.fields.get("email") for said in batch]
        known = ground.resolved(said.id for said in batch)
        suppressed = ground.suppressed(str(address).lower() for address in addresses if address)
        said = [((known.get(one.id, one.id), *one.aliases), _text(one.fields.get("email"))) for one in batch]
        self._forecast.count(said, frozenset(known.values()), frozenset(suppressed))

    def forecast(self) -> list[str]:
        found = self._forecast
        lines = f", {many(found.repeated, 'further line')} about the same members" if found.repeated else ""
        told = [f"{many(found.new, 'new member')}, {found.known:,} known{lines}."]
        if found.no_address:
            told.append(f"New members without an e-mail address: {found.no_address:,}.")
        if found.suppressed:
            told.append(f"Members whose address is suppressed, so that they are not written to: {found.suppressed:,}.")
        return told

    def plain(self) -> dict[str, Any]:
        return self._forecast.plain()

    async def hand_in(self, office: Office, batch: Sequence[Snapshot], where: Where) -> Brought:
        return await office.ask(ImportMembers(members=tuple(batch), where=where))

    def told(self, came: Brought, rows: int) -> str:
        lines = f" in {counted(rows, 'line')}" if self._forecast.repeated else ""
        follow = f"the reminders of {counted(came.follow, 'card')} follow their time zones" if came.follow else ""
        members = counted(self._forecast.new + self._forecast.known, "member")
        return f"{members} imported{lines}{', ' if follow else ''}{follow}"

    def close(self) -> None:
        self._forecast.close()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _facts(known: dict[str, Any]) -> None:
    rows = ((name, _shown(value)) for name, value in known.items() if value not in (None, [], {}))
    show_table({"name": Fit.WHOLE, "value": Fit.WRAP}, rows, heading=False)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {entry}" for name, entry in value.items())
    return str(value)
