"""Many conditions as one say what each of them says by itself, whatever they are, and whatever is known."""

from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language import InvalidExpression, arrange, compile_condition, emit, fused
from engine.language.fused import Answer, fuse
from engine.language.kinds import Kind
from engine.language.trace import trace

from .generators import Writer, expressions, picking, scopes, steadily
from .test_conditions import SCOPE, view
from .test_traces import conditions
from .wild import WildWriter, wild_condition, wild_scope, wild_view


def by_itself(condition, facts):
    """What the slow evaluation says, which looks at every expression."""
    found = trace(condition, facts)
    return Answer.UNDECIDED if found.verdict is None else Answer(found.verdict.holds)


KINDS = (Kind.NUMBER, Kind.NUMBER, Kind.TEXT, Kind.DATE, Kind.FREE)


class Opening:
    """Writes what rules mostly ask first, of a few facts: one is one of some values, or within bounds."""

    def __init__(self, pick, writer):
        self.pick = pick
        self.writer = writer
        self.facts = [self.fact() for _ in range(pick([1, 2]))]

    def fact(self):
        kind = self.pick(KINDS)
        optional = kind is Kind.FREE or self.pick([True, False])
        path = self.writer.path(kind, optional=optional)
        return kind, f"({path} | default(1))" if kind is Kind.NUMBER and optional and self.pick([True, False]) else path

    def test(self):
        kind, fact = self.pick(self.facts)
        one, other = self.writer.literal(kind), self.writer.literal(kind)
        order = self.pick(["<", "<=", ">", ">="])
        same = [f"{fact} == {one}", f"{one} == {fact}", f"{fact} in [{one}, {other}]", f"{fact} not in [{one}]"]
        if kind in {Kind.TEXT, Kind.FREE}:
            return self.pick(same)
        there = self.pick(["", f"{fact} is not none and ", f"{fact} and ", f"{fact} == {other} and "])
        ordered = [f"{there}{fact} {order} {one}", f"{there}{one} {order} {fact}", f"{there}{one} <= {fact} < {other}"]
        return self.pick(same + 3 * ordered)

    def condition(self, more):
        tests = [self.test() for _ in range(self.pick([1, 2, 3]))]
        block = [*tests, *more]
        return self.pick([block, {"all": block}, " and ".join(f"({part})" for part in block)])


def accepted(written, scope):
    for one in written:
        try:
            yield compile_condition(one, scope)
        except InvalidExpression:
            continue


@st.composite
def cases(draw):
    scope, occasions = draw(scopes())
    opening = Opening(picking(draw), Writer(picking(draw), scope))
    more = st.lists(expressions(scope, depth=1), max_size=1)
    written = [opening.condition(draw(more)) for _ in range(draw(st.integers(1, 5)))]
    written += draw(st.lists(conditions(scope), max_size=1))
    return list(accepted(written, scope)), [draw(occasions).view()]


def wild_case(seed, gaps):
    """The same from a seed; some of what is always there may be missing."""
    rng = Random(seed)
    scope = wild_scope(rng)
    opening = Opening(rng.choice, WildWriter(rng.choice, scope))
    more = [[wild_condition(rng, scope) for _ in range(rng.choice([0, 0, 1]))] for _ in range(rng.randint(2, 12))]
    written = [opening.condition([one for one in extra if isinstance(one, str)]) for extra in more]
    several = list(accepted([*written, *(one for extra in more for one in extra)], scope))
    return several, [wild_view(rng, scope, gaps) for _ in range(3)]


def compare(several, views):
    """Every answer that is given is the right one; how many were given, and how many left open without need."""
    with patch.object(arrange, "FEW", 1), patch.object(arrange, "MANY", 3):
        together = fuse(several)
    given, open_ = 0, 0
    for facts in views:
        for answer, condition in zip(together.answers(facts), several, strict=True):
            right = by_itself(condition, facts)
            assert answer in {right, Answer.UNDECIDED}, (Answer(answer), right, condition.tree)
            given, open_ = given + (answer == right), open_ + (answer != right)
    return given, open_


@steadily(100)
@given(cases())
def test_together_they_say_what_the_trace_of_each_says(case):
    compare(*case)


@pytest.mark.prove
@steadily(10_000)
@given(cases())
def test_together_they_say_what_the_trace_of_each_says_in_10_000_cases(case):
    compare(*case)


def many(seeds, gaps):
    counts = [compare(*wild_case(seed, gaps)) for seed in seeds]
    return sum(given for given, _ in counts), sum(open_ for _, open_ in counts)


def test_on_facts_that_fit_the_schema_next_to_nothing_is_left_open():
    given, left_open = many(range(100), gaps=0)
    assert left_open < given / 50


def test_where_something_is_missing_that_is_always_there_nothing_wrong_is_said():
    given, left_open = many(range(100), gaps=0.3)
    assert given > left_open > 0


@pytest.mark.prove
@pytest.mark.parametrize("gaps", [0, 0.3])
def test_together_they_say_what_each_says_in_20_000_rulesets(gaps):
    print(many(range(20_000), gaps))


def compiled(*written):
    return [compile_condition(one, SCOPE) for one in written]


def answers(*written, **facts):
    return [Answer(answer) for answer in fuse(compiled(*written)).answers(view(**facts))]


def test_one_that_has_no_value_leaves_the_others_alone():
    failing = "1 / (card.balance - 300) > 0"
    assert answers("card.balance > 0", failing, ["card.balance < 0", failing], "event.points == 10") == [
        Answer.HOLDS,
        Answer.UNDECIDED,
        Answer.NO,
        Answer.HOLDS,
    ]


def test_a_shared_part_without_a_value_fails_only_those_that_come_to_it():
    part = "1 / (card.balance - 300)"
    assert answers(f"{part} > 1", f"event.points == 10 or {part} > 1", f"event.points == 1 and {part} > 1") == [
        Answer.UNDECIDED,
        Answer.HOLDS,
        Answer.NO,
    ]


def test_what_many_conditions_have_in_common_is_computed_once():
    asked = []
    functions = {**emit.JINJA_FUNCTIONS, "lower": lambda text: asked.append(text) or text.lower()}
    with patch.object(emit, "JINJA_FUNCTIONS", functions):
        together = fuse(compiled(*[f'starts_with(lower(member.id), "{letter}")' for letter in "amz" * 20]))
    found = together.answers({**view(), "member": {"id": "Anna"}})
    assert (list(found), asked) == ([Answer.HOLDS, Answer.NO, Answer.NO] * 20, ["Anna"])


class Spied(dict):
    """Facts that count how often they are read."""

    reads = 0

    def __getitem__(self, name):
        self.reads += 1
        return super().__getitem__(name)


@pytest.mark.parametrize(
    ("leading", "reads"),
    [
        ("event.points == {}", 1),
        ("event.points in [{}, 1000]", 1),
        ("event.points > {} - 0.5 and event.points < {} + 0.5", 16),
        ("{} <= event.points < {} + 1", 16),
        ("event.points - 0 == {}", 200),
    ],
)
def test_conditions_that_an_event_does_not_concern_are_not_asked(leading, reads):
    several = compiled(*[[leading.format(n, n), f'member.metadata["m{n}"] is none'] for n in range(1, 201)])
    metadata = Spied(dict.fromkeys((f"m{n}" for n in range(1, 201)), 0))
    fuse(several).answers({**view(), "member": {"metadata": metadata}})
    assert 0 < metadata.reads <= reads


def test_a_condition_that_is_too_large_is_asked_by_itself():
    with patch.object(fused, "MAX_NODES", 4):
        assert answers("card.balance > 0", "card.balance > 0 and event.points > 0") == [Answer.HOLDS, Answer.UNDECIDED]
    with patch.object(fused, "MAX_ALL_NODES", 4):
        assert answers("card.balance > 0", "event.points > 0") == [Answer.HOLDS, Answer.UNDECIDED]


@pytest.mark.parametrize("text", ['") raise SystemExit(1)', '"" + view', "{view}", "Łódź", "out[7] = 1"])
def test_no_text_of_an_author_becomes_part_of_a_program(text):
    sources = []

    def spied(source, *rest):
        sources.append(source)
        return compile(source, *rest)

    with patch.object(fused, "compile", spied, create=True):
        fuse(compiled(f"member.metadata['{text}'] == '{text}'", f"starts_with(member.id, '{text}')"))
    assert sources
    assert not any(text in source for source in sources)
