"""``members``: the directory of who can be written to."""

from __future__ import annotations

import asyncio
from contextlib import closing
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from ..pipeline import utc_now
from ..store import Reports, Store
from ..tools.member_import import Imported, import_members
from ..tools.members_file import Format, guess_format, read_members
from .files import opened, size_of
from .shell import (
    FINDINGS,
    HERE,
    Commands,
    ConfigOption,
    Fit,
    JsonOption,
    counted,
    programme_at,
    progress_bar,
    say,
    show,
    show_json,
    show_table,
)
from .who import member_named

LISTED = 20
"""Rejected lines that are named; the others are counted."""

members_app = typer.Typer(cls=Commands, no_args_is_help=True, help="The directory: who can be written to, and where.")


@members_app.command("import", epilog="Example: pointbell members import members.csv --dry-run")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV or JSON lines; - reads standard input.")],
    *,
    form: Annotated[
        Format | None, typer.Option("--format", help="By default as the file's name or content says.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a CSV file that is not UTF-8, such as cp1250.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every line and write nothing.")] = False,
    ignore_unknown: Annotated[bool, typer.Option("--ignore-unknown", help="Leave unknown columns out.")] = False,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Bring members in from a file, or learn what is wrong with its lines.

    Columns: id (required), email, first_name, last_name, name, phone, locale, timezone, birthdate, source_id, aliases
    (separated by semicolons), and metadata.NAME for anything else. An empty cell says nothing and changes nothing; of
    two lines about one member the later wins. Lines that cannot be used are rejected by number, all others come in.
    """
    config = programme_at(config_path)
    with opened(file) as handle, progress_bar("Importing", size_of(file)) as bar:
        rows = read_members(
            handle,
            form=form or guess_format(file.name, handle),
            as_of=utc_now(),
            encoding=encoding,
            ignore_unknown=ignore_unknown,
        )
        keep = None if as_json else LISTED
        done = asyncio.run(_import(rows, None if dry_run else config.database, keep, bar, handle))
    _report(done, dry_run=dry_run, as_json=as_json)
    if done.rejected:
        raise typer.Exit(FINDINGS)
    if not done.accepted:
        say("The file names no members.")


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


async def _import(
    rows: Any, database: Path | None, keep: int | None, bar: Progress, handle: BufferedReader
) -> Imported:
    store = await Store.open(database) if database else None

    def progress() -> None:
        bar.update(bar.task_ids[0], completed=handle.tell() if handle.seekable() else None)

    try:
        return await import_members(rows, store, utc_now, keep=keep, progress=progress)
    finally:
        if store is not None:
            await store.close()


def _report(done: Imported, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        rejections = [{"line": one.line, "reason": one.reason} for one in done.rejections]
        counts = {"accepted": done.accepted, "rejected": done.rejected, "dry_run": dry_run}
        show_json({**counts, "rejections": rejections})
        return
    for one in done.rejections:
        show(f"line {one.line}: {one.reason}")
    if done.rejected > len(done.rejections):
        show(f"... and {done.rejected - len(done.rejections)} more (--json lists all)")
    verb = "would be imported" if dry_run else "imported"
    show(f"{counted(done.accepted, 'member')} {verb}, {counted(done.rejected, 'line')} rejected.")


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
