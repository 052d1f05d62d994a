"""What may be used in one place: which facts, of which type, and which of them are proven present there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from .kinds import FREE, NUMBER, OBJECT, TEXT, Kind, Type, always, list_of, maybe
from .problem import closest, suggest
from .schema import (
    CALENDAR,
    CARD_FIELDS,
    COLLECTED,
    EVENT_FIELDS,
    MEMBER_FIELDS,
    OPEN_OBJECTS,
    PROGRAMME_FIELDS,
    REMINDER,
    REMINDER_FIELDS,
    TIER_FIELDS,
    Fields,
    events_with,
    expand,
)

Path: TypeAlias = tuple[str, ...]
"""A fact, by its names: ``("member", "metadata", "status")``."""

_ALSO_CALLED: Mapping[str, str] = {
    "customer": "member",
    "user": "member",
    "person": "member",
    "voucher": "card",
    "loyalty_card": "card",
    "loyalty_tier": "tier",
    "level": "tier",
    "program": "programme",
    "transaction": "event",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why a path leads nowhere: ``part`` is the place of the name at fault within the path."""

    code: str
    message: str
    suggestion: str
    part: int = 0
    available: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The facts that rules and templates may use in one place."""

    groups: Mapping[str, Fields]
    """``card``, ``member``, ...: a name and its fields."""
    names: Fields = field(default_factory=dict)
    """Names without fields: ``today``, ``days_left``."""
    events: frozenset[str] = frozenset()
    """The events a rule listens to; none in a reminder."""
    present: frozenset[Path] = frozenset()
    """What has been proven present although it may be absent in general."""
    entries: Mapping[Path, Type] = field(default_factory=dict)
    """Entries of open objects whose type has been declared: ``("member", "metadata", "status")``."""

    @classmethod
    def for_events(cls, names: Iterable[str]) -> Scope:
        """What a rule may use that listens to these events or groups of events.

        Raises ``KeyError`` for an unknown name. A field of ``event`` can be used when all of the events send it.
        """
        events = expand(names)
        tier = {name: always(kind) for name, kind in TIER_FIELDS.items()} if _tier_events(events) else TIER_FIELDS
        groups = {**_LASTING, "event": _shared_fields(events), "tier": tier}
        return cls(groups=groups, names=CALENDAR, events=events)

    @classmethod
    def for_reminder(cls, path: str) -> Scope:
        """What a rule may use that runs ahead of a date, one of ``REMINDER_FIELDS``; the date is proven present.

        Raises ``KeyError`` for anything else.
        """
        if path not in REMINDER_FIELDS:
            raise KeyError(path)
        present = frozenset({tuple(path.split("."))})
        return cls(groups={**_LASTING, "tier": TIER_FIELDS}, names={**CALENDAR, **REMINDER}, present=present)

    @classmethod
    def for_members(cls) -> Scope:
        """What holds for a member whatever happens: for definitions that are the same in every rule."""
        return cls(groups={**_LASTING, "tier": TIER_FIELDS}, names=CALENDAR)

    def gathering(self) -> Scope:
        """The same in what a rule sends that collects: with the events it tells of."""
        points = {"points": NUMBER} if "points" in self.groups.get("event", {}) else {}
        return self.extended(groups={"collected": {**COLLECTED, **points}}, names={"events": list_of(OBJECT)})

    def extended(self, *, groups: Mapping[str, Fields] | None = None, names: Fields | None = None) -> Scope:
        """The same with further facts, such as ``brand`` in templates."""
        return replace(self, groups={**self.groups, **(groups or {})}, names={**self.names, **(names or {})})

    def knowing(self, paths: Iterable[Path]) -> Scope:
        """The same where these facts are proven present, for instance by the condition of the rule around it."""
        return replace(self, present=self.present | frozenset(paths))

    def resolve(self, path: Path) -> Type | Missing:
        """The type of a fact here, or why it cannot be used."""
        found = self._declared(path)
        if isinstance(found, Type) and path in self.present:
            return always(found)
        return found

    def _declared(self, path: Path) -> Type | Missing:
        root = path[0]
        if root in self.names:
            return self.names[root] if len(path) == 1 else _no_fields(path, self.names[root])
        if root not in self.groups:
            return self._unknown_name(root)
        if len(path) == 1:
            return OBJECT
        return self._field(path)

    def _field(self, path: Path) -> Type | Missing:
        fields = self.groups[path[0]]
        if path[1] not in fields:
            return self._unknown_field(path, fields)
        declared = fields[path[1]]
        if len(path) == 2:  # noqa: PLR2004 - a group and its field
            return declared
        if path[:2] in OPEN_OBJECTS and declared.kind is Kind.OBJECT:
            entry = self.entries.get(path[:3], maybe(FREE))
            return entry if len(path) == 3 else _no_fields(path, entry)  # noqa: PLR2004 - and a name within it
        return _no_fields(path, declared)

    def _unknown_field(self, path: Path, fields: Fields) -> Missing:
        root, name = path[0], path[1]
        senders = events_with(name) if root == "event" else ()
        if senders:
            return self._sent_elsewhere(name, senders, fields)
        elsewhere = self._group_meant(path[1:]) or _better_home(name, self.groups)
        near = closest(name, fields)
        hint = f"did you mean {elsewhere}?" if elsewhere and not near else suggest(name, fields)
        message = f'unknown field "{name}" on {root}'
        return Missing(code="PB204", message=message, suggestion=hint, part=1, available=tuple(sorted(fields)))

    def _group_meant(self, path: Path) -> str | None:
        """``tier.name`` where ``member.tier`` was written: groups do not lie within each other."""
        if path[0] not in self.groups:
            return None
        inner = path[1] if len(path) > 1 else "name"
        return f"{path[0]}.{inner}" if inner in self.groups[path[0]] else path[0]

    def _sent_elsewhere(self, name: str, senders: tuple[str, ...], fields: Fields) -> Missing:
        without = _and(sorted(self.events.difference(senders)))
        also = "also " if self.events.intersection(senders) else ""
        sent = f"sent with {_and(senders)} only" if len(senders) <= _MANY else f"not sent with {without}"
        return Missing(
            code="PB211",
            message=f"{name} is {sent}; this rule {also}listens to {without}",
            suggestion="write a rule of its own for the events that send it",
            part=1,
            available=tuple(sorted(fields)),
        )

    def _unknown_name(self, name: str) -> Missing:
        known = (*self.groups, *self.names)
        if name == "event":
            here = "in a reminder: no event has happened, a date has come near"
            if "days_left" not in self.names:
                here = "in what is defined for all rules: they listen to different events, or to none"
            return Missing(
                code="PB211", message=f"event.* is not available {here}", suggestion="use card.*, member.* and tier.*"
            )
        if name in GATHERED:
            message = f"{name} exists only in what a rule sends that collects (collect: 30 minutes)"
            return Missing(code="PB211", message=message, suggestion="use event.*, or let the rule collect")
        if name in REMINDER:
            message = f"{name} exists in reminders only (on: before: a date)"
            return Missing(code="PB211", message=message, suggestion="card.next_expiration_date - today is a duration")
        return Missing(
            code="PB205",
            message=f'unknown name "{name}"',
            suggestion=self._name_meant(name, known),
            available=tuple(sorted(known)),
        )

    def _name_meant(self, name: str, known: tuple[str, ...]) -> str:
        if name in EVENT_FIELDS:
            return f'write event.name == "{name}"'
        near = _ALSO_CALLED.get(name) or closest(name, (*known, *REMINDER))
        if near:
            return f'did you mean "{near}"?'
        home = _better_home(name, self.groups)
        if home:
            return f"did you mean {home}?"
        return f'if it is a text, put it in quotes: "{name}"; available: {", ".join(sorted(known))}'


GATHERED = frozenset({"events", "collected"})
"""What only rules have that collect."""

_LASTING: Mapping[str, Fields] = {"member": MEMBER_FIELDS, "card": CARD_FIELDS, "programme": PROGRAMME_FIELDS}


_MANY = 6
"""More events than these are not listed in a message."""


def _tier_events(events: frozenset[str]) -> bool:
    return bool(events) and all(name.startswith("tier_") for name in events)


def _shared_fields(events: frozenset[str]) -> Fields:
    """The fields that all of the events send; one that may be absent in any of them may be absent."""
    tables = [EVENT_FIELDS[name] for name in sorted(events)]
    shared = [name for name in tables[0] if all(name in table for table in tables)] if tables else []
    fields = {name: _shared_type([table[name] for table in tables]) for name in shared}
    return {**fields, "name": replace(TEXT, one_of=tuple(sorted(events)))}


def _shared_type(types: list[Type]) -> Type:
    return maybe(types[0]) if any(kind.optional for kind in types) else types[0]


def _better_home(name: str, groups: Mapping[str, Fields]) -> str | None:
    """``card.balance`` for a bare ``balance``, or for one looked for on the wrong group."""
    # What is always there is the likelier meaning, and then what just happened.
    homes = [(fields[name].optional, group != "event", group) for group, fields in groups.items() if name in fields]
    return f"{min(homes)[2]}.{name}" if homes else None


def _no_fields(path: Path, declared: Type) -> Missing:
    depth = 1 if len(path) == 2 else len(path) - 1  # noqa: PLR2004
    holder = path_text(path[:depth])
    return Missing(
        code="PB204", message=f"{holder} is a {declared}: it has no fields", suggestion=f"write {holder}", part=depth
    )


def _and(names: Iterable[str]) -> str:
    listed = list(names)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"


def path_text(path: Path) -> str:
    """A path as an author writes it: ``card.balance``, ``member.metadata["sign-up"]``."""
    inner = "".join(f"['{name}']" if '"' in name else f'["{name}"]' for name in path[2:])
    return ".".join(path[:2]) + inner
