"""What happened to a member, and why or why not, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from typing import Any, TypeAlias

from ..model import TIMER_DUE, Reason, Telling
from ..store import BroughtIn, Pause
from ..waits import unpack_waits

Row: TypeAlias = Mapping[str, Any]
"""A row of ``Reports.story``, ``silent_events`` or ``timers``."""

REASONS: Mapping[Reason, str] = {
    Reason.CONDITION: "its condition does not hold: {}",
    Reason.AUDIENCE: "not in the audience: {}",
    Reason.ABSENT: "{}",
    Reason.NO_ADDRESS: "no address, {}",
    Reason.NO_CONSENT: "no consent: {}",
    Reason.SUPPRESSED_ADDRESS: "the address is suppressed: {}",
    Reason.CAPPED: "the cap is reached: {}",
    Reason.DUPLICATE: "already told: {}",
    Reason.INHIBITED: "another message takes its place: {}",
    Reason.HOLDOUT: "the member is in the hold-out group: {}",
    Reason.OUTSIDE_VALIDITY: "the rule is not in force at this time: {}",
    Reason.SHADOW: "the rule runs in shadow mode: {}",
    Reason.DISABLED: "{}",
    Reason.TOO_LATE: "too late ({})",
    Reason.DATE_MOVED: "the date has moved ({})",
    Reason.STOPPED: "the journey was stopped: {}",
    Reason.STEP_REMOVED: "{}",
    Reason.TEMPLATE_HELD: "the template cannot word it: {}",
    Reason.CHANNEL_FAILED: "the channel failed: {}",
    Reason.QUIET_HOURS: "waits for the end of quiet hours: {}",
    Reason.WINDOW: "waits for its window: {}",
    Reason.COLLECTING: "is being collected: {}",
    Reason.SETTLING: "waits in case more important news comes: {}",
    Reason.RATE_LIMITED: "waits for its turn: {}",
    Reason.PAUSED: "the rule is paused: {}",
    Reason.HELD: "held until someone releases it: {}",
    Reason.RESTORED: "it may have been sent before the database was restored: {}",
    Reason.ERASED: "{}",
    Reason.USEFUL_TIME_OVER: "its useful time was over: {}",
    Reason.TOO_OLD: "the event is too old: {}",
    Reason.NOTHING_AT_RISK: "nothing at risk ({})",
    Reason.EVALUATION_ERROR: "its condition cannot be decided: {}",
    Reason.SUPERSEDED: "a newer message takes its place: {}",
    Reason.DATE_PAST: "{}",
}
"""Every reason as the end of a sentence; the detail goes into the braces."""

_ALONE: Mapping[Reason, str] = {
    Reason.ABSENT: "something it needs is not known",
    Reason.DISABLED: "the rule is no longer there",
    Reason.STEP_REMOVED: "the step is no longer part of the rule",
    Reason.ERASED: "the member was deleted",
    Reason.DATE_PAST: "the date has passed",
}
"""Reasons whose detail says it all, for the case that there is none."""

_WITH_DETAIL: Mapping[str, str] = {reason.value: words for reason, words in REASONS.items()}
_WITHOUT_DETAIL: Mapping[str, str] = {
    reason.value: _ALONE.get(reason, words.partition("{}")[0].rstrip(" :,(")) for reason, words in REASONS.items()
}

_WAITS = "{title} waits to be sent to {to}"
_FATES: Mapping[str, str] = {
    "sent": "{title} sent {time} to {to}",
    "captured": "{title} captured for {to}, not sent",
    "failed": "{title} not delivered to {to}: refused{reply}",
    "unknown": "{title} to {to}: unknown whether it arrived{reply}",
    "withdrawn": "{title} taken back before it was sent: {why}",
    "expired": "{title} to {to} not sent: {why}",
    "held": "{title} to {to} held: {why}",
    "dropped": "{title} to {to} not sent{reply}",
    "paused": "{title} waits to be sent to {to}: {paused}",
    "again": "{title} to {to} not delivered yet, next attempt {time}{reply}",
    "replaced": "{title} to {to} refused{reply}",
}
"""What became of a message, by its state; tried again: ``again``, held by a pause: ``paused``."""

_NOT_NEEDED = frozenset({"standby", "dropped"})
_SAME_TIME = timedelta(minutes=10)
_WITHIN_DAY = "%H:%M"
_DAY_AND_TIME = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a member's story."""

    at: datetime
    """When it was decided; aware, in the zone the story is told in."""
    rule: str
    """Empty for an event that no rule listens to."""
    text: str
    rows: tuple[Row, ...]
    """The stored rows it is told from."""


def tell(decisions: Iterable[Row], silent: Iterable[Row], zone: tzinfo, pauses: Sequence[Pause] = ()) -> list[Entry]:
    """The story, newest first; times are written in ``zone``. ``pauses`` are those that are open."""
    decisions = [{**row, "paused": _paused(row, pauses, zone)} for row in decisions]
    entries = [*_decided(decisions, zone), *(_silent(row, zone) for row in silent)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def tell_timer(row: Row, zone: tzinfo, pause: Pause | None = None) -> Entry:
    """A reminder to come, or what waits to be told, and the pause that holds its rule."""
    held = f", {_until(pause, zone)}" if pause is not None else ""
    if row["waits"] is not None:
        names = ", ".join(dict.fromkeys(event.name for event in unpack_waits(row["waits"])))
        text = f"{names} {reason_in_words(row['reason'], None)}, {row['subject']}{held}"
        return Entry(at=row["due_at"].astimezone(zone), rule=row["rule"], text=text, rows=(row,))
    text = f"reminder {row['slot']} before {row['about']}, card {row['subject']}{held}"
    return Entry(at=row["due_at"].astimezone(zone), rule=row["rule"], text=text, rows=(row,))


def tell_import(found: BroughtIn, skipped: Iterable[Row], zone: tzinfo) -> Entry:
    """What came in from a file; ``skipped``: the reminders of the member's cards that were not armed."""
    what = "the member" if found.card is None else f"card {found.card}"
    own = [row for row in skipped if row["subject"] == found.card and row["generation"] == 1 and row["reason"]]
    reminders = ", ".join(
        f"{row['slot']} before {row['about']} ({reason_in_words(row['reason'], None)})" for row in own
    )
    not_armed = f"; not armed: {reminders}" if own else ""
    text = f"{what} came in from {found.file}, as of {_when(found.as_of, zone)}{not_armed}"
    row = {"outcome": "import", "detail": found.file}
    return Entry(at=found.at.astimezone(zone), rule="", text=text, rows=(row,))


def masked(address: str) -> str:
    """Enough of an address to recognise it by: ``a***@example.org``, ``+48***00``."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else f"{address[:3]}***{address[-2:]}"


def reason_in_words(reason: str | None, detail: str | None) -> str:
    """``nothing at risk (card.balance is 0)``."""
    if not detail:
        return _WITHOUT_DETAIL.get(reason or "", reason or "no reason given")
    return _WITH_DETAIL.get(reason or "", "{}").format(detail)


def _decided(rows: Iterable[Row], zone: tzinfo) -> Iterator[Entry]:
    for _, group in groupby(rows, key=_sameness):
        together = tuple(group)
        first = together[0]
        text = _SENTENCES[first["outcome"]](together, zone)
        yield Entry(at=first["at"].astimezone(zone), rule=first["rule"], text=text, rows=together)


def _sameness(row: Row) -> tuple[Any, ...]:
    """Timers armed, moved or cancelled together are told together."""
    if row["outcome"] in ("schedule", "cancel"):
        moved = row["moved_from"] is not None
        return row["event_seq"], row["at"], row["rule"], row["outcome"], row["reason"], row["detail"], moved
    return (row["id"],)


def _silent(row: Row, zone: tzinfo) -> Entry:
    at = (row["decided_at"] or row["received_at"]).astimezone(zone)
    happening = _happening(row, at, zone)
    only_informs = row["history"] == Telling.HISTORY
    text = f"history, told to nobody: {happening}" if only_informs else f"no rule listens to {happening}"
    return Entry(at=at, rule="", text=text, rows=(row,))


def _notify(rows: tuple[Row, ...], zone: tzinfo) -> str:
    row = rows[0]
    variant = f", {row['detail']}" if row.get("detail") else ""
    return f"{_message(row, zone)} ({_occasion(row, zone)}){variant}"


def _schedule(rows: tuple[Row, ...], zone: tzinfo) -> str:
    if rows[0]["reason"] is not None:
        return f"{_occasion(rows[0], zone)}: {reason_in_words(rows[0]['reason'], rows[0]['detail'])}"
    what = f"{_reminders(rows)} {_occasion(rows[0], zone)}"
    if rows[0]["moved_from"] is None:
        return f"scheduled {what}: " + _listed(rows, lambda row: f"{_when(row['due_at'], zone)} ({row['slot']})")
    moves = _listed(
        rows, lambda row: f"{_when(row['moved_from'], zone)} -> {_when(row['due_at'], zone)} ({row['slot']})"
    )
    return f"moved {what}: {moves}"


def _cancel(rows: tuple[Row, ...], zone: tzinfo) -> str:
    why = reason_in_words(rows[0]["reason"], rows[0]["detail"])
    if not _is_offset(rows[0]["slot"]):
        return f"what waited is not told, {_occasion(rows[0], zone)}: {why}"
    return f"cancelled {_reminders(rows)} {_occasion(rows[0], zone)}: {why}"


def _skip(rows: tuple[Row, ...], zone: tzinfo) -> str:
    row = rows[0]
    # The story is the member's: their id need not be told again.
    why = reason_in_words(row["reason"], (row["detail"] or "").replace(f"member {row['member_id']} ", "the member "))
    if row["slot"] and row["event_name"] != TIMER_DUE:
        return f"reminder {row['slot']} not scheduled: {why}"
    # Where a rule sends several messages, one of them may be missing and the others not.
    one_of_several = row["template"] and row["template"] != row["rule"]
    what = f"{row['template']} not sent" if one_of_several else "nothing sent"
    held = row["reason"] == Reason.TEMPLATE_HELD
    return f"{'message held' if held else what} {_occasion(row, zone)}: {why}"


_SENTENCES: Mapping[str, Callable[[tuple[Row, ...], tzinfo], str]] = {
    "notify": _notify,
    "schedule": _schedule,
    "cancel": _cancel,
    "skip": _skip,
}


def _occasion(row: Row, zone: tzinfo) -> str:
    """What led to it: the event, or which reminder came due."""
    if row["event_name"] == TIMER_DUE:
        offset = (row["slot"] or "").partition("/")[0]
        return f"for reminder {offset}" if _is_offset(offset) else "for what waited"
    return f"after {_happening(row, row['at'], zone)}"


def _is_offset(slot: str | None) -> bool:
    """Whether it is a reminder's slot: ``30 days``."""
    return (slot or "").endswith((" day", " days"))


def _happening(row: Row, at: datetime, zone: tzinfo) -> str:
    name = row.get("event_name") or row.get("name") or "an event"
    occurred = row["occurred_at"]
    if occurred is None or abs(at - occurred) < _SAME_TIME:
        return str(name)
    return f"{name} of {_when(occurred, zone)}"


def _message(row: Row, zone: tzinfo) -> str:
    """What became of a message, and of those that took its place."""
    others = (_instead(row, other, zone) for other in row.get("instead", ()) if other["state"] not in _NOT_NEEDED)
    return "; ".join((_fate(row, zone), *others))


def _instead(row: Row, other: Row, zone: tzinfo) -> str:
    """What became of the same message over another channel."""
    its_own = {"message_state": other["state"], "message_reason": other["reason"], "attempts": 0, "paused": None}
    same = {name: other[name] for name in ("address", "reply", "settled_at", "message_due_at")}
    return f"over {other['channel']}: {_fate({**row, **same, **its_own}, zone)}"


def _fate(row: Row, zone: tzinfo) -> str:
    state = row["message_state"]
    if state is None:
        return "its message is no longer kept"
    again = state == "queued" and (row["attempts"] or row["reply"])
    fate = "paused" if row.get("paused") else "again" if again else state
    return _FATES.get(fate, _WAITS).format(
        paused=row.get("paused"),
        title=_title(row, zone),
        to=masked(row["address"]),
        reply=f" ({row['reply']})" if row["reply"] else "",
        why=reason_in_words(row["message_reason"], None),
        time=_soon(row["settled_at"] or row["message_due_at"], row["at"], zone),
    )


def _title(row: Row, zone: tzinfo) -> str:
    """Its subject, as long as its words are kept."""
    gone = row.get("emptied_at")
    return f"message (words removed on {gone.astimezone(zone):%Y-%m-%d}, retention)" if gone else f'"{row["subject"]}"'


def _paused(row: Row, pauses: Sequence[Pause], zone: tzinfo) -> str | None:
    """Which pause holds the message, in words."""
    if row["message_state"] != "queued":
        return None
    holds = (pause for pause in pauses if pause.holds(row["rule"], row["channel"], row["category"]))
    found = max(holds, key=lambda pause: pause.over, default=None)
    return None if found is None else _until(found, zone)


def _until(pause: Pause, zone: tzinfo) -> str:
    return f"paused until {_when(pause.over, zone)}: {pause.reason}"


def _soon(moment: datetime, after: datetime, zone: tzinfo) -> str:
    """The time alone where the day is the same."""
    local = moment.astimezone(zone)
    return f"{local:{_WITHIN_DAY}}" if local.date() == after.astimezone(zone).date() else f"{local:{_DAY_AND_TIME}}"


def _when(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):{_DAY_AND_TIME}}"


def _listed(rows: tuple[Row, ...], words: Callable[[Row], str]) -> str:
    return ", ".join(words(row) for row in sorted(rows, key=lambda row: row["due_at"]))


def _reminders(rows: tuple[Row, ...]) -> str:
    return f"{len(rows)} reminder{'' if len(rows) == 1 else 's'}"
