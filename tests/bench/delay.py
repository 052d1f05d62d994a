"""A relay that hands everything on after a while: a far mail server, on loopback.

``python -m tests.bench.delay --listen PORT --to PORT --ms 10``: ten milliseconds each way are a round trip of twenty.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import deque

import uvloop


class Direction(asyncio.Protocol):
    """Takes bytes of one side and gives them to the other, in order, each ``delay`` later."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._waiting: deque[tuple[float, bytes | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None
        self.other: Direction | None = None

    def connection_made(self, transport) -> None:
        """Keep the way back."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Let it wait."""
        self._put(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end takes as long as everything else."""
        del exc
        self._put(None)

    def _put(self, data: bytes | None) -> None:
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + self._delay, data))
        if self._timer is None:
            self._timer = loop.call_later(self._delay, self._pass_on)

    def _pass_on(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._waiting:
            due, data = self._waiting[0]
            # The loop's clock counts in milliseconds: what is due within the next is due.
            if due > loop.time() + 0.001:
                self._timer = loop.call_at(due, self._pass_on)
                return
            self._waiting.popleft()
            self._give(data)

    def _give(self, data: bytes | None) -> None:
        way = self.other.transport if self.other else None
        if way is None or way.is_closing():
            return
        if data is None:
            way.close()
        else:
            way.write(data)


class Near(Direction):
    """The side somebody has connected to; it connects on, and lets what comes meanwhile wait."""

    def __init__(self, delay: float, port: int) -> None:
        super().__init__(delay)
        self._port = port

    def connection_made(self, transport) -> None:
        """Connect on."""
        super().connection_made(transport)
        transport.pause_reading()
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        far = Direction(self._delay)
        far.other, self.other = self, far
        await asyncio.get_running_loop().create_connection(lambda: far, "127.0.0.1", self._port)
        if self.transport is not None:
            self.transport.resume_reading()


async def serve(listen: int, to: int, delay: float) -> None:
    """Until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Near(delay, to), "127.0.0.1", listen, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("--listen", "--to", "--ms"):
        parser.add_argument(name, type=int, required=True)
    asked = parser.parse_args()
    uvloop.run(serve(asked.listen, asked.to, asked.ms / 1e3))
