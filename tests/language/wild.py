"""Rules as people get them wrong, and facts that fit the schema: quickly, many of them, from one seed each.

Hypothesis can make a failing case smaller, and takes a hundred times as long; this is for going through very many.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.language import GROUPS, Scope, build_view
from engine.language.kinds import DATE, NUMBER, TEXT, TIME, WHOLE, YES_NO, Kind, list_of
from engine.language.schema import CARD_FIELDS, EVENT_FIELDS, MEMBER_FIELDS
from engine.model import TIMER_DUE, Card, Event, Facts, Member
from engine.ruleset.declared import Declared
from engine.ruleset.shared import Lists, Shared

from .generators import NOW, PROGRAMME, TEXTS, Writer, stored

DECLARED = {
    ("event", "store"): TEXT,
    ("event", "basket"): NUMBER,
    ("event", "paid_at"): TIME,
    ("event", "skus"): list_of(TEXT),
    ("member", "joined"): DATE,
    ("member", "metadata", "visits"): WHOLE,
    ("member", "metadata", "vip"): YES_NO,
    ("card", "colour"): TEXT,
    ("card", "metadata", "limits"): list_of(NUMBER),
    ("card", "metadata", "renewed"): DATE,
}
SHARED = Shared(
    fields=tuple(Declared(path=path, type=kind) for path, kind in DECLARED.items()),
    lists=Lists(values={"staff": frozenset({"gold", "m1"})}),
)
NUMBERS = (0, 1, -1, 3, 100, 0.0, -0.0, 0.5, 2.5, -2.5, 1e308, -1e308, 5e-324, 10**15, 2**63, 10**300)
DATES = (date.min, date.max, date(2026, 1, 31), date(2026, 2, 1), date(2024, 2, 29))
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
TIMES = (FIRST, LAST, NOW, NOW - timedelta(days=40), datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Warsaw")))
SENT = (
    *(
        None,
        True,
        False,
        "",
        "Gold",
        "12",
        "1.5",
        "inf",
        "nan",
        "2026-01-31",
        "2026-01-31T10:00:00Z",
        "9" * 5000,
        "\ud800",
    ),
    *(0, 7, 1e308, 10**4000, float("inf"), float("nan")),
    *([], ["Gold"], [1, 2.5], ["Gold", None], {"sku": 1}, [{"sku": "Gold"}, 3]),
)
"""What a producer may put where anything may be."""
KINDS = (Kind.NUMBER, Kind.WHOLE, Kind.TEXT, Kind.YES_NO, Kind.DATE, Kind.TIME, Kind.DURATION, Kind.FREE)


class WildWriter(Writer):
    """Writes what is mostly of the right type, and now and then of any."""

    def value(self, kind, depth):
        return super().value(self.pick([kind] * 150 + list(KINDS)), depth)

    def path(self, kind, *, optional=False):
        return super().path(kind, optional=self.pick([optional] * 25 + [True]))

    def built(self, kind, depth):
        if kind is Kind.FREE:
            return self.choice(kind, depth)
        return super().built(kind, depth)

    def number(self, depth):
        inner = self.value(Kind.NUMBER, depth)
        return self.one(
            lambda: super(WildWriter, self).number(depth),
            lambda: f"count({self.some_list(depth)})",
            lambda: f"({inner} or {self.value(Kind.NUMBER, 0)})",
            lambda: f"round({inner} / {self.value(Kind.NUMBER, 0)})",
        )

    def duration(self, depth):
        unit, amount = self.pick(["days", "hours", "minutes"]), self.value(Kind.NUMBER, depth)
        return self.one(
            lambda: super(WildWriter, self).duration(depth),
            lambda: f"{unit}({amount})",
            lambda: f"{unit}(1e15)",
            lambda: f"{self.value(Kind.DURATION, 0)} + {self.value(Kind.DURATION, 0)}",
        )

    def comparison(self, depth):
        text, kind = self.value(Kind.TEXT, depth), self.pick(KINDS)
        return self.one(
            lambda: super(WildWriter, self).comparison(depth),
            lambda: super(WildWriter, self).comparison(depth),
            lambda: f"{text} in {self.value(Kind.TEXT, 0)}",
            lambda: f"{text} not in {self.some_list(depth)}",
            lambda: f"{self.value(kind, depth)} in {self.some_list(depth)}",
            lambda: f"{self.some_list(depth)} == {self.some_list(depth)}",
            lambda: f"{self.value(kind, depth)} < {self.value(self.pick(KINDS), depth)}",
            lambda: f"{self.pick(['starts_with', 'ends_with'])}({text}, {self.value(Kind.TEXT, 0)})",
            lambda: f'any_of({self.some_list(0)}, "sku", {self.value(kind, 0)})',
            lambda: f"({self.value(kind, depth)} or {self.value(self.pick(KINDS), depth)})",
            lambda: self.some_list(depth),
        )

    def some_list(self, depth):
        kind = self.pick(KINDS)
        return self.one(
            lambda: "lists.staff",
            lambda: self.path(Kind.LIST, optional=self.pick([True, False])),
            lambda: self.path(Kind.FREE, optional=True),
            lambda: f"[{self.value(kind, depth)}, {self.value(kind, 0)}]",
            lambda: f'({self.path(Kind.LIST, optional=True)} | default(["x"]))',
        )

    def literal(self, kind):
        return super().literal(kind) if kind is not Kind.LIST else self.pick(["[1]", '["Gold", "x"]'])


def wild_scope(rng):
    """Everything that may be used in some place."""
    if rng.random() < 0.2:
        return SHARED.in_scope(Scope.for_reminder("card.next_expiration_date"))
    names = rng.choices([*EVENT_FIELDS, *GROUPS], k=rng.randint(1, 2))
    return SHARED.in_scope(Scope.for_events(names))


def wild_condition(rng, scope):
    """An expression, or blocks of some."""
    writer = WildWriter(rng.choice, scope)

    def block(depth):
        if depth == 0 or rng.random() < 0.5:
            return writer.condition(rng.randint(0, 3))
        inner = [block(depth - 1) for _ in range(rng.randint(1, 3))]
        return inner if rng.random() < 0.3 else {rng.choice(["all", "any", "none"]): inner}

    return block(2)


def wild_view(rng, scope, gaps=0.0):
    """What is known when one of the events has happened: everything that is always there, and some of the rest.

    With ``gaps`` so much of what is always there is missing as well.
    """
    name = rng.choice(sorted(scope.events)) if scope.events else TIMER_DUE
    fields = {field: kind for field, kind in EVENT_FIELDS.get(name, {}).items() if field not in {"name", "source"}}
    happened = _facts(rng, fields, gaps) | _declared(rng, "event")
    event = Event(key="k", source="shop", name=name, producer_name=name, happening=None, facts=happened,
                  occurred_at=rng.choice(TIMES))  # fmt: skip
    member = (
        _facts(rng, MEMBER_FIELDS) | _declared(rng, "member") | {"tier": rng.choice([None, {"id": "t", "name": None}])}
    )
    card = _facts(rng, CARD_FIELDS) | _declared(rng, "card")
    extra = {"lists": SHARED.lists}
    if not scope.events:
        card["next_expiration_date"] = rng.choice(DATES)
        extra |= {"days_left": rng.randint(-1, 40), "offset": timedelta(days=7)}
    known = Card(id="c1", facts=stored(card)) if rng.random() >= gaps else None
    facts = Facts(member=Member(id="m1", facts=stored(member)), card=known)
    return build_view(event, facts, PROGRAMME, NOW, ZoneInfo("Europe/Warsaw"), extra, SHARED.types)


def _facts(rng, fields, gaps=0.0):
    return {
        name: _value(rng, declared)
        for name, declared in fields.items()
        if name not in {"id", "holder_id"} and rng.random() >= (0.4 if declared.optional else gaps)
    }


def _value(rng, declared):
    if declared.optional and rng.random() < 0.2:
        return None
    if declared.kind is Kind.OBJECT:
        return {name: rng.choice(SENT) for name in rng.sample(["x", "status", "sign-up", "items", "get"], 3)}
    values = {
        Kind.NUMBER: NUMBERS,
        Kind.DATE: DATES,
        Kind.TIME: TIMES,
        Kind.YES_NO: (True, False),
        Kind.LIST: ([], ["x"]),
    }
    return rng.choice(values.get(declared.kind, declared.one_of or TEXTS))


def _declared(rng, group):
    """Declared fields as a producer sent them, of any type: what does not fit counts as absent."""
    values = {path[1]: rng.choice(SENT) for path in DECLARED if path[0] == group and len(path) == 2}
    entries = {path[2]: rng.choice(SENT) for path in DECLARED if path[0] == group and len(path) > 2}
    return {**values, "metadata": {**entries, "x": rng.choice(SENT), "status": rng.choice(SENT)}} if entries else values
