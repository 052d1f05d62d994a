"""The worked examples of the rule language and the starter's own tests, on the real engine in simulated time."""

import pytest

from engine.cli.timelines import programme_under_test, stage_of
from engine.tools.divergence import failure
from engine.tools.judging import judge
from engine.tools.timeline import Stage, run_timeline
from engine.tools.timeline_files import timelines_of
from tests.programme import STARTER, WORKED, capture, channels, ruleset_of

STARTED = programme_under_test(STARTER)
STAGES = {
    WORKED: Stage(ruleset=ruleset_of(WORKED), channels=channels(), capture=capture()),
    STARTER: stage_of(STARTED, STARTED.ruleset()),
}
FOUND = {folder: timelines_of(folder, stage.ruleset, []) for folder, stage in STAGES.items()}
ALL = [(STAGES[folder], timeline) for folder, found in FOUND.items() for timeline in found.timelines]


@pytest.mark.parametrize("folder", [WORKED, STARTER], ids=lambda folder: folder.name)
def test_the_files_are_sound(folder):
    assert FOUND[folder].findings == ()
    assert FOUND[folder].timelines


@pytest.mark.parametrize(("stage", "timeline"), ALL, ids=[timeline.name for _, timeline in ALL])
async def test_timeline(stage, timeline, tmp_path):
    verdict = judge(await run_timeline(timeline, stage, tmp_path / "t.db"))
    assert verdict.passed, failure(verdict, stage.ruleset)
