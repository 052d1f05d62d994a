"""``outbox``: the messages, sent, captured or waiting."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from ..config import Config
from ..errors import PointbellError
from ..store import NotificationState, Reports
from ..tools.letter import Letter, read_letter
from ..tools.story import masked
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
from .who import member_named

_COLUMNS = {
    "id": Fit.WHOLE,
    "created": Fit.WHOLE,
    "state": Fit.WHOLE,
    "rule": Fit.CUT,
    "to": Fit.CUT,
    "subject": Fit.WRAP,
}
_EVERYTHING = 1_000_000
_IN_TROUBLE = (NotificationState.QUEUED, NotificationState.FAILED, NotificationState.UNKNOWN)
"""States in which the other side's answer matters to whoever reads the list."""

outbox_app = typer.Typer(cls=Commands, no_args_is_help=True, help="The messages: sent, captured or waiting.")

NumberArgument = Annotated[
    int, typer.Argument(metavar="ID", max=LARGEST, help="The message's number, as outbox list has it.")
]
StateOption = Annotated[NotificationState | None, typer.Option(help="Only in this state.")]
MemberOption = Annotated[str | None, typer.Option(help="Only to this member: id, alias, card or e-mail address.")]
RuleOption = Annotated[str | None, typer.Option(help="Only of this rule.")]


@outbox_app.command("list", epilog="Example: pointbell outbox list --state captured --member anna@example.org")
def list_messages(
    *,
    state: StateOption = None,
    member: MemberOption = None,
    rule: RuleOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """List messages, newest first."""
    config = programme_at(config_path)
    rows = _rows(config, state=state, member=member, rule=rule, limit=limit)
    if as_json:
        show_json(rows)
    elif rows:
        zone = zone_of(config)
        say(f"Times are in {zone.key}.")
        show_table(_COLUMNS, ([row["id"], local_time(row["created_at"], zone), *_cells(row)] for row in rows))
        for row in rows:
            if row["reply"] and row["state"] in _IN_TROUBLE:
                show(f"{row['id']}: {row['reply']}")
    else:
        say("There is no such message." if state or member or rule else "There are no messages yet.")


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
    row, letter = _letter(programme_at(config_path), number)
    if as_json:
        show_json({**row, "headers": dict(letter.headers), "text": letter.text, "html": letter.html})
        return
    for name, value in letter.headers:
        show(f"{name}: {value}")
    show(f"\n{letter.text}")


@outbox_app.command("open", epilog="Example: pointbell outbox open 3")
def open_message(number: NumberArgument, config_path: ConfigOption = HERE) -> None:
    """Open a message in the browser, as its reader would see it."""
    _, letter = _letter(programme_at(config_path), number)
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
    rows = _rows(config, state=state, member=member, rule=rule, limit=_EVERYTHING)
    wanted = numbers or [row["id"] for row in rows if row["state"] != NotificationState.HELD]
    written = [_export(config, number, out) for number in wanted]
    for path in written:
        show(str(path))
    say(f"{counted(len(written), 'message')} written to {out}.")


def _export(config: Config, number: int, out: Path) -> Path:
    row, letter = _letter(config, number)
    path = out / f"{number:06d}-{row['rule']}{letter.suffix}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        path.write_bytes(letter.payload)
    except OSError as error:
        raise PointbellError(f"cannot write {path}: {error.strerror}") from error
    return path


def _rows(
    config: Config, *, state: NotificationState | None, member: str | None, rule: str | None, limit: int
) -> list[dict[str, Any]]:
    with closing(Reports(config.database)) as reports:
        member_id = member_named(reports, member) if member else None
        return reports.notifications(state=state, member_id=member_id, rule=rule, limit=limit)


def _letter(config: Config, number: int) -> tuple[Mapping[str, Any], Letter]:
    with closing(Reports(config.database)) as reports:
        found = reports.payload(number)
    if found is None:
        say_error(f"there is no message {number}: pointbell outbox list shows which there are")
        raise typer.Exit(FINDINGS)
    row, payload = found
    if payload is None:
        say_error(f"message {number} is {row['state']}: it has no words yet")
        raise typer.Exit(FINDINGS)
    return row, read_letter(payload)


def _cells(row: Mapping[str, Any]) -> list[Any]:
    return [row["state"], row["rule"], masked(row["address"]), row["subject"]]
