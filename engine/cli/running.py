"""``run`` and ``demo``: the engine at work."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..config import load_config
from ..daemon import run as run_daemon
from ..tools.demo import Example, run_demo
from ..tools.starter import example_events, starter_root
from .shell import HERE, ConfigOption


def run(
    *,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Do all work that is due, and exit.")] = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Run the daemon: take in webhooks, decide, remind and send, until it is told to stop.

    SIGTERM ends it once what is under way is done; SIGHUP reads rules and templates again.
    """
    path = config_path / HERE if config_path.is_dir() else config_path
    raise typer.Exit(run_daemon(path, until_idle=until_idle))


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
