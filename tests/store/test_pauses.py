"""Pauses: what they hold, for how long, and that nobody else waits for it."""

from datetime import timedelta

import pytest

from engine.errors import StoreError
from engine.store import NotificationState, Pause, Reports, Scope, Sends, holding

from .conftest import NOON, message, queue
from .test_outbox import claim_one, state_of
from .test_timers import put, timer

S = NotificationState
HOUR = timedelta(hours=1)
REACH = {"r": Sends(channels=frozenset({"email", "sms"}), category="offers")}


def wanted(scope=Scope.ALL, name="", lasts=HOUR, since=NOON):
    return Pause(id=0, scope=scope, name=name, reason="looking into it", since=since, until=since + lasts)


EVERY_SCOPE = [(Scope.ALL, ""), (Scope.RULE, "rule"), (Scope.CHANNEL, "email"), (Scope.CATEGORY, "offers")]


@pytest.mark.parametrize(("scope", "name"), EVERY_SCOPE)
async def test_a_message_that_a_pause_holds_is_not_claimed_until_it_is_over(store, scope, name):
    await queue(store, message(category="offers"))
    await store.pause(wanted(scope, name))
    assert await store.claim_notifications("email", 10, NOON) == []
    later = NOON + HOUR
    assert await store.promote_timers(later, 100) == 1
    assert len(await store.claim_notifications("email", 10, later)) == 1


@pytest.mark.parametrize(("scope", "name"), EVERY_SCOPE)
async def test_no_permit_once_a_pause_is_committed_and_the_message_goes_back_in_line(store, tmp_path, scope, name):
    await queue(store, message(category="offers"))
    claimed = await claim_one(store)
    await store.pause(wanted(scope, name))
    assert await store.permit(claimed, NOON) is False
    await store.withhold(claimed, NOON)
    assert state_of(tmp_path)[claimed.key] == (S.QUEUED, None)
    assert await store.claim_notifications("email", 10, NOON) == []


@pytest.mark.parametrize(("scope", "name"), [(Scope.RULE, "other"), (Scope.CHANNEL, "sms"), (Scope.CATEGORY, "news")])
async def test_a_pause_of_something_else_holds_nothing(store, scope, name):
    await queue(store, message(category="offers"), message("plain"))
    await store.pause(wanted(scope, name))
    first, second = await store.claim_notifications("email", 10, NOON)
    assert await store.permit(first, NOON)
    assert await store.permit(second, NOON)


async def test_a_pause_that_was_ended_holds_nothing_any_more(store):
    await queue(store, message())
    begun = await store.pause(wanted())
    assert await store.claim_notifications("email", 10, NOON) == []
    assert [one.id for one in await store.end_pauses([begun.id], NOON)] == [begun.id]
    assert await store.end_pauses([begun.id], NOON) == []
    await store.promote_timers(NOON, 100)
    assert await store.permit(await claim_one(store), NOON)


async def test_of_two_pauses_both_must_be_over(store):
    await queue(store, message())
    await store.pause(wanted(lasts=HOUR))
    await store.pause(wanted(Scope.RULE, "rule", lasts=2 * HOUR))
    for later in (NOON, NOON + HOUR):
        await store.promote_timers(later, 100)
        assert await store.claim_notifications("email", 10, later) == []
    await store.promote_timers(NOON + 2 * HOUR, 100)
    assert len(await store.claim_notifications("email", 10, NOON + 2 * HOUR)) == 1


async def test_what_is_paused_keeps_nobody_else_waiting(store):
    many = [message(f"paused {number}", rule="paused") for number in range(30)]
    await queue(store, *many, message("free"))
    await put(store, timer(rule="r"), key="evt_2")
    await store.pause(wanted(Scope.RULE, "paused"))
    assert (await claim_one(store)).key == "free"
    # Thirty messages wait, and there is still room for a timer beside two of them.
    assert await store.promote_timers(NOON, 2) == 1


async def test_a_message_of_no_use_any_more_ends_also_under_a_pause(store, tmp_path):
    await queue(store, message(send_before=NOON + HOUR))
    await store.pause(wanted(lasts=3 * HOUR))
    await store.claim_notifications("email", 10, NOON)
    await store.claim_notifications("email", 10, NOON + HOUR)
    assert [state for state, _ in state_of(tmp_path).values()] == [S.EXPIRED]


@pytest.mark.parametrize(("scope", "name"), [(Scope.ALL, ""), (Scope.RULE, "r"), (Scope.CATEGORY, "offers")])
async def test_timers_of_a_paused_rule_stay_armed_and_those_of_others_ring(store, scope, name):
    await put(store, timer(rule="r"), timer(rule="s"))
    await store.pause(wanted(scope, name))
    assert await store.promote_timers(NOON, 100, REACH) == (0 if scope is Scope.ALL else 1)
    assert await store.promote_timers(NOON + HOUR, 100, REACH) == (2 if scope is Scope.ALL else 1)


async def test_timers_wait_only_when_every_channel_of_their_rule_is_paused(store):
    await put(store, timer(rule="r"))
    await store.pause(wanted(Scope.CHANNEL, "email"))
    await store.pause(wanted(Scope.CHANNEL, "sms", lasts=2 * HOUR))
    assert await store.promote_timers(NOON, 100, REACH) == 0
    assert await store.promote_timers(NOON + HOUR, 100, REACH) == 1


async def test_the_most_overdue_timers_of_all_rules_ring_first(store, tmp_path):
    dues = [("a", 5), ("b", 4), ("a", 3), ("b", 2), ("c", 1)]
    await put(store, *(timer(rule=rule, slot=f"{age} days", due_at=NOON - age * HOUR) for rule, age in dues))
    assert await store.promote_timers(NOON, 3) == 3
    left = Reports(tmp_path / "pointbell.db").timers()
    assert [(row["rule"], row["slot"]) for row in left] == [("b", "2 days"), ("c", "1 days")]


async def test_messages_come_back_in_line_no_faster_than_they_are_wanted(store):
    await queue(store, *(message(f"m{number}") for number in range(5)))
    [begun] = [await store.pause(wanted())]
    assert await store.claim_notifications("email", 10, NOON) == []
    await store.end_pauses(None, NOON)
    assert await store.promote_timers(NOON, 2) == 2
    assert len(await store.claim_notifications("email", 10, NOON)) == 2
    assert begun.reason == "looking into it"


async def test_a_pause_that_would_be_over_at_once_is_refused(store):
    with pytest.raises(StoreError, match="over before it begins"):
        await store.pause(wanted(lasts=timedelta()))


def test_of_several_pauses_the_longest_tells_until_when():
    short, long = wanted(Scope.RULE, "r"), wanted(Scope.CATEGORY, "offers", lasts=3 * HOUR)
    assert holding([short, long], "r", REACH["r"]) is long
    assert holding([long], "other", Sends()) is None
    assert holding([wanted(Scope.CHANNEL, "email")], "gone", Sends()) is None
