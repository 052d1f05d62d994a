"""What the checker accepts has a value on every set of facts that fits the schema, or a reason that is written down."""

from collections import Counter
from datetime import UTC
from itertools import count
from random import Random

import pytest

from engine.language import EvaluationError, InvalidExpression, Scope, build_view, compile_condition
from engine.language.fused import Answer
from engine.language.kinds import NUMBER, WHOLE, fits
from engine.model import Card, Event, Facts, Member

from .generators import NOW, PROGRAMME, stored
from .test_conditions import view
from .wild import SHARED, wild_condition, wild_scope, wild_view

NO_VALUE = ("division by zero", "a number or a date is out of range")
VIEWS = 2
SCOPE = Scope.for_events(["tier_joined"])


def answers(seed):
    """What comes of one random condition; nothing where the checker refuses it."""
    rng = Random(seed)
    scope = wild_scope(rng)
    written = wild_condition(rng, scope)
    try:
        condition = compile_condition(written, scope)
    except InvalidExpression:
        return []
    return [_answer(condition, wild_view(rng, scope), written) for _ in range(VIEWS)]


def _answer(condition, facts, written):
    try:
        return Answer(condition.evaluate(facts).holds)
    except EvaluationError as error:
        if str(error).endswith(NO_VALUE):
            return Answer.UNDECIDED
        raise AssertionError(written) from error


def sound(accepted, first=0):
    """So many accepted conditions, and what came of them."""
    seen, seeds = Counter(), count(first)
    while seen["accepted"] < accepted:
        found = answers(next(seeds))
        seen.update([*found, "written", "accepted"] if found else ["written"])
    return seen


def test_what_is_accepted_never_fails():
    seen = sound(500)
    assert seen["written"] - seen["accepted"] > 100  # The checker does have something to refuse.
    assert min(seen[Answer.HOLDS], seen[Answer.NO]) > 200
    assert seen[Answer.UNDECIDED]


@pytest.mark.prove
def test_what_is_accepted_never_fails_in_100_000_conditions():
    print(sound(100_000, first=1_000_000))


@pytest.mark.parametrize("text", ["event.tier in member.name", "event.tier not in member.name"])
def test_a_fact_that_was_promised_and_is_missing_is_a_reason_too(text):
    condition = compile_condition(["member.name is not none", text], SCOPE)
    facts = {**view(), "event": {"tier": view()["member"]["email"]}, "member": {"name": "Gold"}}
    with pytest.raises(EvaluationError, match="absent"):
        condition.evaluate(facts)


@pytest.mark.parametrize(
    "number", [10**400, -(10**4000), float("inf"), float("nan")], ids=lambda number: f"{number!s:.6}"
)
def test_a_number_that_can_be_neither_divided_nor_printed_counts_as_absent(number):
    assert not fits(number, NUMBER)
    assert not fits(number, WHOLE)
    assert condition_on({"visits": number}, 'member.metadata["visits"] is none and card.balance == 0')


def condition_on(metadata, text):
    """What comes of it for a member with this metadata, whose card has the same for a balance."""
    card = Card(id="c1", facts=stored({"balance": metadata["visits"]}))
    facts = Facts(member=Member(id="m1", facts=stored({"metadata": metadata})), card=card)
    event = Event(
        key="k", source="shop", name="tier_joined", producer_name="", occurred_at=NOW, happening=None, facts={}
    )
    known = build_view(event, facts, PROGRAMME, NOW, UTC, {}, SHARED.types)
    return compile_condition(text, SHARED.in_scope(SCOPE)).evaluate(known).holds
