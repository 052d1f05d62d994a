"""Files that change are noticed, and what is read too early does not go live."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from engine import reloading
from engine.reloading import reload_whenever, watch
from engine.ruleset import load as loading
from engine.store import PLANNED_UNDER

from .programme import ruleset_of
from .running import SECRET, programme, running, until
from .test_daemon import Lines

RULE = "rules/points-expired.yaml"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    for name in ("STILL_MS", "LONGEST_MS", "LOOK_MS"):
        monkeypatch.setattr(reloading, name, 20)


class Watching:
    """Somebody who is told of changes."""

    def __init__(self):
        self.told, self.refusals = asyncio.Event(), []

    def refused(self, what, error):
        self.refusals.append((what, str(error)))

    async def by(self, change):
        """That it is told of a change, made again and again until it is: it may have been made too early."""
        self.told.clear()
        while not self.told.is_set():
            change()
            await asyncio.sleep(0)


@asynccontextmanager
async def watching(root):
    one = Watching()
    task = asyncio.create_task(watch(root, one.told.set, one.refused))
    await asyncio.sleep(0)  # It looks what there is.
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("path", ["rules/a.yaml", "templates/hello/email.en.html", "lists/staff.csv"])
async def test_a_file_that_is_written_is_noticed(tmp_path, path):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    async with watching(tmp_path) as one:
        await one.by(lambda: file.write_text("x"))
        assert one.refusals == []


async def test_a_folder_that_is_made_later_or_put_in_the_place_of_another_is_noticed(tmp_path):
    async with watching(tmp_path) as one:
        await one.by(lambda: (tmp_path / "rules").mkdir(exist_ok=True))
        (tmp_path / "others").mkdir()
        (tmp_path / "rules").rename(tmp_path / "old")
        (tmp_path / "others").rename(tmp_path / "rules")
        one.told.clear()
        await one.told.wait()
        await one.by(lambda: (tmp_path / "rules" / "b.yaml").write_text("x"))


async def test_what_a_link_leads_to_is_noticed_when_it_leads_elsewhere(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    (tmp_path / "rules").symlink_to("first")
    async with watching(tmp_path) as one:
        await one.by(lambda: (tmp_path / "first" / "a.yaml").write_text("x"))
        (tmp_path / "next").symlink_to("second")
        (tmp_path / "next").replace(tmp_path / "rules")
        one.told.clear()
        await one.told.wait()


async def test_where_the_system_does_not_tell_files_are_looked_at_and_that_is_told_once(tmp_path, monkeypatch):
    asked, real = [], reloading.watchfiles.awatch

    def awatch(*folders, force_polling, **settings):
        asked.append(force_polling)
        if not force_polling:
            raise OSError(28, "OS file watch limit reached")
        return real(*folders, force_polling=True, **settings)

    monkeypatch.setattr(reloading.watchfiles, "awatch", awatch)
    monkeypatch.setattr(reloading, "POLL_MS", 10)
    (tmp_path / "rules").mkdir()
    turn = iter(range(10**9))
    async with watching(tmp_path) as one:
        await one.by(lambda: (tmp_path / "rules" / "a.yaml").write_text("x" * next(turn)))
        assert one.refusals == [("watch", "[Errno 28] OS file watch limit reached")]
        assert asked[:2] == [False, True]


async def test_a_daemon_that_is_told_reads_again_and_reminders_follow(tmp_path):
    async with running(tmp_path) as daemon:
        told = asyncio.Event()
        task = asyncio.create_task(reload_whenever(told, daemon.shop))
        before = daemon.shop.pipeline.ruleset.hash
        path = tmp_path / RULE
        path.write_text(path.read_text(encoding="utf-8").replace("50", "51"), encoding="utf-8")
        told.set()
        await until(lambda: daemon.said("reloaded"))
        after = daemon.shop.pipeline.ruleset.hash
        assert before != after
        while not (await daemon.store.noted(PLANNED_UNDER)).startswith(after):  # noqa: ASYNC110 - see ``until``.
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("emptied", [RULE, "lists/staff.csv", "templates/points-expired/email.en.html"])
async def test_a_file_that_was_emptied_does_not_go_live(tmp_path, emptied):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "staff.csv").write_text("email\nanna@example.org\n", encoding="utf-8")
    async with running(tmp_path) as daemon:
        before = daemon.shop.pipeline.ruleset.hash
        os.truncate(tmp_path / emptied, 0)
        reading = await daemon.shop.reload()
        assert not reading.good
        assert [found.file for found in reading.findings][:1] == [emptied]
        assert daemon.shop.pipeline.ruleset.hash == before
        (tmp_path / emptied).unlink()
        if "lists" in emptied:
            assert (await daemon.shop.reload()).good


async def test_what_was_empty_before_may_stay_so(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "later.yaml").write_bytes(b"")
    async with running(tmp_path) as daemon:
        assert (await daemon.shop.reload()).good


def test_files_that_change_while_they_are_read_are_read_again(tmp_path, monkeypatch):
    programme(tmp_path)
    compiled = []
    real = loading.compile_ruleset

    def compile_ruleset(sources, unreadable):
        compiled.append(sources)
        if len(compiled) == 1:
            (tmp_path / "rules" / "late.yaml").write_text(
                "rule: late\non: points_expired\nsend: points-expired\n", encoding="utf-8"
            )
        return real(sources, unreadable)

    monkeypatch.setattr(loading, "compile_ruleset", compile_ruleset)
    assert ruleset_of(tmp_path).rule("late")
    assert len(compiled) == 2


async def test_a_daemon_notices_by_itself_and_goes_on_under_the_last_good_set(tmp_path):
    path = programme(tmp_path)
    code = f"import sys; from pathlib import Path; from engine.daemon import run; sys.exit(run(Path({str(path)!r})))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE, env={**os.environ, "WEBHOOK_SECRET": SECRET}
    )
    said, rule = Lines(process.stderr), tmp_path / RULE
    good = rule.read_text(encoding="utf-8")
    before = (await said.next("ruleset in force"))["ruleset"]
    await said.next("listening")
    failed = asyncio.create_task(said.next("reload failed"))
    for _ in range(60):  # It may not look yet when this is written for the first time.
        rule.write_text(good.replace("event.points", "event.pionts"), encoding="utf-8")
        if (await asyncio.wait([failed], timeout=1))[0]:
            break
    assert failed.result()["ruleset"] == before
    assert failed.result()["findings"][0].startswith(f"{RULE}:3:")
    rule.write_text(good.replace("50", "51"), encoding="utf-8")
    assert (await said.next("ruleset in force"))["ruleset"] != before
    process.send_signal(signal.SIGTERM)
    await said.next("stopped")
    assert await process.wait() == 0
