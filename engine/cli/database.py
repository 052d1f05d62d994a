"""``db``: the database file, its copies, and what is kept in it for how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ..config import Config
from ..errors import StoreError
from ..janitor import kept_for
from ..office import Office
from ..office.upkeep import Tidy
from ..pipeline import utc_now
from ..store import Kind, Reports, backup, default_name, sqlite, upgrade
from .restore import restore_database
from .shell import (
    HERE,
    Commands,
    ConfigOption,
    Fit,
    JsonOption,
    counting_bar,
    programme_at,
    progress_bar,
    say,
    show,
    show_json,
    show_table,
)
from .work import asking

db_app = typer.Typer(
    cls=Commands, no_args_is_help=True, help="The database: backup, restore, upgrade, and what is kept in it."
)

_REMOVED: Mapping[Kind, str] = {
    Kind.BODIES: "bodies of deliveries",
    Kind.MESSAGES: "messages: their words, or all of them together with their delivery",
    Kind.DECISIONS: "decisions",
    Kind.EVENTS: "deliveries",
    Kind.TIMERS: "reminders that are over",
}
_COUNTS = {"rows": Fit.WHOLE, "what": Fit.WRAP}


@db_app.command("upgrade", epilog="Example: pointbell db upgrade")
def upgrade_database(config_path: ConfigOption = HERE) -> None:
    """Bring the database's schema up to date; a copy of the old one is kept beside it."""
    path = programme_at(config_path).database
    if not path.exists():
        raise StoreError(f"there is no database at {path} yet; pointbell run makes one")
    with sqlite.owned(path):
        before, after = upgrade(path)
    say(f"The schema is version {after}." if before == after else f"Upgraded from version {before} to {after}.")


@db_app.command("backup", epilog="Examples: pointbell db backup /backups/  |  pointbell db backup before-move.db")
def backup_database(
    target: Annotated[
        Path | None,
        typer.Argument(help="The file to write, which must not exist yet, or a folder. Default: beside the database."),
    ] = None,
    *,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Copy the database to a file, also while the daemon runs, and check the copy.

    Without a file name it is named by its time in UTC. Only its owner may read it: it holds what the database holds.
    """
    path, at = programme_at(config_path).database, utc_now()
    folder = path.parent if target is None else target
    file = folder / default_name(path, at) if folder.is_dir() or target is None else folder
    with progress_bar(file.name, None) as bar:
        made = backup(path, file, at, lambda done, of: bar.update(bar.task_ids[0], completed=done, total=of))
    if as_json:
        show_json({"path": str(made.path), "taken_at": made.taken_at, "bytes": made.size})
        return
    show(str(made.path))
    say(f"Copied and checked: {made.size} bytes.")


db_app.command("restore", epilog="Example: pointbell db restore /backups/pointbell-20260131T020000Z.db")(
    restore_database
)


@db_app.command("tidy", epilog="Example: pointbell db tidy --dry-run")
def tidy_database(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Remove now what config.yaml's retention no longer wants kept.

    The daemon does it by itself, a little every minute; this does all of it at once, through the daemon where one runs.
    """
    config = programme_at(config_path)
    removed = _countable(config) if dry_run else asking(config, _tidy)
    if as_json:
        show_json({"dry_run": dry_run, "removed": {kind.value: removed[kind] for kind in Kind}})
        return
    show_table(_COUNTS, ([removed[kind], words] for kind, words in _REMOVED.items()), heading=False)
    if dry_run:
        say("Nothing was removed: this is what pointbell db tidy would do.")


async def _tidy(office: Office) -> Counter[Kind]:
    removed: Counter[Kind] = Counter()
    with counting_bar("Tidying") as bar:
        ask = Tidy()
        while True:
            done = await office.ask(ask)
            removed.update(done.removed)
            bar.update(bar.task_ids[0], completed=removed.total())
            if done.further is None:
                return removed
            ask = Tidy(at=done.further)


def _countable(config: Config) -> Counter[Kind]:
    kept = kept_for(config.retention, config.ruleset())
    with closing(Reports(config.database)) as reports:
        return reports.overdue(kept, utc_now())
