"""Rules: which of a thousand apply to an event, against other engines on the same conditions, and how that grows.

Each event has facts of its own, in ours as in the others', and its making ready for the engine counts on both sides.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from engine.language import Condition, Fused, View, fuse

from .. import needs
from ..conditions import Rule, as_conditions, events, mostly_irrelevant, relevant, view_of
from ..measure import Goal, Plan, Row, microseconds
from ..peers.rule_engines import ENGINES
from ..processes import Died, bound_to_us

RULES = 1000
FEWEST, MOST = 100, 10_000
TIMES = {"zen-engine": 50, "common-expression-language": 50, "cel-expr-python": 50, "cel-python": 2}
"""How many events a round of the peer decides: some milliseconds, or half a second, each."""
ONE_BY_ONE = "ours, each condition by itself"
LIMIT = 0.1
"""Microseconds for a rule that is relevant."""


def run(plan: Plan) -> list[Row]:
    """A thousand rules that all concern the event; then up to ten thousand of which one in a hundred does."""
    rules = relevant(plan.count(RULES))
    conditions = as_conditions(rules)
    ours = _Ours(conditions)
    rows = [_against(plan, name, rules, ours) for name in ENGINES]
    return [_alone(plan, conditions, ours), *rows, _growth(plan)]


class _Ours:
    """The rules as one, as the product asks them."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self.together, self.known = fuse(conditions), events()

    def fired(self, known: dict[str, Any]) -> list[int]:
        """The numbers of the rules that apply."""
        return [number for number, answer in enumerate(self.together.answers(view_of(known))) if answer == 1]

    def us(self, times: int) -> float:
        """Microseconds for one event, its facts made ready."""
        known = _again(self.known)
        return microseconds(lambda: self.together.answers(view_of(next(known))), times)


class Peer:
    """Another engine, in a process of its own that decides when it is asked to."""

    def __init__(self, name: str, rules: Sequence[Rule], known: Sequence[dict[str, Any]]) -> None:
        command = bound_to_us([needs.python(), "-m", "tests.bench.peers.rule_engines", name])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         cwd=needs.ROOT, env=needs.plain_environment())  # fmt: skip
        self._name = name
        self._tell(json.dumps({"rules": rules, "events": known}))

    def decide(self, count: int) -> dict[str, Any]:
        """Microseconds for one of so many events, and what fired."""
        self._tell(str(count))
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise Died(f"{self._name} ended with {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # It ends when nobody asks any more.

    def _tell(self, line: str) -> None:
        if self._process.stdin:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()


def _against(plan: Plan, name: str, rules: Sequence[Rule], ours: _Ours) -> Row:
    times = plan.count(TIMES[name])
    with Peer(name, rules, ours.known) as peer:
        compare(peer, ours.fired, ours.known)
        pairs = [(ours.us(plan.count(500)), peer.decide(times)["us"]) for _ in range(plan.rounds)]
    return Row(
        what=f"{len(rules):,} relevant rules",
        unit="us/rule",
        peer=name,
        ours_rounds=tuple(mine / len(rules) for mine, _ in pairs),
        peer_rounds=tuple(theirs / len(rules) for _, theirs in pairs),
        goal=Goal(at_most=1 / 12),
    )


def compare(peer: Peer, ours: Callable[[dict[str, Any]], list[int]], known: Sequence[dict[str, Any]]) -> None:
    """Raise unless the same rules apply; this warms both up as well."""
    few = known[:2]
    theirs = peer.decide(len(few))["fired"]
    if [sorted(fired) for fired in theirs] != [ours(one) for one in few]:
        raise Died("the engines do not agree on which rules apply")


def _alone(plan: Plan, conditions: Sequence[Condition], ours: _Ours) -> Row:
    def one_by_one(known: dict[str, Any]) -> None:
        view = view_of(known)
        for condition in conditions:
            condition.evaluate(view)

    known = _again(ours.known)
    pairs = [
        (ours.us(plan.count(500)), microseconds(lambda: one_by_one(next(known)), plan.count(20)))
        for _ in range(plan.rounds)
    ]
    return Row(
        what=f"{len(conditions):,} relevant rules",
        unit="us/rule",
        peer=ONE_BY_ONE,
        ours_rounds=tuple(mine / len(conditions) for mine, _ in pairs),
        peer_rounds=tuple(theirs / len(conditions) for _, theirs in pairs),
        goal=Goal(limit=LIMIT),
    )


def _growth(plan: Plan) -> Row:
    """How the time of one event grows with the number of rules: n times the rules, n ** exponent times the time."""
    few, many = (as_conditions(mostly_irrelevant(plan.count(number))) for number in (FEWEST, MOST))
    small, large = fuse(few), fuse(many)
    times, rounds = plan.count(300), range(plan.rounds)
    fused = [(_us(small, times), _us(large, times)) for _ in rounds]
    alone = [(_us_alone(few, 20), _us_alone(many, 2)) for _ in rounds]
    return Row(
        what=f"{len(few):,} to {len(many):,} rules, 1 % relevant: exponent",
        unit="",
        peer=ONE_BY_ONE,
        ours_rounds=tuple(_exponent(pair, len(many) / len(few)) for pair in fused),
        peer_rounds=tuple(_exponent(pair, len(many) / len(few)) for pair in alone),
        goal=Goal(limit=0.5),
        note=f"{sum(pair[1] for pair in fused) / len(fused):.3g} us at {len(many):,}",
    )


def _exponent(pair: tuple[float, float], times: float) -> float:
    return math.log(pair[1] / pair[0]) / math.log(times)


def _us(together: Fused, times: int) -> float:
    """Microseconds for one event whose facts have been made ready: their making is the same however many rules ask."""
    ready = _ready(times)
    return microseconds(lambda: together.answers(next(ready)), times)


def _us_alone(conditions: Sequence[Condition], times: int) -> float:
    ready = _ready(times)

    def one_by_one() -> None:
        view = next(ready)
        for condition in conditions:
            condition.evaluate(view)

    return microseconds(one_by_one, times)


def _ready(count: int) -> Iterator[View]:
    known = _again(events())
    return iter([view_of(next(known)) for _ in range(count)])


def _again(known: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    while True:
        yield from known
