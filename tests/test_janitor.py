"""What has been kept long enough goes; what is open, or keeps a message from going twice, stays."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.deliver import Deferred, Unknown
from engine.janitor import Janitor, kept_for
from engine.ruleset.rule import Rule
from engine.store import Kind, Place, Reports, Retention, Store, limit_of

from .programme import ruleset_of
from .test_pipeline import NOON, House, Scripted, expired, expiring

DAYS = timedelta(days=1)
DEFAULT = Retention(bodies=90 * DAYS, messages=90 * DAYS, decisions=400 * DAYS, events=400 * DAYS, timers=400 * DAYS)
DOWN = Deferred("the relay is down", about_relay=True)


@pytest.fixture
async def house(tmp_path):
    store = await Store.open(tmp_path / "p.db")
    yield House(store, tmp_path / "p.db", Scripted(), ruleset_of())
    await store.close()


class Counts:
    def __init__(self):
        self.removed = Counter()

    def tidied(self, removed):
        self.removed.update(removed)


async def tidy(house, retention=DEFAULT):
    """One whole walk; what was removed."""
    counts = Counts()
    janitor, place = Janitor(house.pipeline, retention, counts), Place()
    while place is not None:
        place = (await janitor.round(place)).further
    return counts.removed


def rows(house, table, *columns):
    with closing(sqlite3.connect(house.path)) as connection:
        return connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1").fetchall()


def change(house, statement):
    """As another process would."""
    with closing(sqlite3.connect(house.path)) as connection, connection:
        connection.execute(statement)


def count(house, table):
    return rows(house, table, "count(*)")[0][0]


def leave(house, days):
    """Let time pass without doing anything."""
    house.clock.move(NOON + days * DAYS)


async def test_nothing_young_is_touched(house):
    await house.post(expired())
    await house.settle()
    leave(house, 89)
    assert await tidy(house) == {}


async def test_bodies_and_words_go_first_and_what_is_known_stays(house):
    await house.post(expired())
    await house.settle()
    leave(house, 91)
    assert await tidy(house) == {Kind.BODIES: 1, Kind.MESSAGES: 1}
    now = int(house.clock.now().timestamp()) * 1_000_000
    assert rows(house, "event", "raw", "emptied_at", "name", "state") == [(b"", now, "points_expired", "decided")]
    assert rows(house, "notification", "subject", "emptied_at", "state") == [("", now, "sent")]
    assert rows(house, "letter", "payload") == []
    assert count(house, "decision") == 2
    assert await tidy(house) == {}
    assert await house.store.replay([1]) == 0


async def test_in_the_end_the_delivery_goes_with_all_that_came_of_it(house):
    await house.post({**expired(), "happening": "h1"})
    await house.settle()
    leave(house, 401)
    assert (await tidy(house))[Kind.EVENTS] == 1
    assert [count(house, table) for table in ("event", "decision", "notification", "happening")] == [0, 0, 0, 0]
    assert count(house, "member") == count(house, "card") == 1


async def test_a_delivery_that_comes_again_is_known_for_as_long_as_events_are_kept(house):
    await house.post(expired())
    await house.settle()
    leave(house, 399)
    await tidy(house)
    assert await house.post(expired()) is False
    await house.settle()
    assert house.messages() == [("sent", 1)]


@pytest.mark.parametrize("answer", [DOWN, Unknown("lost after the dot")], ids=["queued", "unknown"])
async def test_an_open_message_stays_with_its_words_its_delivery_and_its_reason(house, answer):
    house.channel.answers = [answer]
    await house.post(expired())
    await house.pipeline.process()
    for message in await house.store.claim_notifications("email", 1, house.clock.now()):
        await house.pipeline.send(message)
    leave(house, 1_000)
    assert await tidy(house) == {}
    [(payload,)] = rows(house, "letter", "payload")
    assert payload


async def test_a_delivery_that_is_set_aside_stays_whole(house):
    await house.post(b"{broken")
    await house.settle()
    leave(house, 1_000)
    assert await tidy(house) == {}
    assert rows(house, "event", "raw") == [(b"{broken",)]


async def test_a_delivery_that_is_still_to_be_decided_stays_whole(house):
    await house.post(expired("claimed"))
    await house.post(expired("stored"))
    await house.store.claim_events(1, house.clock.now())
    leave(house, 1_000)
    assert await tidy(house) == {}


async def test_a_replayed_delivery_counts_from_when_it_was_decided_anew(house):
    await house.post(expired())
    await house.settle()
    leave(house, 395)
    await house.store.replay([1])
    await house.settle()
    leave(house, 405)
    removed = await tidy(house)
    assert count(house, "event") == 1
    assert removed[Kind.EVENTS] == 0


async def test_a_reminder_that_is_over_goes_and_one_whose_date_is_ahead_stays(house):
    await house.post(expiring("e1", "2026-01-18"))
    await house.settle()
    await house.later(days=1)
    short = replace(DEFAULT, timers=3 * DAYS)
    leave(house, 6)
    assert (await tidy(house, short))[Kind.TIMERS] == 0
    leave(house, 40)
    await house.settle()
    assert (await tidy(house, short))[Kind.TIMERS] == 3
    assert count(house, "timer") == 0


async def test_the_key_of_a_reminder_stays_while_its_date_is_ahead(house):
    await house.post(expiring("e1", "2026-02-09"))
    await house.settle()
    await house.later(days=1)
    short = Retention(bodies=DAYS, messages=DAYS, decisions=DAYS, events=2 * DAYS)
    sent = house.messages()
    assert sent == [("sent", 1)]
    leave(house, 29)
    await tidy(house, short)
    assert house.messages() == sent
    leave(house, 33)
    await tidy(house, short)
    assert house.messages() == []


async def test_a_reminder_that_was_sent_late_is_remembered_from_then(house):
    await house.post(expiring("e1", "2026-01-18"))
    await house.settle()
    late = int((NOON + 30 * DAYS).timestamp()) * 1_000_000
    with closing(sqlite3.connect(house.path)) as connection, connection:
        connection.execute("UPDATE timer SET state = 'fired', sent_at = ? WHERE slot = '1 day'", [late])
    leave(house, 60)
    removed = await tidy(house, replace(DEFAULT, timers=40 * DAYS))
    assert removed[Kind.TIMERS] == 1
    assert ("1 day",) in rows(house, "timer", "slot")


async def test_a_reminder_stays_while_its_message_waits_for_somebody(house):
    house.channel.answers = [Unknown("lost after the dot")]
    await house.post(expiring("e1", "2026-01-18"))
    await house.settle()
    await house.later(days=1)
    leave(house, 1_000)
    assert (await tidy(house))[Kind.TIMERS] == 0


async def test_a_reminder_that_has_not_rung_yet_stays_however_late_it_is(house):
    await house.post(expiring("e1", "2026-01-18"))
    await house.settle()
    leave(house, 1_000)
    assert (await tidy(house))[Kind.TIMERS] == 1
    assert sorted(rows(house, "timer", "state")) == [("armed",), ("armed",)]


async def test_the_decisions_of_a_delivery_that_is_decided_anew_stay_until_then(house):
    await house.post(expired())
    await house.settle()
    leave(house, 401)
    await house.store.replay([1])
    assert (await tidy(house))[Kind.DECISIONS] == 0
    assert count(house, "decision") == 2


async def test_a_message_that_comes_again_after_its_words_had_gone_has_words(house):
    await house.post(expiring("e1", "2026-03-01"))
    await house.settle()
    house.channel.answers = [DOWN] * 20
    house.clock.move(NOON + timedelta(days=19, hours=20))
    await house.settle()
    for key, day in (("e2", "2026-04-01"), ("e3", "2026-03-01")):
        await house.later(hours=2)
        await house.post({**expiring(key, day), "time": house.clock.now().isoformat()})
        await house.settle()
        await house.later(hours=2)
        await tidy(house, replace(DEFAULT, messages=timedelta(hours=1)))
    assert rows(house, "notification", "state") == [("withdrawn",)]
    assert rows(house, "letter", "message_id") == []
    house.channel.answers = []
    await house.later(hours=16, minutes=30)
    assert rows(house, "notification", "state", "emptied_at") == [("sent", None)]


async def test_a_rule_that_tells_something_once_is_never_forgotten(house):
    await house.post(expired())
    await house.settle()
    ruleset = house.pipeline.ruleset
    once = [replace(rule, once_per=(("card", "id"),)) for rule in ruleset.rules]
    house.pipeline.ruleset = replace(ruleset, rules=tuple(once))
    leave(house, 401)
    assert (await tidy(house))[Kind.EVENTS] == 0
    assert count(house, "notification") == 1


def test_what_a_rule_may_ask_for_is_kept_as_long(house):
    ruleset = house.pipeline.ruleset
    rules = tuple(replace(rule, again_after=500 * DAYS) for rule in ruleset.rules)
    kept = kept_for(DEFAULT, replace(ruleset, rules=rules))
    assert (kept.events, kept.timers, kept.bodies) == (500 * DAYS, 500 * DAYS, 90 * DAYS)
    assert all(isinstance(rule, Rule) for rule in rules)


async def test_what_is_kept_for_ever_stays(house):
    await house.post(expired())
    await house.settle()
    leave(house, 3_000)
    assert await tidy(house, Retention()) == {}


async def test_a_round_does_a_bounded_share_and_the_next_goes_on(house, monkeypatch):
    monkeypatch.setattr("engine.store.retention.UNIT", 3)
    for number in range(20):
        await house.post(expired(f"e{number}", points=1))
    await house.settle()
    leave(house, 91)
    counts = Counts()
    janitor = Janitor(house.pipeline, DEFAULT, counts)
    monkeypatch.setattr("engine.janitor.UNITS", 2)
    first = await janitor.round(Place(), 2)
    assert first.removed == {Kind.BODIES: 6}
    assert first.further is not None
    second = await janitor.round(first.further, 100)
    assert (second.removed, second.further) == ({Kind.BODIES: 14}, None)


async def test_others_have_their_turn_between_any_two_units(house, monkeypatch):
    monkeypatch.setattr("engine.store.retention.UNIT", 2)
    for number in range(40):
        await house.post(expired(f"e{number}", points=1))
    await house.settle()
    leave(house, 91)
    order, tidying = [], house.store.tidy

    async def noted(*asked):
        order.append("tidy")
        return await tidying(*asked)

    monkeypatch.setattr(house.store, "tidy", noted)
    round_ = asyncio.ensure_future(tidy(house))
    while not round_.done():
        # Somebody else's work, handed over whenever the last is done: it never waits for more than one unit.
        await house.store.note("somebody", "else")
        order.append("other")
    await round_
    assert order.count("tidy") == 20
    runs = "".join("t" if one == "tidy" else "o" for one in order)
    assert "ttt" not in runs


async def test_a_unit_is_small_in_number_and_in_bytes(house, monkeypatch):
    monkeypatch.setattr("engine.store.retention.HEAVIEST", 1_000)
    for number in range(6):
        await house.post({**expired(f"e{number}", points=1), "note": "x" * (1_500 if number == 2 else 100)})
    await house.settle()
    leave(house, 91)
    limit = limit_of(Kind.BODIES, DEFAULT, house.clock.now())
    found = await house.store.overdue(Place(), limit)
    assert [2] not in found.units
    assert [3] in found.units
    assert sum(map(len, found.units)) == 6


@pytest.mark.parametrize(("kind", "days"), [(Kind.BODIES, 91), (Kind.EVENTS, 401)])
async def test_what_opens_again_while_it_is_looked_at_stays(house, kind, days):
    await house.post(expired())
    await house.settle()
    leave(house, days)
    real = house.store.tidy

    async def opened_meanwhile(of, keys, limit):
        if of is kind:
            change(house, "UPDATE event SET state = 'stored'")
        return await real(of, keys, limit)

    house.store.tidy = opened_meanwhile
    assert kind not in +(await tidy(house))
    assert count(house, "event") == 1


async def test_the_clock_walks_once_in_a_while(house):
    counts = Counts()
    janitor = Janitor(house.pipeline, DEFAULT, counts)
    await house.post(expired())
    await house.settle()
    leave(house, 90)
    await janitor.tick()
    house.clock.move(house.clock.now() + timedelta(hours=1))
    await janitor.tick()
    assert counts.removed == {}
    house.clock.move(house.clock.now() + timedelta(hours=6))
    await janitor.tick()
    assert counts.removed == {Kind.BODIES: 1, Kind.MESSAGES: 1}


async def test_a_timer_that_was_tidied_away_rings_again_when_its_card_has_a_new_date(house):
    await house.post(expiring("e1", "2026-01-18"))
    await house.settle()
    await house.later(days=1, hours=1)
    leave(house, 60)
    await house.settle()
    await tidy(house, replace(DEFAULT, timers=30 * DAYS))
    assert count(house, "timer") == 0
    body = expiring("e2", "2026-04-01")
    await house.post({**body, "time": house.clock.now().isoformat()})
    await house.settle()
    await house.later(days=13, hours=21)
    assert house.messages()[0] == ("sent", 1)
    assert len(house.messages()) == 2


async def test_a_dry_count_tells_what_a_walk_will_remove(house):
    for number in range(5):
        await house.post(expired(f"e{number}"))
    await house.settle()
    leave(house, 91)
    with closing(Reports(house.path)) as reports:
        told = reports.overdue(DEFAULT, house.clock.now())
    assert +told == await tidy(house) == {Kind.BODIES: 5, Kind.MESSAGES: 5}
