"""The statements that run all the time find their rows through an index, however large the tables are."""

from datetime import timedelta

import pytest
from sqlalchemy import event as listen

from engine.store import Pause, Scope

from .conftest import NOON, message, queue
from .test_timers import put, timer

IDLE = {
    "claim deliveries": lambda store: store.claim_events(200, NOON),
    "claim messages": lambda store: store.claim_notifications("email", 20, NOON),
    "promote timers": lambda store: store.promote_timers(NOON, 2000),
    "next due": lambda store: store.next_due(),
    "recover": lambda store: store.recover(NOON),
}


@pytest.mark.parametrize("paused", [False, True], ids=["", "under a pause"])
@pytest.mark.parametrize("verb", IDLE)
async def test_no_table_is_scanned(store, verb, paused):
    await queue(store, message())
    await put(store, timer(), key="evt_2")
    if paused:
        until = NOON + timedelta(hours=1)
        await store.pause(Pause(id=0, scope=Scope.RULE, name="rule", reason="why", since=NOON, until=until))
    plans = []

    def explain(connection, _cursor, statement, parameters, *_):
        if statement.startswith(("SELECT", "UPDATE", "WITH")):
            rows = connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend((row[3], statement) for row in rows)

    listen.listen(store._engine, "before_cursor_execute", explain)
    await IDLE[verb](store)
    assert plans
    scans = [(plan, statement) for plan, statement in plans if plan.startswith("SCAN") and "INDEX" not in plan]
    assert [found for found in scans if not found[0].startswith(("SCAN anon", "SCAN names"))] == []
