"""The command's side of the socket."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..errors import OfficeError
from . import wire
from .ask import A, Ask
from .socket import connected_socket

CONNECT_S = 10.0
"""Seconds for the daemon to take the call."""


class Peer:
    """The office of a running daemon."""

    alone = False

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    async def ask(self, ask: Ask[A]) -> A:
        """Have the daemon do it, and say what came of it."""
        line = wire.request(ask)
        async with self._turn:
            return wire.read_reply(ask, await self._exchange(line, ask.answered_within.total_seconds()))

    async def _exchange(self, line: bytes, within: float) -> bytes:
        try:
            async with asyncio.timeout(within):
                self._writer.write(line)
                await self._writer.drain()
                return await self._reader.readuntil()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise OfficeError(
                "the daemon ended before it answered: what was done stays done. Run the command again"
            ) from error
        except asyncio.LimitOverrunError as error:
            raise OfficeError("the daemon's answer is too long to be read") from error
        except TimeoutError as error:
            raise OfficeError(f"the daemon has not answered for {within:g} seconds") from error


@asynccontextmanager
async def connect(path: Path) -> AsyncIterator[Peer | None]:
    """The office of the daemon that listens at ``path``; ``None`` where nobody does.

    Raises:
        OfficeError: somebody does, or may, and cannot be reached.
    """
    try:
        connection = connected_socket(path, CONNECT_S)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        yield None
        return
    except PermissionError as error:
        raise OfficeError(
            f"the daemon's socket {path} is not open to this user: run the command as the daemon's user, or as root"
        ) from error
    except OSError as error:
        raise OfficeError(f"the daemon cannot be reached at {path}: {error.strerror or error}") from error
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=wire.LONGEST)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()
