"""Posts signed events over a few kept connections, one after the other on each, and notes when each was answered.

A process of its own (``python -m tests.bench.load``), the same one for both sides. The requests are written before the
clock starts; what is left per event is two system calls, so that the generator is not what is measured.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
import time
from collections import Counter

from .events import requests


class Connection:
    """One kept connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.since = 0.0
        self._answer = b""

    def post(self, request: bytes) -> None:
        """Send it whole."""
        self.since = time.monotonic()
        self.socket.sendall(request)

    def read(self) -> int | None:
        """The status of the answer, or ``None`` while it is not complete."""
        self._answer += self.socket.recv(1 << 16)
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            if not self._answer:
                raise SystemExit("the server has closed the connection")
            return None
        self._answer = b""
        return int(head[9:12])


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise SystemExit(f"an answer without a length: {head!r}")


def run(port: int, posts: list[bytes], connections: int) -> dict[str, object]:
    """Post them all; what came of it."""
    poll, open_, waiting = select.epoll(), {}, iter(posts)
    seconds: list[float] = []
    statuses: Counter[int] = Counter()
    for _ in range(connections):
        connection = Connection(port)
        open_[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.EPOLLIN)
    cpu, started = time.process_time(), time.monotonic()
    under_way = 0
    for connection in open_.values():
        if (request := next(waiting, None)) is not None:
            connection.post(request)
            under_way += 1
    while under_way:
        for number, _ in poll.poll():
            connection = open_[number]
            if (status := connection.read()) is None:
                continue
            seconds.append(time.monotonic() - connection.since)
            statuses[status] += 1
            if (request := next(waiting, None)) is None:
                under_way -= 1
            else:
                connection.post(request)
    ended = time.monotonic()
    return {
        "started": started,
        "ended": ended,
        "cpu": time.process_time() - cpu,
        "statuses": {str(status): count for status, count in statuses.items()},
        **{f"p{percent}": _percentile(seconds, percent) for percent in (50, 99)},
    }


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def main() -> None:
    """Write the requests, say ``ready``, wait for a line, post, print the result as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--connections", type=int, default=32)
    asked = parser.parse_args()
    posts = requests(asked.path, asked.first, asked.count)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(run(asked.port, posts, asked.connections)), flush=True)


if __name__ == "__main__":
    main()
