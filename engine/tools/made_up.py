"""Members who do not exist: one of whom everything is known, one of whom as little as may be, and some awkward ones.

Their facts are made by the types that the checker goes by, so that whatever it lets through can be tried on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from ..language import Path, Scope
from ..language.kinds import Kind, Type
from ..language.schema import OPEN_OBJECTS
from ..model import TIMER_DUE, Card, Event, Fact, Facts, Member, Value

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
_DAY = date(2026, 3, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What sort of member is made up."""

    who: str
    """In words, as a finding tells it."""
    text: str = "Anna"
    """Every text that is not of a known form."""
    knows_all: bool = True
    """Whether what may be absent is there."""
    numbers: tuple[float, ...] = (1_234, 1, 0)
    """What is tried for its numbers, in this order."""


PEOPLE: tuple[Person, ...] = (
    Person(who="a member of whom everything is known"),
    Person(who="a member of whom nothing is known that may be absent", knows_all=False, numbers=(0, 1, 2)),
    Person(who="a member whose name has quotes and tags in it", text='<b>O\'Neil</b> & "Söhne"', numbers=(1, 22, 5)),
    Person(
        who="a member whose name runs from right to left, with an emoji",
        text="\u05e0\u05d5\u05e2\u05d4 \U0001f9e1",
        numbers=(1_000_000, 3),
    ),
    Person(
        who="a member with a name of 300 letters",
        text="Wolfeschlegelsteinhausen" * 12 + "bergerdorff!",
        numbers=(0.5, 2),
    ),
)
_KNOWN: Mapping[Path, Value] = {
    ("member", "email"): "anna@example.org",
    ("member", "phone"): "+48600000000",
    ("member", "timezone"): "Europe/Warsaw",
    ("card", "timezone"): "Europe/Warsaw",
}
_NOT_STATED = frozenset({("member", "id"), ("card", "id"), ("card", "holder_id"), ("card", "expiring_points")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Makes the facts that a rule may use up, for one person."""

    scope: Scope
    person: Person
    locale: str
    number: float = 1
    numbers: Mapping[Path, float] = field(default_factory=dict)
    texts: Mapping[Path, str] = field(default_factory=dict)
    """Facts of which one number or text is wanted: what a condition asks for."""

    def facts(self) -> Facts:
        """The member and the card."""
        member = {**self._group("member"), "locale": self.locale}
        if tier := self._group("tier"):
            member["tier"] = tier
        card = self._group("card")
        if (wanted := self.numbers.get(("card", "expiring_points"))) is not None:
            card["balance"] = card["next_expiration_points"] = wanted
        return Facts(member=Member(id="m-1", facts=_known(member)), card=Card(id="c-1", facts=_known(card)))

    def event(self, name: str) -> Event:
        """An event of this name; a reminder's for an empty one."""
        values = self._group("event") if name else {}
        if name.startswith("tier_") and self.texts.get(("tier", "name")):
            values["tier"] = self.texts["tier", "name"]
        return Event(
            key="made-up",
            source="made-up",
            name=name or TIMER_DUE,
            producer_name=name or TIMER_DUE,
            occurred_at=NOW,
            happening=None,
            facts=values,
        )

    def value(self, kind: Type, path: Path) -> Value:
        """A fact of this type."""
        if path in self.texts and kind.kind in {Kind.TEXT, Kind.FREE}:
            return self.texts[path]
        if kind.one_of:
            return kind.one_of[0 if self.person.knows_all else -1]
        return _KNOWN.get(path, self._by_kind(kind, path))

    def _group(self, group: str) -> dict[str, Value]:
        fields = self.scope.groups.get(group, {})
        return {name: value for name, kind in fields.items() for value in self._stated(kind, (group, name))}

    def _stated(self, kind: Type, path: Path) -> Iterator[Value]:
        """The value, unless the fact is absent in this person, or follows from others."""
        if path[:2] in OPEN_OBJECTS and kind.kind is Kind.OBJECT:
            yield dict(self._entries(path))
        elif path not in _NOT_STATED and (self.person.knows_all or not kind.optional or path in self.scope.present):
            yield self.value(kind, path)

    def _entries(self, path: Path) -> Iterator[tuple[str, Value]]:
        """Of an open object what is declared, proven present or asked for."""
        named = {one: Type(kind=Kind.TEXT) for one in (*self.scope.present, *self.texts) if len(one) > len(path)}
        for one, kind in {**named, **self.scope.entries}.items():
            if one[: len(path)] == path and (self.person.knows_all or one in named):
                yield one[len(path)], self.value(kind, one)

    def _by_kind(self, kind: Type, path: Path) -> Value:
        if kind.kind is Kind.LIST and kind.item is not None:
            return [self.value(kind.item, path)]
        number = self.numbers.get(path, self.number)
        made: Mapping[Kind, Value] = {
            Kind.WHOLE: int(number),
            Kind.NUMBER: number,
            Kind.YES_NO: self.person.knows_all,
            Kind.DATE: _DAY,
            Kind.TIME: NOW,
        }
        return made.get(kind.kind, self.person.text)


def reminder(days: int) -> dict[str, object]:
    """What a rule knows of a reminder that goes so many days ahead."""
    return {"days_left": days, "offset": timedelta(days=days)}


def _known(values: Mapping[str, Value]) -> dict[str, Fact]:
    return {name: Fact(value=value, as_of=NOW) for name, value in values.items()}
