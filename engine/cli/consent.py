"""``consent``: what members have said about categories of messages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated, Any

import typer

from ..office import Office
from ..office.imports import Brought, ImportConsents, Kind, OneConsent, Where
from ..store import Reports, consents
from ..tools.list_rows import CONSENTS, ConsentRow, consent_of, unknown_category
from ..tools.table_file import Sheet, TableRow
from .import_options import Options, takes_options
from .imports import Workplace, run_import
from .shell import (
    HERE,
    Commands,
    ConfigOption,
    Fit,
    JsonOption,
    local_time,
    programme_at,
    say,
    show_json,
    show_table,
    zone_of,
)
from .who import member_named

_LISTED = {"category": Fit.WHOLE, "agreed": Fit.WHOLE, "since": Fit.WHOLE, "source": Fit.WRAP}
_FILE = "imported"

consent_app = typer.Typer(cls=Commands, no_args_is_help=True, help="What members have agreed to.")


@consent_app.command("import", epilog="Example: pointbell consent import consents.csv")
@takes_options
def import_consents(options: Options) -> None:
    """Bring in what members have said about categories of messages. Of two words the later one holds.

    Columns: member, category and granted (yes or no; all three required), since, source.
    """
    run_import(_Consents, options)


@consent_app.command("show", epilog="Example: pointbell consent show anna@example.org")
def show_consents(
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="An id, alias, card or e-mail address.")],
    *,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Show what a member has said about categories of messages, and when."""
    config = programme_at(config_path)
    with closing(Reports(config.database)) as reports:
        member_id = member_named(reports, member)
        found = reports.ask(lambda connection: consents(connection, member_id))
    if as_json:
        rows = [
            {"category": one.category, "granted": one.granted, "since": one.since, "source": one.source}
            for one in found
        ]
        show_json({"member": member_id, "consents": rows})
    elif found:
        zone = zone_of(config)
        say(f"Times are in {zone.key}.")
        rows_shown = (
            (one.category, "yes" if one.granted else "no", local_time(one.since, zone), one.source) for one in found
        )
        show_table(_LISTED, rows_shown)
    else:
        say(f"{member_id} has not said anything about any category.")


class _Consents:
    """See ``imports.Job``."""

    kind: Kind = "consents"
    sheet: Sheet = CONSENTS
    manner = ""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._categories = frozenset(place.config.ruleset().shared.categories)
        self._granted = self._refused = self._older = self._unknown = 0

    def read(self, row: TableRow, as_of: datetime) -> ConsentRow:
        said = consent_of(row.cells, as_of, self._place.dates, self._place.now, _FILE)
        if said.category not in self._categories:
            raise unknown_category(said.category, self._categories)
        return said

    def key(self, item: ConsentRow) -> str:
        return item.member

    def weigh(self, batch: Sequence[ConsentRow]) -> None:
        ground = self._place.ground
        ids = ground.resolved(one.member for one in batch)
        known = ground.consents(ids.values())
        for one in batch:
            said = known.get((ids.get(one.member, one.member), one.category))
            self._unknown += one.member not in ids
            if said is not None and said >= one.since:
                self._older += 1
            elif one.granted:
                self._granted += 1
            else:
                self._refused += 1

    def forecast(self) -> list[str]:
        told = [f"{self._granted:,} agreed, {self._refused:,} refused, {self._older:,} not newer than what is known."]
        if self._unknown:
            told.append(f"{self._unknown:,} are of members who are not known yet: they hold when these come.")
        return told

    def plain(self) -> dict[str, Any]:
        counts = {"granted": self._granted, "refused": self._refused, "not_newer": self._older}
        return {"consents": counts, "of_unknown_members": self._unknown}

    async def hand_in(self, office: Office, batch: Sequence[ConsentRow], where: Where) -> Brought:
        rows = tuple(
            OneConsent(
                member=one.member, category=one.category, granted=one.granted, since=one.since, source=one.source
            )
            for one in batch
        )
        return await office.ask(ImportConsents(consents=rows, where=where))

    def told(self, came: Brought, rows: int) -> str:
        return f"{came.changed} consents recorded, {rows - came.changed} not newer than what was known"

    def close(self) -> None:
        """Nothing to let go of."""
