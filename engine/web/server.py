"""uvicorn inside our event loop: it serves when told to, stops when told to, and leaves signals alone.

Its HTTP parser waits for ever for the end of a header, and takes a header of any size. Both are bounded here.

A delivery that comes whole and alone in one piece, as nearly all do, goes to the door at once: the way through ASGI
costs as much as storing it does. Everything else takes that way, and is answered the same.
"""

from __future__ import annotations

import asyncio
import re
import socket
from asyncio import TimerHandle, Transport
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ..errors import ConfigError
from .door import INGEST, Door, Limits, headers_of

MAX_HEAD = 32 * 1024
MAX_CONNECTIONS = 800
"""Below the 1024 files a process may usually have open."""
FINISH = 10
"""Seconds for requests under way when the server stops."""
_BACKLOG = 2048
_PLAIN = INGEST.encode()
_PLAIN_PATH = re.compile(rb"[A-Za-z0-9._~/-]+")
"""A path that means what it says: no escapes, no query."""
_END_OF_HEAD = b"\r\n\r\n"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        ConfigError: the address is taken, forbidden or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = error.strerror or error
        raise ConfigError(f"cannot listen on {host} port {port}: {why}; see `http:` in config.yaml") from error


class HttpServer:
    """Serves a door on a listening socket."""

    def __init__(self, door: Door, listening: socket.socket, limits: Limits) -> None:
        self._listening = listening
        self._server = _Server(_Settings(door, limits))
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port as bound."""
        host, port = self._listening.getsockname()[:2]
        return host, port

    async def start(self) -> asyncio.Task[None]:
        """Begin to serve; the task ends when serving does."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listening]), name="pointbell-http")
        up = asyncio.create_task(self._server.up.wait())
        await asyncio.wait({self._task, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        return self._task

    async def stop(self) -> None:
        """Take no more requests and finish those under way."""
        self._server.told_to_stop.set()
        if self._task is not None:
            await self._task
        self._listening.close()


class _Settings(uvicorn.Config):
    def __init__(self, door: Door, limits: Limits) -> None:
        self.door = door
        self.limits = limits
        super().__init__(
            cast("Any", door),
            http=Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,  # Kept right by the loop that we replace; clients do without.
            proxy_headers=False,
            timeout_graceful_shutdown=FINISH,
        )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self.told_to_stop = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the daemon."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when the door is open."""
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        """Sleep until told to stop, where uvicorn would look ten times a second."""
        await self.told_to_stop.wait()


class Protocol(HttpToolsProtocol):
    """One connection, on which every header has to arrive in time and to be of sensible size."""

    _deadline: TimerHandle | None = None
    _head = 0
    _piece = b""
    """What came in last."""
    _comes_whole = False
    """Whether the request that is being read is a delivery for the door."""
    _body = b""
    _answering = False
    _held = b""
    """What was said before we had answered."""
    _last = False
    """Whether the connection ends with the answer."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """The first header is due."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        else:
            self._expect_header()

    def data_received(self, data: bytes) -> None:
        """Bytes between two requests belong to the header of the next."""
        if self._answering:
            self._held += data
            self.flow.pause_reading()
            return
        self._piece = data
        between = self._is_between_requests
        if between and self._deadline is None:
            self._expect_header()
        super().data_received(data)
        if between and self._is_between_requests:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self._refuse(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        """The header is there."""
        self._header_is_over()
        self._comes_whole = self._is_between_requests and self._is_whole_delivery()
        if not self._comes_whole:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body is there."""
        if self._comes_whole:
            self._body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there."""
        if not self._comes_whole:
            super().on_message_complete()
            return
        self._comes_whole, self._answering = False, True
        body, self._body = self._body, b""
        task = self.loop.create_task(self._answer(self.url.decode("ascii"), body))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def shutdown(self) -> None:
        """Take no more requests and finish the one under way."""
        if self._answering:
            self._last = True
        else:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._header_is_over()
        super().connection_lost(exc)

    @property
    def _settings(self) -> _Settings:
        return cast("_Settings", self.config)

    def _is_whole_delivery(self) -> bool:
        """Whether the last piece is one delivery, from its first byte to its last, and nothing else."""
        if not self.url.startswith(_PLAIN) or not _PLAIN_PATH.fullmatch(self.url) or self.expect_100_continue:
            return False
        if self.parser.get_method() != b"POST" or not self.parser.should_keep_alive():
            return False
        length = next((value for name, value in self.headers if name == b"content-length"), b"")
        head = self._piece.find(_END_OF_HEAD) + len(_END_OF_HEAD)
        size = len(self._piece) - head
        return length == b"%d" % size and size <= self._settings.limits.max_body and self._piece.startswith(b"POST ")

    async def _answer(self, path: str, body: bytes) -> None:
        """Answer a whole delivery, and go on with what was said meanwhile."""
        try:
            answer = await self._settings.door.take(path, headers_of(self.headers), body)
        except BaseException:
            self.transport.abort()
            raise
        self._answering = False
        if self.transport.is_closing():
            return
        self.transport.write(answer.in_full())
        if self._last or answer.closes:
            self.transport.close()
            return
        self.on_response_complete()
        if self._held:
            held, self._held = self._held, b""
            self.data_received(held)

    @property
    def _is_between_requests(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return not self._answering and (cycle is None or cycle.response_complete)

    def _expect_header(self) -> None:
        seconds = self._settings.limits.header_timeout.total_seconds()
        self._deadline = self.loop.call_later(seconds, self._refuse, b"408 Request Timeout")

    def _header_is_over(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline, self._head = None, 0

    def _refuse(self, status: bytes) -> None:
        self._header_is_over()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
