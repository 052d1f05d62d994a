"""The rules that listen to an event are asked as one, and each decides as if it were asked alone."""

from dataclasses import replace
from datetime import UTC, datetime
from unittest.mock import patch

import pytest

from engine.decide import decide
from engine.language import Condition
from engine.model import Card, Event, Fact, Facts, Member, Notify, Reason, Skip
from tests.programme import ruleset_of

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
SHARED = "categories:\n  loyalty: {consent: opt_out}\ndefaults: {category: loyalty}\n"
RULES = """
rules:
  - {rule: always, on: points_in, send: news}
  - {rule: holds, on: points_added, if: event.points >= 50, send: news}
  - {rule: fails, on: points_added, if: 1 / (event.points - 100) > 0, send: news}
  - {rule: not-this-one, on: points_in, if: [event.campaign == "b", event.points > 1], send: news}
  - {rule: own-name, on: points_added, let: {twice: event.points * 2}, if: twice == 200, send: news}
  - {rule: "off", on: points_added, if: event.points > 1, send: news, mode: off}
  - {rule: another-card, on: points_added, if: card.balance > 10, send: news}
  - {rule: other-event, on: points_expired, if: event.points > 1, send: news}
"""


@pytest.fixture
def ruleset(tmp_path):
    words = '---\nsubject: "Points"\n---\n<p>Hello</p>\n'
    files = {"rules/shared.yaml": SHARED, "rules/news.yaml": RULES, "templates/news/email.en.html": words}
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return ruleset_of(tmp_path)


def happened(**facts):
    return Event(
        key="e1",
        source="shop",
        name="points_added",
        producer_name="points_added",
        occurred_at=NOW,
        happening="h1",
        facts={"points": 100, "campaign": "a", **facts},
    )


def known(*, card=True):
    facts = {"email": Fact(value="anna@example.org", as_of=NOW)}
    balance = {"balance": Fact(value=300, as_of=NOW)}
    return Facts(member=Member(id="m1", facts=facts), card=Card(id="c1", facts=balance) if card else None)


def outcome(decisions):
    return {made.rule: made.reason if isinstance(made, Skip) else type(made) for made in decisions}


def test_each_rule_says_why_it_did_not_tell(ruleset):
    made = decide(happened(), known(), ruleset, NOW)
    assert outcome(made) == {
        "always": Notify,
        "holds": Notify,
        "fails": Reason.EVALUATION_ERROR,
        "not-this-one": Reason.CONDITION,
        "own-name": Notify,
        "off": Reason.DISABLED,
        "another-card": Notify,
    }
    details = {one.rule: one.detail for one in made if isinstance(one, Skip)}
    assert details["not-this-one"] == 'event.campaign == "b" (event.campaign = "a")'
    assert "division by zero" in details["fails"]


@pytest.mark.parametrize("facts", [{}, {"points": 1}, {"campaign": "b"}, {"campaign": None}, {"points": None}], ids=str)
@pytest.mark.parametrize("card", [True, False])
def test_a_rule_asked_alone_decides_the_same(ruleset, facts, card):
    alone = replace(ruleset, together={})
    args = happened(**facts), known(card=card)
    assert decide(*args, ruleset, NOW) == decide(*args, alone, NOW)


def test_what_holds_is_not_asked_again(ruleset):
    asked = []
    evaluate = Condition.evaluate
    with patch.object(Condition, "evaluate", lambda self, view: asked.append(self) or evaluate(self, view)):
        decide(happened(), known(), ruleset, NOW)
    names = [name for name, rule in ruleset.by_name.items() if rule.condition in asked]
    # Of all others it is known that they hold; these have words to say, or a name of their own.
    assert names == ["fails", "not-this-one", "own-name"]


def test_rules_that_listen_to_the_same_events_are_made_one_once(ruleset):
    assert ruleset.together["points_earned"] is ruleset.together["points_refunded"]
    assert ruleset.together["points_earned"] is not ruleset.together["points_added"]
    assert "points_redeemed" not in ruleset.together
