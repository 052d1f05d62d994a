"""The published example events, through the real engine with the starter programme: what each of them leads to."""

import asyncio
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.ingest import SourceSettings
from engine.model import Cancel, Notify, Schedule, Skip, Snapshot
from engine.tools.simulation import Simulation

from .programme import STARTER, capture, channels, ruleset_of

EVENTS = Path(__file__).parent / "events"
SOURCE = SourceSettings(name="voucherify", producer="voucherify", unsigned=True)
RULESET = ruleset_of(STARTER)
ARRIVAL = datetime(2025, 3, 7, 12, tzinfo=UTC)
JACK, ALEX, KIZA, LUKASZ = (
    "cust_IdgAFZxYwwHctOk9pPuMu308",
    "cust_2p0TvCOvB25HWUrW9JFf4czJ",
    "cust_KiZa6C6R30sgqqpU76o6B7u0",
    "cust_FGtYypgEx2tBL5jB6PuYfSES",
)
NO_DATE = ("points-expire-soon", "skip", "absent")
PLANNED = [("points-expire-soon", "schedule", slot) for slot in ("30 days", "7 days", "1 day")]

TABLE = {
    "envelope.voucher.loyalty_card.points_added": [NO_DATE, ("points-added", "notify", "points-added/email")],
    "customer.voucher.loyalty_card.points_added": [NO_DATE, ("points-added", "notify", "points-added/email")],
    "customer.loyalty.tier.upgraded": [("tier-reached", "notify", "tier-reached/email")],
    "voucher.loyalty_card.points_expired": [NO_DATE, ("points-expired", "skip", "condition")],
    "voucher.loyalty_card.pending_points.activated": [
        NO_DATE,
        ("pending-points-activated", "notify", "pending-points-activated/email"),
    ],
    "voucher.loyalty_card.pending_points.canceled": [
        NO_DATE,
        ("pending-points-canceled", "notify", "pending-points-canceled/email"),
    ],
    "customer.voucher.loyalty_card.pending_points.updated": [
        *PLANNED,
        ("pending-points-updated", "notify", "pending-points-updated/email"),
    ],
}
MESSAGES = sum(kind == "notify" for expected in TABLE.values() for _, kind, _ in expected)


def posting(name):
    """The body and the type hint of a published event; a complete envelope says its type itself."""
    body = (EVENTS / f"{name}.json").read_bytes()
    return body, None if name.startswith("envelope.") else name


def other_name(name):
    """The name under which the producer's other channel reports the same happening."""
    if name.startswith("customer.voucher."):
        return name.removeprefix("customer.")
    return f"customer.{name}" if name.startswith("voucher.") else name


def simulation(folder):
    return Simulation(
        database=folder / "p.db",
        start=ARRIVAL,
        ruleset=RULESET,
        sources={SOURCE.name: SOURCE},
        channels=channels(),
        capture=capture(),
    )


async def know_everybody(engine):
    people = (JACK, ALEX, KIZA, LUKASZ)
    await engine.import_members(
        [Snapshot(id=one, as_of=ARRIVAL, fields={"email": f"{one[5:10].lower()}@example.org"}) for one in people]
    )


def in_words(decision):
    if isinstance(decision, Notify):
        return decision.rule, "notify", decision.notification.slot
    if isinstance(decision, Schedule):
        return decision.rule, "schedule", decision.timer.slot
    if isinstance(decision, Cancel):
        return decision.rule, "cancel", decision.reason.value
    assert isinstance(decision, Skip)
    return decision.rule, "skip", decision.reason.value


@pytest.mark.parametrize("name", TABLE)
async def test_a_published_event_leads_to(name, tmp_path):
    async with simulation(tmp_path) as engine:
        await know_everybody(engine)
        await engine.deliver(SOURCE.name, *posting(name))
    [settlement] = engine.journal.settlements
    assert [in_words(decision) for decision in settlement.decisions] == TABLE[name]


def test_every_published_event_is_in_the_table():
    assert {path.stem for path in EVENTS.glob("*.json")} == set(TABLE)


async def test_without_a_directory_only_the_event_that_carries_an_address_could_be_mailed(tmp_path):
    async with simulation(tmp_path) as engine:
        for name in TABLE:
            await engine.deliver(SOURCE.name, *posting(name))
    decisions = [one for settlement in engine.journal.settlements for one in settlement.decisions]
    assert not [one for one in decisions if isinstance(one, Notify)]
    assert sum(isinstance(one, Skip) and one.reason == "no_address" for one in decisions) == MESSAGES


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([*product(TABLE, range(5), (False, True))]))
def test_posted_five_times_in_any_order_and_under_both_names_each_is_told_once(order, tmp_path_factory):
    asyncio.run(_told_once(order, tmp_path_factory.mktemp("posts")))


async def _told_once(order, folder):
    async with simulation(folder) as engine:
        await know_everybody(engine)
        for name, _, renamed in order:
            body, hint = posting(name)
            await engine.deliver(SOURCE.name, body, other_name(hint) if renamed and hint else hint)
        reached = [message.key for message, _ in engine.journal.deliveries]
    assert len(reached) == len(set(reached)) == MESSAGES
