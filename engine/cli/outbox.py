"""``outbox``: the messages, sent, captured or waiting."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ..config import Config
from ..errors import PointbellError
from ..pipeline import utc_now
from ..store import EVERY_MESSAGE, TO_RESOLVE, Messages, NotificationState, Pause, Reports
from ..tools.letter import Letter, read_letter
from ..tools.story import masked
from .moments import moment_named
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
    removed,
    say,
    say_error,
    show,
    show_json,
    show_table,
    zone_of,
)
from .who import member_named

_COLUMNS = {
    "id": Fit.WHOLE,
    "created": Fit.WHOLE,
    "state": Fit.WHOLE,
    "rule": Fit.CUT,
    "to": Fit.CUT,
    "subject": Fit.WRAP,
}
_IN_TROUBLE = (
    *(NotificationState.QUEUED, NotificationState.DROPPED, NotificationState.REPLACED),
    *TO_RESOLVE,
)
"""States in which the other side's answer matters to whoever reads the list."""

outbox_app = typer.Typer(cls=Commands, no_args_is_help=True, help="The messages: sent, captured or waiting.")

NumberArgument = Annotated[
    int, typer.Argument(metavar="ID", max=LARGEST, help="The message's number, as outbox list has it.")
]
StateOption = Annotated[NotificationState | None, typer.Option(help="Only in this state.")]
MemberOption = Annotated[str | None, typer.Option(help="Only to this member: id, alias, card or e-mail address.")]
RuleOption = Annotated[str | None, typer.Option(help="Only of this rule.")]
ChannelOption = Annotated[str | None, typer.Option(help="Only over this channel.")]
ReasonOption = Annotated[str | None, typer.Option(help="Only with this reason, such as suppressed_address.")]
SinceOption = Annotated[str | None, typer.Option(help="Only made since: 2026-12-01, '2026-12-01 09:00'.")]
UntilOption = Annotated[str | None, typer.Option(help="Only made before.")]


@outbox_app.command("list", epilog="Example: pointbell outbox list --state captured --member anna@example.org")
def list_messages(
    *,
    state: StateOption = None,
    member: MemberOption = None,
    rule: RuleOption = None,
    channel: ChannelOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """List messages, newest first."""
    config = programme_at(config_path)
    states = () if state is None else (state,)
    with closing(Reports(config.database)) as reports:
        wanted = messages_meant(
            config, reports, states=states, member=member, rule=rule, channel=channel, reason=reason,
            since=since, until=until,
        )  # fmt: skip
        rows = reports.notifications(wanted, limit=limit)
        pauses = reports.pauses(utc_now())
    rows = [with_pause(row, pauses) for row in rows]
    if as_json:
        show_json(rows)
    elif rows:
        zone = zone_of(config)
        say(f"Times are in {zone.key}.")
        show_table(_COLUMNS, ([row["id"], local_time(row["created_at"], zone), *_cells(row)] for row in rows))
        for row in rows:
            for words in _words(row, zone):
                show(f"{row['id']}: {words}")
    else:
        say("There are no messages yet." if wanted == EVERY_MESSAGE else "There is no such message.")


@outbox_app.command("unknown", epilog="Example: pointbell outbox unknown")
def unknown_messages(
    *,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """List messages of which nobody knows whether they arrived: the connection was lost at the very end."""
    list_messages(state=NotificationState.UNKNOWN, limit=limit, as_json=as_json, config_path=config_path)


@outbox_app.command("show", epilog="Example: pointbell outbox show 3")
def show_message(number: NumberArgument, *, as_json: JsonOption = False, config_path: ConfigOption = HERE) -> None:
    """Show a message: its headers and its text part."""
    row, letter = _letter_of(programme_at(config_path), number)
    if as_json:
        show_json({**row, "headers": dict(letter.headers), "text": letter.text, "html": letter.html})
        return
    for name, value in letter.headers:
        show(f"{name}: {value}")
    show(f"\n{letter.text}")


@outbox_app.command("open", epilog="Example: pointbell outbox open 3")
def open_message(number: NumberArgument, config_path: ConfigOption = HERE) -> None:
    """Open a message in the browser, as its reader would see it."""
    _, letter = _letter_of(programme_at(config_path), number)
    suffix, content = (".html", letter.html) if letter.html else (".txt", letter.text)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix=f"pointbell-{number}-", suffix=suffix, delete=False
    ) as file:
        file.write(content)
    show(file.name)
    if typer.launch(file.name):
        say("No browser could be started; open the file yourself.")


@outbox_app.command("export", epilog="Example: pointbell outbox export --state captured --out mails")
def export_messages(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", max=LARGEST, help="These messages; by default all.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="The folder to write to.", file_okay=False)] = Path("outbox"),
    state: StateOption = None,
    member: MemberOption = None,
    rule: RuleOption = None,
    config_path: ConfigOption = HERE,
) -> None:
    """Write messages to files: e-mails as .eml, as they were or will be sent."""
    config = programme_at(config_path)
    states, written = () if state is None else (state,), 0
    with closing(Reports(config.database)) as reports:
        for number in numbers or ():
            _letter(reports, number)  # Says which of them is not there, or has no words, before anything is written.
        wanted = messages_meant(
            config, reports, ids=tuple(numbers) if numbers else None, states=states, member=member, rule=rule
        )
        for row, payload in reports.worded(wanted):
            show(str(_export(row, read_letter(payload), out)))
            written += 1
    say(f"{counted(written, 'message')} written to {out}.")


def messages_meant(
    config: Config,
    reports: Reports,
    *,
    ids: tuple[int, ...] | None = None,
    states: tuple[NotificationState, ...] = (),
    member: str | None = None,
    rule: str | None = None,
    channel: str | None = None,
    reason: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Messages:
    """The messages that options mean. A member nobody knows ends the command."""
    zone = zone_of(config)
    return Messages(
        ids=ids,
        states=states,
        member_id=member_named(reports, member) if member else None,
        rule=rule,
        channel=channel,
        reason=reason,
        since=moment_named(since, zone) if since else None,
        until=moment_named(until, zone) if until else None,
    )


def with_pause(row: Mapping[str, Any], pauses: Sequence[Pause]) -> dict[str, Any]:
    """The row, and which pause holds it now."""
    waits = row["state"] == NotificationState.QUEUED
    holds = (pause for pause in pauses if waits and pause.holds(row["rule"], row["channel"], row["category"]))
    found = max(holds, key=lambda pause: pause.over, default=None)
    return {**row, "paused": None if found is None else {"until": found.over, "reason": found.reason}}


def _words(row: Mapping[str, Any], zone: ZoneInfo) -> Iterator[str]:
    """What whoever reads the list should know of a message."""
    if row["paused"]:
        yield f"paused until {local_time(row['paused']['until'], zone)}: {row['paused']['reason']}"
    if row["reply"] and row["state"] in _IN_TROUBLE:
        yield row["reply"]


def _export(row: Mapping[str, Any], letter: Letter, out: Path) -> Path:
    number = row["id"]
    path = out / f"{number:06d}-{row['rule']}{letter.suffix}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        path.write_bytes(letter.payload)
    except OSError as error:
        raise PointbellError(f"cannot write {path}: {error.strerror}") from error
    return path


def _letter_of(config: Config, number: int) -> tuple[Mapping[str, Any], Letter]:
    with closing(Reports(config.database)) as reports:
        return _letter(reports, number)


def _letter(reports: Reports, number: int) -> tuple[Mapping[str, Any], Letter]:
    found = reports.payload(number)
    if found is None:
        say_error(f"there is no message {number}: pointbell outbox list shows which there are")
        raise typer.Exit(FINDINGS)
    row, payload = found
    if payload is None:
        gone = removed(row["emptied_at"], "what it said", UTC) if row["emptied_at"] else None
        say_error(f"message {number} is {row['state']}: {gone or 'it has no words yet'}")
        raise typer.Exit(FINDINGS)
    return row, read_letter(payload)


def _cells(row: Mapping[str, Any]) -> list[Any]:
    rule = f"{row['rule']} ({row['variant']})" if row["variant"] else row["rule"]
    return [row["state"], rule, masked(row["address"]), row["subject"]]
