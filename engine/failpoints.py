"""Faults on purpose, to prove that none of them loses anything or sends anything twice.

Every boundary of a transaction has a name, and so has every step of a message on its way out. Each is a no-op until a
fault is armed, for the whole process, by the environment variable ``POINTBELL_FAILPOINTS``::

    POINTBELL_FAILPOINTS="settle.before_commit=crash@3, wire.after_permit=delay" pointbell run

The third commit of a settlement kills the process, and the first message waits a second between permit and body. The
names are a closed table, so that a typing error is one at the start; ``tests/faults`` walks through all of them.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .errors import ConfigError, StoreBusy

VARIABLE = "POINTBELL_FAILPOINTS"
DELAY_S = 1.0
"""What a fault of the kind ``delay`` takes, in seconds. Whatever waits for the thread it happens in waits, too."""

UNITS = (
    "restored", "begin", "beat", "probe", "secret", "recover", "fail_other_routes", "note", "noted",
    "add_together", "claim_events", "load", "settle", "quarantine", "replay", "drop_events",
    "promote_timers", "cards_after", "claim_notifications", "permit", "record", "withhold", "resolve",
    "pause", "end_pauses", "numbers", "newest", "left", "next_due", "tidy",
    "import_members", "imports.begin", "imports.cards", "imports.members", "imports.rows",
)  # fmt: skip
"""The store's units of work, by the names that ``store.writer`` gives them."""
MOMENTS = ("before_begin", "before_commit", "after_commit")
"""Of a unit's transaction. After the commit all is durable, and nobody has been told."""
WIRE = ("wire.before_permit", "wire.after_permit", "wire.after_body", "wire.after_reply")
"""Of a message on its way out: the relay has agreed to take it; it may go; it is written, with its end; it was taken,
and that is not yet noted."""
POINTS = frozenset(f"{unit}.{moment}" for unit in UNITS for moment in MOMENTS).union(WIRE)

_ARMED = re.compile(r"(?P<point>[a-z_.]+)=(?P<action>[a-z]+)(?:@(?P<time>[1-9][0-9]{0,8}))?")


class Action(StrEnum):
    """What happens at a point."""

    CRASH = "crash"
    """The process is killed, as by the kernel."""
    RAISE = "raise"
    """The database refuses; on the wire, the system does."""
    DELAY = "delay"
    """It takes a second."""


@dataclass(slots=True)
class _Fault:
    action: Action
    left: int
    """How often the point is passed until it happens; it happens once."""


armed: dict[str, _Fault] = {}
"""What is to happen, by point; empty unless somebody asked for faults."""
struck: list[str] = []
"""The points where something has happened, in that order."""


def reach(point: str) -> None:
    """Say that the process has come to this point.

    Raises:
        LookupError: faults are armed, and the table has no such point.
        StoreBusy: a fault of the kind ``raise`` is due, at the boundary of a transaction.
        OSError: the same, on the wire.
    """
    if armed:
        _strike(point)


def arm(text: str) -> None:
    """Arm the faults that the text names, instead of all others; none for an empty one.

    Raises:
        ConfigError: there is no such point or action.
    """
    found = dict(_read(one.strip()) for one in text.split(",") if one.strip())
    armed.clear()
    armed.update(found)


def asked_for() -> str:
    """The faults that the environment asks for."""
    return os.environ.get(VARIABLE, "")


def reach_all(units: Iterable[str], moment: str) -> None:
    """``reach`` for all units of a transaction; the names are worked out only when faults are armed."""
    if armed:
        for unit in units:
            _strike(f"{unit}.{moment}")


def _read(text: str) -> tuple[str, _Fault]:
    said = _ARMED.fullmatch(text)
    if said is None:
        raise ConfigError(f'{VARIABLE}: "{text}" is no fault; write it like "settle.before_commit=crash@3"')
    if said["point"] not in POINTS:
        raise ConfigError(f"{VARIABLE}: there is no point {said['point']}; engine/failpoints.py has them all")
    if said["action"] not in set(Action):
        raise ConfigError(f"{VARIABLE}: {said['action']} is not one of {', '.join(Action)}")
    return said["point"], _Fault(Action(said["action"]), int(said["time"] or 1))


def _strike(point: str) -> None:
    if point not in POINTS:
        raise LookupError(f"{point} is missing in the table of failpoints")
    fault = armed.get(point)
    if fault is None:
        return
    fault.left -= 1
    if fault.left:
        return
    struck.append(point)
    match fault.action:
        case Action.CRASH:
            os.kill(os.getpid(), signal.SIGKILL)
        case Action.DELAY:
            time.sleep(DELAY_S)
        case Action.RAISE if point in WIRE:
            raise OSError(errno.EIO, f"the failpoint {point}")
        case Action.RAISE:
            raise StoreBusy(f"the failpoint {point}")
