"""Work done by a command: by the daemon that owns the database, else in a workshop of the command's own.

The handlers are the same (``engine.office``), and so are the words.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from typing import Any, TypeAlias, TypeVar

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from ..config import Config
from ..daemon import assemble
from ..errors import StoreOwned
from ..logs import mask_mail
from ..office import Ask, Here, Office, connect, socket_path
from ..office.ask import A
from ..office.daemon import Standing
from ..office.intake import Settle, Settled
from ..store import Reports, Span
from .shell import counted, printable, say

T = TypeVar("T")

Tally: TypeAlias = Mapping[str, Counter[str]]
"""What there is of decisions (by outcome), messages and deliveries (by state)."""
Come: TypeAlias = Mapping[str, Mapping[str, int]]
"""What has come about between two tallies."""
NOTHING: Come = {"decisions": {}, "notifications": {}, "events": {}}
NOTHING_YET: Tally = {name: Counter() for name in NOTHING}

MODES: Mapping[str, str] = {
    "capture": "capture: messages are kept, none is sent",
    "allowlist": "allowlist: only listed addresses are written to, all else is kept",
    "live": "live: messages are sent",
}
"""The delivery modes in words."""

TRIES, PAUSE_S = 40, 0.25
"""How often, and after how many seconds, a database is tried again that somebody works on without taking commands: a
daemon that starts or stops, or another command."""
STILL = 5
"""Looks in a row at work that does not get on, before it is left to the daemon."""

_TOLD_OTHERWISE = frozenset({"quarantined"})


def asking(config: Config, task: Callable[[Office], Awaitable[T]]) -> T:
    """Do the task with whoever owns the database: the running daemon, else this process for as long as it takes.

    Raises:
        OfficeError: a daemon runs and cannot be asked, or ended before it answered.
        StoreOwned: a process owns the database that takes no commands, and keeps it.
        PointbellError: the database cannot be used, the rules have errors, or whatever the task raises.
    """

    async def work() -> T:
        async with AsyncExitStack() as stack:
            return await task(await _office(config, stack))

    return asyncio.run(work())


def of_daemon(config: Config, ask: Ask[A]) -> A | None:
    """The running daemon's answer; ``None`` where none runs.

    Raises:
        OfficeError: one runs and cannot be asked.
    """

    async def inquire() -> A | None:
        async with connect(socket_path(config.database)) as daemon:
            if daemon is None:
                return None
            answer: A = await daemon.ask(ask)
            return answer

    return asyncio.run(inquire())


async def tell_mode(office: Office) -> str:
    """Say whether messages are really sent by whoever does the work; the mode."""
    mode = (await office.ask(Standing())).mode
    say(f"Delivery is in mode {MODES[mode]}.")
    return mode


async def settled(office: Office) -> Settled:
    """Have the work done that is due now, and wait for it; what does not get on is told, and left to the daemon."""
    rest = await office.ask(Settle())
    still = 0
    while not rest.done and not office.alone and still < STILL:
        before, rest = rest, await office.ask(Settle(upto=rest.upto))
        still = still + 1 if rest == before else 0
    if not rest.done and not office.alone:
        waiting = f"{counted(rest.deliveries, 'delivery')} and {counted(rest.messages, 'message')}"
        say(f"The daemon is not done yet with {waiting}, and goes on: pointbell status shows how it stands.")
    return rest


def tally(config: Config, spans: Sequence[Span] | None = None) -> Tally:
    """The counts as they are now: of everything, or of some deliveries."""
    with closing(Reports(config.database)) as reports:
        if spans is not None:
            return reports.outcome(spans)
        counts = reports.status()
    return {
        "decisions": Counter(counts["decisions"]["by_outcome"]),
        "notifications": Counter(counts["notifications"]),
        "events": Counter(counts["events"]),
    }


def add_numbers(spans: list[Span], numbers: Iterable[int]) -> None:
    """Note some deliveries by their numbers. Numbers that follow each other take no more room than one."""
    for number in numbers:
        if spans and spans[-1][1] + 1 == number:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))


def since(before: Tally, after: Tally) -> Come:
    """What there is more of than before."""
    return {name: dict(+(after[name] - before[name])) for name in after}


def in_words(come: Come) -> str:
    """``3 sent, 2 scheduled, 7 skipped; messages: 3 captured``."""
    decided = ", ".join(f"{count} {_DECIDED[outcome]}" for outcome, count in come["decisions"].items())
    messages = ", ".join(f"{count} {state}" for state, count in come["notifications"].items())
    return f"Decided: {decided or 'nothing'}. Messages: {messages or 'none'}."


_DECIDED = {"notify": "to send", "schedule": "scheduled or moved", "cancel": "cancelled", "skip": "skipped"}


async def _office(config: Config, stack: AsyncExitStack) -> Office:
    """A daemon may start or end at any moment: whoever has the database is looked for until somebody is found."""
    path, owner = socket_path(config.database), ""
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(PAUSE_S)
        daemon = await stack.enter_async_context(connect(path))
        if daemon is not None:
            return daemon
        try:
            return Here(await stack.enter_async_context(assemble(config, _talk())))
        except StoreOwned as error:
            owner = error.owner
    raise StoreOwned(
        f"{config.database} is in use by {owner}, which takes no commands: a daemon that is starting or stopping, or "
        "another command at work. Try again when it is done.",
        owner=owner,
    )


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
