"""One writer thread, group commit.

Units of work (functions of a connection) are handed over from the event loop. Whatever has gathered while the last
commit was under way is run in one transaction and made durable with one fsync; there is no timer to wait for. A unit
that fails takes nothing with it: the group is rolled back and its units run again one by one.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ..errors import StoreBusy, StoreError

T = TypeVar("T")
GROUP = 256
"""At most this many units share a commit, so that the first of them does not wait for ever."""


@dataclass(frozen=True, slots=True)
class _Unit:
    work: Callable[[Connection], Any]
    done: asyncio.Future[Any]


class _UnitFailed(Exception):
    """One unit's own work raised; the others of its group are innocent."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Writer:
    """The only thread that writes. Start it from a running event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pointbell-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def start(self) -> None:
        """Begin to work, answering to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Finish what was handed over, then end the thread."""
        self._closed = True
        if self._thread.is_alive():
            self._units.put(None)
            await asyncio.to_thread(self._thread.join)

    async def do(self, work: Callable[[Connection], T]) -> T:
        """Run a unit of work and wait until it is durable.

        Raises:
            StoreBusy: the database is locked, full or gone; the unit left no trace.
            StoreError: the store was closed.
        """
        if self._closed:
            raise StoreError("the database is closed")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._units.put(_Unit(work, done))
        return await done

    def _run(self) -> None:
        ending = False
        while not ending:
            group, ending = self._gather()
            if group:
                self._answer(self._commit(group))

    def _gather(self) -> tuple[list[_Unit], bool]:
        group: list[_Unit] = []
        unit = self._units.get()
        while unit is not None:
            group.append(unit)
            if len(group) == GROUP:
                return group, False
            try:
                unit = self._units.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _commit(self, group: list[_Unit]) -> list[tuple[_Unit, Any]]:
        try:
            with self._engine.begin() as connection:
                return [(unit, _work(unit, connection)) for unit in group]
        except _UnitFailed as failed:
            if len(group) == 1:
                return [(group[0], _plain(failed.error))]
        except Exception as error:  # noqa: BLE001 - whatever the database raises belongs to the callers, not to this thread.
            # It would not begin or not commit: that is true for all of them, and each would only wait for it again.
            return [(unit, _plain(error)) for unit in group]
        return [result for unit in group for result in self._commit([unit])]

    def _answer(self, results: list[tuple[_Unit, Any]]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_resolve, results)


def _work(unit: _Unit, connection: Connection) -> Any:
    try:
        return unit.work(connection)
    except Exception as error:
        raise _UnitFailed(error) from error


def _resolve(results: list[tuple[_Unit, Any]]) -> None:
    for unit, result in results:
        if unit.done.cancelled():
            continue
        if isinstance(result, Exception):
            unit.done.set_exception(result)
        else:
            unit.done.set_result(result)


def _plain(error: Exception) -> Exception:
    """Trouble with the database itself as ``StoreBusy``; anything else as it is."""
    if isinstance(error, DBAPIError) and not _our_mistake(error):
        busy = StoreBusy(f"{StoreBusy.__doc__} ({error.orig})")
        busy.__cause__ = error
        return busy
    return error


def _our_mistake(error: DBAPIError) -> bool:
    return type(error.orig).__name__ in ("IntegrityError", "ProgrammingError", "InterfaceError", "DataError")
