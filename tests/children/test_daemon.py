"""The daemon with a child that decides."""

import os
import signal
from pathlib import Path

from tests.running import CONFIG, EVENT, running, until

WITH_A_CHILD = CONFIG.replace("workers: 0", "workers: 1")
RULE = Path("rules/points-expired.yaml")


async def ready(daemon):
    """Its child, once it is there."""
    children = daemon.shop.pipeline.deciders
    await until(lambda: children.processes)
    return children


async def decided(daemon, key):
    """Post an event, and wait until it is decided."""
    body = EVENT.read_bytes().replace(b"evvou_0e30615d63d9b7011f", key.encode())
    assert (await daemon.post("/ingest/open", body)).status_code == 202
    await until(lambda: {row["state"] for row in daemon.events()} == {"decided"})
    return daemon.events()[0]


async def test_a_child_that_ends_is_counted_logged_and_replaced(tmp_path):
    async with running(tmp_path, WITH_A_CHILD) as daemon:
        children = await ready(daemon)
        assert await daemon.metric("pointbell_children") == 1
        [child] = children.processes
        os.kill(child, signal.SIGKILL)
        await until(lambda: daemon.said("child ended"))
        [line] = daemon.said("child ended")
        assert (line["cause"], line["delivery"]) == ("signal 9", None)
        assert await daemon.metric("pointbell_child_ends_total", cause="signal") == 1
        await decided(daemon, "evvou_1")
        assert await daemon.metric("pointbell_child_wait_seconds_count") == 1
        assert children.processes != [child]


async def test_rules_that_are_read_again_are_given_to_the_children_before_they_are_in_force(tmp_path):
    async with running(tmp_path, WITH_A_CHILD) as daemon:
        await ready(daemon)
        before = (await decided(daemon, "evvou_1"))["ruleset"]
        path = tmp_path / RULE
        path.write_text(path.read_text(encoding="utf-8").replace("50", "51"), encoding="utf-8")
        assert await daemon.daemon.reload()
        after = (await decided(daemon, "evvou_2"))["ruleset"]
        assert before != after == daemon.shop.pipeline.ruleset.hash


async def test_rules_that_no_child_can_be_given_are_not_put_in_force(tmp_path):
    async with running(tmp_path, WITH_A_CHILD) as daemon:
        children = await ready(daemon)
        before = daemon.shop.pipeline.ruleset.hash
        path = tmp_path / RULE
        path.write_text(path.read_text(encoding="utf-8").replace("50", "51"), encoding="utf-8")
        children._program = ("-c", "raise SystemExit(1)")
        assert not await daemon.daemon.reload()
        assert (await decided(daemon, "evvou_1"))["ruleset"] == before
        assert await daemon.metric("pointbell_last_reload_successful") == 0


async def test_a_daemon_that_can_have_no_children_says_that_it_is_not_ready_and_why(tmp_path):
    async with running(tmp_path, WITH_A_CHILD) as daemon:
        children = await ready(daemon)
        household, program = children._current, children._current._program
        household._program = ("-c", "raise SystemExit(1)")
        household._nurse.kill()
        await until(lambda: children.trouble)
        answer = await daemon.client.get("/readyz")
        assert answer.status_code == 503
        assert "child processes" in answer.text
        assert [line["step"] for line in daemon.said("refused")][:1] == ["children"]
        household._program = program
        await until(lambda: children.processes)
        assert (await daemon.client.get("/readyz")).status_code == 200
