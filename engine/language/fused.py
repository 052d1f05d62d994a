"""Many conditions as one: asked together, each part that several have in common once, most of them not at all.

What comes of it is what ``Condition.evaluate`` says of each, reasons aside. Where a condition cannot be decided this
way (something in it has no value on these facts, or it is too large), the answer is ``UNDECIDED``: ask it itself.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Any, TypeAlias

from .absent import Absent
from .arrange import Above, Arrangement, Chunk, Entry, Lookup, Plan
from .compile import Evaluate, compile_node
from .condition import Condition, Tree, leaves
from .emit import NOTHING, Emitter
from .ir import Arithmetic, Call, Listing, Node, Read, children, reads
from .scope import Path
from .sieve import needs
from .views import View

MAX_NODES = 400
"""Of one condition: larger ones are asked by themselves."""
MAX_ALL_NODES = 400_000
"""Of all conditions together, a bound for the time that it takes to make them one."""
_AT_ONCE = 64
"""How many functions are compiled at a time."""


class Answer(IntEnum):
    """What is known of a condition."""

    NO = 0
    HOLDS = 1
    UNDECIDED = 2
    """Only the condition itself can say."""


Run: TypeAlias = Callable[[View, bytearray], object]
"""Writes the answers of some conditions at their places."""
Places: TypeAlias = tuple[int, ...]


class Fused:
    """Conditions by their places: see ``fuse``."""

    def __init__(
        self, blank: bytes, parts: Iterable[tuple[Run, Places]], strict: Iterable[tuple[Evaluate, Places]]
    ) -> None:
        self._blank = blank
        self._parts = tuple(parts)
        self._strict = tuple(strict)

    def answers(self, view: View) -> bytearray:
        """The ``Answer`` of each condition on these facts, by its place. Raises nothing: who is asked itself may."""
        answers = bytearray(self._blank)
        for run, places in self._parts:
            try:
                run(view, answers)
            except Exception:  # noqa: BLE001 - each of them is asked itself, and raises it where it is at fault.
                _undecided(places, answers)
        for read, places in self._strict:
            if isinstance(read(view), Absent):
                _undecided(places, answers)
        return answers


def fuse(conditions: Sequence[Condition | None]) -> Fused:
    """Make many conditions one; where there is none, the answer is that it holds."""
    emitter = Emitter()
    blank = bytearray([Answer.HOLDS if condition is None else Answer.UNDECIDED for condition in conditions])
    entries = []
    for place, condition in _small(conditions):
        blank[place] = Answer.NO
        entries.append(Entry(number=place, tree=condition.tree, needs=tuple(needs(condition.tree, emitter))))
    arrangement = Arrangement(entries)
    writer = _Writer(emitter)
    makes = [(writer.plan(plan), plan.numbers) for plan in arrangement.plans]
    functions = writer.compiled()
    strict = [(_getter(path), tuple(sorted(places))) for path, places in arrangement.strict.items()]
    return Fused(bytes(blank), [(make(functions), places) for make, places in makes], strict)


def _small(conditions: Sequence[Condition | None]) -> Iterator[tuple[int, Condition]]:
    left = MAX_ALL_NODES
    for place, condition in enumerate(conditions):
        size = sum(map(_size, _roots(condition.tree))) if condition else 0
        if condition is not None and size <= min(MAX_NODES, left):
            left -= size
            yield place, condition


def _roots(tree: Tree) -> Iterator[Node]:
    return (leaf.expression.node for leaf in leaves(tree))


def _size(node: Node) -> int:
    return 1 + sum(map(_size, children(node)))


def _getter(path: Path) -> Evaluate:
    def read(view: View) -> object:
        value: object = view
        for name in path:
            value = value[name]  # type: ignore[index]
        return value

    return read


def _undecided(places: Iterable[int], answers: bytearray) -> None:
    for place in places:
        answers[place] = Answer.UNDECIDED


# --- Writing ----------------------------------------------------------------------------------------------------------

_Functions: TypeAlias = dict[str, Any]
_Make: TypeAlias = Callable[[_Functions], Run]
"""Makes a part of the program, once its functions are there."""


class _Writer:
    """Writes a function for each chunk, and remembers what is to be made of them."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter
        self._sources: list[str] = []

    def plan(self, plan: Plan) -> _Make:
        if isinstance(plan, Chunk):
            return self._chunk(plan)
        subject = compile_node(plan.subject)
        if isinstance(plan, Lookup):
            table = {value: [self.plan(inner) for inner in plans] for value, plans in plan.by_value.items()}
            return lambda made: _looking_up(subject, _made(table, made))
        makes = [self._chunk(chunk) for chunk in plan.chunks]
        if isinstance(plan, Above):
            lows, highs = plan.lows, plan.highs
            return lambda made: _above(
                subject, lows, [(high, make(made)) for high, make in zip(highs, makes, strict=True)]
            )
        return lambda made: _below(subject, plan.highs, [make(made) for make in makes])

    def compiled(self) -> _Functions:
        """All functions by their names."""
        names = self._emitter.names
        for start in range(0, len(self._sources), _AT_ONCE):
            source = "".join(self._sources[start : start + _AT_ONCE])
            exec(compile(source, "<conditions>", "exec"), names)  # noqa: S102 - of typed nodes; no author's text is in it.
        return names

    def _chunk(self, chunk: Chunk) -> _Make:
        name = f"chunk{len(self._sources)}"
        self._sources.append("".join(self._function(name, chunk)))
        return lambda made: made[name]

    def _function(self, name: str, chunk: Chunk) -> Iterator[str]:
        roots = [root for entry in chunk.entries for root in _roots(entry.tree)]
        yield f"def {name}(view, out):\n"
        for path in dict.fromkeys(read.path for root in roots for read in reads(root)):
            yield f" {self._emitter.read(path)} = {self._emitter.getting(path)}\n"
        shared: dict[str, str] = {}
        for part in _shared(roots, self._emitter):
            text, named = self._emitter.with_shared(part, shared), f"c{len(shared)}"
            yield f" try: {named} = {text}\n except Exception: {named} = LOST\n"
            shared[self._emitter.text(part)] = named
        for entry in chunk.entries:
            text = self._emitter.tree(entry.tree, lambda node: self._emitter.with_shared(node, shared))
            # Whatever it is, the condition itself will be asked, and raises it.
            yield f" try:\n  if {text}: out[{entry.number}] = 1\n except Exception: out[{entry.number}] = 2\n"


def _made(table: dict[object, list[_Make]], made: _Functions) -> dict[object, tuple[Run, ...]]:
    return {value: tuple(make(made) for make in makes) for value, makes in table.items()}


def _shared(roots: Sequence[Node], emitter: Emitter) -> list[Node]:
    """The parts that are worth computing once, the smaller ones first."""
    often = {
        text for text, count in Counter(emitter.text(part) for part in _parts(roots, emitter)).items() if count > 1
    }
    seen: dict[str, Node] = {}
    counts: Counter[str] = Counter()
    for part in _outermost(roots, emitter, often, set()):
        seen[emitter.text(part)] = part
        counts[emitter.text(part)] += 1
    worth = [part for text, part in seen.items() if counts[text] > (1 if isinstance(part, Call | Arithmetic) else 2)]
    return sorted(worth, key=lambda part: len(emitter.text(part)))


def _parts(nodes: Iterable[Node], emitter: Emitter) -> Iterator[Node]:
    """Everything that has to be computed, and can be elsewhere."""
    for node in nodes:
        if not isinstance(node, Read) and emitter.constant(node) is NOTHING:
            if not isinstance(node, Listing):
                yield node
            yield from _parts(children(node), emitter)


def _outermost(nodes: Iterable[Node], emitter: Emitter, often: set[str], done: set[str]) -> Iterator[Node]:
    """The same, but what is within a part that is computed once only once."""
    for node in nodes:
        if isinstance(node, Read) or emitter.constant(node) is not NOTHING:
            continue
        text = emitter.text(node)
        if text in often and not isinstance(node, Listing):
            yield node
            if text in done:
                continue
            done.add(text)
        yield from _outermost(children(node), emitter, often, done)


# --- Running ----------------------------------------------------------------------------------------------------------


def _looking_up(subject: Evaluate, table: dict[object, tuple[Run, ...]]) -> Run:
    def run(view: View, answers: bytearray) -> None:
        value = subject(view)
        try:
            found = table.get(value, ())
        except TypeError:  # A group of facts, or a list of them: it is none of the values.
            return
        for inner in found:
            inner(view, answers)

    return run


def _above(subject: Evaluate, lows: Sequence[Any], parts: Sequence[tuple[Any, Run]]) -> Run:
    def run(view: View, answers: bytearray) -> None:
        value: Any = subject(view)
        if not isinstance(value, Absent):
            for high, inner in parts[: bisect_right(lows, value)]:
                if high is None or value <= high:
                    inner(view, answers)

    return run


def _below(subject: Evaluate, highs: Sequence[Any], parts: Sequence[Run]) -> Run:
    def run(view: View, answers: bytearray) -> None:
        value: Any = subject(view)
        if not isinstance(value, Absent):
            for inner in parts[bisect_left(highs, value) :]:
                inner(view, answers)

    return run
