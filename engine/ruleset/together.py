"""The conditions of all rules that listen to one event, made one when rules are loaded: see ``fuse``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..language import Answer, Condition, Fused, View, fuse
from .rule import Rule

_ANSWERS = tuple(Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """The conditions of some rules as one."""

    fused: Fused
    places: Mapping[str, int]
    """Of the rules' answers, by the rules' names."""

    def answers(self, view: View) -> Answers:
        """What comes of all of them on these facts."""
        return Answers(given=self.fused.answers(view), places=self.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What comes of the conditions of some rules on some facts."""

    given: bytearray
    places: Mapping[str, int]

    def of(self, rule: Rule) -> Answer:
        """The rule's; ``UNDECIDED`` where its condition has to be asked by itself."""
        place = self.places.get(rule.name)
        return Answer.UNDECIDED if place is None else _ANSWERS[self.given[place]]


def together(by_event: Mapping[str, tuple[Rule, ...]]) -> Mapping[str, Together]:
    """By event, the conditions of the rules that listen. Those of a rule's own names (``let``) stay by themselves."""
    made: dict[tuple[str, ...], Together] = {}
    found: dict[str, Together] = {}
    for event, rules in by_event.items():
        conditions = dict(_conditions(rules))
        names = tuple(conditions)
        if names and names not in made:
            places = MappingProxyType({name: place for place, name in enumerate(names)})
            made[names] = Together(fused=fuse(list(conditions.values())), places=places)
        if names:
            found[event] = made[names]
    return MappingProxyType(found)


def _conditions(rules: Iterable[Rule]) -> Iterable[tuple[str, Condition]]:
    for rule in rules:
        own = {let.name for let in rule.lets}
        if rule.condition is not None and own.isdisjoint(path[0] for path in rule.condition.reads):
            yield rule.name, rule.condition
