"""A child: reads batches, decides them, and answers. It sees no database, no network and no secret of a channel."""

from __future__ import annotations

import os
import pickle
import socket
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..decide import Needs
from ..deciding import Desk, Opened, Writer, judge, open_delivery
from ..ingest import SourceSettings
from ..model import Notify
from ..ruleset import Ruleset
from ..settlement import Settlement, Worded
from .limits import OUT_OF_MEMORY
from .wire import Forget, Judge, Judged, Progress, Read, WasRead, packed, receive


@dataclass(slots=True, kw_only=True)
class Child:
    """What a child works with."""

    ruleset: Ruleset
    inlets: Mapping[str, SourceSettings]
    writers: Mapping[str, Writer]
    progress: Progress = field(init=False)
    """Given when it is born."""
    _read: dict[int, list[Opened]] = field(default_factory=dict)

    def serve(self, connection: socket.socket) -> None:
        """Answer requests until the parent goes."""
        try:
            while (request := receive(connection)) is not None:
                answer = self.answer(request)
                if answer is not None:
                    connection.sendall(packed(answer))
        except MemoryError:
            # Whatever is left of this process is not to be trusted with the next batch.
            os._exit(OUT_OF_MEMORY)

    def answer(self, request: Any) -> WasRead | Judged | None:
        """The answer to a request, where it wants one.

        Raises:
            MemoryError: it takes more than a child may use.
        """
        match request:
            case Read():
                return self.read(request)
            case Judge():
                return self.judge(request)
            case Forget(ticket):
                self._read.pop(ticket, None)
                return None
            case _:
                raise TypeError(f"no request: {request!r}")

    def read(self, request: Read) -> WasRead:
        """See ``wire.Read``."""
        waited = time.monotonic() - request.asked_at
        opened = self._read[request.ticket] = []
        for stored in request.batch:
            self.progress.step(stored.seq)
            opened.append(open_delivery(stored, self.inlets, self.ruleset))
        self.progress.step()
        return WasRead(
            request.ticket,
            Needs.of((event for one in opened for event in one.events), self.ruleset),
            waited,
        )

    def judge(self, request: Judge) -> Judged:
        """See ``wire.Judge``."""
        desk = Desk(ruleset=self.ruleset, writers=self.writers, routing=request.routing, at=request.at)
        settlements, defects = [], []
        for opened in self._read.pop(request.ticket):
            self.progress.step(opened.stored.seq)
            settlement, error = judge(opened, request.book, desk)
            settlements.append(_light(settlement))
            if error is not None:
                defects.append((opened.stored.seq, _portable(error)))
        self.progress.step()
        return Judged(request.ticket, settlements, request.book.changes(), defects)


def _light(settlement: Settlement) -> Settlement:
    """The settlement with each message once: its words are in its bytes, and only the subject is stored beside them."""
    if not settlement.worded:
        return settlement
    worded = [replace(one, notification=_subject_only(one)) for one in settlement.worded]
    kept = {one.notification.key: one.notification for one in worded}
    decisions = [
        replace(made, notification=kept[made.notification.key]) if isinstance(made, Notify) else made
        for made in settlement.decisions
    ]
    return replace(settlement, worded=worded, decisions=decisions)


def _subject_only(one: Worded) -> Any:
    words = one.notification.words
    bare = replace(words, text="", html=None, preheader=None) if words else None
    return replace(one.notification, words=bare)


def _portable(error: Exception) -> Exception:
    """The error as the parent can report it: with the place where it was raised, which does not travel by itself."""
    told = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever keeps it from travelling, its words travel.
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(told)
    return error
