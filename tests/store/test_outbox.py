"""Worded messages: one per key, one sender at a time, one permit."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from engine.model import OnAmbiguous, Reason, Withdrawal
from engine.store import NotificationState, Outcome, Reports

from .conftest import NOON, message, queue

S = NotificationState


def state_of(tmp_path):
    rows = Reports(tmp_path / "pointbell.db").notifications()
    return {row["key"]: (row["state"], row["reason"]) for row in rows}


async def claim_one(store, now=NOON):
    [claimed] = await store.claim_notifications("email", 10, now)
    return claimed


def ended(claimed, state, **more):
    return Outcome(key=claimed.key, lease=claimed.lease, state=state, at=NOON, reply="250 ok", **more)


async def test_a_key_leads_to_one_message_whatever_is_decided_twice(store):
    assert (await queue(store, message(), key="evt_1")).queued == 1
    assert (await queue(store, message(), key="evt_2")).queued == 0
    assert len(await store.claim_notifications("email", 10, NOON)) == 1


async def test_a_claimed_message_is_not_claimed_again(store):
    await queue(store, message())
    await claim_one(store)
    assert await store.claim_notifications("email", 10, NOON) == []


async def test_a_permit_is_given_once(store):
    await queue(store, message())
    claimed = await claim_one(store)
    assert await store.permit(claimed, NOON) is True
    assert await store.permit(claimed, NOON) is False


async def test_no_permit_without_the_lease(store):
    await queue(store, message())
    stalled = await claim_one(store)
    later = NOON + timedelta(minutes=21)
    fresh = await claim_one(store, later)
    assert await store.permit(stalled, later) is False
    assert await store.permit(fresh, later) is True


async def test_no_permit_after_the_lease_has_run_out(store):
    await queue(store, message())
    claimed = await claim_one(store)
    assert await store.permit(claimed, NOON + timedelta(minutes=20)) is False


async def test_no_permit_once_the_useful_time_is_over(store, tmp_path):
    await queue(store, message(send_before=NOON + timedelta(minutes=1)))
    claimed = await claim_one(store)
    late = NOON + timedelta(minutes=1)
    assert await store.permit(claimed, late) is False
    await store.withhold(claimed, late)
    assert state_of(tmp_path)[claimed.key] == (S.EXPIRED, Reason.USEFUL_TIME_OVER)


async def test_a_message_past_its_useful_time_is_ended_not_claimed(store, tmp_path):
    await queue(store, message(send_before=NOON))
    assert await store.claim_notifications("email", 10, NOON) == []
    assert [state for state, _ in state_of(tmp_path).values()] == [S.EXPIRED]


async def test_no_permit_to_a_suppressed_address_however_it_is_spelt(store, tmp_path):
    await queue(store, message("first"), message("second", address="Anna@Example.org"))
    first, second = await store.claim_notifications("email", 10, NOON)
    await store.record([ended(first, S.FAILED, suppress="anna@example.org")])
    assert await store.permit(second, NOON) is False
    await store.withhold(second, NOON)
    assert state_of(tmp_path)["second"] == (S.FAILED, Reason.SUPPRESSED_ADDRESS)


async def test_a_moved_date_withdraws_what_is_worded_about_the_old_one(store, tmp_path):
    old, new = date(2026, 1, 31), date(2026, 2, 28)
    await queue(store, message("old", about=old), message("new", about=new), message("news", about=None))
    moved = Withdrawal(rule="rule", subject_id="card_1", reason=Reason.DATE_MOVED, keep_about=new)
    await queue(store, withdrawals=[moved], key="evt_2")
    states = state_of(tmp_path)
    assert states["old"] == (S.WITHDRAWN, Reason.DATE_MOVED)
    assert states["new"][0] == states["news"][0] == S.QUEUED


async def test_a_withdrawal_beats_a_claim_and_a_permit_beats_a_withdrawal(store, tmp_path):
    day = date(2026, 1, 31)
    await queue(store, message("claimed", about=day), message("permitted", about=day))
    claimed, permitted = await store.claim_notifications("email", 10, NOON)
    assert await store.permit(permitted, NOON)
    gone = Withdrawal(rule="rule", subject_id="card_1", reason=Reason.NOTHING_AT_RISK)
    await queue(store, withdrawals=[gone], key="evt_2")
    assert await store.permit(claimed, NOON) is False
    assert state_of(tmp_path)["permitted"][0] == S.PERMITTED


@pytest.mark.parametrize(
    ("policy", "after"), [(OnAmbiguous.PARK, S.UNKNOWN), (OnAmbiguous.RESEND, S.QUEUED)], ids=["park", "resend"]
)
async def test_a_sender_lost_after_the_permit_is_unknown_and_the_rule_says_what_then(store, tmp_path, policy, after):
    await queue(store, message("permitted", on_ambiguous=policy), message("claimed", on_ambiguous=policy))
    permitted, _ = await store.claim_notifications("email", 10, NOON)
    await store.permit(permitted, NOON)
    assert await store.recover(NOON) == (0, 1)
    states = state_of(tmp_path)
    assert states["permitted"][0] == after
    assert states["claimed"][0] == S.QUEUED


async def test_an_outcome_without_the_lease_changes_nothing(store, tmp_path):
    await queue(store, message())
    stalled = await claim_one(store)
    await claim_one(store, NOON + timedelta(minutes=21))
    assert await store.record([ended(stalled, S.SENT)]) == 0
    assert [state for state, _ in state_of(tmp_path).values()] == [S.CLAIMED]


async def test_a_deferred_message_comes_back_when_it_is_due_and_counts_its_attempts(store):
    await queue(store, message())
    due = NOON + timedelta(minutes=5)
    await store.record([ended(await claim_one(store), S.QUEUED, due_at=due)])
    assert await store.claim_notifications("email", 10, NOON) == []
    assert (await claim_one(store, due)).attempts == 1


async def test_a_message_that_is_given_back_unattempted_keeps_what_was_said_before(store, tmp_path):
    await queue(store, message())
    await store.record([ended(await claim_one(store), S.QUEUED, due_at=NOON)])
    claimed = await claim_one(store)
    await store.record([replace(ended(claimed, S.QUEUED, due_at=NOON, counts=False), reply=None)])
    [row] = Reports(tmp_path / "pointbell.db").notifications()
    assert (row["attempts"], row["reply"]) == (1, "250 ok")


async def test_a_relay_that_is_down_is_not_the_messages_fault(store):
    await queue(store, message())
    await store.record([ended(await claim_one(store), S.QUEUED, due_at=NOON, counts=False)])
    assert (await claim_one(store)).attempts == 0
