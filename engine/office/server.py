"""The daemon's side of the socket: takes asks, has them done, answers.

Several commands may be connected at once; each gets its answers in the order of its asks. One that vanishes hurts
nobody: what it had asked is done to its end, and what was committed stays.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader, StreamWriter
from pathlib import Path

from ..errors import OfficeError, PointbellError
from ..workshop import Workshop
from . import wire
from .socket import bound_socket, may_speak

FINISH_S = 10.0
"""Seconds for asks under way when the office closes. They are short: long work comes in pieces."""


class OfficeServer:
    """Listens for commands while the daemon runs."""

    def __init__(self, shop: Workshop, path: Path) -> None:
        self._shop = shop
        self._path = path
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        """Those of them whose ask is being done."""
        self._closing = False

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OfficeError: the socket cannot be made.
        """
        listening = bound_socket(self._path)
        self._server = await asyncio.start_unix_server(self._greet, sock=listening, limit=wire.LONGEST)

    async def stop(self) -> None:
        """Take no more asks, finish those under way, and take the socket away."""
        if self._server is None:
            return
        self._closing = True
        self._path.unlink(missing_ok=True)
        self._server.close()
        for idle in self._clients - self._busy:
            idle.cancel()
        if self._busy:
            await asyncio.wait(set(self._busy), timeout=FINISH_S)
        left = set(self._clients)
        for client in left:
            client.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _greet(self, reader: StreamReader, writer: StreamWriter) -> None:
        client = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="pointbell-office")
        self._clients.add(client)
        client.add_done_callback(self._parted)

    def _parted(self, client: asyncio.Task[None]) -> None:
        self._clients.discard(client)
        fault = None if client.cancelled() else client.exception()
        if isinstance(fault, Exception):
            self._shop.observer.refused("command", fault)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None  # noqa: S101 - we run in one
        try:
            while not self._closing:
                line = await reader.readuntil()
                self._busy.add(me)
                writer.write(await self._answer(line, writer.get_extra_info("socket")))
                await writer.drain()
                self._busy.discard(me)
        except (IncompleteReadError, ConnectionError):
            pass  # It has gone, which is its right.
        except LimitOverrunError:
            most = f"no more than {wire.LONGEST >> 20} MiB go through the daemon's socket at once"
            writer.write(wire.refusal(OfficeError(f"this is too much at a time: {most}")))
        finally:
            self._busy.discard(me)
            writer.close()

    async def _answer(self, line: bytes, asker: socket.socket) -> bytes:
        try:
            _refuse_strangers(asker)
            verb, ask = wire.read_request(line)
            return wire.reply(ask, await verb.handle(self._shop, ask))
        except PointbellError as error:
            return wire.refusal(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must end neither the daemon nor the talk with it.
            self._shop.observer.refused("command", error)
            words = f"{type(error).__name__}: {error}"
            return wire.refusal(OfficeError(f"the daemon failed at this ({words}); its log has the place"))


def _refuse_strangers(asker: socket.socket) -> None:
    if not may_speak(asker):
        raise OfficeError("this daemon takes commands from its own user and from root only")
