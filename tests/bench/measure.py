"""What a row of the table is: both sides measured in turns in one run, and what was asked for."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is asked of a row: one of a ratio to the peer, at least or at most, or a limit of our own figure."""

    at_least: float | None = None
    at_most: float | None = None
    limit: float | None = None

    def met_by(self, row: Row) -> bool:
        """Whether the row is as good as this."""
        if self.limit is not None:
            return row.ours <= self.limit
        return row.ratio >= self.at_least if self.at_least is not None else row.ratio <= (self.at_most or 0)

    def words(self, unit: str) -> str:
        """As the table shows it."""
        if self.limit is not None:
            return f"<= {self.limit:g} {unit}"
        return f">= {self.at_least:g} x" if self.at_least is not None else f"<= {self.at_most:.3g} x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    unit: str
    peer: str
    """By name."""
    ours_rounds: tuple[float, ...]
    """One figure of each round."""
    peer_rounds: tuple[float, ...]
    """The peer's figure of the same round, measured right before or after ours."""
    goal: Goal | None = None
    """What this release has to reach; ``None`` where the row informs."""
    aim: Goal | None = None
    """What the design asks for in the end, where that is more."""
    note: str = ""

    @property
    def ours(self) -> float:
        return statistics.median(self.ours_rounds)

    @property
    def theirs(self) -> float:
        return statistics.median(self.peer_rounds)

    @property
    def ratios(self) -> list[float]:
        """Ours by the peer's, round by round."""
        return [ours / theirs for ours, theirs in zip(self.ours_rounds, self.peer_rounds, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    quick: bool = False
    """A tenth of the work, once: shows that everything runs, and proves nothing."""
    say: Callable[[str], None] = field(default=lambda line: None)  # noqa: ARG005 - whoever does not want to hear.

    @property
    def rounds(self) -> int:
        """How often both sides are measured."""
        return 1 if self.quick else 5

    def count(self, full: int) -> int:
        """How many of something."""
        return max(full // 10, 1) if self.quick else full


ROUNDS = 15
"""Of work that takes microseconds: many short ones, for the machine's slow spells are long."""


def microseconds(work: Callable[[], object], times: int) -> float:
    """CPU time of one call, in microseconds: steadier than the time that passes, where nothing is waited for."""
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times * 1e6


def in_turns(
    ours: Callable[[], object], peer: Callable[[], object], times: int, rounds: int = ROUNDS
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Microseconds of both, measured alternately so that a slow spell of the machine meets both."""
    microseconds(ours, times), microseconds(peer, times)
    pairs = [(microseconds(ours, times), microseconds(peer, times)) for _ in range(rounds)]
    return tuple(mine for mine, _ in pairs), tuple(theirs for _, theirs in pairs)


def per_second(micros: tuple[float, ...]) -> tuple[float, ...]:
    """Microseconds each, as a rate."""
    return tuple(1e6 / one for one in micros)
