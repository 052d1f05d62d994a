"""A backup put back: nothing that was sent goes a second time unasked, and what is new goes as ever."""

import json
import shutil
import sqlite3
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from random import Random

import pytest

from engine.deliver import Deferred
from engine.store import Reports, Store, backup, examined, put_in_place
from engine.store.witness import begin

from .programme import EXAMPLE, ruleset_of
from .test_pipeline import NOON, House, Scripted, expired

DOWN = Deferred("the relay is down", about_relay=True)


@asynccontextmanager
async def house_at(path, now, *answers):
    """A house on the database at ``path``, opened as the daemon opens it."""
    store = await Store.open(path)
    house = House(store, path, Scripted(*answers), ruleset_of())
    house.clock.move(now)
    house.unsure = await store.begin(now)
    await store.recover(now)
    yield house
    await store.close()


def put_back(copy, path, now):
    with examined(copy, path) as found:
        return put_in_place(found, path, now)


def sent(house):
    return [message.key for message in house.channel.carried]


def rows(path, **which):
    with closing(Reports(path)) as reports:
        found = reports.notifications(limit=10_000)
    return {row["key"]: row for row in found if all(row[name] == value for name, value in which.items())}


def held(path):
    return sorted(key for key, row in rows(path, state="held").items() if row["reason"] == "restored")


def at(body, when):
    return {**body, "time": when.isoformat()}


def expiring(key, day, when, card="card", **more):
    facts = {"id": card, "holder_id": "anna", "balance": 500, "next_expiration_points": 500, **more}
    return {
        "id": key,
        "type": "points_earned",
        "time": when.isoformat(),
        "member": {"id": "anna", "email": "anna@example.org"},
        "card": {**facts, "next_expiration_date": day, "updated_at": when.isoformat()},
        "data": {"points": 1},
    }


@pytest.fixture
def path(tmp_path):
    return tmp_path / "p.db"


@pytest.fixture
def copy(tmp_path):
    return tmp_path / "copy.db"


async def test_what_was_in_hand_when_the_backup_was_taken_is_held_with_its_words(path, copy):
    async with house_at(path, NOON, DOWN) as house:
        await house.post(expired("worded"))
        await house.settle()
        await house.post(expired("stored"))
        backup(path, copy, NOON)
        await house.later(minutes=10)
        assert len(sent(house)) == 2
    done = put_back(copy, path, NOON + timedelta(hours=1))
    assert (done.unsure.messages, done.unsure.events) == (1, 1)
    async with house_at(path, NOON + timedelta(hours=1)) as house:
        await house.later(days=1)
        assert sent(house) == []
    assert len(held(path)) == 2
    assert all(row["subject"] for row in rows(path, state="held").values())


async def test_a_message_that_was_just_being_sent_is_held_whatever_its_rule_says_of_resending(path, copy):
    async with house_at(path, NOON) as house:
        await house.post(expired())
        await house.pipeline.process()
        [message] = await house.store.claim_notifications("email", 1, NOON)
        await house.store.permit(message, NOON)
        backup(path, copy, NOON)
    put_back(copy, path, NOON)
    assert len(held(path)) == 1


async def test_events_that_come_in_again_are_followed_and_their_messages_held(path, copy):
    async with house_at(path, NOON) as house:
        await house.post(expired("before"))
        await house.settle()
        backup(path, copy, NOON)
        await house.later(hours=1)
        lost = at(expired("lost", points=90, balance=40), house.clock.now())
        await house.post(lost)
        await house.settle()
        assert len(sent(house)) == 2
    later = NOON + timedelta(hours=2)
    put_back(copy, path, later)
    async with house_at(path, later) as house:
        assert await house.post(expired("before")) is False
        assert await house.post(lost) is True
        await house.settle()
        assert sent(house) == []
        assert len(held(path)) == 1
        with closing(Reports(path)) as reports:
            assert reports.member("anna")["cards"][0]["balance"] == 40


async def test_what_happens_after_the_restore_goes_as_ever(path, copy):
    async with house_at(path, NOON) as house:
        backup(path, copy, NOON)
        await house.store.beat(NOON + timedelta(minutes=1))
    later = NOON + timedelta(hours=2)
    put_back(copy, path, later)
    async with house_at(path, later) as house:
        assert house.unsure is None
        await house.later(minutes=1)
        await house.post(at(expired("new"), house.clock.now() - timedelta(seconds=10)))
        await house.settle()
        assert len(sent(house)) == 1
    assert held(path) == []


async def test_reminders_due_in_the_missing_time_are_held_and_later_ones_go(path, copy):
    async with house_at(path, NOON) as house:
        await house.post(expiring("e1", "2026-01-19", NOON))
        await house.settle()
        backup(path, copy, NOON)
        await house.later(days=2)
        [first] = sent(house)
        assert "7 days" in first
    later = NOON + timedelta(days=2)
    assert put_back(copy, path, later).unsure.timers == 1
    async with house_at(path, later) as house:
        await house.settle()
        assert held(path) == [first]
        await house.later(days=5, hours=21)
        [second] = sent(house)
        assert "1 day" in second


async def test_a_reminder_that_went_is_not_put_off_by_what_is_known_since(path, copy):
    async with house_at(path, NOON) as house:
        await house.post(expiring("e1", "2026-01-19", NOON))
        await house.settle()
        backup(path, copy, NOON)
        await house.later(days=1, hours=20, minutes=30)
        assert len(sent(house)) == 1
    later = NOON + timedelta(days=1, hours=21)
    put_back(copy, path, later)
    async with house_at(path, later) as house:
        # Nine o'clock in New York is still to come.
        moves = expiring("e2", "2026-01-19", later)
        await house.post({**moves, "member": {**moves["member"], "timezone": "America/New_York"}})
        await house.later(days=1)
        assert sent(house) == []


async def test_a_date_that_moved_in_the_missing_time_reminds_nobody_again(path, copy):
    async with house_at(path, NOON) as house:
        await house.post(expiring("e1", "2026-03-01", NOON))
        await house.settle()
        backup(path, copy, NOON)
        # Its reminder of seven days before was due hours ago, and goes at the rule's next hour.
        moved = expiring("e2", "2026-01-17", NOON + timedelta(minutes=1))
        await house.later(minutes=1)
        await house.post(moved)
        await house.settle()
        await house.later(hours=24)
        assert len(sent(house)) == 1
    later = NOON + timedelta(hours=25)
    put_back(copy, path, later)
    async with house_at(path, later) as house:
        await house.post(moved)
        await house.later(days=2)
        assert sent(house) == []


async def test_replaying_what_the_backup_held_by_its_template_sends_nothing_unasked(path, copy):
    async with house_at(path, NOON) as house:
        await house.post({**expired("e1"), "data": {"points": "unreadable"}})
        await house.settle()
        [aside] = house.events("quarantined")
        backup(path, copy, NOON)
    later = NOON + timedelta(hours=1)
    put_back(copy, path, later)
    async with house_at(path, later) as house:
        # As if a mended reader could read it. Its producer's clock is a day ahead: the event seems to be news.
        raw = json.dumps(at(expired("e1"), later + timedelta(days=1))).encode()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE event SET raw = ?", (raw,))
        await house.store.replay([aside["seq"]])
        await house.settle()
        assert sent(house) == []
    assert len(held(path)) == 1


async def test_an_event_that_does_not_say_when_it_happened_is_held_while_lost_ones_may_come_in_again(path, copy):
    async with house_at(path, NOON) as house:
        untimed = {name: value for name, value in expired("e1").items() if name != "time"}
        await house.post(untimed)
        await house.settle()
        backup(path, copy, NOON)
    later = NOON + timedelta(hours=1)
    assert put_back(copy, path, later).unsure.untimed_events is True
    async with house_at(path, later) as house:
        await house.later(minutes=1)
        await house.post({**untimed, "id": "e2"})
        await house.settle()
        assert (sent(house), len(held(path))) == ([], 1)
        await house.later(days=3)
        await house.post({**untimed, "id": "e3"})
        await house.settle()
        assert len(sent(house)) == 1


@pytest.mark.parametrize("timed", [True, False])
async def test_what_was_lost_and_waits_once_it_has_come_in_again_is_held_with_what_is_new(path, copy, tmp_path, timed):
    shutil.copytree(EXAMPLE, tmp_path / "club")
    rule = tmp_path / "club" / "rules" / "points-expired.yaml"
    rule.write_text(f"{rule.read_text()}collect: 4 days\n")
    async with house_at(path, NOON) as house:
        backup(path, copy, NOON)
    later = NOON + timedelta(hours=2)
    put_back(copy, path, later)
    async with house_at(path, later) as house:
        house.pipeline.ruleset = ruleset_of(tmp_path / "club")
        await house.later(hours=1)
        lost = at(expired("lost"), NOON + timedelta(hours=1))
        await house.post(lost if timed else {name: value for name, value in lost.items() if name != "time"})
        await house.post(at(expired("new"), house.clock.now() - timedelta(seconds=1)))
        await house.settle()
        await house.later(days=4)
        assert (sent(house), len(held(path))) == ([], 1)


async def test_restoring_twice_holds_what_is_missing_from_both(path, copy):
    async with house_at(path, NOON) as house:
        await house.later(minutes=1)
        backup(path, copy, house.clock.now())
        lost = at(expired("lost"), house.clock.now() + timedelta(minutes=1))
        await house.later(minutes=2)
        await house.post(lost)
        await house.settle()
        assert len(sent(house)) == 1
    put_back(copy, path, NOON + timedelta(hours=1))
    put_back(copy, path, NOON + timedelta(hours=2))
    async with house_at(path, NOON + timedelta(hours=2)) as house:
        await house.post(lost)
        await house.settle()
        assert sent(house) == []


# --- copies that somebody put in place by hand ---


async def test_a_backup_put_in_place_by_hand_is_noticed(path, copy):
    async with house_at(path, NOON, DOWN) as house:
        await house.post(expired())
        await house.settle()
        backup(path, copy, NOON)
        await house.later(minutes=10)
        assert len(sent(house)) == 1
    shutil.copy(copy, path)
    path.with_name("p.db.alive").unlink()
    async with house_at(path, NOON + timedelta(hours=1)) as house:
        await house.settle()
        assert sent(house) == []
        assert house.unsure.restored.since == NOON
    assert len(held(path)) == 1


async def test_a_plain_copy_put_in_place_by_hand_is_noticed(path, tmp_path):
    async with house_at(path, NOON, DOWN) as house:
        await house.post(expired())
        await house.settle()
    shutil.copy(path, tmp_path / "plain.db")
    async with house_at(path, NOON + timedelta(minutes=10)) as house:
        await house.settle()
        assert len(sent(house)) == 1
    shutil.copy(tmp_path / "plain.db", path)
    async with house_at(path, NOON + timedelta(hours=1)) as house:
        await house.settle()
        assert sent(house) == []
    assert len(held(path)) == 1


async def test_an_ordinary_stop_and_start_holds_nothing_however_long_it_took(path):
    async with house_at(path, NOON, DOWN) as house:
        await house.post(expired())
        await house.settle()
    async with house_at(path, NOON + timedelta(days=2)) as house:
        assert house.unsure is None
        await house.settle()
        assert len(sent(house)) == 1


async def test_a_start_that_broke_off_while_the_clock_was_wrong_is_not_taken_for_a_restore(path):
    async with house_at(path, NOON + timedelta(days=1)):
        pass
    store = await Store.open(path)
    await store._writer.do(lambda connection: begin(connection, path, NOON))
    await store.close()
    async with house_at(path, NOON) as house:
        assert house.unsure is None


async def test_neither_a_clock_put_back_nor_a_lost_witness_nor_another_database_is_taken_for_a_restore(path):
    async with house_at(path, NOON + timedelta(days=1)) as house:
        await house.store.beat(NOON + timedelta(days=1, minutes=1))
    async with house_at(path, NOON) as house:
        assert house.unsure is None
    witness = path.with_name("p.db.alive")
    for torn in ("", "torn", f"{witness.read_text('ascii').split()[0]} 17x"):
        witness.write_text(torn, encoding="ascii")
        async with house_at(path, NOON) as house:
            assert house.unsure is None
    path.unlink()
    async with house_at(path, NOON) as house:
        assert house.unsure is None
    assert witness.exists()


# --- whole lives ---


class Club:
    """Members whose points come, go and expire, in an order that a seed decides."""

    def __init__(self, seed):
        self.random = Random(seed)
        self.told = []

    def happening(self, number, when):
        card = f"card-{self.random.randrange(4)}"
        if self.random.random() < 0.4:
            body = expired(f"x{number}", points=self.random.randrange(40, 90), id=card)
            body = at({**body, "card": {"id": card, "holder_id": "anna"}}, when)
        else:
            day = (when + timedelta(days=self.random.choice([1, 2, 7, 8, 9, 30, 31]))).date()
            body = expiring(f"x{number}", str(day), when, card=card)
        self.told.append(body)
        return body


async def live(house, club, numbers):
    for number in numbers:
        await house.post(club.happening(number, house.clock.now() - timedelta(seconds=1)))
        await house.later(hours=club.random.choice([1, 3, 11]))


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_before_and_after_nothing_is_sent_twice(path, copy, seed):
    club = Club(seed)
    async with house_at(path, NOON, *([DOWN] * (seed % 3))) as house:
        await live(house, club, range(12))
        backup(path, copy, house.clock.now())
        await live(house, club, range(12, 30))
        once, now = sent(house), house.clock.now() + timedelta(hours=club.random.choice([0, 5, 30]))
    assert len(set(once)) == len(once) > 10
    put_back(copy, path, now)
    async with house_at(path, now) as house:
        lost = list(club.told)
        club.random.shuffle(lost)
        for body in lost:
            await house.post(body)
            if club.random.random() < 0.2:
                await house.later(hours=1)
        await live(house, club, range(30, 60))
        await house.later(days=40)
        again = sent(house)
    assert len(set(again)) == len(again) > 5
    assert not set(once) & set(again)
