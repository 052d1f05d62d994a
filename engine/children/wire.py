"""What parent and children say to each other: pickled messages behind their length, over a socket.

Both ends are the same program and trust each other; what comes from outside travels as bytes within.
"""

from __future__ import annotations

import io
import pickle
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from mmap import mmap
from struct import Struct
from typing import Any, TypeAlias

from ..decide import Book, Changes, Needs
from ..deciding import Writer
from ..ingest import SourceSettings
from ..routing import Routing
from ..ruleset import Sources
from ..settlement import Settlement, StoredEvent
from .pickling import pickle_into

LENGTH = Struct("!I")
"""What stands before each message: its length in bytes."""
_STEP = Struct("=QQ")
PROGRESS_BYTES = _STEP.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What children are made of, for as long as they live."""

    build: str
    """The code that the parent runs, see ``version.build``: children of another would not decide as it expects."""
    sources: Sources
    ruleset: str
    """The hash that the set made of ``sources`` must have."""
    inlets: Mapping[str, SourceSettings] = field(repr=False)
    """Where deliveries may come from, by name; without secrets, which are for the door."""
    writers: Mapping[str, Writer] = field(repr=False)
    memory: int
    """Bytes of address space a child may take on top of what it begins with."""


@dataclass(frozen=True, slots=True)
class Read:
    """Read a batch and say what has to be known to decide it."""

    ticket: int
    batch: tuple[StoredEvent, ...]
    asked_at: float
    """By ``time.monotonic``, which all processes share."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Decide the batch that was read under this ticket."""

    ticket: int
    book: Book
    routing: Routing
    at: datetime


@dataclass(frozen=True, slots=True)
class Forget:
    """Nobody wants to know of this batch any more."""

    ticket: int


@dataclass(frozen=True, slots=True)
class WasRead:
    """The answer to ``Read``."""

    ticket: int
    needs: Needs
    waited: float
    """Seconds until the child began with it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer to ``Judge``."""

    ticket: int
    settlements: list[Settlement]
    changes: Changes
    defects: list[tuple[int, Exception]]
    """Deliveries by their place, and what deciding them raised."""


Request: TypeAlias = Read | Judge | Forget
Response: TypeAlias = WasRead | Judged


def packed(message: object) -> memoryview:
    """The message behind its length."""
    buffer = io.BytesIO(bytes(LENGTH.size))
    buffer.seek(LENGTH.size)
    pickle_into(buffer, message)
    LENGTH.pack_into(buffer.getbuffer(), 0, buffer.tell() - LENGTH.size)
    return buffer.getbuffer()


def unpacked(body: bytes | bytearray) -> Any:
    """The message in ``packed`` bytes, their length taken off."""
    return pickle.loads(body)  # noqa: S301 - see the module.


def receive(connection: socket.socket) -> Any:
    """The next message, waiting for it; ``None`` when the other side has gone."""
    head = _exactly(connection, LENGTH.size)
    body = _exactly(connection, *LENGTH.unpack(head)) if head else b""
    return unpacked(body) if body else None


class Progress:
    """How far a child has come, in memory that it shares with its parent: readable when it cannot answer any more."""

    def __init__(self, shared: int) -> None:
        self._shared = mmap(shared, PROGRESS_BYTES)
        self._steps = 0

    def step(self, seq: int = 0) -> None:
        """Note, as the child, what is begun: a delivery, or something else."""
        self._steps += 1
        _STEP.pack_into(self._shared, 0, self._steps, seq)

    def look(self) -> tuple[int, int | None]:
        """How many steps there were, and the delivery in hand."""
        steps, seq = _STEP.unpack_from(self._shared)
        return steps, seq or None

    def close(self) -> None:
        """Let go of the memory."""
        self._shared.close()


def _exactly(connection: socket.socket, size: int) -> bytearray:
    """That many bytes; none when the other side has gone."""
    buffer = bytearray(size)
    view, at = memoryview(buffer), 0
    while at < size:
        count = connection.recv_into(view[at:])
        if not count:
            return bytearray()
        at += count
    return buffer
