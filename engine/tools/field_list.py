"""What a rule may use: every field with its type, whether it is always there, and an example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from ..ingest import neutral_name
from ..language import Path, Scope
from ..language.kinds import FREE, Kind, Type
from ..language.problem import suggest
from ..language.schema import EVENT_FIELDS, GROUPS, OPEN_OBJECTS, REMINDER_FIELDS
from ..language.scope import path_text
from ..model import METADATA, Event, Value
from ..ruleset.shared import Shared

PERSONAL = frozenset(
    {
        "id",
        "holder_id",
        "name",
        "first_name",
        "last_name",
        "email",
        "phone",
        "birthdate",
        "source_id",
        "code",
        "aliases",
    }
)
"""Fields of members and cards that are never shown as they are."""
_MADE_UP: Mapping[str, str] = {
    "member.id": "m-17",
    "member.name": "Anna Nowak",
    "member.first_name": "Anna",
    "member.last_name": "Nowak",
    "member.email": "anna@example.org",
    "member.phone": "+48600000000",
    "member.locale": "pl",
    "member.timezone": "Europe/Warsaw",
    "member.source_id": "crm-9",
    "member.birthdate": "1990-02-28",
    "member.segments": "vip, newsletter",
    "card.id": "c-3",
    "card.holder_id": "m-17",
    "card.code": "L0Y4L",
    "card.timezone": "Europe/Warsaw",
    "event.name": "points_earned",
    "event.source": "shop",
    "event.reason": "Spring",
    "event.transaction_id": "vtx-1",
    "event.order_id": "order-77",
    "event.order_amount": "19.99",
    "event.direction": "in",
    "event.custom_name": "review_written",
    "tier.id": "gold",
    "tier.name": "Gold",
    "programme.timezone": "Europe/Warsaw",
    "programme.locale": "en",
    "programme.currency": "EUR",
    "days_left": "30",
    "offset": "30 days",
}
_BY_KIND: Mapping[Kind, str] = {
    Kind.WHOLE: "40",
    Kind.NUMBER: "40",
    Kind.TEXT: "Club",
    Kind.YES_NO: "true",
    Kind.DATE: "2026-03-31",
    Kind.TIME: "2026-01-31T10:00:00+00:00",
    Kind.DURATION: "30 days",
}
_LONGEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """One field."""

    path: str
    type: str
    one_of: tuple[str, ...] = ()
    always: bool
    """Whether it is there whenever the rule runs."""
    declared: bool
    """Whether ``rules/shared.yaml`` declares it."""
    seen: bool
    """Whether the example is one that came in."""
    example: str


def scope_named(name: str | None, shared: Shared) -> Scope:
    """What a rule may use that listens to this event, group or date; without a name what every rule may use.

    Raises:
        LookupError: there is no such event; the message says what may have been meant.
    """
    if name is None:
        return shared.in_scope(Scope.for_members())
    if name in REMINDER_FIELDS:
        return shared.in_scope(Scope.for_reminder(name))
    neutral = name if name in GROUPS else neutral_name(name)
    if neutral is None:
        known = (*EVENT_FIELDS, *GROUPS, *REMINDER_FIELDS)
        raise LookupError(f"there is no event {name}: {suggest(name, known)}")
    return shared.in_scope(Scope.for_events([neutral]))


def rows_of(scope: Scope, shared: Shared, seen: Mapping[Path, Value]) -> list[FieldRow]:
    """All fields of a scope, in groups; of open objects the entries that are declared or have been seen."""
    declared = {one.path for one in shared.fields}
    return [_row(path, kind, declared, seen) for path, kind in _fields(scope, seen)]


def searched(rows: Iterable[FieldRow], word: str) -> list[FieldRow]:
    """The rows in whose path, type or example the word occurs, whatever its case."""
    wanted = word.casefold()
    return [
        row for row in rows if any(wanted in text.casefold() for text in (row.path, row.type, *row.one_of, row.example))
    ]


def values_in(events: Iterable[Event], names: frozenset[str]) -> dict[Path, Value]:
    """The first value of each field among these events; of ``event.*`` among those with these names."""
    seen: dict[Path, Value] = {}
    for event in events:
        groups = {"event": event.facts if event.name in names else {}}
        groups |= {name: part.fields for name, part in (("member", event.member), ("card", event.card)) if part}
        for group, fields in groups.items():
            for name, value in fields.items():
                for path, inner in _opened(group, name, value):
                    if inner is not None:
                        seen.setdefault(path, inner)
    return seen


def shown(value: Value) -> str:
    """A value on one line, cut to a length that can be shown."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, list):
        text = ", ".join(map(shown, value))
    else:
        text = value.isoformat() if isinstance(value, date | datetime) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _opened(group: str, name: str, value: Value) -> Iterator[tuple[Path, Value]]:
    if name.startswith(METADATA):
        yield (group, "metadata", name.removeprefix(METADATA)), value
    elif (group, name) in OPEN_OBJECTS and isinstance(value, dict):
        yield from (((group, name, key), inner) for key, inner in value.items())
    else:
        yield (group, name), value


def _fields(scope: Scope, seen: Mapping[Path, Value]) -> Iterator[tuple[Path, Type]]:
    for group in sorted(scope.groups, key=lambda name: (name != "event", name)):
        for name, kind in scope.groups[group].items():
            if (group, name) not in OPEN_OBJECTS:
                yield (group, name), kind
                continue
            inner = {path for path in (*scope.entries, *seen) if path[:2] == (group, name)}
            yield from ((path, scope.entries.get(path, FREE)) for path in sorted(inner))
    yield from (((name,), kind) for name, kind in scope.names.items())


def _row(path: Path, kind: Type, declared: set[Path], seen: Mapping[Path, Value]) -> FieldRow:
    text = path_text(path) if len(path) > 1 else path[0]
    personal = path[0] in ("member", "card") and path[1] in PERSONAL
    value = None if personal or isinstance(seen.get(path), dict) else seen.get(path)
    return FieldRow(
        path=text,
        type=str(kind) if kind.kind is not Kind.FREE else "undeclared",
        one_of=kind.one_of,
        always=not kind.optional and kind.kind is not Kind.FREE,
        declared=path in declared,
        seen=value is not None,
        example=shown(value) if value is not None else _made_up(text, kind),
    )


def _made_up(path: str, kind: Type) -> str:
    if kind.one_of:
        return kind.one_of[0]
    return _MADE_UP.get(path) or _BY_KIND.get(kind.kind, "")
