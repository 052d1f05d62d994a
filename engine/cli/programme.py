"""``init`` and ``check``: the programme's files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..config import Config
from ..errors import ConfigError, RulesetInvalid
from ..ruleset import Diagnostic, format_text, to_json
from ..ruleset.diagnostics import summary
from ..tools.starter import copy_starter
from .shell import FINDINGS, HERE, ConfigOption, counted, programme_at, say, show, show_json


def init(folder: Annotated[Path, typer.Argument(metavar="[DIR]", file_okay=False)] = Path()) -> None:
    """Put a working programme into a folder: config.yaml, rules and templates. Never overwrites."""
    written = copy_starter(folder)
    for name, files in Counter(path.parts[0] for path in written).items():
        show(name if (folder / name).is_file() else f"{name}/ ({counted(files, 'file')})")
    inside = "" if folder.resolve() == Path.cwd() else f"  cd {folder}\n"
    say(
        f"\nNext:\n{inside}"
        "  pointbell check           finds mistakes in rules and templates\n"
        "  pointbell ingest FILE...  takes in events; while delivery is capture, nothing is sent\n"
        "  pointbell outbox list     shows what would have been sent\n"
        "  pointbell run             starts the daemon\n"
        "Then make config.yaml, rules/ and templates/ your own."
    )


def check(
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="The programme's folder.")] = None,
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print findings.")] = "text",
    config_path: ConfigOption = HERE,
) -> None:
    """Check config.yaml, rules and templates as a whole, as the daemon does before it lets them go live.

    Exits with 0 when nothing was found, 1 when something was, warnings included, and 2 when it could not check.
    """
    findings, checked = _findings(folder or config_path)
    if form == "json":
        show_json(to_json(findings))
    elif findings:
        show(format_text(findings))
    say(f"{checked}: {summary(findings) or 'no problems'}.")
    if findings:
        raise typer.Exit(FINDINGS)


def _findings(path: Path) -> tuple[Sequence[Diagnostic], str]:
    """What was found, and what was looked at."""
    try:
        config = programme_at(path)
    except ConfigError as error:
        if not error.diagnostics:
            raise
        return _diagnostics(error), "config.yaml, which must be right before anything else can be checked"
    return _ruleset_findings(config)


def _ruleset_findings(config: Config) -> tuple[Sequence[Diagnostic], str]:
    try:
        ruleset = config.ruleset()
    except RulesetInvalid as error:
        return _diagnostics(error), "config.yaml, rules and templates"
    return ruleset.warnings, f"config.yaml, {counted(len(ruleset.rules), 'rule')} and their templates"


def _diagnostics(error: ConfigError | RulesetInvalid) -> list[Diagnostic]:
    return [found for found in error.diagnostics if isinstance(found, Diagnostic)]
