"""Rule 4 of the worked examples, on the real engine in simulated time."""

from pathlib import Path

import pytest

from engine.tools.timeline import judge, read_timelines, run_timeline
from tests.programme import capture, channels, ruleset_of

FILE = Path(__file__).parent / "points-expire-soon.yaml"
TIMELINES = read_timelines(FILE.read_bytes(), FILE.name)


@pytest.mark.parametrize("timeline", TIMELINES, ids=lambda timeline: timeline.name)
async def test_timeline(timeline, tmp_path):
    outcomes = await run_timeline(
        timeline, ruleset_of(), channels=channels(), capture=capture(), database=tmp_path / "t.db"
    )
    verdict = judge(timeline, outcomes)
    assert verdict.passed, "\n".join(["missing:", *verdict.missing, "unexpected:", *verdict.unexpected])


def test_the_judge_is_strict():
    first = TIMELINES[0]
    assert not judge(first, []).passed
