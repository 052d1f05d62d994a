"""Work done by a command instead of the daemon: in the same workshop, with words instead of a log."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from typing import Any, TypeAlias, TypeVar

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from ..config import Config
from ..daemon import Workshop, assemble
from ..logs import mask_mail
from ..store import Reports
from .shell import printable

T = TypeVar("T")

Tally: TypeAlias = Mapping[str, Counter[str]]
"""What there is of decisions (by outcome), messages and deliveries (by state)."""
Come: TypeAlias = Mapping[str, Mapping[str, int]]
"""What has come about between two tallies."""
NOTHING: Come = {"decisions": {}, "notifications": {}, "events": {}}

_TOLD_OTHERWISE = frozenset({"quarantined"})


def at_work(config: Config, task: Callable[[Workshop], Awaitable[T]]) -> T:
    """Take possession of the database, do the task, and let go.

    Raises:
        PointbellError: another process owns the database, it cannot be used, or the rules have errors.
    """

    async def work() -> T:
        async with assemble(config, _talk()) as shop:
            return await task(shop)

    return asyncio.run(work())


def tally(config: Config) -> Tally:
    """The counts as they are now."""
    with closing(Reports(config.database)) as reports:
        counts = reports.status()
    return {
        "decisions": Counter(counts["decisions"]["by_outcome"]),
        "notifications": Counter(counts["notifications"]),
        "events": Counter(counts["events"]),
    }


def since(before: Tally, after: Tally) -> Come:
    """What there is more of than before."""
    return {name: dict(+(after[name] - before[name])) for name in after}


def in_words(come: Come) -> str:
    """``3 sent, 2 scheduled, 7 skipped; messages: 3 captured``."""
    decided = ", ".join(f"{count} {_DECIDED[outcome]}" for outcome, count in come["decisions"].items())
    messages = ", ".join(f"{count} {state}" for state, count in come["notifications"].items())
    return f"Decided: {decided or 'nothing'}. Messages: {messages or 'none'}."


_DECIDED = {"notify": "to send", "schedule": "scheduled or moved", "cancel": "cancelled", "skip": "skipped"}


def _talk() -> FilteringBoundLogger:
    """A log for someone who watches: warnings only, in words."""
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[_as_words],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )
    return log.bind()


def _as_words(_logger: WrappedLogger, method: str, line: EventDict) -> Any:
    what = line.pop("event")
    if what in _TOLD_OTHERWISE:
        raise structlog.DropEvent
    line.pop("exc_info", None)
    return printable(mask_mail(f"{method}: {what}" + "".join(f", {name} {value}" for name, value in line.items())))
