"""How the commands talk: data to standard output, everything else to standard error, errors without a traceback."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from ..config import Config, load_config
from ..errors import PointbellError, RulesetInvalid

FINDINGS, CANNOT_RUN = 1, 2
"""Exit codes besides 0: ``FINDINGS`` where the answer is "not all well", ``CANNOT_RUN`` where there is no answer."""

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="POINTBELL_CONFIG",
        help="The programme's config.yaml, or the folder it is in.",
        show_default="./config.yaml",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000_000, help="How many at most.")]

LARGEST = 2**63 - 1
"""No row has a greater number."""

HERE = Path("config.yaml")
_UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNBOUNDED = 100_000
"""Columns of what is not a terminal: a line stays a line, for grep."""


class Commands(TyperGroup):
    """Commands whose foreseen errors end them with a message."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a ``PointbellError`` becomes its message and exit code 2."""
        try:
            return super().invoke(ctx)
        except RulesetInvalid as error:
            say_error(f"the rules and templates cannot be used: {error}")
            raise typer.Exit(CANNOT_RUN) from None
        except PointbellError as error:
            say_error(str(error))
            raise typer.Exit(CANNOT_RUN) from None


def programme_at(path: Path) -> Config:
    """The configuration at ``path``, which may be the folder it is in."""
    return load_config(path / HERE if path.is_dir() else path)


def say(text: str) -> None:
    """Talk: to standard error, as plain words."""
    typer.echo(printable(text), err=True)


def say_error(text: str) -> None:
    """What went wrong, to standard error."""
    words = Text.assemble(("error: ", _style("bold red")), printable(text))
    Console(stderr=True, soft_wrap=True, highlight=False).print(words)


def show(text: str) -> None:
    """Data: to standard output."""
    typer.echo(printable(text))


def show_json(data: object) -> None:
    """Data as JSON; times in ISO 8601."""
    text = json.dumps(data, ensure_ascii=False, indent=2, default=_plain)
    # A file's name may hold bytes that are no text; the escape that stands for them here is JSON's, too.
    typer.echo(text.encode("utf-8", "backslashreplace").decode())


class Fit(Enum):
    """What a column does where the terminal is too narrow."""

    WHOLE = "whole"
    CUT = "cut"
    """Ids: ends in an ellipsis."""
    WRAP = "wrap"
    """Words: goes on in the next line."""


def show_table(columns: Mapping[str, Fit], rows: Iterable[Sequence[object]], *, heading: bool = True) -> None:
    """Data as a table. What is not a terminal gets every row on one line, in full."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=heading, header_style=_style("bold"))
    for name, fit in columns.items():
        # Rich narrows columns that may wrap before all others; an id has nowhere to wrap, so it is cut.
        table.add_column(name, no_wrap=fit is Fit.WHOLE, overflow="fold" if fit is Fit.WRAP else "ellipsis")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    console = Console(width=_UNBOUNDED, highlight=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def local_time(moment: datetime | None, zone: tzinfo) -> str:
    """A time as tables show it: to the minute, in ``zone``."""
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def removed(at: datetime, what: str, zone: tzinfo) -> str:
    """``The body was removed on 2026-01-31 (retention)``."""
    return f"{what} was removed on {at.astimezone(zone):%Y-%m-%d} (retention)"


def zone_of(config: Config) -> ZoneInfo:
    """The programme's time zone, which lists are shown in."""
    return ZoneInfo(config.programme_settings.timezone)


def progress_bar(what: str, total: int | None) -> Progress:
    """A bar on standard error that counts bytes; nothing where nobody watches."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    bar.add_task(what, total=total)
    return bar


def counting_bar(what: str) -> Progress:
    """A bar on standard error that counts rows, of which nobody knows how many there are."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    bar.add_task(what, total=None)
    return bar


def printable(text: str) -> str:
    """The text without anything that would move a terminal's cursor; line breaks stay."""
    return _UNPRINTABLE.sub("\ufffd", text.replace("\t", " ").replace("\r\n", "\n"))


def counted(count: int, what: str) -> str:
    """``1 rule``, ``2 rules``."""
    if count == 1:
        return f"1 {what}"
    return f"{count} {what[:-1]}ies" if what.endswith("y") and what != "day" else f"{count} {what}s"


def _style(name: str) -> str:
    """The style, unless the environment wants none (no-color.org)."""
    return "" if os.environ.get("NO_COLOR") else name


def _cell(value: object) -> str:
    return "" if value is None else printable(str(value)).replace("\n", " ")


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
