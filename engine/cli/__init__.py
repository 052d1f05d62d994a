"""The command line: what a marketer and an operator type. Data goes to standard output, talk to standard error.

Exit codes: 0 all well, 1 something was found or is missing, 2 the command could not run.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from .cards import cards_app
from .checking import check
from .codes import explain_code
from .consent import consent_app
from .database import db_app
from .events import events_app
from .explain import explain_event
from .fields import fields_app
from .intake import ingest, replay
from .members import members_app
from .new import new_app
from .outbox import outbox_app
from .pause import pause_app
from .preview import preview_rule
from .programme import init
from .resolve import drop_deliveries, resolve_messages
from .running import demo, reload, run
from .schemas import schema
from .shell import Commands, show
from .status import status
from .suppress import suppress_app
from .timelines import run_tests
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
app.command(epilog="Example: pointbell check && pointbell reload")(reload)
app.command(epilog="Example: pointbell demo --out demo-mails")(demo)
app.command(epilog="Examples: pointbell check  |  pointbell check --watch  |  pointbell check --format github")(check)
app.command(epilog="Examples: pointbell schema  |  pointbell schema rules --out schemas")(schema)
app.command("explain-code", epilog="Example: pointbell explain-code PB204")(explain_code)
app.command("explain", epilog="Examples: pointbell explain points_expired.json  |  pointbell explain 12 --rule news")(
    explain_event
)
app.command("test", epilog="Examples: pointbell test  |  pointbell test -k 'expire and not sms' --coverage")(run_tests)
app.command(
    "preview", epilog="Example: pointbell preview points-expired --event voucher.loyalty_card.points_expired.json"
)(preview_rule)
app.command(
    epilog="Examples: pointbell ingest events/*.json  |  gunzip -c old.jsonl.gz | pointbell ingest - --history"
)(ingest)
app.add_typer(new_app, name="new")
app.add_typer(fields_app, name="fields")
app.add_typer(members_app, name="members")
app.add_typer(cards_app, name="cards")
app.add_typer(suppress_app, name="suppress")
app.add_typer(consent_app, name="consent")
app.command(epilog="Examples: pointbell why anna@example.org  |  pointbell why L0y4L --limit 10")(why)
app.command(epilog="Example: pointbell status --json")(status)
outbox_app.command(
    "resolve",
    epilog="Examples: pointbell outbox resolve 12 --as resend --because 'asked Anna'  |  pointbell outbox resolve "
    "--as drop --state unknown --rule points-expired --because 'told by letter' --dry-run",
)(resolve_messages)
app.add_typer(outbox_app, name="outbox")
app.add_typer(pause_app, name="pause")
app.command(epilog="Example: pointbell timers --member anna@example.org")(timers)
events_app.command("drop", epilog="Example: pointbell events drop --quarantined --because 'a test of the shop'")(
    drop_deliveries
)
app.add_typer(events_app, name="events")
app.command(epilog="Examples: pointbell replay 12 15  |  pointbell replay --quarantined --dry-run")(replay)
app.add_typer(db_app, name="db")


def main() -> None:
    """The entry point of ``pointbell``."""
    app(prog_name="pointbell")
