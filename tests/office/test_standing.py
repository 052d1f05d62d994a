"""What a command may learn of a running daemon, and have it do: how it stands, and read its rules again."""

import os
from pathlib import Path

from engine.office.daemon import Reload, Standing
from engine.version import VERSION

RULE = Path("rules/points-expired.yaml")


def edit(folder, old, new):
    path = folder / RULE
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


async def test_what_is_in_force_is_told(daemon, office):
    found = await office.ask(Standing())
    ruleset = daemon.shop.pipeline.ruleset
    assert (found.version, found.process, found.mode) == (VERSION, os.getpid(), "capture")
    assert (found.ruleset, found.rules) == (ruleset.hash, len(ruleset.rules))
    assert found.opened_at == found.in_force_since == found.read_at == daemon.shop.opened_at
    assert (found.reading_error, found.first_finding) == (None, None)


async def test_good_rules_go_live(daemon, office, tmp_path):
    before = await office.ask(Standing())
    edit(tmp_path, "50", "51")
    done = await office.ask(Reload())
    assert (done.good, done.error, done.findings, done.report) == (True, None, (), "")
    assert done.ruleset == daemon.shop.pipeline.ruleset.hash != before.ruleset
    after = await office.ask(Standing())
    assert after.ruleset == done.ruleset
    assert after.in_force_since == after.read_at > before.in_force_since
    assert after.opened_at == before.opened_at
    assert len(daemon.said("reloaded")) == 1


async def test_bad_rules_do_not_and_what_is_wrong_with_them_is_told(office, tmp_path):
    before = await office.ask(Standing())
    edit(tmp_path, "event.points", "event.pionts")
    done = await office.ask(Reload())
    assert (done.good, done.ruleset, done.rules) == (False, before.ruleset, before.rules)
    assert (done.findings[0]["file"], done.findings[0]["line"]) == (RULE.as_posix(), 3)
    assert done.report.startswith(f"{RULE}:3:")
    after = await office.ask(Standing())
    assert (after.ruleset, after.in_force_since) == (before.ruleset, before.in_force_since)
    assert after.read_at > before.read_at
    assert after.first_finding.startswith(f"{RULE}:3:")
    assert after.reading_error
    assert "\n" not in after.reading_error
    edit(tmp_path, "event.pionts", "event.points")
    assert (await office.ask(Reload())).good
    assert (await office.ask(Standing())).reading_error is None


async def test_a_reload_that_fails_for_another_reason_is_told_too(daemon, office, monkeypatch):
    def gone():
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(daemon.shop, "load_ruleset", gone)
    done = await office.ask(Reload())
    assert (done.good, done.error) == (False, "OSError: [Errno 5] Input/output error")
    assert await daemon.metric("pointbell_last_reload_successful") == 0
    assert (await office.ask(Standing())).first_finding is None
