"""Which messages are meant: the filter that lists, exports and resolutions share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement

from .dialect import stands
from .rows import NotificationState, micros
from .schema import notification

_LEASED = frozenset({NotificationState.CLAIMED, NotificationState.PERMITTED})
_ON_ITS_WAY = _LEASED | {NotificationState.QUEUED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """Those of which everything that is said here holds; said nothing, all of them."""

    ids: tuple[int, ...] | None = None
    states: tuple[NotificationState, ...] = ()
    rule: str | None = None
    member_id: str | None = None
    channel: str | None = None
    reason: str | None = None
    since: datetime | None = None
    """Made at this moment or later; aware."""
    until: datetime | None = None
    """Made before this moment; aware."""

    def newest_first(self) -> ColumnElement[int]:
        """How they are put in order.

        What is on its way is little, and found by its state: without the sum the database would rather walk through
        all messages there have been, the newest first.
        """
        few = bool(self.states) and _ON_ITS_WAY.issuperset(self.states)
        return (notification.c.id + 0 if few else notification.c.id).desc()

    def where(self) -> list[ColumnElement[bool]]:
        """The conditions on a row of ``notification``."""
        columns = {
            notification.c.rule: self.rule,
            notification.c.member_id: self.member_id,
            notification.c.channel: self.channel,
            notification.c.reason: self.reason,
        }
        said = [column == value for column, value in columns.items() if value is not None]
        if self.ids is not None:
            said.append(notification.c.id.in_(self.ids))
        if self.states:
            said.append(stands(notification.c.state, *self.states))
        if self.states and _LEASED.issuperset(self.states):
            said.append(notification.c.leased_until.is_not(None))  # Nothing new, but there is an index for it.
        if self.since is not None:
            said.append(notification.c.created_at >= micros(self.since))
        if self.until is not None:
            said.append(notification.c.created_at < micros(self.until))
        return said


EVERY_MESSAGE = Messages()
