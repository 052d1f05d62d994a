"""The rules that one event concerns look at one view of the facts; a reminder has a view of its own."""

from engine.decide.words import Case, view_of
from engine.model import Event, Facts
from engine.ruleset import load_ruleset
from tests.programme import PROGRAMME
from tests.templates.samples import NOW


def case(root):
    event = Event(
        key="1",
        source="own",
        name="points_added",
        producer_name="points_added",
        occurred_at=NOW,
        happening=None,
        facts={"points": 40},
    )
    return Case(
        event=event, facts=Facts(member=None, card=None), ruleset=load_ruleset(root, programme=PROGRAMME), now=NOW
    )


def test_the_facts_are_put_together_once(root):
    asked = case(root)
    assert view_of(asked, {}) is view_of(asked, {})
    assert view_of(asked, {})["event"]["points"] == 40


def test_what_a_reminder_knows_is_its_own(root):
    asked = case(root)
    assert [view_of(asked, {"days_left": days})["days_left"] for days in (7, 1)] == [7, 1]
    assert "days_left" not in view_of(asked, {})


def test_another_event_is_another_view(root):
    assert view_of(case(root), {}) is not view_of(case(root), {})
