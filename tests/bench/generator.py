"""Starts and reads the load generator (``load.py``), which is a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Self

from . import needs
from .processes import Died, bound_to_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What the generator saw."""

    started: float
    """Monotonic, as all processes of a machine have it."""
    ended: float
    count: int
    p50_ms: float
    p99_ms: float
    busy: float
    """Share of a core the generator used."""

    @property
    def per_second(self) -> float:
        return self.count / (self.ended - self.started)


class Generator:
    """Requests written and connections to come; ``go`` sends them."""

    def __init__(self, port: int, path: str, *, first: int, count: int, connections: int = 32) -> None:
        self._count = count
        asked = {"port": port, "path": path, "first": first, "count": count, "connections": connections}
        words = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            bound_to_us([sys.executable, "-m", "tests.bench.load", *words]), cwd=needs.ROOT, text=True,
            start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        if (said := self._process.stdout.readline()) != "ready\n":
            raise Died(f"the generator did not start: {said}{self._process.stdout.read()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def go(self) -> None:
        """Begin to post."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self, seconds: float) -> Posted:
        """When all is posted.

        Raises:
            Died: not every event was acknowledged.
        """
        said, _ = self._process.communicate(timeout=seconds)
        try:
            seen = json.loads(said)
        except ValueError:
            raise Died(f"the generator failed: {said[-2000:]}") from None
        refused = {status: count for status, count in seen["statuses"].items() if not status.startswith("2")}
        if refused:
            raise Died(f"not every event was acknowledged: {refused}")
        return Posted(
            started=seen["started"],
            ended=seen["ended"],
            count=self._count,
            p50_ms=seen["p50"] * 1e3,
            p99_ms=seen["p99"] * 1e3,
            busy=seen["cpu"] / (seen["ended"] - seen["started"]),
        )


def post(port: int, path: str, *, first: int, count: int, seconds: float = 120) -> Posted:
    """Post so many events and wait until all are acknowledged."""
    with Generator(port, path, first=first, count=count) as generator:
        generator.go()
        return generator.result(seconds)
