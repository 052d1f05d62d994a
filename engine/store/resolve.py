"""What a person decides about messages that cannot help themselves: they arrived, go again, or go no more.

Each page is one transaction, so that work on many that breaks off is simply begun again: what was resolved is no
longer in a state that can be.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, case, func, literal, null, select, update

from . import fallback
from .letters import worded
from .messages import Messages
from .rows import NotificationState, micros, moment
from .schema import notification

RESOLVED = "resolved as "
"""How the note of a resolution begins: it is no word of a relay."""
_S = NotificationState


class Verdict(StrEnum):
    """What becomes of a message."""

    SENT = "sent"
    """It arrived: nothing more is to be done."""
    RESEND = "resend"
    """It goes back in line, with its key, its words and its Message-ID."""
    DROP = "drop"
    """It does not go any more, nor does any other under its key."""


ALLOWED: Mapping[str, frozenset[Verdict]] = {
    _S.UNKNOWN: frozenset(Verdict),
    _S.HELD: frozenset({Verdict.RESEND, Verdict.DROP}),
    _S.FAILED: frozenset({Verdict.RESEND, Verdict.DROP}),
    _S.EXPIRED: frozenset({Verdict.RESEND, Verdict.DROP}),
}
"""What can be decided about a message, by the state it is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One decision about many messages."""

    verdict: Verdict
    because: str
    by: str
    """Who decided: the user's name on the machine the command was typed on."""
    at: datetime
    routes: Collection[str]
    """The ways that messages can take now."""
    even_late: bool = False
    """Resend also what would come after the end of its useful time."""

    def note(self) -> str:
        """What the message's reply says from now on."""
        return f"{RESOLVED}{self.verdict} by {self.by} at {self.at:%Y-%m-%d %H:%M} UTC: {self.because}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What came of a page of messages."""

    done: tuple[int, ...] = ()
    left: tuple[tuple[int, str], ...] = ()
    """Those left alone, and why, in words that go on after their number."""
    last: int | None = None
    """The number of the last message looked at; ``None`` when there was none."""


def judge(connection: Connection, wanted: Messages, ruling: Ruling, after: int, limit: int) -> Resolved:
    """What ``resolve`` would do with the next messages, in the order of their numbers."""
    return _judge(connection, _page(wanted, after, limit), ruling)


def resolve(connection: Connection, wanted: Messages, ruling: Ruling, after: int, limit: int) -> Resolved:
    """Decide about the next messages, in the order of their numbers."""
    judged = _judge(connection, _page(wanted, after, limit).with_for_update(), ruling)
    if judged.done:
        chosen = update(notification).where(notification.c.id.in_(judged.done))
        connection.execute(chosen.values(**_end(ruling), reply=_reply(ruling), lease=None, leased_until=None))
        if ruling.verdict is not Verdict.RESEND:
            fallback.end_those_of(connection, judged.done, ruling.at)
    return judged


def _judge(connection: Connection, page: Select[Any], ruling: Ruling) -> Resolved:
    rows = connection.execute(page).mappings().all()
    verdicts = [(row["id"], _why_not(row, ruling)) for row in rows]
    return Resolved(
        done=tuple(number for number, why_not in verdicts if why_not is None),
        left=tuple((number, why_not) for number, why_not in verdicts if why_not is not None),
        last=rows[-1]["id"] if rows else None,
    )


def _page(wanted: Messages, after: int, limit: int) -> Select[Any]:
    columns = (
        notification.c.id,
        notification.c.state,
        notification.c.route,
        notification.c.send_before,
        notification.c.withdrawn_at,
        worded().label("worded"),
    )
    following = select(*columns).where(*wanted.where(), notification.c.id > after)
    return following.order_by(notification.c.id).limit(limit)


def _why_not(row: RowMapping, ruling: Ruling) -> str | None:
    """Why the message is left alone; ``None`` when it is not."""
    state, allowed = row["state"], ALLOWED.get(row["state"], frozenset())
    if ruling.verdict not in allowed:
        possible = f"it can be resolved as {_listed(sorted(allowed))}" if allowed else "there is nothing to decide"
        return f"is {state}: {possible}"
    return _why_not_again(row, ruling) if ruling.verdict is Verdict.RESEND else None


def _why_not_again(row: RowMapping, ruling: Ruling) -> str | None:
    if not row["worded"]:
        held = row["state"] == _S.HELD
        mend = "has no words yet: mend its template, then pointbell replay --held"
        return mend if held else "is no longer kept in words"
    if row["withdrawn_at"] is not None:
        return "was taken back: what it says was no longer true, or its member was deleted"
    if row["route"] not in ruling.routes:
        return f"has no way to go: there is no channel {row['route']} in config.yaml"
    if _over(row, ruling) and not ruling.even_late:
        return f"was of use until {moment(row['send_before']):%Y-%m-%d %H:%M} UTC; --even-late sends it all the same"
    return None


def _over(row: RowMapping, ruling: Ruling) -> bool:
    return row["send_before"] is not None and bool(row["send_before"] <= micros(ruling.at))


def _end(ruling: Ruling) -> dict[str, Any]:
    """The columns that make the verdict come true."""
    at = micros(ruling.at)
    if ruling.verdict is Verdict.SENT:
        return {"state": _S.SENT, "settled_at": func.coalesce(notification.c.settled_at, at)}
    if ruling.verdict is Verdict.DROP:
        return {"state": _S.DROPPED, "settled_at": at}
    again = {"state": _S.QUEUED, "attempts": 0, "due_at": at, "reason": None, "settled_at": None, "paused_by": None}
    # What is over by now has only come this far because somebody wants it all the same.
    late = case((notification.c.send_before <= at, null()), else_=notification.c.send_before)
    return {**again, "send_before": late}


def _reply(ruling: Ruling) -> Any:
    """The ruling, and what had been noted before it."""
    return literal(ruling.note()) + func.coalesce(literal(". Before: ") + notification.c.reply, literal(""))


def _listed(verdicts: Sequence[Verdict]) -> str:
    return " or ".join([", ".join(verdicts[:-1]), verdicts[-1]] if len(verdicts) > 1 else verdicts)
