"""A winter in the example programme: Anna's points are counted, moved, reminded of and spent, in simulated time."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from engine.ingest import SourceSettings
from engine.model import Snapshot
from engine.tools.simulation import Simulation
from tests.programme import capture, channels, ruleset_of

SHOP = SourceSettings(name="shop", producer="native", unsigned=True)
START = datetime(2025, 12, 20, 17, tzinfo=UTC)
ANNA = {"first_name": "Anna", "name": "Anna Nowak", "email": "anna@example.org", "timezone": "Europe/Warsaw"}


def at(day, hour=12, minute=0):
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def event(key, name, moment, member="anna", card=None, **data):
    """A native delivery about a member's card."""
    body = {"id": key, "type": name, "time": moment.isoformat(), "member": {"id": member}, "data": data}
    shown = {"id": f"card-{member}", "holder_id": member, "code": f"CODE-{member}", **(card or {})}
    return json.dumps(body | {"card": shown}).encode()


async def winter(database):
    """The database after Anna's winter: three reminders armed, all moved, one sent, two cancelled."""
    simulation = Simulation(
        database=database,
        start=START,
        ruleset=ruleset_of(),
        sources={SHOP.name: SHOP},
        channels=channels(),
        capture=capture(),
    )
    expiring = {"balance": 970, "next_expiration_date": "2026-01-31", "next_expiration_points": 970}
    async with simulation:
        known = Snapshot(id="anna", as_of=START, fields=ANNA, aliases=("crm-1",))
        await simulation.import_members([known, Snapshot(id="bo", as_of=START, fields={"first_name": "Bo"})])
        await simulation.deliver(SHOP.name, event("1", "points_earned", START, card=expiring, points=970))
        await simulation.advance(at(2))
        moved = {**expiring, "next_expiration_date": "2026-03-31"}
        await simulation.deliver(SHOP.name, event("2", "points_earned", at(2), card=moved, points=5))
        await simulation.advance(at(10))
        spent = {"balance": 0, "next_expiration_points": 0}
        await simulation.deliver(SHOP.name, event("3", "points_redeemed", at(10), card=spent, points=970))
        await simulation.deliver(SHOP.name, event("4", "points_expired", at(9), points=10))
        await simulation.deliver(SHOP.name, event("5", "points_expired", at(10), points=60))
        await simulation.deliver(SHOP.name, event("5", "points_expired", at(10), points=60))
        await simulation.deliver(SHOP.name, event("6", "points_expired", at(10), member="bo", points=60))
        await simulation.deliver(SHOP.name, b"{broken")
    return database
