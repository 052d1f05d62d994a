"""How a ratio is taken: both sides in turns, the median of several rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    peer: str
    ours_us: float
    peer_us: float
    goal: float | None
    """How many times faster than the peer the design asks for; ``None`` where it asks nothing."""

    @property
    def ratio(self) -> float:
        return self.peer_us / self.ours_us


def microseconds(work: Callable[[], object], times: int) -> float:
    """CPU and waiting time of one call, in microseconds."""
    start = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start) / times * 1e6


def in_turns(
    ours: Callable[[], object], peer: Callable[[], object], times: int, rounds: int = 5
) -> tuple[float, float]:
    """The medians of both, measured alternately so that a slow spell of the machine meets both."""
    pairs = [(microseconds(ours, times), microseconds(peer, times)) for _ in range(rounds)]
    return statistics.median(ours for ours, _ in pairs), statistics.median(peer for _, peer in pairs)
