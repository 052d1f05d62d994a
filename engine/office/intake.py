"""Asks about deliveries: take in, decide anew, and wait until what is due is done."""

from __future__ import annotations

import asyncio

from pydantic import Field

from ..ingest import peek
from ..model import Telling
from ..tools.intake import delivery_of, source_named
from ..workshop import Workshop
from .ask import Answer, Ask

LONGEST_WAIT_S = 5.0
"""Seconds that one ``Settle`` may wait: a daemon that stops finishes what it has been asked, which should be soon."""
_LOOK_S = 0.05
_UNBOUNDED = 1_000_000


class Ingested(Answer):
    """What came of some bodies."""

    numbers: tuple[int | None, ...]
    """In the order of the bodies: the number of each new delivery; ``None`` for one that was there before."""


class Ingest(Ask[Ingested]):
    """Store bodies as if their source had delivered them. Whoever may ask is trusted: nobody has to vouch for them."""

    source: str
    bodies: tuple[bytes, ...]
    type_hint: str | None = None
    """The event type, for bodies that do not name one."""
    telling: Telling = Telling.NEWS


async def ingest(shop: Workshop, ask: Ingest) -> Ingested:
    """Durable before it answers.

    Raises:
        PointbellError: there is no such source.
        StoreBusy: the database refused; some of the bodies may be stored.
    """
    source = source_named(shop.pipeline.sources, ask.source)
    now = shop.pipeline.now()
    bodies = [delivery_of(body, source, ask.type_hint, now, ask.telling) for body in ask.bodies]
    stored = await asyncio.gather(*(shop.accept(body) for body in bodies), return_exceptions=True)
    for fault in stored:
        if isinstance(fault, BaseException):
            raise fault
    keys = [peek(body).transport_key for body in bodies]
    known = await shop.store.numbers(source.name, keys)
    return Ingested(numbers=tuple(known[key] if new else None for key, new in zip(keys, stored, strict=True)))


class Replayed(Answer):
    """What came of it."""

    replayed: int
    """How many deliveries are back in line: those that are not being decided already."""


class Replay(Ask[Replayed]):
    """Put deliveries back in line, to be read and decided anew. What has been sent is not sent again."""

    seqs: tuple[int, ...]


async def replay(shop: Workshop, ask: Replay) -> Replayed:
    """The worker is woken; whether it is done is asked with ``Settle``."""
    again = await shop.store.replay(ask.seqs)
    shop.worker.wake()
    return Replayed(replayed=again)


class Settled(Answer):
    """What still waits."""

    upto: int
    """The number of the newest delivery that was there when it was first asked."""
    deliveries: int
    """Not yet decided."""
    messages: int
    """Under way, or due now over a way that is open."""

    @property
    def done(self) -> bool:
        """Whether nothing waits any more."""
        return not self.deliveries and not self.messages


class Settle(Ask[Settled]):
    """Have what is due done, and wait for it.

    Without a daemon all of it is done before the answer. A daemon works anyway, and may be busy with much else: there
    it means the deliveries that are there now, and what came of them. It answers after ``within`` seconds at the
    latest; ask again with the answer's ``upto`` to go on waiting, as ``cli.work.settled`` does.
    """

    within: float = Field(default=2.0, ge=0, le=LONGEST_WAIT_S)
    """Seconds."""
    upto: int | None = None


async def settle(shop: Workshop, ask: Settle) -> Settled:
    """Not waited for: timers of later, messages that a pause holds, and those whose relay is out of order."""
    upto = await shop.store.newest() if ask.upto is None else ask.upto
    if not shop.manned:
        await shop.worker.until_idle()
    else:
        await _wait(shop, upto, ask.within)
    rest = await shop.store.left(upto, shop.pipeline.routes(), shop.pipeline.now(), _UNBOUNDED)
    return Settled(upto=upto, deliveries=rest.deliveries, messages=rest.messages)


async def _wait(shop: Workshop, upto: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        rest = await shop.store.left(upto, shop.pipeline.routes(), shop.pipeline.now(), 1)
        if not rest.deliveries and not rest.messages:
            return
        await asyncio.sleep(_LOOK_S)
