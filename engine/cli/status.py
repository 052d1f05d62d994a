"""``status`` and ``events``: how things stand, and what came in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated, Any

import typer

from ..config import Config
from ..errors import RulesetInvalid
from ..ruleset.diagnostics import summary
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
    counted,
    local_time,
    programme_at,
    say,
    say_error,
    show,
    show_json,
    show_table,
    zone_of,
)

_MODES = {
    "capture": "capture: messages are kept, none is sent",
    "allowlist": "allowlist: only listed addresses are written to, all else is kept",
    "live": "live: messages are sent",
}
_HINTS = {
    ("events", "quarantined"): (
        "delivery",
        "set aside, unreadable or undecided: pointbell events list --state quarantined",
    ),
    ("notifications", "held"): ("message", "held by a template: mend it, then pointbell replay --held"),
    ("notifications", "unknown"): ("message", "that may or may not have arrived: pointbell outbox unknown"),
    ("notifications", "failed"): ("message", "refused for good: pointbell outbox list --state failed"),
}
_EVENTS = {"seq": Fit.WHOLE, "received": Fit.WHOLE, "state": Fit.WHOLE, "event": Fit.CUT, "member": Fit.CUT}
_UNREAD = {"seq": Fit.WHOLE, "received": Fit.WHOLE, "source": Fit.CUT, "why": Fit.WRAP}
_WITH_NOTES = (EventState.QUARANTINED, EventState.IGNORED)

events_app = typer.Typer(cls=Commands, no_args_is_help=True, help="What came in: deliveries and what became of them.")


def status(*, as_json: JsonOption = False, config_path: ConfigOption = HERE) -> None:
    """Count events, decisions, messages and timers, and say what needs attention."""
    config = programme_at(config_path)
    rules = _rules(config)
    with closing(Reports(config.database)) as reports:
        counts = reports.status()
    if as_json:
        show_json({"programme": config.programme_settings.name, "mode": config.delivery.mode, "rules": rules, **counts})
        return
    show(config.programme_settings.name)
    show_table({"what": Fit.WHOLE, "how": Fit.WRAP}, _lines(config, rules, counts), heading=False)
    if waiting := counts["waiting"]:
        show(f"\n{counted(waiting['count'], 'message')} could not be handed over yet: {waiting['reply']}")
    for (table, state), (what, hint) in _HINTS.items():
        if count := counts[table].get(state):
            show(f"\n{counted(count, what)} {hint}")


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
        show_json({**row, "body": body.decode("utf-8", "replace")})
        return
    zone = zone_of(config)
    show_table({"name": Fit.WHOLE, "value": Fit.WRAP}, _facts(row, zone), heading=False)
    show(f"\n{_pretty(body)}")


def _rules(config: Config) -> dict[str, Any]:
    """The rules on disk as they would be loaded now."""
    try:
        ruleset = config.ruleset()
    except RulesetInvalid as error:
        return {"count": None, "hash": None, "check": str(error).partition("\n")[0]}
    return {
        "count": len(ruleset.rules),
        "hash": ruleset.hash,
        "check": summary(ruleset.warnings) if ruleset.warnings else "no problems",
    }


def _lines(config: Config, rules: Mapping[str, Any], counts: Mapping[str, Any]) -> list[tuple[str, str]]:
    loaded = "cannot be loaded" if rules["count"] is None else counted(rules["count"], "rule")
    return [
        ("Delivery", _MODES[config.delivery.mode]),
        ("Rules", f"{loaded}, checked now: {rules['check']}"),
        ("Database", str(config.database)),
        ("Directory", f"{counted(counts['members'], 'member')}, {counted(counts['cards'], 'card')}"),
        ("Events", _listed(counts["events"])),
        ("Decisions", _listed(counts["decisions"]["by_outcome"])),
        ("  why not", _listed(counts["decisions"]["by_reason"])),
        ("Messages", _listed(counts["notifications"])),
        ("Timers", _listed(counts["timers"])),
    ]


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _facts(row: Mapping[str, Any], zone: Any) -> list[tuple[str, Any]]:
    times = ("received_at", "occurred_at", "decided_at")
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
