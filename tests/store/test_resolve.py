"""Messages that only a person can help: every verdict, from every state."""

import sqlite3
from contextlib import closing
from datetime import date, timedelta

import pytest

from engine.model import Reason, Skip, Withdrawal
from engine.store import Messages, NotificationState, Outcome, Reports, Ruling, Verdict

from .conftest import NOON, message, queue
from .test_outbox import ended

S = NotificationState
LATER = NOON + timedelta(hours=1)
EVERYTHING = Messages()


def ruling(verdict, **changes):
    plain = {"verdict": verdict, "because": "asked Anna", "by": "ops", "at": LATER, "routes": {"email", "capture"}}
    return Ruling(**{**plain, **changes})


def row(tmp_path, key):
    [found] = [one for one in Reports(tmp_path / "pointbell.db").notifications() if one["key"] == key]
    return found


async def in_state(store, state, key="m", **changes):
    """A message that came to this state on the way that really leads there."""
    sooner = {"send_before": NOON} if state == S.EXPIRED else {}
    await queue(store, message(key, **{**sooner, **changes}), key=f"evt {key}")
    claimed = await store.claim_notifications("email", 10, NOON)
    if state in {S.SENT, S.CAPTURED, S.FAILED, S.UNKNOWN, S.PERMITTED}:
        assert await store.permit(claimed[0], NOON)
    if state in {S.SENT, S.CAPTURED, S.FAILED, S.UNKNOWN}:
        await store.record([ended(claimed[0], state)])
    if state == S.QUEUED:
        await store.record([Outcome(key=key, lease=claimed[0].lease, state=S.QUEUED, at=NOON, reply="451 later")])
    if state == S.WITHDRAWN:
        await withdraw(store)


async def withdraw(store, key="evt withdrawal"):
    gone = Withdrawal(rule="rule", subject_id="card_1", reason=Reason.NOTHING_AT_RISK)
    await queue(store, withdrawals=[gone], key=key)


@pytest.mark.parametrize(
    ("state", "verdict", "after"),
    [
        (S.UNKNOWN, Verdict.SENT, S.SENT),
        (S.UNKNOWN, Verdict.RESEND, S.QUEUED),
        (S.UNKNOWN, Verdict.DROP, S.DROPPED),
        (S.FAILED, Verdict.RESEND, S.QUEUED),
        (S.FAILED, Verdict.DROP, S.DROPPED),
        (S.EXPIRED, Verdict.DROP, S.DROPPED),
    ],
)
async def test_a_verdict_comes_true_and_says_who_decided_it_and_why(store, tmp_path, state, verdict, after):
    await in_state(store, state)
    assert (await store.resolve(EVERYTHING, ruling(verdict), 0, 10)).done == (1,)
    found = row(tmp_path, "m")
    assert found["state"] == after
    note = f"resolved as {verdict} by ops at 2026-01-10 13:00 UTC: asked Anna"
    assert found["reply"].startswith(note)
    assert found["reply"].endswith(". Before: 250 ok") == (state != S.EXPIRED)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        *((state, verdict) for state in (S.QUEUED, S.CLAIMED, S.PERMITTED, S.SENT, S.CAPTURED) for verdict in Verdict),
        *((S.WITHDRAWN, verdict) for verdict in Verdict),
        (S.FAILED, Verdict.SENT),
        (S.EXPIRED, Verdict.SENT),
    ],
)
async def test_what_cannot_be_decided_so_is_left_alone_with_the_reason(store, tmp_path, state, verdict):
    await in_state(store, state, about=date(2026, 1, 31) if state == S.WITHDRAWN else None)
    before = row(tmp_path, "m")
    come = await store.resolve(EVERYTHING, ruling(verdict), 0, 10)
    assert come.done == ()
    [(number, why)] = come.left
    assert why.startswith(f"is {state}: ")
    assert row(tmp_path, "m") == before
    assert number == before["id"]


async def test_a_dropped_message_is_never_decided_again(store):
    await in_state(store, S.UNKNOWN)
    await store.resolve(EVERYTHING, ruling(Verdict.DROP), 0, 10)
    assert (await store.resolve(EVERYTHING, ruling(Verdict.RESEND), 0, 10)).done == ()
    assert (await queue(store, message("m"), key="evt again")).queued == 0


async def test_a_message_goes_again_under_its_key_from_the_beginning(store):
    await in_state(store, S.UNKNOWN)
    await store.resolve(EVERYTHING, ruling(Verdict.RESEND), 0, 10)
    assert await store.claim_notifications("email", 10, NOON) == []
    [claimed] = await store.claim_notifications("email", 10, LATER)
    assert (claimed.key, claimed.attempts, claimed.payload) == ("m", 0, b"bytes")
    assert await store.permit(claimed, LATER)


async def test_what_is_of_no_use_any_more_goes_only_when_it_is_wanted_all_the_same(store):
    await in_state(store, S.EXPIRED)
    [(_, why)] = (await store.resolve(EVERYTHING, ruling(Verdict.RESEND), 0, 10)).left
    assert why == "was of use until 2026-01-10 12:00 UTC; --even-late sends it all the same"
    assert (await store.resolve(EVERYTHING, ruling(Verdict.RESEND, even_late=True), 0, 10)).done == (1,)
    [claimed] = await store.claim_notifications("email", 10, LATER)
    assert await store.permit(claimed, LATER)


async def test_to_send_even_late_what_is_not_late_leaves_its_end_of_use(store, tmp_path):
    await in_state(store, S.FAILED)
    before = row(tmp_path, "m")["send_before"]
    await store.resolve(EVERYTHING, ruling(Verdict.RESEND, even_late=True), 0, 10)
    assert row(tmp_path, "m")["send_before"] == before


@pytest.mark.parametrize("state", [S.UNKNOWN, S.FAILED, S.EXPIRED])
async def test_what_is_no_longer_true_does_not_go_again_whoever_asks_for_it(store, state):
    await in_state(store, state, about=date(2026, 1, 31))
    await withdraw(store)
    come = await store.resolve(EVERYTHING, ruling(Verdict.RESEND, even_late=True), 0, 10)
    assert come.left == ((1, "was taken back: what it says was no longer true, or its member was deleted"),)
    assert (await store.resolve(EVERYTHING, ruling(Verdict.DROP), 0, 10)).done == (1,)


async def held_by_template(store, key="m"):
    """A message whose template cannot word it."""
    plain = message(key, words=None)
    skip = Skip(rule="rule", reason=Reason.TEMPLATE_HELD, held=plain)
    return await queue(store, decisions=[skip], key=f"evt {key}")


def held_by_restore(tmp_path):
    """The message as a restore leaves it: in words, and perhaps with its member."""
    with closing(sqlite3.connect(tmp_path / "pointbell.db")) as connection, connection:
        connection.execute("UPDATE notification SET state = 'held', reason = 'restored'")


async def test_what_has_no_words_yet_cannot_go_and_can_be_dropped(store):
    await held_by_template(store)
    come = await store.resolve(EVERYTHING, ruling(Verdict.RESEND), 0, 10)
    assert come.left == ((1, "has no words yet: mend its template, then pointbell replay --held"),)
    assert (await store.resolve(EVERYTHING, ruling(Verdict.SENT), 0, 10)).done == ()
    assert (await store.resolve(EVERYTHING, ruling(Verdict.DROP), 0, 10)).done == (1,)


async def test_what_a_restore_holds_goes_only_when_somebody_says_so(store, tmp_path):
    await queue(store, message("m"))
    held_by_restore(tmp_path)
    assert (await queue(store, message("m"), key="evt again")).queued == 0
    assert await store.claim_notifications("email", 10, NOON) == []
    assert (await store.resolve(EVERYTHING, ruling(Verdict.RESEND), 0, 10)).done == (1,)
    assert len(await store.claim_notifications("email", 10, LATER)) == 1


async def test_what_a_restore_holds_stays_held_when_it_is_no_longer_true_and_never_goes(store, tmp_path):
    await queue(store, message("m", about=date(2026, 1, 31)))
    held_by_restore(tmp_path)
    await withdraw(store)
    assert row(tmp_path, "m")["state"] == S.HELD
    assert (await store.resolve(EVERYTHING, ruling(Verdict.RESEND), 0, 10)).done == ()


async def test_a_message_without_a_way_is_left_alone(store):
    await in_state(store, S.FAILED)
    come = await store.resolve(EVERYTHING, ruling(Verdict.RESEND, routes={"capture"}), 0, 10)
    assert come.left == ((1, "has no way to go: there is no channel email in config.yaml"),)


async def test_pages_go_on_where_the_last_one_ended(store):
    for number in range(3):
        await in_state(store, S.FAILED, key=f"m{number}")
    first = await store.resolve(EVERYTHING, ruling(Verdict.DROP), 0, 2)
    assert (first.done, first.last) == ((1, 2), 2)
    assert (await store.resolve(EVERYTHING, ruling(Verdict.DROP), 2, 2)).done == (3,)
    assert (await store.resolve(EVERYTHING, ruling(Verdict.DROP), 3, 2)).last is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, (1, 2)),
        ({"ids": (2, 9)}, (2,)),
        ({"rule": "other"}, (2,)),
        ({"member_id": "bo"}, (2,)),
        ({"channel": "sms"}, ()),
        ({"reason": "no_consent"}, ()),
        ({"states": (S.FAILED,)}, (1, 2)),
        ({"states": (S.UNKNOWN,)}, ()),
        ({"since": NOON}, (1, 2)),
        ({"since": LATER}, ()),
        ({"until": NOON}, ()),
        ({"until": LATER}, (1, 2)),
    ],
)
async def test_messages_are_chosen_by_everything_that_is_said_of_them(store, tmp_path, wanted, found):
    await in_state(store, S.FAILED, key="m1")
    await in_state(store, S.FAILED, key="m2", rule="other", member_id="bo")
    reports = Reports(tmp_path / "pointbell.db")
    chosen = Messages(**wanted)
    assert tuple(sorted(one["id"] for one in reports.notifications(chosen))) == found
    assert reports.judge(chosen, ruling(Verdict.DROP), 0, 10).done == found
    assert (await store.resolve(chosen, ruling(Verdict.DROP), 0, 10)).done == found


async def test_a_try_changes_nothing(store, tmp_path):
    await in_state(store, S.UNKNOWN)
    before = row(tmp_path, "m")
    Reports(tmp_path / "pointbell.db").judge(EVERYTHING, ruling(Verdict.DROP), 0, 10)
    assert row(tmp_path, "m") == before
