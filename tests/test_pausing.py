"""A pause from event to message: nothing is taken back, nothing goes, and what its date allows goes afterwards."""

from datetime import timedelta

import pytest

from engine.store import Pause, Reports, Scope, Store

from .programme import ruleset_of
from .test_hard_cases import slots
from .test_pipeline import House, Scripted, expired, expiring

DAY = timedelta(days=1)
"""The house opens at noon of the 10th, ten days before the points are gone. Reminders are due on the 13th and 19th."""


@pytest.fixture
async def house(tmp_path):
    store = await Store.open(tmp_path / "p.db")
    yield House(store, tmp_path / "p.db", Scripted(), ruleset_of())
    await store.close()


async def pause(house, lasts, scope=Scope.RULE, name="points-expire-soon"):
    now = house.clock.now()
    return await house.store.pause(Pause(id=0, scope=scope, name=name, reason="why", since=now, until=now + lasts))


async def armed_for(house, day="2026-01-20"):
    await house.post(expiring("e1", day=day))
    await house.settle()


def reasons(house):
    reports = Reports(house.path)
    rows = reports.story("anna")
    reports.close()
    return [(row["slot"], row["reason"]) for row in rows if row["event_name"] == "timer.due" and row["reason"]]


async def test_a_held_reminder_goes_when_the_pause_ends_though_its_grace_is_over(house):
    await armed_for(house)
    await pause(house, 6 * DAY)
    await house.later(days=5)
    assert house.messages() == []
    # Due on the 13th; three days late, and grace is one day. The points are there until the end of the 20th.
    await house.later(days=1)
    assert slots(house) == [("2026-01-20", "7 days")]


async def test_without_a_pause_so_late_a_reminder_is_skipped(house):
    await armed_for(house)
    await house.later(days=6)
    assert house.messages() == []
    assert reasons(house) == [("7 days", "too_late")]


async def test_grace_counts_from_the_end_of_the_pause_and_no_longer(house):
    await armed_for(house)
    await pause(house, 4 * DAY)
    await house.later(days=6)
    assert house.messages() == []
    assert reasons(house) == [("7 days", "too_late")]


async def test_a_pause_that_was_ended_early_holds_no_longer_than_that(house):
    await armed_for(house)
    begun = await pause(house, 30 * DAY)
    await house.later(days=5)
    await house.store.end_pauses([begun.id], house.clock.now())
    await house.settle()
    assert slots(house) == [("2026-01-20", "7 days")]


async def test_of_several_held_reminders_the_latest_goes(house):
    await armed_for(house)
    await pause(house, 9 * DAY + DAY / 2)
    await house.later(days=9, hours=12)
    assert slots(house) == [("2026-01-20", "1 day")]
    assert ("7 days", "too_late") in reasons(house)


async def test_a_reminder_whose_date_has_passed_under_the_pause_never_goes(house):
    await armed_for(house)
    await pause(house, 20 * DAY)
    await house.later(days=20)
    assert house.messages() == []
    assert {reason for _, reason in reasons(house)} == {"date_past"}


async def test_a_date_that_moves_under_the_pause_moves_the_held_reminder(house):
    await armed_for(house)
    await pause(house, 5 * DAY)
    await house.later(days=4)
    await house.post({**expiring("e2", day="2026-03-31"), "time": "2026-01-14T07:00:00Z"})
    await house.later(days=1)
    assert house.messages() == []


async def test_an_event_under_a_pause_is_decided_and_its_message_waits(house):
    await pause(house, DAY, name="points-expired")
    await house.post(expired())
    await house.settle()
    assert house.messages() == [("queued", 0)]
    await house.later(days=1)
    assert house.messages() == [("sent", 1)]


async def test_a_pause_between_claim_and_permit_holds_the_message(house):
    class Slow(Scripted):
        async def send(self, message, permit):
            if not self.asked:
                await pause(house, DAY, scope=Scope.CHANNEL, name="email")
            return await super().send(message, permit)

    house.pipeline.channels = {**house.pipeline.channels, "email": (slow := Slow())}
    await house.post(expired())
    await house.settle()
    assert slow.carried == []
    assert house.messages() == [("queued", 0)]
    await house.later(days=1)
    assert len(slow.carried) == 1


async def test_timers_of_a_paused_category_wait_as_the_rules_in_force_say(house):
    await armed_for(house)
    for name in ("email", "sms"):
        await pause(house, 6 * DAY, scope=Scope.CHANNEL, name=name)
    await house.later(days=5)
    reports = Reports(house.path)
    assert {row["slot"] for row in reports.timers()} == {"7 days", "1 day"}
    reports.close()
