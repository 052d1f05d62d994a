"""``test``: the timelines of a programme, run in simulated time."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..config import Config, load_config
from ..ruleset import Ruleset, format_text, to_json
from ..ruleset.diagnostics import in_order, summary
from ..tools.coverage import Coverage, coverage_of
from ..tools.proving import Proof, as_json, as_junit, as_text, prove
from ..tools.selection import choice
from ..tools.timeline import Stage
from ..tools.timeline_files import TIMELINES, Found, recording, timelines_of
from .shell import CANNOT_RUN, FINDINGS, HERE, ConfigOption, counting_bar, say, show, show_json

Form = Literal["text", "json", "junit"]
_STAND_IN = "1025"
"""For a variable that is not set: as good a secret as any, and a number where one must stand."""


def run_tests(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders; by default all tests.")
    ] = None,
    *,
    only: Annotated[
        str | None, typer.Option("-k", metavar="EXPR", help='Only tests with these words: "expire and not sms".')
    ] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="Say what the tests have not seen.")] = False,
    least: Annotated[
        float | None, typer.Option("--coverage-min", metavar="PERCENT", min=0, max=100, help="Fail below this.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print what failed.")] = "text",
    config_path: ConfigOption = HERE,
) -> None:
    """Run the tests of the rules: timelines in tests/timelines/ and under tests: beside rules. Nothing is sent.

    Exits with 0 when all pass, 1 when one fails or too little is covered, 2 when they cannot run.
    """
    config = programme_under_test(config_path)
    ruleset = config.ruleset()
    found = timelines_of(config.root, ruleset, paths or [])
    if not found.sound:
        _refuse(found, form)
    meant = choice(only) if only else None
    wanted = [one for one in found.timelines if meant is None or meant(f"{one.name} {' '.join(sorted(one.rules))}")]
    if not wanted:
        say(_none(only) if only or found.timelines else f"There are no tests: write one in {TIMELINES}/.")
        raise typer.Exit(CANNOT_RUN if only else 0)
    with counting_bar("Tests") as bar:
        proof = asyncio.run(prove(wanted, stage_of(config, ruleset), lambda _: bar.advance(bar.task_ids[0])))
    seen = coverage_of(ruleset, [one.run for one in proof.verdicts]) if coverage or least is not None else None
    _show(proof, seen, form)
    too_little = least is not None and seen is not None and seen.percent < least
    if too_little and seen is not None:
        say(f"{seen.percent:.1f} % is covered, less than {least:g} %.")
    if proof.failed or too_little:
        raise typer.Exit(FINDINGS)


class _AnyValue(dict[str, str]):
    """The environment; a variable that is not set has some value all the same: nothing is signed, nobody is called."""

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # Always a text.
        return super().get(name) or default or _STAND_IN


def programme_under_test(path: Path) -> Config:
    """The configuration at ``path``, a file or its folder. Secrets need not be set: tests send nothing."""
    return load_config(path / HERE if path.is_dir() else path, _AnyValue(os.environ))


def stage_of(config: Config, ruleset: Ruleset) -> Stage:
    """The programme as its tests run on it: its channels unconnected, without secrets."""
    return Stage(
        ruleset=ruleset,
        channels=config.channels(),
        capture=config.capture(),
        sources=config.sources(),
        recording=lambda timeline, name: recording(config.root, timeline, name),
    )


def _refuse(found: Found, form: Form) -> None:
    findings = in_order(found.findings)
    if form == "json":
        show_json(to_json(findings))
    else:
        show(format_text(findings))
    say(f"The tests cannot run: {summary(findings)}.")
    raise typer.Exit(CANNOT_RUN)


def _none(only: str | None) -> str:
    return f"No test has {only} in its name."


def _show(proof: Proof, seen: Coverage | None, form: Form) -> None:
    words = "; ".join(filter(None, [proof.summary(), str(seen) if seen else ""]))
    if form == "json":
        tallies = (
            {one.what: {"seen": one.seen, "total": one.total, "lacking": one.lacking} for one in seen.tallies}
            if seen
            else None
        )
        show_json({"tests": as_json(proof), "coverage": tallies})
        say(words)
    elif form == "junit":
        show(as_junit(proof))
        say(words)
    else:
        if proof.failed:
            show(f"{as_text(proof)}\n")
        show(words)
