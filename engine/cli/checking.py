"""``check``: what is wrong with the programme's files, once or on every change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
import watchfiles

from ..config import Config
from ..errors import ConfigError, RulesetInvalid
from ..ruleset import Diagnostic, format_text, to_json
from ..ruleset.diagnostics import in_order, summary, to_github
from ..tools.timeline_files import mistakes_in_tests
from ..tools.trying import try_templates
from .shell import CANNOT_RUN, FINDINGS, HERE, ConfigOption, counted, programme_at, say, say_error, show, show_json

WATCHED = frozenset({"rules", "templates", "lists", "tests", "mappings"})
"""Folders of a programme that hold what is checked; beside them its YAML files."""


def check(
    *,
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="The programme's folder.")] = None,
    form: Annotated[
        Literal["text", "json", "github"], typer.Option("--format", help="How to print findings.")
    ] = "text",
    watch: Annotated[
        bool, typer.Option("--watch", help="Check again on every change, and say what it changed.")
    ] = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Check config.yaml, rules and templates as a whole, as the daemon does before it lets them go live, and the tests.

    Every message is also worded for members who do not exist: one of whom everything is known, one of whom as little as
    may be, and some with awkward names.

    Exits with 0 when nothing was found, 1 when something was, warnings included, and 2 when it could not check.
    """
    path = folder or config_path
    if watch and form != "text":
        say_error(f"--watch talks to people: it cannot go with --format {form}")
        raise typer.Exit(CANNOT_RUN)
    findings, checked = findings_at(path)
    _print(findings, form, path)
    say(f"{checked}: {summary(findings) or 'no problems'}.")
    if watch:
        _keep_watching(path, findings)
    elif findings:
        raise typer.Exit(FINDINGS)


def findings_at(path: Path) -> tuple[Sequence[Diagnostic], str]:
    """What is wrong with the programme, and what was looked at."""
    try:
        config = programme_at(path)
    except ConfigError as error:
        if not error.diagnostics:
            raise
        return _diagnostics(error), "config.yaml, which must be right before anything else can be checked"
    return _ruleset_findings(config)


def difference(
    before: Iterable[Diagnostic], after: Iterable[Diagnostic]
) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
    """The findings that are new, and those that are gone; one that merely moved to another line is neither."""
    before, after = tuple(before), tuple(after)
    return _beyond(after, before), _beyond(before, after)


def report_changes(path: Path, findings: Sequence[Diagnostic], changes: Iterable[object]) -> None:
    """Check again after each of the changes, and print what it brought and what it mended."""
    for _ in changes:
        try:
            now = findings_at(path)[0]
        except ConfigError as error:
            say_error(str(error))
            continue
        new, gone = difference(findings, now)
        for found in gone:
            show(f"mended: {found.file}:{found.line}: [{found.code}] {found.message}")
        if new:
            show(format_text(new))
        if new or gone:
            say(f"Now {summary(now) or 'no problems'}.")
        findings = now


def _keep_watching(path: Path, findings: Sequence[Diagnostic]) -> None:
    root = path if path.is_dir() else path.parent
    say("Watching for changes; Ctrl+C ends it.")
    report_changes(path, findings, watchfiles.watch(root, watch_filter=_Sources(root), raise_interrupt=False))


class _Sources(watchfiles.DefaultFilter):
    """Looks at what is checked, and not at the database beside it."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root.resolve()

    def __call__(self, change: watchfiles.Change, path: str) -> bool:
        inside = Path(path).relative_to(self._root) if Path(path).is_relative_to(self._root) else Path(path)
        ours = inside.parts[:1] and (inside.parts[0] in WATCHED or inside.suffix in {".yaml", ".yml"})
        return bool(ours) and super().__call__(change, path)


def _beyond(those: Iterable[Diagnostic], others: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    left = Counter(_sameness(found) for found in others)
    return tuple(_taken_from(left, those))


def _taken_from(left: Counter[tuple[str | None, ...]], those: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    for found in those:
        if left[_sameness(found)] > 0:
            left[_sameness(found)] -= 1
        else:
            yield found


def _sameness(found: Diagnostic) -> tuple[str | None, ...]:
    return found.file, found.code, found.message, found.source_line


def _print(findings: Sequence[Diagnostic], form: str, path: Path) -> None:
    if form == "json":
        show_json(to_json(findings))
    elif findings and form == "github":
        show(to_github(findings, _within_here(path if path.is_dir() else path.parent)))
    elif findings:
        show(format_text(findings))


def _within_here(root: Path) -> str:
    """The programme's folder as seen from this one, which in a workflow is the repository's."""
    here, there = Path.cwd(), root.resolve()
    inside = there.relative_to(here) if there.is_relative_to(here) else there
    return "" if inside == Path() else inside.as_posix()


def _ruleset_findings(config: Config) -> tuple[Sequence[Diagnostic], str]:
    try:
        ruleset = config.ruleset()
    except RulesetInvalid as error:
        return [*config.warnings, *_diagnostics(error)], "config.yaml, rules and templates"
    tried = try_templates(ruleset)
    if tried.left:
        say(f"Of {counted(tried.left, 'message')} nobody knows how they read: trying them all takes too long.")
    beside = in_order([*ruleset.warnings, *tried.findings, *mistakes_in_tests(config.root, ruleset)])
    return [*config.warnings, *beside], f"config.yaml, {counted(len(ruleset.rules), 'rule')}, templates and tests"


def _diagnostics(error: ConfigError | RulesetInvalid) -> list[Diagnostic]:
    return [found for found in error.diagnostics if isinstance(found, Diagnostic)]
