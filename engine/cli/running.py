"""``run``, ``reload`` and ``demo``: the engine at work."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..config import load_config
from ..daemon import run as run_daemon
from ..errors import StoreOwned
from ..office.daemon import Reload, Reloaded
from ..tools.demo import Example, run_demo
from ..tools.starter import example_events, starter_root
from .shell import (
    CANNOT_RUN,
    FINDINGS,
    HERE,
    ConfigOption,
    JsonOption,
    counted,
    programme_at,
    say,
    say_error,
    show,
    show_json,
)
from .work import asking, of_daemon, settled


def run(
    *,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Do all work that is due, and exit.")] = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Run the daemon: take in webhooks, decide, remind and send, until it is told to stop.

    SIGTERM ends it once what is under way is done; SIGHUP reads rules and templates
    again, as pointbell reload does.
    """
    path = config_path / HERE if config_path.is_dir() else config_path
    try:
        code = run_daemon(path, until_idle=until_idle)
    except StoreOwned:
        # A daemon does all work that is due anyway: there is only to wait for it.
        if not until_idle:
            raise
        asking(load_config(path), settled)
        code = 0
    raise typer.Exit(code)


def reload(*, as_json: JsonOption = False, config_path: ConfigOption = HERE) -> None:
    """Have the running daemon read rules and templates again; they go live as a whole, or not at all.

    Exits with 0 when they are in force, with 1 when they have errors: then the last good set stays in force.
    """
    config = programme_at(config_path)
    done = of_daemon(config, Reload())
    if done is None:
        say_error("no daemon runs on this programme: it reads the rules when it starts, and pointbell check does now")
        raise typer.Exit(CANNOT_RUN)
    if as_json:
        show_json(done.model_dump(mode="json", exclude={"report"}))
    else:
        _tell(done)
    if not done.good:
        raise typer.Exit(FINDINGS)


def _tell(done: Reloaded) -> None:
    if done.report:
        show(done.report)
    elif done.error:
        show(done.error)
    rules = f"{counted(done.rules, 'rule')} ({done.ruleset})"
    say(f"{rules} in force." if done.good else f"Not in force: the daemon goes on with the last good set, {rules}.")


def demo(
    out: Annotated[Path, typer.Option(help="The folder for the mails.", file_okay=False)] = Path("demo-mails"),
) -> None:
    """Show the main job on published events: mails, reminders that follow their date, and why some are not sent.

    Runs the starter programme in simulated time, with a database of its own; nothing is sent.
    """
    config = load_config(starter_root() / HERE)
    examples = [Example(name=path.stem, body=path.read_bytes()) for path in example_events()]
    asyncio.run(
        run_demo(
            out,
            Console(),
            examples=examples,
            ruleset=config.ruleset(),
            channels=config.channels(),
            capture=config.capture(),
        )
    )
