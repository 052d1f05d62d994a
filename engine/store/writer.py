"""One writer thread, group commit.

Units of work (functions of a connection) are handed over from the event loop. Whatever has gathered while the last
commit was under way is run in one transaction and made durable with one fsync; there is no timer to wait for. A unit
that fails takes nothing with it: the group is rolled back and its units run again one by one.

Units that ask for the same verb (a permit, an outcome to be noted) are handed to it together, where the first of them
stands: what is awaited before the next thing is asked for keeps its order, what is asked for at once has none.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ..errors import StoreBusy, StoreError
from ..failpoints import reach_all

T = TypeVar("T")
Item = TypeVar("Item")
Verb: TypeAlias = Callable[[Connection, Sequence[Item]], Sequence[T]]
"""Does the same for several callers: their items in, an answer for each out, in the same order."""
GROUP = 256
"""At most this many units share a commit, so that the first of them does not wait for ever."""


@dataclass(frozen=True, slots=True, eq=False)
class _Unit:
    verb: Verb[Any, Any]
    item: Any
    done: asyncio.Future[Any]
    asked: Callable[..., Any]
    """What the unit is named after."""

    @property
    def name(self) -> str:
        """The verb's name: ``settle``, ``permit``, ``imports.cards``. See ``failpoints``."""
        return self.asked.__qualname__.partition(".<locals>")[0].removeprefix("Store.").lower()


class _UnitFailed(Exception):
    """One unit's own work raised; the others of its group are innocent."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Writer:
    """The only thread that writes. Start it from a running event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asked: list[_Unit] = []
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pointbell-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: Connection | None = None
        """Kept from group to group, by the thread alone: to take one and give it back costs as much as a delivery."""
        self._closed = False

    def start(self) -> None:
        """Begin to work, answering to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Finish what was handed over, then end the thread."""
        self._closed = True
        self._hand_over()
        if self._thread.is_alive():
            self._units.put(None)
            await asyncio.to_thread(self._thread.join)

    async def do(self, work: Callable[[Connection], T]) -> T:
        """Run a unit of work and wait until it is durable.

        Raises:
            StoreBusy: the database is locked, full or gone; the unit left no trace.
            StoreError: the store was closed.
        """
        return await self._handed_over(lambda connection, _: (work(connection),), None, work)

    async def together(self, verb: Verb[Item, T], item: Item) -> T:
        """Have a verb done to an item, in one call with the items of everybody who asks for the same at this time.

        Raises:
            StoreBusy: as ``do``; whatever else ``verb`` raises is told only to those whose item it raises for alone.
            StoreError: the store was closed.
        """
        return await self._handed_over(verb, item, verb)

    async def _handed_over(self, verb: Verb[Item, T], item: Item, asked: Callable[..., Any]) -> T:
        if self._closed:
            raise StoreError("the database is closed")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._asked.append(_Unit(verb, item, done, asked))
        if len(self._asked) == 1:
            loop.call_soon(self._hand_over)
        return await done

    def _hand_over(self) -> None:
        """Hand over what was asked for in this turn of the loop, so that it shares a commit from the first on."""
        asked, self._asked = self._asked, []
        for unit in asked:
            self._units.put(unit)

    def _run(self) -> None:
        ending = False
        while not ending:
            group, ending = self._gather()
            if group:
                self._answer(self._commit(group))
        self._let_go()

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
            reach_all((unit.name for unit in group), "before_begin")
            connection = self._connection = self._connection or self._engine.connect()
            with connection.begin():
                results = [result for units in _same(group) for result in _work(units, connection)]
                reach_all((unit.name for unit in group), "before_commit")
            reach_all((unit.name for unit in group), "after_commit")
        except _UnitFailed as failed:
            if len(group) == 1:
                return [(group[0], _plain(failed.error))]
        except Exception as error:  # noqa: BLE001 - whatever the database raises belongs to the callers, not to this thread.
            # It would not begin or not commit: that is true for all of them, and each would only wait for it again.
            self._let_go()
            return [(unit, _plain(error)) for unit in group]
        else:
            return results
        return [result for unit in group for result in self._commit([unit])]

    def _let_go(self) -> None:
        """End the connection; the next group takes a fresh one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _answer(self, results: list[tuple[_Unit, Any]]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_resolve, results)


def _same(group: list[_Unit]) -> Iterable[list[_Unit]]:
    """The units of each verb, in the order in which the first of them were asked for."""
    found: dict[Verb[Any, Any], list[_Unit]] = {}
    for unit in group:
        found.setdefault(unit.verb, []).append(unit)
    return found.values()


def _work(units: list[_Unit], connection: Connection) -> list[tuple[_Unit, Any]]:
    try:
        return list(zip(units, units[0].verb(connection, [unit.item for unit in units]), strict=True))
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
