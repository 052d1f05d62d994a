"""Whoever decides, and however many at once: the same facts, timers, decisions, messages and bytes."""

import sqlite3
from contextlib import closing
from random import Random

from tests.test_pipeline import expired, expiring

from .conftest import full_house

HOLDERS = 12
WHAT = {
    "event": "seq, key, state, name, member_id, card_id, occurred_at, decided_at, ruleset, note",
    "happening": "key, event_seq",
    "member": "id, facts",
    "card": "id, member_id, facts",
    "timer": "rule, subject, slot, member_id, lane, about, due_at, state, generation, reason",
    "decision": "event_seq, member_id, rule, outcome, reason, slot, template, detail, at, due_at, notification",
    "notification": "key, event_seq, subject_id, about, slot, member_id, route, address, subject, state",
    "letter": "payload",
}


def arrivals(random, count):
    """What one might get from many holders, one after the other: sound, broken, unknown, reported twice."""
    for number in range(count):
        holder = f"h{random.randrange(HOLDERS)}"
        at = {"time": f"2026-01-10T{random.randrange(6, 12):02}:{random.randrange(60):02}:00Z"}
        person = {"id": holder, "email": f"{holder}@example.org" if random.random() < 0.9 else None}
        card = {"id": f"card-{holder}", "holder_id": holder}
        card |= {"balance": random.choice([0, 40, 500, 900])} if random.random() < 0.5 else {}
        person |= {"first_name": f"Anna {number}"} if random.random() < 0.5 else {}
        kind = random.choice(["expired", "expired", "expiring", "unknown", "broken", "twin"])
        if kind == "broken":
            yield b'{"id": "e%d", "broken' % number
        elif kind == "unknown":
            yield {"id": f"e{number}", "type": "weather_changed", "member": person}
        elif kind == "expiring":
            day = random.choice(["2026-01-17", "2026-02-28", "2026-03-31", None])
            yield {**expiring(f"e{number}", day=day), **at, "member": person,
                   "card": {**card, "next_expiration_date": day, "next_expiration_points": 300}}  # fmt: skip
        else:
            twin = {"happening": f"{holder}-midnight"} if kind == "twin" else {}
            body = expired(f"e{number}", points=random.choice([10, 80]))
            yield {**body, **at, "member": person, "card": card, **twin}


async def told(folder, workers, seed):
    """Everything the database knows after the same arrivals, and the order in which each lane was decided."""
    folder.mkdir()
    async with full_house(folder, workers) as house:
        for number, body in enumerate(arrivals(Random(seed), 300)):
            await house.post(body)
            if number % 70 == 0:
                await house.decide()
        await house.decide()
        settled = [one.seq for one in house.journal.settlements]
    with closing(sqlite3.connect(folder / "p.db")) as connection:
        known = {
            name: sorted(connection.execute(f"SELECT {what} FROM {name}"), key=repr) for name, what in WHAT.items()
        }
        lanes = dict(connection.execute("SELECT seq, lane FROM event"))
    return known, settled, lanes


async def test_children_decide_as_this_process_would_and_each_lane_in_the_order_of_arrival(tmp_path):
    here, _, lanes = await told(tmp_path / "0", 0, seed=1)
    assert {len(rows) > 10 for name, rows in here.items()} == {True}
    for workers in (1, 2):
        known, settled, _ = await told(tmp_path / str(workers), workers, seed=1)
        assert known == here
        assert len(settled) == len(lanes)
        for lane in set(lanes.values()):
            own = [seq for seq in settled if lanes[seq] == lane]
            assert own == sorted(own)
