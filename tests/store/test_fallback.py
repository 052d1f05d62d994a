"""What goes instead of a message that is refused: one of a chain at a time, and never one that need not."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from engine.decide import Book, Needs
from engine.model import OnAmbiguous, Reason, Snapshot, Withdrawal
from engine.settlement import Worded
from engine.store import (
    EventState,
    Kind,
    Messages,
    NotificationState,
    Outcome,
    Reports,
    Retention,
    Ruling,
    Settlement,
    Verdict,
    fallback,
    instead_of,
)

from .conftest import NOON, delivery, message, queue

S = NotificationState
LATER = NOON + timedelta(hours=1)
GONE = Withdrawal(rule="rule", subject_id="card_1", reason=Reason.NOTHING_AT_RISK)


def chain(key="m", channels=("push", "sms", "email"), **changes):
    """A message over the first of these channels, and what stands by for it."""
    first, *others = (message(key, channel=channel, **changes) for channel in channels)
    found = [Worded(notification=first, payload=b"first", route=first.channel)]
    for other in others:
        own = replace(other, key=f"{key}|{other.channel}")
        found.append(Worded(notification=own, payload=other.channel.encode(), route=own.channel, instead_of=key))
    return found


async def decided(store, worded, key="evt_1"):
    await store.add_events([delivery(key)])
    [claimed] = await store.claim_events(1, NOON)
    settlement = Settlement(seq=claimed.seq, state=EventState.DECIDED, at=NOON, ruleset="r", worded=worded)
    return await store.settle(Book(), [settlement])


async def attempted(store, route, state, now=NOON, **more):
    """One message of the route attempted, and how that ended."""
    [claimed] = await store.claim_notifications(route, 10, now)
    assert await store.permit(claimed, now)
    ended = Outcome(key=claimed.key, lease=claimed.lease, state=state, at=now, reply=f"{route} said so", **more)
    assert await store.record([ended]) == 1
    return claimed


def states(tmp_path):
    rows = Reports(tmp_path / "pointbell.db").notifications()
    return {row["channel"]: row["state"] for row in rows}


async def test_only_the_first_is_in_line_and_counted(store, tmp_path):
    done = await decided(store, chain())
    assert done.queued == 1
    assert states(tmp_path) == {"push": S.QUEUED, "sms": S.STANDBY, "email": S.STANDBY}
    assert await store.claim_notifications("email", 10, LATER) == []


async def test_a_refusal_for_good_puts_the_next_in_line_with_its_own_words(store, tmp_path):
    await decided(store, chain())
    await attempted(store, "push", S.FAILED)
    assert states(tmp_path) == {"push": S.REPLACED, "sms": S.QUEUED, "email": S.STANDBY}
    assert (await attempted(store, "sms", S.FAILED)).payload == b"sms"
    assert states(tmp_path) == {"push": S.REPLACED, "sms": S.REPLACED, "email": S.QUEUED}
    assert (await attempted(store, "email", S.FAILED)).payload == b"email"
    assert states(tmp_path) == {"push": S.REPLACED, "sms": S.REPLACED, "email": S.FAILED}


@pytest.mark.parametrize("end", [S.SENT, S.CAPTURED])
async def test_what_stands_by_is_dropped_once_one_has_gone(store, tmp_path, end):
    await decided(store, chain())
    await attempted(store, "push", S.FAILED)
    await attempted(store, "sms", end)
    assert states(tmp_path) == {"push": S.REPLACED, "sms": end, "email": S.DROPPED}


@pytest.mark.parametrize("end", [S.UNKNOWN, S.QUEUED])
async def test_what_may_have_arrived_or_goes_again_puts_nothing_in_line(store, tmp_path, end):
    await decided(store, chain(channels=("push", "email")))
    await attempted(store, "push", end)
    assert states(tmp_path) == {"push": end, "email": S.STANDBY}


@pytest.mark.parametrize(("policy", "after"), [(OnAmbiguous.PARK, S.UNKNOWN), (OnAmbiguous.RESEND, S.QUEUED)])
async def test_a_sender_that_is_lost_puts_nothing_in_line(store, tmp_path, policy, after):
    await decided(store, chain(channels=("push", "email"), on_ambiguous=policy))
    [claimed] = await store.claim_notifications("push", 10, NOON)
    assert await store.permit(claimed, NOON)
    await store.recover(NOON)
    assert states(tmp_path) == {"push": after, "email": S.STANDBY}


async def test_who_has_lost_the_lease_puts_nothing_in_line(store, tmp_path):
    await decided(store, chain(channels=("push", "email")))
    [stalled] = await store.claim_notifications("push", 10, NOON)
    await store.recover(NOON)
    late = Outcome(key=stalled.key, lease=stalled.lease, state=S.FAILED, at=NOON, reply="550")
    assert await store.record([late]) == 0
    await store.withhold(stalled, NOON)
    assert states(tmp_path) == {"push": S.QUEUED, "email": S.STANDBY}


async def test_an_address_that_must_not_be_written_to_lets_the_next_one_go(store, tmp_path):
    await decided(store, chain(channels=("push", "email"), address="+48600"))
    await queue(store, message("other", channel="push", address="+48600"), key="evt_2")
    first, other = await store.claim_notifications("push", 10, NOON)
    bad = Outcome(key=other.key, lease=other.lease, state=S.FAILED, at=NOON, reply="no such", suppress="+48600")
    await store.record([bad])
    assert not await store.permit(first, NOON)
    await store.withhold(first, NOON)
    reports = Reports(tmp_path / "pointbell.db").notifications(Messages(channel="email"))
    assert [row["state"] for row in reports] == [S.QUEUED]


async def test_what_stands_by_ends_with_its_useful_time_and_never_goes_late(store, tmp_path):
    await decided(store, chain(channels=("push", "email")))
    late = NOON + timedelta(days=3)
    assert await store.claim_notifications("push", 10, late) == []
    assert states(tmp_path) == {"push": S.EXPIRED, "email": S.DROPPED}
    ruling = Ruling(
        verdict=Verdict.RESEND, because="x", by="ops", at=late, routes={"push", "email"}, even_late=True
    )  # fmt: skip
    assert len((await store.resolve(Messages(), ruling, 0, 10)).done) == 1


async def test_channels_that_are_no_longer_configured_are_passed_over(store, tmp_path):
    await decided(store, chain())
    assert await store.fail_other_routes(["email", "capture"], NOON) == 0
    assert states(tmp_path) == {"push": S.REPLACED, "sms": S.REPLACED, "email": S.QUEUED}
    assert await store.fail_other_routes(["capture"], NOON) == 1
    assert states(tmp_path)["email"] == S.FAILED


@pytest.mark.parametrize("gone", [True, False], ids=["reminder", "member"])
async def test_a_withdrawal_takes_back_what_stands_by(store, tmp_path, gone):
    await decided(store, chain(about=date(2026, 1, 31), channels=("push", "email")))
    [claimed] = await store.claim_notifications("push", 10, NOON)
    assert await store.permit(claimed, NOON)
    await store.add_events([delivery("evt_2")])
    [event] = await store.claim_events(1, NOON)
    settlement = Settlement(seq=event.seq, state=EventState.DECIDED, at=NOON, ruleset="r")
    what = replace(settlement, withdrawals=[GONE]) if gone else replace(settlement, erased="anna")
    await store.settle(Book(), [what])
    ended = Outcome(key=claimed.key, lease=claimed.lease, state=S.FAILED, at=NOON, reply="410")
    await store.record([ended])
    assert states(tmp_path) == {"push": S.FAILED, "email": S.DROPPED}


async def test_what_is_made_anew_after_a_withdrawal_has_its_others_again(store, tmp_path):
    worded = chain(about=date(2026, 1, 31), channels=("push", "email"))
    await decided(store, worded)
    await queue(store, withdrawals=[GONE], key="evt_2")
    assert states(tmp_path) == {"push": S.WITHDRAWN, "email": S.DROPPED}
    assert (await decided(store, worded, key="evt_3")).queued == 1
    assert states(tmp_path) == {"push": S.QUEUED, "email": S.STANDBY}
    await attempted(store, "push", S.FAILED)
    assert states(tmp_path) == {"push": S.REPLACED, "email": S.QUEUED}


@pytest.mark.parametrize("end", [S.SENT, S.UNKNOWN, S.FAILED, S.QUEUED])
async def test_nothing_new_stands_by_for_what_has_been_decided_before(store, tmp_path, end):
    await decided(store, chain(channels=("push",)))
    await attempted(store, "push", end)
    assert (await decided(store, chain(channels=("push", "email")), key="evt_2")).queued == 0
    assert states(tmp_path) == {"push": end}


@pytest.mark.parametrize(
    ("verdict", "after"),
    [
        (Verdict.SENT, {"push": S.SENT, "email": S.DROPPED}),
        (Verdict.DROP, {"push": S.DROPPED, "email": S.DROPPED}),
        (Verdict.RESEND, {"push": S.QUEUED, "email": S.STANDBY}),
    ],
)
async def test_a_person_decides_for_what_stands_by_too(store, tmp_path, verdict, after):
    await decided(store, chain(channels=("push", "email")))
    await attempted(store, "push", S.UNKNOWN)
    ruling = Ruling(verdict=verdict, because="asked", by="ops", at=LATER, routes={"push", "email"})
    done = await store.resolve(Messages(), ruling, 0, 10)
    assert (len(done.done), [why for _, why in done.left][:1]) == (1, ["is standby: there is nothing to decide"])
    assert states(tmp_path) == after


async def test_what_was_replaced_is_nothing_to_decide_about(store):
    await decided(store, chain(channels=("push", "email")))
    await attempted(store, "push", S.FAILED)
    ruling = Ruling(verdict=Verdict.RESEND, because="x", by="ops", at=LATER, routes={"push", "email"})
    done = await store.resolve(Messages(channel="push"), ruling, 0, 10)
    assert [why for _, why in done.left] == ["is replaced: there is nothing to decide"]


async def test_what_took_its_place_is_found_in_its_order(store, tmp_path):
    await decided(store, chain())
    await attempted(store, "push", S.FAILED)
    others = Reports(tmp_path / "pointbell.db").ask(lambda connection: instead_of(connection, "m"))
    assert [(one["channel"], one["state"]) for one in others] == [("sms", S.QUEUED), ("email", S.STANDBY)]


@pytest.mark.parametrize("name", ["_PUT_IN_LINE", "_REPLACE", "_DROP", "_DROP_LATE"])
async def test_chains_are_found_by_an_index(store, name):
    values = {"_REPLACE": ("which",), "_DROP_LATE": ("now", "at")}.get(name, ("chain_of", "at"))
    row = dict.fromkeys(values, 1)

    def plan(connection):
        ready = getattr(fallback, name).ready(connection, row)
        explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {ready.text}", ready.bound(row))
        return [step[3] for step in explained]

    steps = await store._writer.do(plan)
    assert [step for step in steps if step.startswith("SCAN")] == []
    assert any("notification_chain" in step or "standby" in step or "INDEX" in step for step in steps)


async def test_variants_are_counted_once_for_a_message_and_not_for_what_stands_by(store, tmp_path):
    assert (await decided(store, chain(variant="warm"))).variants == [("rule", "warm")]
    assert (await decided(store, chain(variant="warm"), key="evt_2")).variants == []
    rows = Reports(tmp_path / "pointbell.db").notifications()
    assert {row["variant"] for row in rows} == {"warm"}


async def test_a_member_is_reached_by_the_one_that_went_and_by_no_other(store):
    nothing = frozenset()
    anna, rule = frozenset({"anna"}), frozenset({"rule"})
    needs = Needs(members=anna, rules=rule, cards=nothing, happenings=nothing, erased=nothing)
    await store.import_members([Snapshot(id="anna", as_of=NOON, fields={})], NOON)
    await decided(store, chain())
    await attempted(store, "push", S.FAILED)
    assert (await store.load(needs)).reached == {"anna": {"rule": NOON}}
    await attempted(store, "sms", S.FAILED)
    await attempted(store, "email", S.FAILED)
    assert (await store.load(needs)).reached == {}


async def test_what_stands_by_keeps_its_words_for_as_long_as_it_stands_by(store, tmp_path):
    await decided(store, chain(channels=("push", "email"), send_before=None))
    await attempted(store, "push", S.UNKNOWN)
    kept = Retention(messages=timedelta(days=1))
    overdue = Reports(tmp_path / "pointbell.db").overdue(kept, NOON + timedelta(days=99))
    assert overdue[Kind.MESSAGES] == 0
