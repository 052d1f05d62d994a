"""``pause``: send nothing of a rule, over a channel, in a category or at all, for a while."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ..config import Config
from ..errors import PointbellError
from ..office.pauses import BeginPause, EndPauses, Paused
from ..pipeline import utc_now
from ..store import Pause, Reports, Scope
from .moments import length_named, moment_named
from .shell import (
    CANNOT_RUN,
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
from .work import asking

pause_app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Send nothing of a rule, over a channel, in a category or at all, for a while. Nothing is taken back.",
)

ForOption = Annotated[str | None, typer.Option("--for", help="How long: 90m, 2h, 3 days.")]
UntilOption = Annotated[str | None, typer.Option("--until", help="Or until when: 2026-12-01, '2026-12-01 09:00'.")]
WhyOption = Annotated[str, typer.Option("--reason", help="Why; shown wherever somebody asks why nothing is sent.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Its name.")]
_OPEN = {"id": Fit.WHOLE, "paused": Fit.CUT, "since": Fit.WHOLE, "until": Fit.WHOLE, "reason": Fit.WRAP}
_ALL = {"id": Fit.WHOLE, "paused": Fit.CUT, "since": Fit.WHOLE, "over": Fit.WHOLE, "reason": Fit.WRAP}


@pause_app.command("rule", epilog="Example: pointbell pause rule points-expired --for 2h --reason 'wrong figures'")
def pause_rule(
    name: NameArgument,
    *,
    reason: WhyOption,
    lasts: ForOption = None,
    until: UntilOption = None,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Send nothing of one rule. Its reminders wait; what is late then goes if its date still lies ahead."""
    _begin(programme_at(config_path), Scope.RULE, name, reason, lasts, until, as_json=as_json)


@pause_app.command("channel", epilog="Example: pointbell pause channel sms --until 2026-12-01 --reason 'new gateway'")
def pause_channel(
    name: NameArgument,
    *,
    reason: WhyOption,
    lasts: ForOption = None,
    until: UntilOption = None,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Send nothing over one channel."""
    _begin(programme_at(config_path), Scope.CHANNEL, name, reason, lasts, until, as_json=as_json)


@pause_app.command("category", epilog="Example: pointbell pause category offers --for '3 days' --reason mourning")
def pause_category(
    name: NameArgument,
    *,
    reason: WhyOption,
    lasts: ForOption = None,
    until: UntilOption = None,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Send nothing in one category."""
    _begin(programme_at(config_path), Scope.CATEGORY, name, reason, lasts, until, as_json=as_json)


@pause_app.command("all", epilog="Example: pointbell pause all --for 30m --reason 'looking into it'")
def pause_all(
    *,
    reason: WhyOption,
    lasts: ForOption = None,
    until: UntilOption = None,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Send nothing at all. Events still come in and are decided."""
    _begin(programme_at(config_path), Scope.ALL, "", reason, lasts, until, as_json=as_json)


@pause_app.command("list", epilog="Example: pointbell pause list --json")
def list_pauses(
    *,
    over: Annotated[bool, typer.Option("--over", help="Also those that are over.")] = False,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """List what is paused, until when, and why."""
    config = programme_at(config_path)
    with closing(Reports(config.database)) as reports:
        pauses = reports.pauses(utc_now(), limit if over else None)[:limit]
    if as_json:
        show_json([plain(pause) for pause in pauses])
    elif pauses:
        zone = zone_of(config)
        say(f"Times are in {zone.key}.")
        show_table(_ALL if over else _OPEN, (_cells(pause, zone) for pause in pauses))
    else:
        say("There have been no pauses." if over else "Nothing is paused.")


@pause_app.command("end", epilog="Examples: pointbell pause end 3  |  pointbell pause end --all")
def end_pauses(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", max=LARGEST, help="As pause list has them.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All that are open.")] = False,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """End pauses before their time. What they held goes on, as fast as each channel takes it."""
    if bool(numbers) == every:
        say_error("say which pauses: their numbers, or --all")
        raise typer.Exit(CANNOT_RUN)
    config = programme_at(config_path)
    wanted = None if every else tuple(numbers or ())
    ended = asking(config, lambda office: office.ask(EndPauses(ids=wanted))).pauses
    missing = sorted(set(wanted or ()) - {pause.id for pause in ended})
    if as_json:
        show_json({"ended": [pause.model_dump(mode="json") for pause in ended], "not_open": missing})
    else:
        for pause in ended:
            show(f"Ended: {named(pause)}.")
        say(f"{counted(len(ended), 'pause')} ended.")
    for number in missing:
        say_error(f"there is no open pause {number}: pointbell pause list shows which there are")
    if missing:
        raise typer.Exit(FINDINGS)


def named(pause: Pause | Paused) -> str:
    """What is paused: ``rule points-expired``, ``everything``."""
    return "everything" if pause.scope is Scope.ALL else f"{pause.scope} {pause.name}"


def plain(pause: Pause) -> dict[str, Any]:
    """A pause as data."""
    return {
        "id": pause.id,
        "scope": pause.scope,
        "name": pause.name or None,
        "reason": pause.reason,
        "since": pause.since,
        "until": pause.until,
        "ended_at": pause.ended_at,
    }


def _begin(  # noqa: PLR0917 - what the four commands share
    config: Config, scope: Scope, name: str, reason: str, lasts: str | None, until: str | None, *, as_json: bool
) -> None:
    zone = zone_of(config)
    if not reason.strip():
        raise PointbellError("give a reason: it is what people read who ask why nothing is sent")
    ask = BeginPause(scope=scope, name=name, reason=reason.strip(), **_length(lasts, until, zone))
    begun = asking(config, lambda office: office.ask(ask))
    if as_json:
        show_json(begun.model_dump(mode="json"))
        return
    show(f"Paused: {named(begun)}, until {local_time(begun.until, zone)} ({zone.key}). It ends by itself.")
    say(f"To end it before: pointbell pause end {begun.id}")


def _length(lasts: str | None, until: str | None, zone: ZoneInfo) -> Mapping[str, Any]:
    if (lasts is None) == (until is None):
        raise PointbellError("say how long: --for 2h, or --until '2026-12-01 09:00'")
    if lasts is not None:
        return {"lasts": length_named(lasts)}
    return {"until": moment_named(until or "", zone)}


def _cells(pause: Pause, zone: ZoneInfo) -> list[object]:
    moments: list[datetime] = [pause.since, pause.over]
    return [pause.id, named(pause), *(local_time(one, zone) for one in moments), pause.reason]
