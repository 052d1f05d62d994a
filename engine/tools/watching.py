"""Rules that tell what their conditions came to, for tests: every evaluation, with every expression in it.

A watched ruleset decides as the one it was made of: its conditions evaluate through ``trace``, whose verdict is the one
that decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..language import Condition, Verdict, View
from ..language.trace import Seen, Trace, trace
from ..ruleset import Ruleset
from ..ruleset.audiences import Audience, Crowd
from ..ruleset.load import assemble
from ..ruleset.places import Places
from ..ruleset.rule import Rule, Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which condition of a rule."""

    rule: str
    part: str
    """``if``, ``audience NAME``, ``exclude NAME``, or the template of a send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One evaluation of one condition."""

    at: datetime
    where: Where
    trace: Trace
    places: tuple[str, ...]
    """Where its expressions stand, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched(Condition):
    """A condition that is looked at as a whole each time it is evaluated."""

    note: Callable[[Trace], None]

    def evaluate(self, view: View) -> Verdict:
        """As the condition itself does."""
        found = trace(self, view)
        self.note(found)
        return found.decided()


@dataclass(slots=True, kw_only=True)
class Watch:
    """Collects what the conditions of some rules come to."""

    now: Callable[[], datetime]
    evaluations: list[Evaluation] = field(default_factory=list)

    def over(self, ruleset: Ruleset, rules: tuple[Rule, ...]) -> Ruleset:
        """A ruleset of these rules, watched, and otherwise like the one given."""
        places = Places(ruleset)
        watched = assemble(
            rules=tuple(self._rule(rule, places) for rule in rules),
            templates=ruleset.templates,
            programme=ruleset.programme,
            hash=ruleset.hash,
            shared=ruleset.shared,
        )
        # Asked all at once, conditions would not tell what they looked at.
        return replace(watched, together={})

    def of(self, rule: str, at: datetime) -> list[Evaluation]:
        """The evaluations of a rule's conditions at one time, to the minute."""
        minute = at.replace(second=0, microsecond=0)
        return [
            one
            for one in self.evaluations
            if one.where.rule == rule and one.at.replace(second=0, microsecond=0) == minute
        ]

    def _rule(self, rule: Rule, places: Places) -> Rule:
        sends = tuple(self._send(rule, number, send, places) for number, send in enumerate(rule.sends))
        own = self._condition(
            rule.condition, Where(rule=rule.name, part="if"), lambda seen: places.of_rule(rule, "if", *seen.path)
        )
        return replace(
            rule,
            condition=own,
            sends=sends,
            audience=self._crowd(rule, rule.audience, "audience", places),
            exclude=self._crowd(rule, rule.exclude, "exclude", places),
        )

    def _send(self, rule: Rule, number: int, send: Send, places: Places) -> Send:
        where = Where(rule=rule.name, part=send.template)
        place = _placer(places, rule, number)
        return replace(send, condition=self._condition(send.condition, where, place))

    def _crowd(self, rule: Rule, crowd: Audience | Crowd | None, part: str, places: Places) -> Audience | Crowd | None:
        if isinstance(crowd, Crowd):
            members = tuple(self._crowd(rule, member, part, places) for member in crowd.members)
            return replace(crowd, members=tuple(member for member in members if member is not None))
        if crowd is None:
            return None
        where = Where(rule=rule.name, part=f"{part} {crowd.name}".strip())
        watched = self._condition(crowd.condition, where, lambda seen: places.of_audience(crowd, seen.path))
        return replace(crowd, condition=watched or crowd.condition)

    def _condition(self, condition: Condition | None, where: Where, place: Callable[[Seen], str]) -> Condition | None:
        if condition is None:
            return None

        def note(found: Trace) -> None:
            at = tuple(place(seen) for seen in found.leaves)
            self.evaluations.append(Evaluation(at=self.now(), where=where, trace=found, places=at))

        return Watched(
            tree=condition.tree,
            reads=condition.reads,
            proves=condition.proves,
            warnings=condition.warnings,
            note=note,
        )


def _placer(places: Places, rule: Rule, number: int) -> Callable[[Seen], str]:
    return lambda seen: places.of_send(rule, number, seen.path)
