"""``db restore``: what a backup is, what is asked before it takes the database's place, and what is to be done then."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ..errors import StoreError
from ..pipeline import utc_now
from ..store import Exchanged, Found, examined, put_in_place, sqlite
from .shell import (
    CANNOT_RUN,
    FINDINGS,
    HERE,
    ConfigOption,
    Fit,
    JsonOption,
    counted,
    local_time,
    programme_at,
    progress_bar,
    say,
    say_error,
    show,
    show_json,
    show_table,
    zone_of,
)

_STEPS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def restore_database(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="A backup, or any other copy of the database.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    adopt: Annotated[bool, typer.Option("--adopt", help="Also when it is of another installation.")] = False,
    as_json: JsonOption = False,
    config_path: ConfigOption = HERE,
) -> None:
    """Put a backup in the place of the database, which is kept beside it. The daemon must not run.

    What the programme did after the backup is not in it. So whatever may have been sent since is held, and nothing goes
    a second time unasked: messages that were in hand, and those about what happened or came due until now. Everything
    newer goes as ever.
    """
    config = programme_at(config_path)
    now, zone = utc_now(), zone_of(config)
    with ExitStack() as stack:
        stack.enter_context(sqlite.owned(config.database))
        with progress_bar(source.name, None) as bar:
            found = stack.enter_context(
                examined(
                    source, config.database, lambda done, of: bar.update(bar.task_ids[0], completed=done, total=of)
                )
            )
        if not as_json:
            show_table({"what": Fit.WHOLE, "how": Fit.WRAP}, _described(found, now, zone), heading=False)
        _refuse_strangers(found, adopt=adopt)
        _confirm(config.database, yes=yes)
        done = put_in_place(found, config.database, now)
    if as_json:
        show_json(_plain(found, done))
    else:
        _tell(done, zone)


def _described(found: Found, now: datetime, zone: ZoneInfo) -> list[tuple[str, str]]:
    age = "" if found.taken_at >= now else f", {_length(now - found.taken_at)} ago"
    return [
        ("Backup", str(found.backup)),
        ("Shows", f"{local_time(found.taken_at, zone)} {zone.key}{age}"),
        ("Holds", ", ".join(counted(found.holds[name], what) for name, what in _HOLDS.items())),
        ("Checked", f"sound, schema {found.schema}, {_OURS[found.ours]}"),
    ]


_HOLDS = {
    "events": "event",
    "members": "member",
    "cards": "card",
    "sent": "sent message",
    "reminders": "armed reminder",
}
_OURS = {
    True: "of this installation",
    False: "of another installation",
    None: "nothing here to compare it with",
}


def _refuse_strangers(found: Found, *, adopt: bool) -> None:
    if found.ours is False and not adopt:
        raise StoreError(
            f"{found.backup} is of another installation than the present database: its members may get what that one "
            "sent already. --adopt takes it all the same."
        )


def _confirm(database: Path, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        say_error("nobody is there to be asked: say --yes to put it in the place of the database")
        raise typer.Exit(CANNOT_RUN)
    if not typer.confirm(f"Put it in the place of {database}? What is there now is kept beside it.", err=True):
        say("Nothing was changed.")
        raise typer.Exit(FINDINGS)


def _tell(done: Exchanged, zone: ZoneInfo) -> None:
    missing, unsure = done.unsure.restored, done.unsure
    show("Restored.")
    if done.aside is not None:
        show(f"What was there before is kept as {done.aside}")
    since, until = local_time(missing.since, zone), local_time(missing.at, zone)
    say(f"\nWhat the programme did from {since} to {until} is not known any more, so nothing of it is sent unasked:")
    say(f"- {counted(unsure.messages, 'message')} in hand: held.")
    waiting = f"{_deliveries(unsure.events)} not yet decided and {counted(unsure.timers, 'reminder')} due"
    say(f"- {waiting}: decided when the daemon runs, their messages held.")
    say("- What comes in again of that time, from the producer or by pointbell ingest: facts and reminders follow it,")
    say("  messages about it are held.")
    if unsure.untimed_events:
        say("- Some events do not say when they happened. For three days messages about such events are held, too.")
    say("\nNext:")
    say(
        "1. Unsubscribes, suppressions and imports of that time are lost: bring them in again before the daemon starts."
    )
    say("2. Start the daemon. What happens from now on is sent as ever.")
    say("3. pointbell outbox list --state held --reason restored shows what may have been sent and may not;")
    say("   pointbell outbox resolve says what becomes of it.")


def _plain(found: Found, done: Exchanged) -> dict[str, object]:
    unsure = done.unsure
    return {
        "backup": str(found.backup),
        "taken_at": found.taken_at,
        "schema": found.schema,
        "same_installation": found.ours,
        "holds": dict(found.holds),
        "kept_as": None if done.aside is None else str(done.aside),
        "missing_since": unsure.restored.since,
        "missing_until": unsure.restored.at,
        "messages_held": unsure.messages,
        "deliveries_undecided": unsure.events,
        "reminders_due": unsure.timers,
        "events_without_time": unsure.untimed_events,
    }


def _length(length: timedelta) -> str:
    """``2 days 3 hours``: the two largest units, or ``less than a minute``."""
    words: list[str] = []
    for step, name in _STEPS:
        count, length = divmod(length, step)
        if count:
            words.append(counted(count, name))
    return " ".join(words[:2]) or "less than a minute"


def _deliveries(count: int) -> str:
    return counted(count, "delivery")
