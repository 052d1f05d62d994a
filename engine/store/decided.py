"""What was decided about one delivery, as it was then."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from .rows import moment
from .schema import decision, notification


def decisions_about(connection: Connection, seq: int) -> list[dict[str, Any]]:
    """The decisions of the delivery with this number, in their order, with the message where one was worded."""
    about = (
        select(decision, notification.c.address, notification.c.channel, notification.c.subject)
        .outerjoin(notification, notification.c.key == decision.c.notification)
        .where(decision.c.event_seq == seq)
        .order_by(decision.c.id)
    )
    return [_readable(dict(row)) for row in connection.execute(about).mappings()]


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: moment(row[name]) for name in ("at", "due_at", "moved_from") if row[name] is not None}
    return {**row, **times}
