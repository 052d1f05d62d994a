"""Where many conditions go so that few of them need be looked at: by the values and the ranges that they ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

from .condition import Tree
from .ir import Node
from .scope import Path
from .sieve import Need

FEW = 16
"""So many conditions are asked one after the other as fast as they are found."""
MANY = 256
"""How many conditions at most share one function, and what is the same in them."""
MAX_DEPTH = 3
MAX_SPLITS = 20
"""How often a group is divided, and how many subjects it is divided by."""

_Key: TypeAlias = tuple[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A condition by its number."""

    number: int
    tree: Tree
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Conditions that are asked together."""

    entries: tuple[Entry, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(entry.number for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Conditions by the value that something needs to have."""

    subject: Node
    by_value: dict[Any, tuple[Plan, ...]]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """Conditions by the least that something needs to be, in ascending order."""

    subject: Node
    lows: tuple[Any, ...]
    highs: tuple[Any, ...]
    """The most it may be; ``None`` where there is no such bound."""
    chunks: tuple[Chunk, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """Conditions by the most that something may be, in ascending order."""

    subject: Node
    highs: tuple[Any, ...]
    chunks: tuple[Chunk, ...]
    numbers: tuple[int, ...]


Plan: TypeAlias = Chunk | Lookup | Above | Below


class Arrangement:
    """The plans for some conditions."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.strict: defaultdict[Path, set[int]] = defaultdict(set)
        """Which conditions have to be asked themselves where a fact is absent."""
        self.plans = self._plans(entries, frozenset(), 0)

    def _plans(self, entries: Sequence[Entry], used: frozenset[_Key], depth: int) -> tuple[Plan, ...]:
        plans: list[Plan] = []
        rest = list(entries)
        while len(rest) > FEW and depth < MAX_DEPTH and len(plans) < MAX_SPLITS:
            key = _best(rest, used, depth)
            if key is None:
                break
            asking = [(entry, need) for entry in rest if (need := _need(entry, key, depth)) is not None]
            taken = {entry.number for entry, _ in asking}
            rest = [entry for entry in rest if entry.number not in taken]
            plans += self._split(asking, used | {key}, depth)
        return (*plans, *_chunks(rest, MANY))

    def _split(self, asking: list[tuple[Entry, Need]], used: frozenset[_Key], depth: int) -> Iterator[Plan]:
        for entry, need in asking:
            for path in need.strict:
                self.strict[path].add(entry.number)
        if asking[0][1].exact:
            yield self._lookup(asking, used, depth)
            return
        bounded = [(entry, need) for entry, need in asking if need.low is not None]
        if bounded:
            yield _above(bounded)
        if len(bounded) < len(asking):
            yield _below([(entry, need) for entry, need in asking if need.low is None])

    def _lookup(self, asking: list[tuple[Entry, Need]], used: frozenset[_Key], depth: int) -> Lookup:
        by_value: defaultdict[Any, list[Entry]] = defaultdict(list)
        for entry, need in asking:
            for value in need.values:
                by_value[value].append(entry)
        return Lookup(
            subject=asking[0][1].subject,
            by_value={value: self._plans(entries, used, depth + 1) for value, entries in by_value.items()},
            numbers=_numbers(asking),
        )


def _best(entries: Iterable[Entry], used: frozenset[_Key], depth: int) -> _Key | None:
    """The test that spares the most; ``None`` when none is asked often enough."""
    counts: defaultdict[_Key, int] = defaultdict(int)
    kinds: defaultdict[_Key, set[Any]] = defaultdict(set)
    for entry in entries:
        for need in entry.needs:
            key = need.text, need.exact
            if key not in used and _need(entry, key, depth) is not None:
                counts[key] += 1
                kinds[key].update(need.values or (need.low, need.high))
    # Squared: few that are surely passed over are better than many that may be.
    spared = {key: count * _share(key, len(kinds[key])) ** 2 for key, count in counts.items() if count > FEW}
    return max(spared, key=lambda key: spared[key], default=None)


def _share(key: _Key, different: int) -> float:
    """How many of the conditions with such a test are passed over, by a rough guess from how they differ."""
    share = 1 - 0.75 / different
    return share if key[1] else min(share, 0.5)


def _need(entry: Entry, key: _Key, depth: int) -> Need | None:
    """The entry's test of this sort. Below the first division one value only, so that nothing is copied on and on."""
    found = next((need for need in entry.needs if (need.text, need.exact) == key), None)
    return None if found is not None and depth and len(found.values) > 1 else found


def _above(asking: list[tuple[Entry, Need]]) -> Above:
    asking = sorted(asking, key=lambda one: one[1].low)
    parts = list(_in_parts(asking))
    highs = [[need.high for _, need in part] for part in parts]
    return Above(
        subject=asking[0][1].subject,
        lows=tuple(part[0][1].low for part in parts),
        highs=tuple(None if None in part else max(part) for part in highs),
        chunks=tuple(map(_chunk, parts)),
        numbers=_numbers(asking),
    )


def _below(asking: list[tuple[Entry, Need]]) -> Below:
    asking = sorted(asking, key=lambda one: one[1].high)
    parts = list(_in_parts(asking))
    return Below(
        subject=asking[0][1].subject,
        highs=tuple(part[-1][1].high for part in parts),
        chunks=tuple(map(_chunk, parts)),
        numbers=_numbers(asking),
    )


def _in_parts(asking: list[tuple[Entry, Need]]) -> Iterator[list[tuple[Entry, Need]]]:
    for _, part in groupby(enumerate(asking), key=lambda one: one[0] // FEW):
        yield [one for _, one in part]


def _chunk(part: Iterable[tuple[Entry, Need]]) -> Chunk:
    return Chunk(entries=tuple(entry for entry, _ in part))


def _chunks(entries: Sequence[Entry], size: int) -> Iterator[Chunk]:
    for start in range(0, len(entries), size):
        yield Chunk(entries=tuple(entries[start : start + size]))


def _numbers(asking: Iterable[tuple[Entry, Need]]) -> tuple[int, ...]:
    return tuple(entry.number for entry, _ in asking)
