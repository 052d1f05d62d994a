"""``why`` and ``timers``: one member's story, and the reminders to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ..config import Config
from ..errors import RulesetInvalid
from ..model import TimerState
from ..pipeline import utc_now
from ..sending import reach_of
from ..store import NOTHING_KNOWN, NotificationState, Reach, Reports, holding, imports_of, instead_of
from ..tools.story import Entry, Row, tell, tell_import, tell_timer
from .shell import (
    HERE,
    ConfigOption,
    Fit,
    JsonOption,
    LimitOption,
    local_time,
    programme_at,
    say,
    show,
    show_json,
    show_table,
    zone_of,
)
from .who import member_named

_STORY = {"at": Fit.WHOLE, "rule": Fit.WHOLE, "text": Fit.WRAP}
_TIMERS = {
    "due": Fit.WHOLE,
    "rule": Fit.CUT,
    "offset": Fit.WHOLE,
    "ahead of": Fit.WHOLE,
    "member": Fit.CUT,
    "card": Fit.CUT,
}


def why(
    member: Annotated[str, typer.Argument(help="A member's id, alias, card or e-mail address.")],
    *,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Tell what happened to a member, newest first, and why they did or did not get a message."""
    config = programme_at(config_path)
    with closing(Reports(config.database)) as reports:
        member_id = member_named(reports, member)
        known = reports.member(member_id) or {"id": member_id, "aliases": [], "cards": []}
        zone = _zone(known, zone_of(config))
        pauses = reports.pauses(utc_now())
        told = tell(
            _with_others(reports, reports.story(member_id, limit)),
            reports.silent_events(member_id, limit),
            zone,
            pauses,
        )
        past = sorted([*told, *_imports(reports, member_id, zone)], key=lambda entry: entry.at, reverse=True)[:limit]
        reach = _reach(config) if pauses else {}
        ahead = [
            tell_timer(row, zone, holding(pauses, row["rule"], reach.get(row["rule"], NOTHING_KNOWN)))
            for row in reports.timers(member_id=member_id, limit=limit)
        ]
        since = reports.decisions_since()
    if as_json:
        story = {"to_come": [_plain(entry) for entry in ahead], "story": [_plain(entry) for entry in past]}
        show_json({"member": known, "timezone": zone.key, **story})
        return
    show(_title(known))
    say(f"Times are in {zone.key}.")
    _show_entries("To come", ahead)
    _show_entries("So far, newest first", past)
    if since is not None:
        say(f"\nWhat was decided before {local_time(since, zone)} is no longer kept (retention).")
    if not past and not ahead:
        show("\nNothing yet: no event about this member has come in.")


def timers(
    *,
    member: Annotated[str | None, typer.Option(help="Only of this member: id, alias, card or e-mail address.")] = None,
    state: Annotated[TimerState, typer.Option(help="Only in this state.")] = TimerState.ARMED,
    limit: LimitOption = 100,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """List the reminders to come, soonest first."""
    config = programme_at(config_path)
    with closing(Reports(config.database)) as reports:
        member_id = member_named(reports, member) if member else None
        rows = reports.timers(state=state, member_id=member_id, limit=limit)
    if as_json:
        show_json(rows)
    elif rows:
        zone = zone_of(config)
        say(f"Times are in {zone.key}.")
        show_table(_TIMERS, ([local_time(row["due_at"], zone), *_cells(row)] for row in rows))
    else:
        say(f"No timer is {state}.")


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [row[name] for name in ("rule", "slot", "about", "member_id", "subject")]


def _with_others(reports: Reports, rows: Iterable[Row]) -> list[Row]:
    """The decisions, with what took the place of messages that were refused."""
    return [_with_other(reports, row) if row["message_state"] == NotificationState.REPLACED else row for row in rows]


def _with_other(reports: Reports, row: Row) -> Row:
    return {**row, "instead": reports.ask(lambda connection: instead_of(connection, row["notification"]))}


def _imports(reports: Reports, member_id: str, zone: ZoneInfo) -> list[Entry]:
    """The files that told of the member and their cards."""
    found = reports.ask(lambda connection: imports_of(connection, member_id))
    skipped = reports.timers(state=TimerState.SKIPPED, member_id=member_id) if found else []
    return [tell_import(one, skipped, zone) for one in found]


def _title(known: Mapping[str, Any]) -> str:
    names = known.get("name") or " ".join(filter(None, (known.get("first_name"), known.get("last_name"))))
    who = f"{names} ({known['id']})" if names else f"Member {known['id']}"
    reach = "" if known.get("email") else ", no e-mail address known"
    return f"{who}{reach}"


def _show_entries(heading: str, entries: Sequence[Entry]) -> None:
    if entries:
        show(f"\n{heading}")
        show_table(
            _STORY, ((f"{entry.at:%Y-%m-%d %H:%M}", entry.rule or "-", entry.text) for entry in entries), heading=False
        )


def _reach(config: Config) -> Reach:
    """Over which channels and in which category rules remind; nothing where the rules cannot be loaded."""
    try:
        return reach_of(config.ruleset())
    except RulesetInvalid:
        return {}


def _zone(known: Mapping[str, Any], programme: ZoneInfo) -> ZoneInfo:
    """The member's zone, else the card's, else the programme's; as for reminders."""
    for record in (known, *known["cards"]):
        name = record.get("timezone")
        try:
            if name:
                return ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            continue
    return programme


def _plain(entry: Entry) -> dict[str, Any]:
    first = entry.rows[0]
    kept = ("outcome", "reason", "detail", "event_name", "event_seq", "ruleset", "number", "message_state")
    about = {name: first.get(name) for name in (*kept, "variant", "due_at", "instead")}
    return {"at": entry.at, "rule": entry.rule or None, "text": entry.text, **about}
