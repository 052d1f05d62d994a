"""What is old when it comes in, and what only informs: known and followed, and told to nobody."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.ingest import Delivery
from engine.model import Telling
from engine.store import Reports, Store

from .programme import PROGRAMME, ruleset_of
from .test_pipeline import NOON, SHOP, House, Scripted, expired, expiring

MAX_AGE = timedelta(hours=48)
OLD = "2026-01-08T11:59:59Z"
"""More than 48 hours before the house's noon."""


@pytest.fixture
async def house(tmp_path):
    rules = ruleset_of()
    aged = replace(rules, programme=replace(PROGRAMME, max_age=MAX_AGE))
    store = await Store.open(tmp_path / "p.db")
    yield House(store, tmp_path / "p.db", Scripted(), aged)
    await store.close()


async def hand_in(house, body, telling):
    raw = json.dumps(body).encode()
    delivery = Delivery(source=SHOP, body=raw, received_at=house.clock.now(), telling=telling)
    return await house.pipeline.accept(delivery)


def story(house, member="anna"):
    with closing(Reports(house.path)) as reports:
        return [(row["rule"], row["outcome"], row["reason"]) for row in reports.story(member)]


def timers(house, state="armed"):
    with closing(Reports(house.path)) as reports:
        return {row["slot"]: row["due_at"] for row in reports.timers(state=state)}


def notes(house):
    return [row["note"] for row in house.events("decided")]


# --- too old ---


async def test_an_event_that_is_too_old_when_it_comes_in_is_told_to_nobody(house):
    await house.post({**expired(), "time": OLD})
    await house.settle()
    assert house.messages() == []
    assert ("points-expired", "skip", "too_old") in story(house)


async def test_an_event_of_just_that_age_is_told(house):
    await house.post({**expired(), "time": "2026-01-08T12:00:00Z"})
    await house.settle()
    assert house.messages() == [("sent", 1)]


async def test_facts_and_reminders_follow_an_event_however_old_it_is(house):
    await house.post({**expiring(day="2026-03-31"), "time": OLD})
    await house.settle()
    assert set(timers(house)) == {"30 days", "7 days", "1 day"}


async def test_age_is_counted_from_arrival_so_that_waiting_makes_nothing_too_old(house):
    await house.post(expired())
    await house.later(days=3)
    assert house.messages() == [("sent", 1)]


async def test_a_replay_after_days_is_neither_too_old_nor_a_second_mail(house):
    await house.post(expired())
    await house.settle()
    house.clock.move(NOON + timedelta(days=3))
    [row] = house.events("decided")
    await house.store.replay([row["seq"]])
    await house.settle()
    assert house.messages() == [("sent", 1)]
    assert story(house)[0] == ("points-expired", "skip", "duplicate")


async def test_what_is_handed_in_on_purpose_is_told_at_any_age(house):
    await hand_in(house, {**expired(), "time": OLD}, Telling.ANYWAY)
    await house.settle()
    assert house.messages() == [("sent", 1)]


async def test_without_a_limit_nothing_is_too_old(house):
    house.pipeline.ruleset = replace(house.pipeline.ruleset, programme=PROGRAMME)
    await house.post({**expired(), "time": "2020-01-01T00:00:00Z"})
    await house.settle()
    assert house.messages() == [("sent", 1)]


async def test_a_timer_that_comes_due_late_is_not_old(house):
    member = {"id": "anna", "email": "anna@example.org", "metadata": {"status": "active"}}
    await house.post({**expiring(day="2026-01-18"), "member": member})
    await house.settle()
    await house.later(hours=30)
    assert house.messages() == [("sent", 1)]


# --- history ---


async def test_history_tells_nobody_and_is_noted_as_such(house):
    await hand_in(house, expired(), Telling.HISTORY)
    await house.settle()
    assert (house.messages(), story(house), notes(house)) == ([], [], ["history"])


async def test_history_arms_reminders_and_says_so(house):
    await hand_in(house, expiring(day="2026-03-31"), Telling.HISTORY)
    await house.settle()
    assert set(timers(house)) == {"30 days", "7 days", "1 day"}
    assert {(outcome, reason) for _, outcome, reason in story(house)} == {("schedule", None)}


async def test_history_arms_nothing_whose_hour_has_passed(house):
    """Seven days before was today at nine, within a rule's grace: the old system has seen to it."""
    await hand_in(house, expiring(day="2026-01-17"), Telling.HISTORY)
    await house.settle()
    assert set(timers(house)) == {"1 day"}
    assert timers(house, "skipped").keys() == {"30 days", "7 days"}
    await house.later(hours=23)
    assert house.messages() == []


async def test_the_same_event_as_news_goes_at_the_next_hour(house):
    await house.post(expiring(day="2026-01-17"))
    await house.settle()
    assert set(timers(house)) == {"7 days", "1 day"}


async def test_history_in_any_order_ends_in_the_newest_facts(house):
    for number in (3, 1, 2):
        body = expiring(f"e{number}", day=f"2026-0{number + 3}-01", balance=number)
        await hand_in(house, {**body, "time": f"202{number}-01-01T00:00:00Z"}, Telling.HISTORY)
    await house.settle()
    with closing(Reports(house.path)) as reports:
        [card] = reports.member("anna")["cards"]
    assert (card["balance"], str(card["next_expiration_date"])) == (3, "2026-06-01")
    assert {f"{due:%Y-%m}" for due in timers(house).values()} == {"2026-05"}


async def test_history_moves_and_cancels_what_is_armed(house):
    await house.post(expiring("e1", day="2026-03-31"))
    await house.settle()
    await hand_in(house, expiring("e2", day="2026-03-31", balance=0), Telling.HISTORY)
    await house.settle()
    assert timers(house) == {}
    assert story(house)[0] == ("points-expire-soon", "cancel", "nothing_at_risk")


async def test_what_was_history_is_not_told_when_it_is_delivered_again(house):
    await hand_in(house, expired(), Telling.HISTORY)
    assert await house.post(expired()) is False
    await house.settle()
    [row] = house.events("decided")
    await house.store.replay([row["seq"]])
    await house.settle()
    assert house.messages() == []


async def test_a_happening_that_was_history_is_not_told_under_another_name(house):
    await hand_in(house, {**expired("e1"), "happening": "h"}, Telling.HISTORY)
    await house.settle()
    await house.post({**expired("e2"), "happening": "h"})
    await house.settle()
    assert house.messages() == []
    assert ("points-expired", "skip", "duplicate") in story(house)
