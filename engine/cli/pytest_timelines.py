"""Timelines as items of pytest; ``pytest_plugin`` finds their files."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..errors import PointbellError
from ..ruleset import format_text
from ..ruleset.timelines import Timeline
from ..tools.divergence import failure
from ..tools.judging import judge
from ..tools.timeline import Stage, run_timeline
from ..tools.timeline_files import timelines_of
from .timelines import programme_under_test, stage_of

_STAGES = pytest.StashKey[dict[Path, Stage]]()


class TimelineFailed(Exception):
    """What came of a timeline is not what it expects; the message is the comparison."""


class TimelineFile(pytest.File):
    """A file of timelines, on the programme it lies in."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item per test."""
        root = self.path.parents[2]
        try:
            stage = self._stage(root)
            found = timelines_of(root, stage.ruleset, [self.path])
        except PointbellError as error:
            raise self.CollectError(str(error)) from error
        if not found.sound:
            raise self.CollectError(format_text(found.findings))
        for timeline in found.timelines:
            yield TimelineItem.from_parent(self, name=timeline.name, timeline=timeline, stage=stage)

    def _stage(self, root: Path) -> Stage:
        """The programme, loaded once in a session."""
        stages = self.config.stash.setdefault(_STAGES, {})
        if root not in stages:
            config = programme_under_test(root)
            stages[root] = stage_of(config, config.ruleset())
        return stages[root]


class TimelineItem(pytest.Item):
    """One timeline."""

    def __init__(self, *, timeline: Timeline, stage: Stage, **given: Any) -> None:
        super().__init__(**given)
        self._timeline = timeline
        self._stage = stage

    def runtest(self) -> None:
        """Run it in simulated time.

        Raises:
            TimelineFailed: something is missing, or came unexpectedly.
        """
        with tempfile.TemporaryDirectory(prefix="pointbell-test-") as folder:
            verdict = judge(asyncio.run(run_timeline(self._timeline, self._stage, Path(folder) / "t.db")))
        if not verdict.passed:
            raise TimelineFailed(failure(verdict, self._stage.ruleset))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The comparison alone; of what went wrong otherwise the traceback."""
        if isinstance(excinfo.value, TimelineFailed | PointbellError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands: pytest counts lines from 0."""
        return self.path, self._timeline.line - 1, self.name
