"""``events``: what came in, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated, Any

import typer

from ..store import EventState, Reports
from .shell import (
    FINDINGS,
    HERE,
    LARGEST,
    Commands,
    ConfigOption,
    Fit,
    JsonOption,
    LimitOption,
    local_time,
    programme_at,
    removed,
    say,
    say_error,
    show,
    show_json,
    show_table,
    zone_of,
)

_EVENTS = {"seq": Fit.WHOLE, "received": Fit.WHOLE, "state": Fit.WHOLE, "event": Fit.CUT, "member": Fit.CUT}
_UNREAD = {"seq": Fit.WHOLE, "received": Fit.WHOLE, "source": Fit.CUT, "why": Fit.WRAP}
_WITH_NOTES = (EventState.QUARANTINED, EventState.IGNORED)

events_app = typer.Typer(cls=Commands, no_args_is_help=True, help="What came in: deliveries and what became of them.")


@events_app.command("list", epilog="Example: pointbell events list --state quarantined")
def list_events(
    *,
    state: Annotated[EventState | None, typer.Option(help="Only in this state.")] = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """List deliveries, newest first."""
    config = programme_at(config_path)
    with closing(Reports(config.database)) as reports:
        rows = reports.events(state=state, limit=limit)
    if as_json:
        show_json(rows)
        return
    if not rows:
        say("There are no deliveries." if state is None else f"No delivery is {state}.")
        return
    zone = zone_of(config)
    say(f"Times are in {zone.key}.")
    columns, names = (
        (_UNREAD, ("source", "note")) if state in _WITH_NOTES else (_EVENTS, ("state", "what", "member_id"))
    )
    told = ({**row, "what": row["name"] or row["type_hint"]} for row in rows)
    show_table(columns, ([row["seq"], local_time(row["received_at"], zone), *map(row.get, names)] for row in told))


@events_app.command("show", epilog="Example: pointbell events show 12")
def show_event(
    seq: Annotated[int, typer.Argument(max=LARGEST, help="The delivery's number, as events list has it.")],
    *,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Show one delivery: where it stands, and its body as it came."""
    config = programme_at(config_path)
    with closing(Reports(config.database)) as reports:
        found = reports.event(seq)
    if found is None:
        say_error(f"there is no delivery {seq}: pointbell events list shows which there are")
        raise typer.Exit(FINDINGS)
    row, body = found
    if as_json:
        show_json({**row, "body": None if row["emptied_at"] else body.decode("utf-8", "replace")})
        return
    zone = zone_of(config)
    show_table({"name": Fit.WHOLE, "value": Fit.WRAP}, _facts(row, zone), heading=False)
    show(f"\n{removed(row['emptied_at'], 'The body', zone)}" if row["emptied_at"] else f"\n{_pretty(body)}")


def _facts(row: Mapping[str, Any], zone: Any) -> list[tuple[str, Any]]:
    times = ("received_at", "occurred_at", "decided_at", "emptied_at")
    return [
        (name, local_time(value, zone) if name in times else value)
        for name, value in row.items()
        if value is not None and name != "claimed_until"
    ]


def _pretty(body: bytes) -> str:
    """JSON indented, anything else as it stands."""
    text = body.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text
