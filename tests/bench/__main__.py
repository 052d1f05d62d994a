"""``make bench``: measures, prints the table, writes it as JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import machine, needs, table
from .measure import Plan
from .processes import Died, ending_on_term
from .rows import PROFILES, SECTIONS

OUT = Path("bench-results.json")
BUSY = 0.5
"""Load average above which something else is going on."""


def main(
    sections: Annotated[
        list[str] | None, typer.Argument(help=f"Any of: {', '.join(SECTIONS)}. All by default.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the work, once: shows that it runs.")] = False,  # noqa: FBT002 - typer's way of options.
    json: Annotated[Path, typer.Option(help="Where to write the results.")] = OUT,
    profile: Annotated[
        str | None, typer.Option(help=f"Show where our time goes instead; one of: {', '.join(PROFILES)}.")
    ] = None,
) -> None:
    """Measure Pointbell against named peers, both in turns on this machine. Only the ratios mean anything."""
    unknown = [name for name in sections or () if name not in SECTIONS]
    if unknown or (profile is not None and profile not in PROFILES):
        raise typer.BadParameter(f"there is no {', '.join(unknown) or profile}; there are {', '.join(SECTIONS)}")
    console = Console() if sys.stdout.isatty() else Console(width=table.WIDTH)
    try:
        with ending_on_term():
            if profile is not None:
                shares, micros = PROFILES[profile](Plan(quick=quick, say=needs.say))
                table.show_shares(shares, micros, console)
            else:
                _measure(sections or list(SECTIONS), Plan(quick=quick, say=needs.say), json, console)
    except (Died, needs.Missing) as error:
        needs.say(f"bench: {error}")
        raise typer.Exit(2) from None


def _measure(sections: list[str], plan: Plan, out: Path, console: Console) -> None:
    facts = {**machine.facts(), "quick": plan.quick}
    if facts["load_before"] > BUSY:
        needs.say(f"the machine is busy (load {facts['load_before']:.1f}): the figures will scatter")
    measured = {}
    for name in sections:
        needs.say(f"-- {name}")
        measured[name] = SECTIONS[name](plan)
    table.show(measured, console)
    table.write(out, measured, {**facts, "peers": machine.peers()})
    missed = table.missed(measured)
    needs.say(
        f"written to {out}; "
        + (f"goals missed: {', '.join(row.what for row in missed)}" if missed else "no goal missed")
    )


def application() -> typer.Typer:
    """The command."""
    app = typer.Typer(add_completion=False)
    app.command()(main)
    return app


if __name__ == "__main__":
    application()()
