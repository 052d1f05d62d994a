"""Whether a rule may reach a member on an occasion: the questions people would ask, in their order.

Each answer is a reason of the closed list and words for people; the first that says no is the one that is stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from jinja2 import UndefinedError

from ..language import Answer, Condition, EvaluationError, View
from ..language.node import plain
from ..model import Facts, Member, Reason
from ..ruleset.audiences import Audience, Crowd
from ..ruleset.category import Category, Consent
from ..ruleset.rule import Mode, Rule

Refusal = tuple[Reason, str]

_SPACE = 2**64


def refusal(
    rule: Rule,
    member: Member,
    facts: Facts,
    view: View,
    now: datetime,
    *,
    answer: Answer = Answer.UNDECIDED,
) -> Refusal | None:
    """Why this rule must not reach this member now; ``None`` when nothing is in the way.

    ``answer`` is what is already known of its condition.
    """
    try:
        return next(_refusals(rule, member, facts, view, now, answer=answer), None)
    except EvaluationError as error:
        return Reason.EVALUATION_ERROR, str(error)


def suppressed(stronger: Iterable[tuple[Rule, timedelta]], facts: Facts, now: datetime) -> Refusal | None:
    """Which more important news, for how long, keeps this from the member."""
    for rule, length in stronger:
        last = facts.reached.get(rule.name)
        if last is not None and now - last < length:
            detail = f"{rule.name} reached them on {last:%Y-%m-%d %H:%M} UTC, and suppresses it for {_words(length)}"
            return Reason.INHIBITED, detail
    return None


def with_lets(rule: Rule, view: View) -> View:
    """The facts with the rule's own names among them.

    Raises:
        EvaluationError: one of the expressions has no value on these facts.
    """
    if not rule.lets:
        return view
    names = dict(view)
    for let in rule.lets:
        try:
            names[let.name] = let.expression.evaluate(names)
        except ZeroDivisionError:
            raise EvaluationError("division by zero", leaf=f"{let.name}: {let.expression.text}", path=()) from None
        except (ArithmeticError, UndefinedError) as error:
            raise EvaluationError(str(error), leaf=f"{let.name}: {let.expression.text}", path=()) from None
    return names


def no_consent(category: Category | None, member: Member, facts: Facts) -> Refusal | None:
    """Why the member's word keeps this category from them."""
    if category is None or category.consent is Consent.TRANSACTIONAL:
        return None
    said = facts.consents.get(category.name)
    if said is False:
        return Reason.NO_CONSENT, f"member {member.id} has said no to {category.name}"
    if said is None and category.consent is Consent.OPT_IN:
        return Reason.NO_CONSENT, f"member {member.id} has not agreed to {category.name}, which needs a yes"
    return None


def share(*parts: str) -> float:
    """A number from 0 to 1, the same for the same parts for ever: who is held out, who gets which variant."""
    digest = hashlib.blake2b("|".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _SPACE


def once_key(rule: Rule, view: View) -> str | None:
    """The happening that ``once_per`` makes of the facts; ``None`` for a rule without it."""
    if not rule.once_per:
        return None
    values = [_value(path, view) for path in rule.once_per]
    return f"once {json.dumps(values, ensure_ascii=False, default=str)}"


def _refusals(
    rule: Rule, member: Member, facts: Facts, view: View, now: datetime, *, answer: Answer
) -> Iterator[Refusal]:
    if rule.mode is Mode.OFF:
        yield Reason.DISABLED, "the rule is off"
        return
    yield from _outside(rule, view)
    if rule.audience is not None and (why := outside(rule.audience, view)) is not None:
        yield Reason.AUDIENCE, why
    if rule.exclude is not None and outside(rule.exclude, view) is None:
        yield Reason.AUDIENCE, f"in {named(rule.exclude)}, which the rule excludes"
    if answer is not Answer.HOLDS:
        yield from _condition(rule.condition, view)
    if rule.holdout and share("holdout", rule.name, member.id) < rule.holdout:
        yield Reason.HOLDOUT, f"one of the {rule.holdout:.4g} who get nothing, for comparison"
    yield from _again(rule, facts, now)


def _outside(rule: Rule, view: View) -> Iterator[Refusal]:
    today = view["today"]
    if not isinstance(today, date):
        return
    if rule.valid_from is not None and today < rule.valid_from:
        yield Reason.OUTSIDE_VALIDITY, f"the rule holds from {rule.valid_from} on"
    if rule.valid_until is not None and today > rule.valid_until:
        yield Reason.OUTSIDE_VALIDITY, f"the rule held until {rule.valid_until}"


def outside(crowd: Audience | Crowd, view: View) -> str | None:
    """Why the member is not among these people; ``None`` when they are."""
    if isinstance(crowd, Audience):
        verdict = crowd.condition.evaluate(view)
        return None if verdict.holds else f"not in {named(crowd)}: {verdict.explain()}"
    answers = [outside(member, view) for member in crowd.members]
    if crowd.joined == "all":
        return next((why for why in answers if why is not None), None)
    if crowd.joined == "any":
        return None if None in answers else "; ".join(why for why in answers if why is not None)
    held = next((member for member, why in zip(crowd.members, answers, strict=True) if why is None), None)
    return f"in {named(held)}" if held is not None else None


def named(crowd: Audience | Crowd) -> str:
    """The people in words: ``active-members``."""
    if isinstance(crowd, Audience):
        return crowd.name or f"the audience at {crowd.file}:{crowd.line}"
    word = {"all": " and ", "any": " or ", "none": " or "}[crowd.joined]
    text = word.join(named(member) for member in crowd.members)
    return f"none of {text}" if crowd.joined == "none" else text


def _condition(condition: Condition | None, view: View) -> Iterator[Refusal]:
    verdict = condition.evaluate(view) if condition is not None else None
    if verdict is not None and not verdict.holds:
        yield Reason.CONDITION, verdict.explain()


def _again(rule: Rule, facts: Facts, now: datetime) -> Iterator[Refusal]:
    last = facts.reached.get(rule.name)
    if rule.again_after is not None and last is not None and now - last < rule.again_after:
        yield Reason.CAPPED, f"reached on {last:%Y-%m-%d %H:%M} UTC; again {_words(rule.again_after)} after that"


def _words(length: timedelta) -> str:
    return f"{length}".removesuffix(", 0:00:00")


def _value(path: tuple[str, ...], view: Mapping[str, object]) -> object:
    value: object = view[path[0]]
    for name in path[1:]:
        value = value[name]  # type: ignore[index]
    return plain(value)
