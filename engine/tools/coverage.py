"""Which rules, conditions, messages and languages the tests of a programme have seen at work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..language.condition import Condition, leaves
from ..ruleset import Ruleset
from ..ruleset.places import Places
from ..ruleset.rule import Rule
from .timeline import Run

_MANY = 5
_LACKING = {
    frozenset[bool](): "never asked",
    frozenset({True}): "never false",
    frozenset({False}): "never true",
    frozenset({True, False}): "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How much there is of something, and what of it the tests have not seen."""

    what: str
    total: int
    lacking: tuple[tuple[str, str], ...]
    """What is missing, and of what: ``("never false", "rules/points.yaml:3:5")``."""

    @property
    def seen(self) -> int:
        """How many the tests have seen."""
        return self.total - len(self.lacking)

    def __str__(self) -> str:
        by_what: defaultdict[str, list[str]] = defaultdict(list)
        for what, name in self.lacking:
            by_what[what].append(name)
        told = "; ".join(f"{what}: {_listed(names)}" for what, names in by_what.items())
        return f"{self.what} {self.seen}/{self.total}" + (f" ({told})" if told else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What tests have seen of a programme."""

    tallies: tuple[Tally, ...]
    """Rules that sent, conditions seen true and false, messages sent, variants where there are any, languages used."""

    @property
    def percent(self) -> float:
        """How much of all that, together."""
        total = sum(tally.total for tally in self.tallies)
        return 100 * sum(tally.seen for tally in self.tallies) / total if total else 100.0

    def __str__(self) -> str:
        return f"coverage: {', '.join(map(str, self.tallies))}"


def coverage_of(ruleset: Ruleset, runs: Iterable[Run]) -> Coverage:
    """What these tests have seen. Only what a test judges counts."""
    seen = _Seen(ruleset)
    for run in runs:
        seen.add(run)
    sends = {(rule.name, name) for rule in ruleset.rules for name in _templates(rule)}
    variants = {f"{rule.name} {variant.name}" for rule in ruleset.rules for variant in rule.variants}
    unsent = [rule if rule == template else f"{rule} {template}" for rule, template in sorted(sends - seen.sends)]
    conditions = list(seen.conditions())
    spoken = _locales(ruleset)
    return Coverage(
        tallies=(
            _tally("rules", len(ruleset.rules), sorted(set(ruleset.by_name) - seen.rules)),
            Tally(what="conditions", total=len(conditions), lacking=tuple(one for one in conditions if one[0])),
            _tally("sends", len(sends), unsent),
            *([_tally("variants", len(variants), sorted(variants - seen.variants))] if variants else []),
            _tally("locales", len(spoken), sorted(spoken - seen.locales)),
        )
    )


def _templates(rule: Rule) -> set[str]:
    """What a rule may send: in place of its own templates those of its variants, where they have any."""
    instead = [variant.template for variant in rule.variants] or [None]
    return {name or send.template for send in rule.sends for name in instead}


def _tally(what: str, total: int, lacking: Iterable[str]) -> Tally:
    return Tally(what=what, total=total, lacking=tuple(("never", name) for name in lacking))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_MANY]) + (f" and {len(names) - _MANY} more" if len(names) > _MANY else "")


class _Seen:
    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._places = Places(ruleset)
        self._answers: defaultdict[str, set[bool]] = defaultdict(set)
        self.rules: set[str] = set()
        self.sends: set[tuple[str, str]] = set()
        self.variants: set[str] = set()
        self.locales: set[str] = set()

    def add(self, run: Run) -> None:
        """What one test has seen."""
        for came in run.came:
            if came.kind == "send":
                self.rules.add(came.rule)
                self.sends.add((came.rule, came.name))
                self.variants.add(f"{came.rule} {came.fields.get('variant')}")
                self.locales.add(str(came.fields.get("locale")))
        for one in run.watch.evaluations:
            for leaf, place in zip(one.trace.leaves, one.places, strict=True):
                if leaf.asked and leaf.holds is not None and one.where.rule in run.timeline.rules:
                    self._answers[place].add(leaf.holds)

    def conditions(self) -> Iterator[tuple[str, str]]:
        """For every expression what is lacking, nothing where it was seen true and false, and its place."""
        for rule in self._ruleset.rules:
            for place in self._expressions(rule):
                answers = self._answers[place]
                yield _LACKING[frozenset(answers)], place

    def _expressions(self, rule: Rule) -> Iterator[str]:
        yield from (self._places.of_rule(rule, "if", *path) for path in _paths(rule.condition))
        for number, send in enumerate(rule.sends):
            yield from (self._places.of_send(rule, number, path) for path in _paths(send.condition))


def _paths(condition: Condition | None) -> list[tuple[str | int, ...]]:
    return [] if condition is None else [leaf.path for leaf in leaves(condition.tree)]


def _locales(ruleset: Ruleset) -> set[str]:
    """The languages in which the rules can speak."""
    return {
        locale
        for rule in ruleset.rules
        for send in rule.sends
        for channel in send.channels
        for locale in ruleset.templates.locales(send.template, channel)
    }
