"""Random facts that fit the schema, and random expressions over them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from engine.language import GROUPS, Scope, build_view
from engine.language.kinds import Kind
from engine.language.schema import CARD_FIELDS, COUNTERS, EVENT_FIELDS, MEMBER_FIELDS
from engine.model import TIMER_DUE, Card, Event, Fact, Facts, Member


def steadily(examples):
    """Settings for so many examples, however busy the machine is."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])


NOW = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
PROGRAMME = {"name": "Zażółć", "timezone": "Europe/Warsaw", "locale": "pl", "currency": None}

TEXTS = ("", "Gold", "gold-1", "in", "pl", "Łukasz", "points_added")
numbers = st.sampled_from([0, 1, -1, 3, 100, 0.0, 0.5, 2.5, -2.5, 1e308, 10**15]) | st.integers(-500, 500)
texts = st.sampled_from(TEXTS)
dates = st.dates(date(2025, 12, 1), date(2026, 3, 1)) | st.sampled_from([date.min, date.max])
times = st.datetimes(
    datetime(2025, 12, 1),  # noqa: DTZ001 - hypothesis wants its bounds without a zone.
    datetime(2026, 3, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
free = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["sku", "x"]), inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(st.sampled_from(["x", "status", "sign-up", "items", "get"]), free, max_size=4)

VALUES = {
    Kind.NUMBER: numbers,
    Kind.TEXT: texts,
    Kind.DATE: dates,
    Kind.TIME: times,
    Kind.YES_NO: st.booleans(),
    Kind.OBJECT: objects,
    Kind.LIST: st.just([]),  # The member's segments: made of facts of their own.
}


@st.composite
def known_facts(draw, fields, *, skip=()):
    """A value for everything that is always there, and for some of the rest: the others are null or missing."""
    values = {}
    for name, declared in fields.items():
        if name in skip:
            continue
        there = draw(st.sampled_from(["value", "value", "null", "missing"])) if _may_lack(name, declared) else "value"
        if there != "missing":
            values[name] = draw(VALUES[declared.kind]) if there == "value" else None
    return values


def _may_lack(name, declared):
    return declared.optional or name in COUNTERS or declared.kind is Kind.OBJECT


def stored(values):
    return {name: Fact(value=value, as_of=NOW) for name, value in values.items()}


@dataclass
class Given:
    """What happened and what is known. (A view cannot be printed, this can.)"""

    event: Event
    facts: Facts
    extra: dict

    def view(self):
        return build_view(self.event, self.facts, PROGRAMME, NOW, ZoneInfo("Europe/Warsaw"), self.extra)


@st.composite
def occasions(draw, names, *, reminder=False):
    """One of the events, or a timer that came due, with facts that fit the schema."""
    name = draw(st.sampled_from(sorted(names))) if names else TIMER_DUE
    common = {"name", "source", "occurred_at"}
    fields = EVENT_FIELDS.get(name, {})
    facts = draw(known_facts(fields, skip=common))
    event = Event(
        key="k",
        source="shop",
        name=name,
        producer_name=name,
        occurred_at=draw(times),
        happening=None,
        facts=facts,
    )
    member = draw(known_facts(MEMBER_FIELDS, skip={"id"}))
    if draw(st.booleans()):
        member["tier"] = draw(st.none() | st.fixed_dictionaries({"id": texts, "name": texts | st.none()}))
    card = draw(known_facts(CARD_FIELDS, skip={"id", "holder_id", "expiring_points"}))
    if reminder:
        card["next_expiration_date"] = draw(dates)
    known = Facts(member=Member(id="m1", facts=stored(member)), card=Card(id="c1", facts=stored(card)))
    extra = {"days_left": draw(st.integers(-1, 40)), "offset": timedelta(days=7)} if reminder else {}
    return Given(event, known, extra)


@st.composite
def scopes(draw):
    """A scope, and a strategy for occasions that fit it."""
    if draw(st.booleans()):
        return Scope.for_reminder("card.next_expiration_date"), occasions((), reminder=True)
    names = draw(st.lists(st.sampled_from([*EVENT_FIELDS, *GROUPS]), min_size=1, max_size=3))
    scope = Scope.for_events(names)
    return scope, occasions(scope.events)


# --- Expressions ------------------------------------------------------------------------------------------------------


class Writer:
    """Writes random expressions that mostly have the right types; parentheses are mostly left out.

    ``pick`` chooses one of several.
    """

    def __init__(self, pick, scope):
        self.pick = pick
        self.paths = {}
        for group, fields in scope.groups.items():
            for name, declared in fields.items():
                path = f"{group}.{name}"
                kind = scope.resolve((group, name))
                self.paths.setdefault((declared.kind, kind.optional), []).append(path)
        for name, declared in scope.names.items():
            self.paths.setdefault((declared.kind, False), []).append(name)
        for path in list(self.paths.get((Kind.OBJECT, False), [])):
            inner = [f'{path}["x"]', f"{path}.status", f'{path}["sign-up"]', f"{path}.get"]
            self.paths.setdefault((Kind.FREE, True), []).extend(inner)

    def one(self, *options):
        return self.pick(options)()

    def path(self, kind, *, optional=False):
        known = self.paths.get((kind, optional))
        return self.pick(known) if known else self.literal(kind)

    def literal(self, kind):
        written = {
            Kind.NUMBER: ["0", "1", "2.5", "100", "1_000", "0.1"],
            Kind.WHOLE: ["0", "1", "7"],
            Kind.TEXT: [f'"{text}"' for text in TEXTS] + ["'it'"],
            Kind.YES_NO: ["true", "false"],
            Kind.DATE: ['date("2026-01-31")'],
            Kind.TIME: ["now"],
            Kind.DURATION: ["days(30)", "days(0)", "days(999999999)", "days(-1)"],
            Kind.FREE: ['member.metadata["x"]'],
        }
        return self.pick(written[kind])

    def maybe_wrapped(self, text):
        return f"({text})" if self.pick([True, False]) else text

    def value(self, kind, depth):
        """An expression of a kind that is always there."""
        if depth <= 0:
            return self.one(lambda: self.literal(kind), lambda: self.path(kind))
        return self.one(
            lambda: self.literal(kind),
            lambda: self.path(kind),
            lambda: f"{self.path(kind, optional=True)} | default({self.value(kind, 0)})",
            lambda: self.choice(kind, depth - 1),
            lambda: self.maybe_wrapped(self.built(kind, depth - 1)),
            lambda: self.maybe_wrapped(self.built(kind, depth - 1)),
        )

    def choice(self, kind, depth):
        test = self.condition(depth)
        return f"({self.value(kind, depth)} if {test} else {self.value(kind, depth)})"

    def built(self, kind, depth):
        pick = {Kind.NUMBER: self.number, Kind.WHOLE: self.number, Kind.TEXT: self.text, Kind.DATE: self.date}
        pick |= {Kind.TIME: self.time, Kind.DURATION: self.duration, Kind.YES_NO: self.condition}
        return pick[kind](depth)

    def number(self, depth):
        sign = self.pick("+-*/")
        left, right = self.value(Kind.NUMBER, depth), self.value(Kind.NUMBER, depth)
        return self.one(
            lambda: f"{left} {sign} {right}",
            lambda: f"-{left}",
            lambda: f"round({left})",
            lambda: f"({left}) | round",
            lambda: f'count(["a", {self.value(Kind.TEXT, 0)}])',
        )

    def text(self, depth):
        inner = self.value(Kind.TEXT, depth)
        return self.one(
            lambda: f"lower({inner})",
            lambda: f"({inner}) | upper",
            lambda: f"{self.path(Kind.TEXT, optional=True)} or {inner}",
        )

    def date(self, depth):
        sign = self.pick("+-")
        return f"{self.value(Kind.DATE, depth)} {sign} {self.value(Kind.DURATION, 0)}"

    def time(self, depth):
        return f"{self.value(Kind.TIME, depth)} + {self.value(Kind.DURATION, depth)}"

    def duration(self, depth):
        return self.one(
            lambda: f"{self.value(Kind.DATE, depth)} - {self.value(Kind.DATE, depth)}",
            lambda: f"{self.value(Kind.TIME, depth)} - {self.value(Kind.TIME, depth)}",
            lambda: f"hours({self.value(Kind.NUMBER, depth)})",
            lambda: f"-days({self.value(Kind.WHOLE, depth)})",
        )

    def condition(self, depth):
        if depth <= 0:
            return self.comparison(0)
        depth -= 1
        return self.one(
            lambda: self.comparison(depth),
            lambda: self.comparison(depth),
            lambda: self.guarded(depth),
            lambda: f"not {self.maybe_wrapped(self.condition(depth))}",
            lambda: f"{self.maybe_wrapped(self.condition(depth))} and {self.maybe_wrapped(self.condition(depth))}",
            lambda: f"{self.maybe_wrapped(self.condition(depth))} or {self.maybe_wrapped(self.condition(depth))}",
            self.presence,
            lambda: f"starts_with({self.value(Kind.TEXT, depth)}, {self.value(Kind.TEXT, depth)})",
            lambda: f'any_of(member.metadata.items, "sku", {self.value(Kind.NUMBER, 0)})',
            lambda: self.choice(Kind.YES_NO, depth),
        )

    def comparison(self, depth):
        kind = self.pick([Kind.NUMBER, Kind.TEXT, Kind.DATE, Kind.TIME, Kind.DURATION])
        left, right, third = (self.value(kind, depth) for _ in range(3))
        order = self.pick(["<", "<=", ">", ">="])
        optional = self.path(kind, optional=True)
        return self.one(
            lambda: f"{left} {order} {right}",
            lambda: f"{left} == {right}",
            lambda: f"{left} {order} {right} != {third}",
            lambda: f"{left} in [{right}, {third}]",
            lambda: f"{optional} == {right}",
            lambda: f"{left} != {optional}",
            lambda: f"{optional} == {self.path(kind, optional=True)}",
            lambda: f"{optional} not in [{right}]",
            lambda: f"{self.path(Kind.FREE, optional=True)} == {right}",
            lambda: f"{self.path(Kind.FREE, optional=True)} in [1, 'x', {left}]",
        )

    def presence(self):
        kind = self.pick([Kind.NUMBER, Kind.TEXT, Kind.DATE, Kind.FREE])
        path = self.path(kind, optional=True)
        test = self.pick(["is none", "is not none", "is defined", "is not defined", "== none"])
        return self.one(lambda: f"{path} {test}", lambda: path, lambda: f"none != {path}")

    def guarded(self, depth):
        """Something that may be absent, used only where it has been shown to be there."""
        kind = self.pick([Kind.NUMBER, Kind.DATE])
        path = self.path(kind, optional=True)
        use = f"{path} {self.pick(['<', '>='])} {self.value(kind, depth)}"
        more = self.condition(depth)
        return self.one(
            lambda: f"{path} and {use}",
            lambda: f"{path} is not none and {more} and {use}",
            lambda: f"{path} is none or {use}",
            lambda: f"not {path} or {use}",
            lambda: f"({use} if {path} is not none else {more})",
            lambda: f"{path} == {self.value(kind, 0)} and {use}",
            lambda: f"({more} and {path}) and {use}",
            lambda: f"not ({path} is none or {more}) and {use}",
            lambda: f"({more} if {path} is none else {use})",
            lambda: f"({path} or {more}) and {use}",  # proves nothing
            lambda: f"{more} or {path} and {use} or {use}",  # the last one is not proven
        )


def picking(draw):
    return lambda options: draw(st.sampled_from(options))


@st.composite
def expressions(draw, scope, depth=3):
    """An expression, mostly one that the checker accepts."""
    writer = Writer(picking(draw), scope)
    kind = draw(st.sampled_from([Kind.YES_NO, Kind.YES_NO, Kind.NUMBER, Kind.TEXT, Kind.DATE, Kind.DURATION]))
    return writer.value(kind, depth)


PREFIXES = (*[""] * 10, "not ", "-", "- -", "not not ")
OPERANDS = ("card.balance", "card.points", "days_left", "1", "2.5", "event.balance", "card.active", "[1, 3]")
SUFFIXES = (*[""] * 10, " | default(1)", " | round", " is none", " is not none", " is not defined", "|default(2)|round")
JOINERS = ("+", "-", "*", "/", "==", "!=", "<", ">=", "and", "or", "and", "or", "in", "not in", "if 1 else", "if")


@st.composite
def chains(draw):
    """Numbers and questions joined by any operators, with any brackets: precedence decides what they mean."""
    count = draw(st.integers(1, 5))
    terms = ["".join(draw(st.sampled_from(part)) for part in (PREFIXES, OPERANDS, SUFFIXES)) for _ in range(count)]
    for _ in range(draw(st.integers(0, 2))):
        first, last = sorted((draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))))
        terms[first] = f"{draw(st.sampled_from(['', 'not ', '-']))}({terms[first]}"
        terms[last] = f"{terms[last]}){draw(st.sampled_from(SUFFIXES))}"
    joiners = [draw(st.sampled_from(JOINERS)) for _ in terms]
    return " ".join(word for pair in zip(terms, joiners, strict=True) for word in pair).removesuffix(joiners[-1])


_WORDS = (
    "card.balance event.points tier.name member.email card.next_expiration_date member.metadata.x "
    "today now offset days_left true false none defined 1 0 2.5 'Gold' 'in' and or not in is if else "
    "== != < <= > >= + - * / | ( ) [ ] , default lower upper round days date count default(0) "
    "days(30) lower(tier.name) . days( , ] ) ) is not none"
)

word_soups = st.lists(st.sampled_from(_WORDS.split()), max_size=12).map(" ".join)
