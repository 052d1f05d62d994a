"""The command line: what a marketer and an operator type. Data goes to standard output, talk to standard error.

Exit codes: 0 all well, 1 something was found or is missing, 2 the command could not run.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from .database import db_app
from .intake import ingest, replay
from .members import members_app
from .outbox import outbox_app
from .preview import preview_rule
from .programme import check, init
from .running import demo, run
from .shell import Commands, show
from .status import events_app, status
from .why import timers, why

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Tells loyalty members what happens to their points, before and when it happens.",
    epilog="Start with: pointbell init my-programme",
)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        try:
            show(f"pointbell {version('pointbell')}")
        except PackageNotFoundError:
            show("pointbell, not installed")
        raise typer.Exit


@app.callback()
def pointbell(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Options that hold for no command in particular."""


app.command(epilog="Example: pointbell init my-programme")(init)
app.command(epilog="Examples: pointbell run  |  pointbell run --until-idle -c /etc/pointbell/config.yaml")(run)
app.command(epilog="Example: pointbell demo --out demo-mails")(demo)
app.command(epilog="Examples: pointbell check  |  pointbell check my-programme --format json")(check)
app.command(
    "preview", epilog="Example: pointbell preview points-expired --event voucher.loyalty_card.points_expired.json"
)(preview_rule)
app.command(epilog="Examples: pointbell ingest events/*.json  |  gunzip -c old.jsonl.gz | pointbell ingest -")(ingest)
app.add_typer(members_app, name="members")
app.command(epilog="Examples: pointbell why anna@example.org  |  pointbell why L0y4L --limit 10")(why)
app.command(epilog="Example: pointbell status --json")(status)
app.add_typer(outbox_app, name="outbox")
app.command(epilog="Example: pointbell timers --member anna@example.org")(timers)
app.add_typer(events_app, name="events")
app.command(epilog="Examples: pointbell replay 12 15  |  pointbell replay --quarantined --dry-run")(replay)
app.add_typer(db_app, name="db")


def main() -> None:
    """The entry point of ``pointbell``."""
    app(prog_name="pointbell")
