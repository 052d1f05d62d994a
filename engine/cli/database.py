"""``db``: the database file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import StoreError
from ..store import sqlite, upgrade
from .shell import HERE, Commands, ConfigOption, programme_at, say, show

db_app = typer.Typer(cls=Commands, no_args_is_help=True, help="The database: upgrade and backup.")


@db_app.command("upgrade", epilog="Example: pointbell db upgrade")
def upgrade_database(config_path: ConfigOption = HERE) -> None:
    """Bring the database's schema up to date; a copy of the old one is kept beside it."""
    path = programme_at(config_path).database
    if not path.exists():
        raise StoreError(f"there is no database at {path} yet; pointbell run makes one")
    with sqlite.owned(path):
        before, after = upgrade(path)
    say(f"The schema is version {after}." if before == after else f"Upgraded from version {before} to {after}.")


@db_app.command("backup", epilog="Example: pointbell db backup /backups/pointbell-2026-01-31.db")
def backup_database(
    target: Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")],
    config_path: ConfigOption = HERE,
) -> None:
    """Copy the database to a file, also while the daemon runs, and check the copy."""
    path = programme_at(config_path).database
    sqlite.backup(path, target)
    show(str(target))
    say(f"Copied and checked: {target.stat().st_size} bytes.")
