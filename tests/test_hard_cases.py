"""What real data and real relays do to the pipeline at the worst moment."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.decide import replan
from engine.deliver import Deferred, Sent
from engine.errors import StoreBusy, TemplateError
from engine.model import Skip, Snapshot
from engine.store import Reports, Store

from .programme import ruleset_of
from .running import until
from .test_pipeline import House, Scripted, armed, expired, expiring, with_offsets

NINE = datetime(2026, 1, 10, 8, tzinfo=UTC)
"""Nine o'clock in Warsaw, a week before the 17th."""


@pytest.fixture
async def house(tmp_path):
    store = await Store.open(tmp_path / "p.db")
    yield House(store, tmp_path / "p.db", Scripted(), ruleset_of())
    await store.close()


async def post(house, *bodies):
    for body in bodies:
        await house.post(body)
    await house.settle()


def slots(house):
    """Which offsets reached the relay, with the date each was about."""
    keys = [message.key.split("|") for message in house.channel.carried]
    return [(happening.rpartition(":")[2], slot.partition("/")[0]) for _, happening, _, slot in keys]


# --- data ---


async def test_a_producers_own_dollar_signs_mean_nothing_to_the_store(house):
    odd = {"plain": {"$date": "x"}, "list": [{"$time": 5}], "$dict": {"$date": "2026-01-01"}}
    body = expired("e1")
    body["member"]["metadata"] = odd
    await post(house, body, expired("e2"))
    assert house.messages() == [("sent", 1), ("sent", 1)]
    assert Reports(house.path).member("anna")["metadata"] == odd


@pytest.mark.parametrize("day", ["9999-12-31", "9000-01-01"])
async def test_a_date_that_means_never_arms_nothing_and_breaks_nothing(house, day):
    await post(house, expiring("e1", day=day), expired("e2"))
    assert house.events("quarantined") == []
    assert armed(house) == set()
    house.pipeline.ruleset = with_offsets(30)
    assert await house.pipeline.replan() == 0


async def test_a_card_nobody_can_plan_for_does_not_keep_the_others_from_their_plans(house, monkeypatch):
    await post(house, expiring("e1", day="2026-03-31"))
    other = expiring("e2", day="2026-03-31")
    other["card"]["id"] = "a-card-that-sorts-first"
    await post(house, other)
    house.pipeline.ruleset = with_offsets(30, 14)

    def fail_for_one(facts, *rest):
        if facts.card.id == "a-card-that-sorts-first":
            raise OverflowError
        return replan(facts, *rest)

    monkeypatch.setattr("engine.pipeline.replan", fail_for_one)


async def test_a_clock_set_wrong_does_not_freeze_what_is_known(house):
    ahead = expiring("e1", balance=500)
    ahead["time"] = "2062-01-01T00:00:00Z"
    await post(house, ahead)
    house.clock.move(datetime(2026, 1, 10, 13, tzinfo=UTC))
    later = expired("e2", balance=90)
    later["time"] = "2026-01-10T12:30:00Z"
    await post(house, later)
    assert Reports(house.path).member("anna")["cards"][0]["balance"] == 90


async def test_a_delivery_that_breaks_its_reader_is_set_aside(house, monkeypatch):
    def explode(*_):
        raise OverflowError("date value out of range")

    await house.post(expired("e1"))
    monkeypatch.setattr("engine.deciding.read", explode)
    await house.settle()
    [row] = house.events("quarantined")
    assert "OverflowError" in row["note"]


async def test_a_delivery_the_store_cannot_take_is_found_in_its_batch(house, monkeypatch):
    sound = house.store.settle

    async def fussy(book, settlements):
        if any(settlement.occurred_at and settlement.seq == 3 for settlement in settlements):
            raise OverflowError("no column is wide enough")
        return await sound(book, settlements)

    monkeypatch.setattr(house.store, "settle", fussy)
    await post(house, *(expired(f"e{number}") for number in range(5)))
    [row] = house.events("quarantined")
    assert (row["seq"], "no column" in row["note"]) == (3, True)
    assert house.messages() == [("sent", 1)] * 4


async def test_a_card_that_changes_hands_is_spoken_of_to_its_new_member(house):
    await post(house, expiring("e1", day="2026-03-31"))
    new = expiring("e2", day="2026-03-31")
    new["member"] = {"id": "bo", "email": "bo@example.org"}
    new["card"]["holder_id"] = "bo"
    await post(house, new)
    house.clock.move(datetime(2026, 3, 1, 8, tzinfo=UTC))
    await house.settle()
    assert [message.address for message in house.channel.carried] == ["bo@example.org"]


async def test_a_member_who_was_erased_and_comes_back_begins_anew(house):
    await post(house, expired("e1"), {"id": "e2", "type": "member_deleted", "member": {"id": "anna"}})
    house.clock.move(datetime(2026, 1, 11, 12, tzinfo=UTC))
    back = expired("e3")
    back["time"] = "2026-01-11T11:00:00Z"
    await post(house, back)
    assert house.messages()[0] == ("sent", 1)


async def test_what_was_said_before_an_erasure_stays_forgotten(house):
    deleted = {"id": "e2", "type": "member_deleted", "time": "2026-01-10T11:30:00Z", "member": {"id": "anna"}}
    await post(house, deleted, expired("e1"))
    old = Snapshot(id="anna", as_of=datetime(2020, 1, 1, tzinfo=UTC), fields={"email": "anna@example.org"})
    await house.store.import_members([old], house.clock.now())
    assert "email" not in Reports(house.path).member("anna")
    assert house.messages() == []


@pytest.mark.parametrize("batches", [1, 3])
async def test_who_an_alias_leads_to_does_not_depend_on_what_is_decided_together(house, batches):
    first, second, third = expired("e1"), expired("e2"), expired("e3")
    first["member"] = {"id": "a", "email": "a@example.org", "aliases": ["shop-7"]}
    second["member"] = {"id": "b", "email": "b@example.org"}
    third["member"] = {"id": "b", "aliases": ["shop-7"]}
    told = [first, second, third, {**expired("e4"), "member": {"id": "shop-7"}}]
    for start in range(0, 4, 4 // batches):
        await post(house, *told[start : start + 4 // batches])
    assert [one.address for one in house.channel.carried if "e4" in one.key] == ["a@example.org"]


async def test_a_rule_that_looks_at_a_card_uses_the_one_the_member_used_last(house):
    await post(house, expiring("e1", day="2026-03-31"))
    event = {"id": "t1", "type": "tier_joined", "member": {"id": "anna"}, "data": {"tier": "Gold", "tier_id": "g"}}
    await post(house, event)
    assert house.journal.settlements[-1].card_id == "card"


# --- reminders ---


@pytest.fixture
async def early(tmp_path):
    """The house a week and some hours before the 17th of January, seven o'clock UTC on the 10th."""
    store = await Store.open(tmp_path / "p.db")
    made = House(store, tmp_path / "p.db", Scripted(), ruleset_of())
    made.clock._now = datetime(2026, 1, 10, 7, tzinfo=UTC)
    yield made
    await store.close()


async def ring_seven_days(early):
    body = expiring("e1", day="2026-01-17")
    body["time"] = "2026-01-10T06:00:00Z"
    await post(early, body)
    early.channel.answers = [Deferred("451 later")]
    early.clock.move(NINE)
    await early.settle()
    assert [state for state, _ in early.messages()] == ["queued"]


async def test_a_date_that_moves_so_near_that_all_is_too_late_still_takes_the_old_words_back(early):
    await ring_seven_days(early)
    early.clock.move(datetime(2026, 1, 15, 12, tzinfo=UTC))
    nearer = expiring("e9", day="2026-01-15")
    nearer["time"] = "2026-01-10T08:30:00Z"
    await post(early, nearer)
    await early.later(hours=2)
    assert slots(early) == [("2026-01-17", "7 days")]
    assert ("withdrawn", 1) in early.messages()


async def test_a_reminder_that_was_taken_back_counts_as_never_sent(early):
    await ring_seven_days(early)
    moved = expiring("e9", day="2026-01-20")
    moved["time"] = "2026-01-10T08:30:00Z"
    await post(early, moved)
    early.clock.move(datetime(2026, 1, 13, 8, tzinfo=UTC))
    await early.settle()
    assert ("2026-01-20", "7 days") in slots(early)


async def test_points_spent_and_given_back_while_the_relay_says_later_are_reminded_of(early):
    await ring_seven_days(early)
    spent = expiring("e8", balance=0)
    spent["time"] = "2026-01-10T08:10:00Z"
    back = expiring("e9", balance=500)
    back["time"] = "2026-01-10T08:20:00Z"
    await post(early, spent)
    assert [state for state, _ in early.messages()] == ["withdrawn"]
    await post(early, back)
    await early.later(hours=24)
    assert [state for state, _ in early.messages()] == ["sent"]


async def test_removing_one_offset_leaves_the_others_waiting_words_alone(early):
    await ring_seven_days(early)
    early.pipeline.ruleset = with_offsets(30, 7)
    await early.pipeline.replan()
    await early.later(hours=1)
    assert slots(early)[-1] == ("2026-01-17", "7 days")
    assert [state for state, _ in early.messages()] == ["sent"]


async def test_a_message_that_is_deferred_after_its_reason_has_gone_goes_no_second_time(early):
    body = expiring("e1", day="2026-01-17")
    body["time"] = "2026-01-10T06:00:00Z"
    await post(early, body)
    early.clock.move(NINE)
    await early.pipeline.store.promote_timers(NINE, 100)
    await early.pipeline.process()
    [message] = await early.store.claim_notifications("email", 10, NINE)
    assert await early.store.permit(message, NINE)
    spent = expiring("e9", balance=0)
    spent["time"] = "2026-01-10T08:10:00Z"
    await early.post(spent)
    await early.pipeline.process()
    early.channel.answers = []

    async def later(*_):
        return Deferred("451 later")

    early.channel.send = later
    await early.pipeline.send(message)
    await early.later(days=1)
    assert [state for state, _ in early.messages()] == ["withdrawn"]


async def test_a_reminder_that_rings_behind_an_event_that_moved_its_date_stays_silent(early):
    body = expiring("e1", day="2026-01-17")
    body["time"] = "2026-01-10T06:00:00Z"
    await post(early, body)
    early.clock.move(NINE)
    moved = expiring("e9", day="2026-03-31")
    moved["time"] = "2026-01-10T07:30:00Z"
    await early.post(moved)
    await early.settle()
    last = early.journal.settlements[-1]
    assert (last.name, [(one.reason, one.slot) for one in last.decisions]) == ("timer.due", [("date_moved", "7 days")])
    assert slots(early) == []


async def test_a_happening_reported_twice_is_decided_once_and_the_second_report_says_so(house):
    first, second = expired("e1"), expired("e2")
    first["happening"] = second["happening"] = "midnight"
    await post(house, first, second)
    repeated = house.journal.settlements[-1].decisions[-1]
    assert (repeated.rule, repeated.reason) == ("points-expired", "duplicate")
    assert "already reported the same happening" in repeated.detail
    assert house.messages() == [("sent", 1)]


async def test_a_reminder_whose_sender_was_lost_counts_as_sent_for_it_may_have_arrived(early):
    body = expiring("e1", day="2026-01-17")
    body["time"] = "2026-01-10T06:00:00Z"
    await post(early, body)
    early.clock.move(NINE)
    await early.store.promote_timers(NINE, 100)
    await early.pipeline.process()
    [message] = await early.store.claim_notifications("email", 10, NINE)
    assert await early.store.permit(message, NINE)
    await early.store.recover(NINE)
    moved = expiring("e9", day="2026-01-20")
    moved["time"] = "2026-01-10T08:30:00Z"
    await post(early, moved)
    last = early.journal.settlements[-1].decisions
    assert ("7 days", "duplicate") in [(one.slot, one.reason) for one in last if isinstance(one, Skip)]


async def test_a_held_reminder_goes_when_its_template_is_mended_though_the_grace_is_over(early, monkeypatch):
    template = early.pipeline.ruleset.templates.choose("points-expire-soon", "email", "en")

    def broken(*_):
        raise TemplateError("templates/x:1: broken")

    with monkeypatch.context() as patched:
        patched.setattr(type(template), "render", broken)
        body = expiring("e1", day="2026-01-17")
        body["time"] = "2026-01-10T06:00:00Z"
        await post(early, body)
        early.clock.move(NINE)
        await early.settle()
    assert [state for state, _ in early.messages()] == ["held"]
    early.clock.move(NINE + timedelta(hours=30))
    [seq] = [settlement.seq for settlement in early.journal.settlements if settlement.name == "timer.due"]
    await early.store.replay([seq])
    await early.settle()
    assert [state for state, _ in early.messages()] == ["sent"]


async def test_a_card_that_is_switched_off_is_not_spoken_of(house):
    await post(house, expiring("e1", day="2026-03-31"))
    await post(house, expiring("e2", day="2026-03-31", active=False))
    assert armed(house) == set()


# --- relays and databases ---


async def test_a_relay_that_is_down_is_left_alone_for_longer_and_longer(house):
    down = Deferred("connection refused", about_relay=True, relay_down=True)
    tries = []

    async def refuse(*_):
        tries.append(house.clock.now())
        return down

    house.channel.send = refuse
    await post(house, *(expired(f"e{number}") for number in range(40)))
    for _ in range(60):
        await house.later(seconds=10)
    assert len(set(tries)) < 12
    assert house.messages() == [("queued", 0)] * 40


async def test_one_messages_trouble_with_the_relay_does_not_hold_up_the_others(house):
    house.channel.answers = [Deferred("550 5.7.1 looks like spam", about_relay=True)]
    await post(house, expired("e1"), expired("e2"))
    assert sorted(house.messages()) == [("queued", 0), ("sent", 1)]


async def test_a_channel_whose_relay_hangs_does_not_keep_the_others_waiting(house):
    hanging = asyncio.Event()

    async def hang(*_):
        await hanging.wait()
        return Sent("250 at last")

    house.channel.send = hang
    for number in range(40):
        await house.post(expired(f"e{number}"))
    await house.pipeline.process()
    house.pipeline.routing = type(house.pipeline.routing)(mode="capture")
    await house.post(expired("captured"))
    house.worker.start()
    await until(lambda: ("captured", 1) in house.messages())
    hanging.set()
    await house.worker.stop()


async def test_thousands_of_messages_that_are_over_end_in_one_step(house):
    house.channel.answers = [Deferred("down", about_relay=True, relay_down=True)]
    for number in range(300):
        await house.post(expired(f"e{number}"))
    while await house.pipeline.process():
        pass
    house.clock.move(house.clock.now() + timedelta(days=4))
    assert await house.store.claim_notifications("email", 1, house.clock.now()) == []
    assert {state for state, _ in house.messages()} == {"expired"}


async def test_a_permit_renews_the_lease(house):
    await house.post(expired("e1"))
    await house.pipeline.process()
    [message] = await house.store.claim_notifications("email", 10, house.clock.now())
    house.clock.move(house.clock.now() + timedelta(minutes=19))
    assert await house.store.permit(message, house.clock.now())
    house.clock.move(house.clock.now() + timedelta(minutes=10))
    assert await house.store.claim_notifications("email", 10, house.clock.now()) == []
    assert house.messages() == [("permitted", 0)]


async def test_a_permit_the_database_could_not_give_puts_the_message_back_at_once(house, monkeypatch):
    sound = house.store.permit

    async def busy(*_):
        monkeypatch.setattr(house.store, "permit", sound)
        raise StoreBusy

    monkeypatch.setattr(house.store, "permit", busy)
    await post(house, expired("e1"))
    await house.later(seconds=2)
    assert house.messages() == [("sent", 1)]


async def test_messages_of_a_channel_that_is_gone_fail_with_the_reason(house):
    house.channel.answers = [Deferred("451 later")]
    await post(house, expired("e1"))
    assert await house.store.fail_other_routes(["capture"], house.clock.now()) == 1
    [row] = Reports(house.path).notifications()
    assert (row["state"], row["reason"]) == ("failed", "channel_failed")


async def test_the_status_says_what_keeps_messages_from_going_out(house):
    house.channel.answers = [Deferred("535 5.7.8 bad credentials", about_relay=True, relay_down=True)]
    await post(house, expired("e1"))
    assert Reports(house.path).status()["waiting"] == {"count": 1, "reply": "535 5.7.8 bad credentials"}
    await house.later(minutes=1)
    assert Reports(house.path).status()["waiting"] is None


async def test_an_imported_time_zone_moves_the_reminders_that_are_planned(house):
    await post(house, expiring("e1", day="2026-03-31"))
    await house.pipeline.replan()
    told = Snapshot(id="anna", as_of=house.clock.now(), fields={"timezone": "America/New_York"})
    await house.store.import_members([told], house.clock.now())
    await house.settle()
    due = Reports(house.path).timers()[0]["due_at"]
    assert due == datetime(2026, 3, 1, 14, tzinfo=UTC)
