"""Rules by the thousand and events for them, as plain data that every engine is given in its own words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.language import Condition, Scope, View, build_view, compile_condition
from engine.model import Card, Event, Fact, Facts, Member

NOW = datetime(2026, 1, 24, 8, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")
PROGRAMME = {"name": "Fern Club", "timezone": "Europe/Warsaw", "locale": "pl", "currency": "PLN"}
LISTENED_TO = "points_redeemed"
EVENTS = 20

Rule = dict[str, Any]
"""``number``, and ``tests`` that must all hold: a field, an operator, a value."""


def relevant(count: int, first: int = 0) -> list[Rule]:
    """Rules whose first two tests hold for every event; the third holds for about half of them."""
    return [{"number": first + number, "tests": [*_always(number), _third(number)]} for number in range(count)]


def mostly_irrelevant(count: int) -> list[Rule]:
    """So many rules that listen to the same event, of which one in a hundred concerns it."""
    near = count // 100
    return [*relevant(near), *({"number": number, "tests": [_first(number), *_always(number), _third(number)]}
            for number in range(near, count))]  # fmt: skip


def _always(number: int) -> list[tuple[str, str, Any]]:
    return [("event.points", ">=", 10 + number % 90), ("member.locale", "==", "pl")]


def _third(number: int) -> tuple[str, str, Any]:
    if number % 2:
        return ("card.balance", "<", 5000 + number % 100 - number % 4 // 2 * 4900)
    return ("member.timezone", "in", ["Europe/Warsaw" if number % 4 else "Europe/Riga", f"Etc/GMT+{number % 12}"])


def _first(number: int) -> tuple[str, str, Any]:
    return ("event.campaign", "==", f"campaign-{number}") if number % 2 else ("event.points", ">=", 1000 + number)


def as_conditions(rules: Sequence[Rule]) -> list[Condition]:
    """The rules in our language, checked."""
    # What the tests of locale and zone need to be there for is not what is measured.
    scope = Scope.for_events([LISTENED_TO]).knowing({("member", "locale"), ("member", "timezone")})
    written = [
        [f"{field} {operator} {json.dumps(value)}" for field, operator, value in rule["tests"]] for rule in rules
    ]
    return [compile_condition(tests, scope) for tests in written]


def events() -> list[dict[str, Any]]:
    """What is known when each of some events has happened."""
    return [
        {
            "event": {"points": 200 + number, "campaign": "spring"},
            "card": {"balance": 2000 + number},
            "member": {"locale": "pl", "timezone": "Europe/Warsaw"},
        }
        for number in range(EVENTS)
    ]


def view_of(known: dict[str, Any]) -> View:
    """What is known, as our rules see it; nothing of it has been looked at yet."""
    event = Event(key="1", source="shop", name=LISTENED_TO, producer_name=LISTENED_TO, occurred_at=NOW,
                  happening=None, facts=known["event"])  # fmt: skip
    facts = Facts(
        member=Member(id="m", facts=_stored(known["member"])), card=Card(id="c", facts=_stored(known["card"]))
    )
    return build_view(event, facts, PROGRAMME, NOW, WARSAW)


def _stored(values: dict[str, Any]) -> dict[str, Fact]:
    return {name: Fact(value=value, as_of=NOW) for name, value in values.items()}
