"""``new``: files to begin with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

import typer

from ..config import Config
from ..errors import PointbellError
from ..ingest import neutral_name
from ..language.problem import suggest
from ..language.schema import EVENT_FIELDS, GROUPS
from ..ruleset import Ruleset
from ..tools.scaffold import DATE, Wanted, scaffold, write_new
from .schemas import write_schemas
from .shell import HERE, Commands, ConfigOption, programme_at, say, show

new_app = typer.Typer(cls=Commands, no_args_is_help=True, help="Files to begin with: a rule, its words and its test.")

ERASING = "member_deleted"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@new_app.callback()
def new() -> None:
    """Only so that ``rule`` stays a command of its own while it is the only one."""


@new_app.command(
    "rule",
    epilog="Examples: pointbell new rule points-spent --on points_redeemed  |  "
    f"pointbell new rule last-call --before {DATE}",
)
def new_rule(
    name: Annotated[str, typer.Argument(help="What the rule and its template are called.", show_default=False)],
    *,
    on: Annotated[
        list[str] | None, typer.Option("--on", metavar="EVENT", help="An event or a group of them; may be repeated.")
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", metavar="DATE", help=f"Instead of --on: a reminder ahead of {DATE}.")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="By default the programme's default channel.")] = None,
    config_path: ConfigOption = HERE,
) -> None:
    """Make a rule, its template in every language of the programme, and its test. Never overwrites.

    What is written passes `pointbell check` and `pointbell test` as it is, so that it can be changed step by step.
    """
    config = programme_at(config_path)
    ruleset = config.ruleset()
    wanted = _wanted(name, on or [], before, channel or config.default_channel, ruleset)
    files = scaffold(wanted, ruleset)
    write_new(config.root, files)
    write_schemas(config)
    for file in files:
        show(file)
    _say_what_next(wanted, config, files)


def _wanted(name: str, on: list[str], before: str | None, channel: str, ruleset: Ruleset) -> Wanted:
    if not _NAME.fullmatch(name):
        meant = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-_")
        raise PointbellError(
            f'"{name}" is no name: it is made of a-z, 0-9, - and _{f"; write {meant}" if meant else ""}'
        )
    if name in ruleset.by_name:
        rule = ruleset.by_name[name]
        raise PointbellError(f"there is a rule {name} already, in {rule.file}:{rule.line}: choose another name")
    if (before is None) == (not on):
        raise PointbellError(f"say when it applies: --on EVENT, or --before {DATE}")
    if before not in (None, DATE):
        raise PointbellError(f"a reminder cannot be made ahead of {before}: {suggest(str(before), [DATE])}")
    if channel not in ruleset.programme.channels:
        raise PointbellError(f"there is no channel {channel}: {suggest(channel, ruleset.programme.channels)}")
    return Wanted(name=name, events=tuple(dict.fromkeys(map(_event, on))), channel=channel)


def _event(text: str) -> str:
    """The neutral name of an event or group.

    Raises:
        PointbellError: there is none; the message says what may have been meant.
    """
    known = text if text in GROUPS else neutral_name(text)
    if known == ERASING:
        raise PointbellError(f"of {ERASING} nobody can be told: who was deleted is written to no more")
    if known is None or known not in (*EVENT_FIELDS, *GROUPS):
        raise PointbellError(f'there is no event "{text}": {suggest(text, [*EVENT_FIELDS, *GROUPS])}')
    return known


def _say_what_next(wanted: Wanted, config: Config, files: Iterable[str]) -> None:
    about = f" {wanted.events[0]}" if wanted.events else f" {DATE}"
    where = "" if config.path.resolve() == HERE.resolve() else f" -c {config.path}"
    rule, *worded, test = files
    say(
        f"\nNext:\n"
        f"  {rule} says when: `pointbell fields{about}{where}` lists what it may look at\n"
        f"  {worded[0].rpartition('/')[0]}/ has the words: they are placeholders for yours\n"
        f"  {test} says what must come of it\n"
        f"Then: pointbell check{where} && pointbell test{where} -k {wanted.name}"
    )
