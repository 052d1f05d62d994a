"""What somebody should be woken for, and a source's silence against its usual quiet hours."""

from datetime import timedelta

import pytest
from sqlalchemy import event as listen

from engine.model import Telling
from engine.store import PULSE, EventState, NotificationState, Outcome, Pause, Received, Reports, Scope, Sends

from .conftest import NOON, delivery, message, queue
from .test_resolve import in_state
from .test_timers import put, timer

S = NotificationState
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def reports(store, tmp_path):  # noqa: ARG001 - it makes the file
    opened = Reports(tmp_path / "pointbell.db")
    yield opened
    opened.close()


def heard(at, source="shop", **changes):
    return Received(source=source, key=f"{source} {at}", lane="l", raw=b"{}", received_at=at, **changes)


def paused(scope, name):
    return Pause(id=0, scope=scope, name=name, reason="why", since=NOON, until=NOON + HOUR)


async def test_an_empty_house_has_no_alarms(reports):
    look = reports.alarms(NOON)
    assert (look.oldest_due, look.quarantined, look.pauses, look.paused_messages, look.sources) == ({}, 0, (), 0, {})
    assert set(look.to_resolve.values()) == {0}


async def test_the_oldest_work_of_each_kind_is_known(store, reports):
    await put(store, timer(due_at=NOON + HOUR), timer(slot="1 day", due_at=NOON - HOUR))
    await queue(store, message("a"), message("b", channel="sms", created_at=NOON - DAY), key="evt_2")
    await store.add_events([delivery("evt_3"), delivery("evt_4")])
    oldest = reports.alarms(NOON).oldest_due
    assert oldest == {"delivery": NOON, "timer": NOON - HOUR, "message": NOON - DAY}


async def test_work_that_a_pause_holds_is_not_late(store, reports):
    await put(store, timer(rule="r"))
    await queue(store, message(), key="evt_2")
    await store.pause(paused(Scope.RULE, "rule"))
    await store.pause(paused(Scope.CATEGORY, "offers"))
    await store.claim_notifications("email", 10, NOON)
    look = reports.alarms(NOON, {"r": Sends(category="offers")})
    assert look.oldest_due == {}
    assert look.paused_messages == 1
    assert [(pause.scope, pause.name) for pause in look.pauses] == [("rule", "rule"), ("category", "offers")]
    assert reports.alarms(NOON + HOUR).pauses == ()


async def test_what_waits_for_a_person_is_counted(store, reports):
    for number, state in enumerate([S.UNKNOWN, S.UNKNOWN, S.FAILED, S.EXPIRED]):
        await in_state(store, state, key=f"m{number}")
    await store.quarantine(1, "broken")
    look = reports.alarms(NOON)
    assert look.to_resolve == {"held": 0, "failed": 1, "unknown": 2, "expired": 1}
    assert look.quarantined == 1


async def test_a_source_is_silent_when_it_is_quiet_for_twice_as_long_as_it_usually_is_at_most(store, reports):
    # Ten days, from eight to eight each, every ten minutes: its nights are quiet for twelve hours.
    for day in range(10):
        morning = NOON + day * DAY
        await store.add_events([heard(morning + step * timedelta(minutes=10)) for step in range(73)])
    last = NOON + 9 * DAY + 12 * HOUR
    [source] = reports.alarms(last).sources.values()
    assert (source.last, source.usual_gap, source.silent_ratio) == (last, 12 * HOUR, 0.0)
    [source] = reports.alarms(last + 18 * HOUR).sources.values()
    assert source.silent_ratio == 0.75
    [source] = reports.alarms(last + 24 * HOUR).sources.values()
    assert source.silent_ratio == 1.0


async def test_one_outage_does_not_make_silence_usual(store, reports):
    quiet = [0, 1, 2, 3, 8, 9, 10]
    await store.add_events([heard(NOON + day * DAY) for day in quiet])
    [source] = reports.alarms(NOON + 10 * DAY).sources.values()
    assert source.usual_gap == DAY


async def test_of_a_source_that_is_hardly_known_nobody_can_tell(store, reports):
    await store.add_events([heard(NOON), heard(NOON + HOUR)])
    [source] = reports.alarms(NOON + 30 * DAY).sources.values()
    assert (source.usual_gap, source.silent_ratio) == (None, 0.0)
    limited = reports.alarms(NOON + 3 * HOUR, silent_after={"shop": HOUR})
    assert limited.sources["shop"].silent_ratio == 2.0


async def test_history_and_the_clock_are_no_sign_of_life(store, reports):
    await store.add_events([heard(NOON)])
    await store.add_events([heard(NOON + HOUR, telling=Telling.HISTORY), heard(NOON + HOUR, source="clock")])
    assert {name: source.last for name, source in reports.alarms(NOON + DAY).sources.items()} == {"shop": NOON}


async def test_the_pulse_goes_on_from_where_it_was_noted(store, reports):
    moments = [NOON + number * 7 * HOUR for number in range(20)]
    await store.add_events([heard(at) for at in moments[:9]])
    await store.note(PULSE, reports.alarms(NOON).pulse.text())
    await store.add_events([heard(at) for at in moments[9:]])
    noted = reports.alarms(NOON).pulse
    await store.note(PULSE, "[0,{}]")
    assert reports.alarms(NOON).pulse == noted
    assert noted.seen == 20


async def test_nobody_is_silent_while_there_is_more_to_count(store, reports, monkeypatch):
    await store.add_events([heard(NOON + number * HOUR) for number in range(5)])
    monkeypatch.setattr("engine.store.pulse._AT_ONCE", 3)
    look = reports.alarms(NOON + DAY, silent_after={"shop": HOUR})
    assert (look.pulse.seen, look.sources["shop"].silent_ratio) == (3, 0.0)
    await store.note(PULSE, look.pulse.text())
    look = reports.alarms(NOON + DAY, silent_after={"shop": HOUR})
    assert (look.pulse.seen, look.sources["shop"].silent_ratio) == (5, 20.0)


async def test_what_the_clock_makes_is_not_counted_again_and_again(store, reports):
    await store.add_events([heard(NOON, source="clock"), heard(NOON + HOUR, source="clock")])
    assert reports.alarms(NOON).pulse.seen == 2


LOOKS = {
    "alarms": lambda reports: reports.alarms(NOON),
    **{
        f"list {state}": lambda reports, state=state: reports.notifications(state=state)
        for state in (S.QUEUED, S.CLAIMED, S.PERMITTED, S.HELD, S.FAILED, S.UNKNOWN, S.EXPIRED, S.WITHDRAWN, S.DROPPED)
    },
    "list quarantined": lambda reports: reports.events(state=EventState.QUARANTINED),
    "list timers": lambda reports: reports.timers(),
}


@pytest.mark.parametrize("look", LOOKS)
async def test_looking_scans_no_table(store, reports, look):
    await queue(store, message())
    await put(store, timer(), key="evt_2")
    plans = []

    def explain(connection, _cursor, statement, parameters, *_):
        if statement.startswith(("SELECT", "WITH")):
            rows = connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend((row[3], statement) for row in rows)

    listen.listen(reports._engine, "before_cursor_execute", explain)
    LOOKS[look](reports)
    tables = ("SCAN event", "SCAN notification", "SCAN timer", "SCAN pause")
    assert plans
    assert [found for found in plans if found[0].startswith(tables) and "INDEX" not in found[0]] == []


async def test_a_message_that_goes_again_is_not_one_that_could_not_be_handed_over(store, reports):
    await queue(store, message())
    [claimed] = await store.claim_notifications("email", 10, NOON)
    await store.record([Outcome(key=claimed.key, lease=claimed.lease, state=S.QUEUED, at=NOON, reply="451 busy")])
    assert reports.status()["waiting"] == {"count": 1, "reply": "451 busy"}
