"""``suppress``: addresses that nothing is sent to."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated, Any

import typer

from ..office import Office
from ..office.imports import Allow, Brought, ImportSuppressions, Kind, OneSuppression, Where
from ..pipeline import utc_now
from ..store import Reports, suppressions
from ..tools import cells
from ..tools.list_rows import SUPPRESSIONS, SuppressionRow, comparable, suppression_of
from ..tools.table_file import Sheet, TableRow
from .import_options import Options, takes_options
from .imports import Workplace, run_import
from .shell import (
    FINDINGS,
    HERE,
    Commands,
    ConfigOption,
    Fit,
    JsonOption,
    LimitOption,
    local_time,
    programme_at,
    say,
    say_error,
    show,
    show_json,
    show_table,
    zone_of,
)
from .work import asking

_LISTED = {"address": Fit.WHOLE, "since": Fit.WHOLE, "reason": Fit.WRAP}
_REASON = "by hand"

AddressesArgument = Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="Mail addresses.")]

suppress_app = typer.Typer(cls=Commands, no_args_is_help=True, help="Addresses that nothing is sent to.")


@suppress_app.command("import", epilog="Example: pointbell suppress import bounced.csv")
@takes_options
def import_suppressions(options: Options) -> None:
    """Bring in addresses that must not be written to. Columns: address (required), reason, since.

    It holds at once, also for messages that are waiting to be sent.
    """
    run_import(_Suppressions, options)


@suppress_app.command("add", epilog='Example: pointbell suppress add anna@example.org --reason "asked by phone"')
def add(
    addresses: AddressesArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = _REASON,
    config_path: ConfigOption = HERE,
) -> None:
    """Write to these addresses no more; it holds at once, also for messages that are waiting to be sent."""
    now = utc_now()
    wanted = tuple(OneSuppression(address=one, reason=reason, since=now) for one in _comparable(addresses))
    ask = ImportSuppressions(suppressions=wanted)
    came = asking(programme_at(config_path), lambda office: office.ask(ask))
    already = len(wanted) - came.new
    show(f"{came.new} {'address' if came.new == 1 else 'addresses'} suppressed.")
    if already:
        say(f"{already} already suppressed.")


@suppress_app.command("remove", epilog="Example: pointbell suppress remove anna@example.org")
def remove(addresses: AddressesArgument, *, config_path: ConfigOption = HERE) -> None:
    """Write to these addresses again. What was withheld meanwhile stays withheld."""
    wanted = _comparable(addresses)
    ask = Allow(addresses=tuple(wanted))
    allowed = asking(programme_at(config_path), lambda office: office.ask(ask)).addresses
    for one in allowed:
        show(f"{one} is written to again.")
    others = [one for one in wanted if one not in allowed]
    for one in others:
        say_error(f"{one} was not suppressed")
    if others:
        raise typer.Exit(FINDINGS)


@suppress_app.command("list", epilog="Example: pointbell suppress list --like example.org")
def list_suppressions(
    *,
    like: Annotated[str | None, typer.Option(help="Only addresses that contain this.")] = None,
    limit: LimitOption = 100,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """List the addresses that nothing is sent to, the latest first."""
    config = programme_at(config_path)
    with closing(Reports(config.database)) as reports:
        found = reports.ask(lambda connection: suppressions(connection, like, limit))
    if as_json:
        show_json([{"address": one.address, "reason": one.reason, "since": one.since} for one in found])
    elif found:
        zone = zone_of(config)
        say(f"Times are in {zone.key}.")
        show_table(_LISTED, ((one.address, local_time(one.since, zone), one.reason) for one in found))
    else:
        say("No address is suppressed." if like is None else f"No suppressed address contains {like}.")


def _comparable(addresses: Sequence[str]) -> list[str]:
    """Raises ``BadCell``."""
    return list(dict.fromkeys(comparable(cells.address("address", one)) for one in addresses))


class _Suppressions:
    """See ``imports.Job``."""

    kind: Kind = "suppressions"
    sheet: Sheet = SUPPRESSIONS
    manner = ""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._new = self._known = 0

    def read(self, row: TableRow, as_of: datetime) -> SuppressionRow:
        return suppression_of(row.cells, as_of, self._place.dates, self._place.now)

    def key(self, item: SuppressionRow) -> str:
        return item.address

    def weigh(self, batch: Sequence[SuppressionRow]) -> None:
        addresses = {one.address for one in batch}
        known = self._place.ground.suppressed(addresses)
        self._known += len(known)
        self._new += len(addresses) - len(known)

    def forecast(self) -> list[str]:
        return [f"{self._new:,} addresses that will be suppressed, {self._known:,} that are already."]

    def plain(self) -> dict[str, Any]:
        return {"suppressions": {"new": self._new, "known": self._known}}

    async def hand_in(self, office: Office, batch: Sequence[SuppressionRow], where: Where) -> Brought:
        rows = tuple(OneSuppression(address=one.address, reason=one.reason, since=one.since) for one in batch)
        return await office.ask(ImportSuppressions(suppressions=rows, where=where))

    def told(self, came: Brought, rows: int) -> str:
        return f"{came.new} suppressed, {rows - came.new} were so already"

    def close(self) -> None:
        """Nothing to let go of."""
