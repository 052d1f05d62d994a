"""The sections of the table, by the name the command line knows them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..measure import Plan, Row
from ..profile import Share
from . import acknowledgements, end_to_end, message_bytes, reminders, rendering, rules, sender

SECTIONS: Mapping[str, Callable[[Plan], list[Row]]] = {
    "end-to-end": end_to_end.run,
    "acknowledgements": acknowledgements.run,
    "sender": sender.run,
    "message-bytes": message_bytes.run,
    "rendering": rendering.run,
    "rules": rules.run,
    "reminders": reminders.run,
}

PROFILES: Mapping[str, Callable[[Plan], tuple[list[Share], float]]] = {
    "end-to-end": end_to_end.profile,
    "with-workers": end_to_end.profile_with_workers,
    "acknowledgements": acknowledgements.profile,
    "rendering": rendering.profile,
}
"""Where our own time goes: the shares, and microseconds of CPU per event or mail."""
