"""``fields``: what a rule may use, and what could be declared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ..config import Config
from ..deciding import as_delivered
from ..errors import BodyError, PointbellError
from ..ingest import Reading, read
from ..language import Path
from ..model import Value
from ..ruleset.shared import Shared
from ..store import Reports
from ..tools.field_list import rows_of, scope_named, searched, values_in
from ..tools.intake import source_named
from ..tools.learning import Learner
from .shell import (
    HERE,
    LARGEST,
    Commands,
    ConfigOption,
    Fit,
    JsonOption,
    LimitOption,
    counted,
    programme_at,
    say,
    show,
    show_json,
    show_table,
)

_COLUMNS = {"field": Fit.WHOLE, "type": Fit.WRAP, "": Fit.WHOLE, "example": Fit.WRAP}
_LOOKED_AT = 300
"""Deliveries among which examples are looked for."""
_PAGE = 100


class FieldCommands(Commands):
    """``fields points_added`` is ``fields list points_added``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in that may be left out."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


fields_app = typer.Typer(cls=FieldCommands, help="What rules may use: every field, and what could be declared.")


@fields_app.command("list", epilog="Examples: pointbell fields list points_earned  |  pointbell fields --search expir")
def list_fields(
    event: Annotated[
        str | None,
        typer.Argument(help="An event, a group of events, or the date of a reminder; else what every rule may use."),
    ] = None,
    *,
    search: Annotated[
        str | None, typer.Option(help="Only fields with this word in their name, type or example.")
    ] = None,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """List what a rule may use: name, type, whether it is always there, and an example.

    Examples are what came in last, where there is a database; what identifies a person is made up. Fields marked with *
    are declared in rules/shared.yaml.
    """
    config = programme_at(config_path)
    shared = config.ruleset().shared
    try:
        scope = scope_named(event, shared)
    except LookupError as error:
        raise PointbellError(str(error.args[0])) from None
    rows = rows_of(scope, shared, _seen(config, shared, scope.events))
    rows = searched(rows, search) if search else rows
    if as_json:
        show_json([asdict(row) for row in rows])
        return
    if not rows:
        say(f"No field has {search} in its name, type or example.")
        return
    presence = {True: "always", False: "may be absent"}
    show_table(
        _COLUMNS,
        (
            [
                row.path + ("*" if row.declared else ""),
                " | ".join(row.one_of) or row.type,
                presence[row.always],
                row.example,
            ]
            for row in rows
        ),
    )


@fields_app.command("learn", epilog="Example: pointbell fields learn --source shop --limit 5000")
def learn_fields(
    *,
    source: Annotated[str | None, typer.Option(help="Only what this source has sent.")] = None,
    limit: LimitOption = 1_000,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Propose declarations for rules/shared.yaml, from what has come in.

    Looks at metadata, at the data of custom events, and at what bodies say beyond the neutral fields. A text is one of
    a few where it has at most 10 forms in at least 50 values; what may be somebody's own is never listed.
    """
    config = programme_at(config_path)
    if source is not None:
        source_named(config.sources(), source)
    shared = config.ruleset().shared
    learner = Learner(shared)
    for reading in _readings(config, shared, source, limit):
        learner.add(reading)
    found = learner.proposals()
    if as_json:
        show_json([asdict(one) | {"yaml": one.yaml.strip()} for one in found])
        return
    say(f"Looked at {counted(learner.events, 'event')}.")
    if not found:
        say("There is nothing that is not a field already.")
        return
    width = min(100, max(len(one.yaml) for one in found))
    show("\n".join(["fields:", *(f"{one.yaml:{width}}  # in {one.count} of {one.of}" for one in found)]))


def _seen(config: Config, shared: Shared, events: frozenset[str]) -> dict[Path, Value]:
    """The newest values of fields; none where nothing has come in yet."""
    found = (event for reading in _readings(config, shared, None, _LOOKED_AT) for event in reading.events)
    return values_in(found, events)


def _readings(config: Config, shared: Shared, source: str | None, limit: int) -> Iterator[Reading]:
    """What the newest deliveries say; those that cannot be read, or come from a source that is gone, say nothing."""
    if not config.database.exists():
        return
    sources, before = config.sources(), LARGEST
    with closing(Reports(config.database)) as reports:
        while limit > 0 and (page := reports.deliveries(source, before, min(limit, _PAGE))):
            for _, received in page:
                if received.source in sources:
                    try:
                        yield read(as_delivered(received, sources[received.source]), shared.body_fields)
                    except BodyError:
                        continue
            limit, before = limit - len(page), page[-1][0]
