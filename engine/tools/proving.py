"""All tests of a programme run and judged, and what came of them as text, JSON and JUnit's XML."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from ..ruleset import Ruleset
from ..ruleset.timelines import Timeline
from .divergence import explanation, failure
from .judging import Line, Verdict, clock, diff, judge
from .timeline import Stage, run_timeline

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - Linux keeps it in memory; the folder made in it has a name of its own.
"""Where it is there, the databases of tests are not written to a disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How all the tests went."""

    ruleset: Ruleset
    verdicts: tuple[Verdict, ...]

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """Those that did not pass."""
        return tuple(verdict for verdict in self.verdicts if not verdict.passed)

    def summary(self) -> str:
        """``12 tests: 11 passed, 1 failed``."""
        failed, total = len(self.failed), len(self.verdicts)
        words = [f"{total - failed} passed"] if total > failed else []
        return (
            f"{total} test{'' if total == 1 else 's'}: {', '.join([*words, f'{failed} failed'] if failed else words)}"
        )


async def prove(timelines: Sequence[Timeline], stage: Stage, progress: Callable[[Verdict], None]) -> Proof:
    """Run and judge the tests, each on a database of its own.

    Raises:
        PointbellError: a recorded event of a test cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="pointbell-test-", dir=_folder()) as folder:
        verdicts: list[Verdict] = []
        for number, timeline in enumerate(timelines):
            verdicts.append(judge(await run_timeline(timeline, stage, Path(folder) / f"{number}.db")))
            progress(verdicts[-1])
    return Proof(ruleset=stage.ruleset, verdicts=tuple(verdicts))


def as_text(proof: Proof) -> str:
    """The tests that failed, in full."""
    return "\n\n".join(failure(verdict, proof.ruleset) for verdict in proof.failed)


def as_json(proof: Proof) -> list[dict[str, Any]]:
    """One row per test."""
    return [_row(verdict, proof.ruleset) for verdict in proof.verdicts]


def as_junit(proof: Proof) -> str:
    """The tests as build servers read them."""
    suite = ET.Element(
        "testsuite", name="pointbell", tests=str(len(proof.verdicts)), failures=str(len(proof.failed)), errors="0"
    )
    for verdict in proof.verdicts:
        timeline = verdict.run.timeline
        case = ET.SubElement(
            suite, "testcase", classname=timeline.file, name=timeline.name, file=timeline.file, line=str(timeline.line)
        )
        if not verdict.passed:
            told = ET.SubElement(case, "failure", message=_first(verdict))
            told.text = failure(verdict, proof.ruleset)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _folder() -> Path | None:
    """Where the databases go: into memory where there is such a place."""
    try:
        with tempfile.TemporaryFile(dir=_IN_MEMORY):
            return _IN_MEMORY
    except OSError:
        return None


def _first(verdict: Verdict) -> str:
    wrong = [f"{line.sign} {_name(line)}" for line in verdict.lines if line.wrong]
    return next(iter([*verdict.run.troubles, *wrong]), "")


def _name(line: Line) -> str:
    one = line.expected or line.came
    return f"{one.kind} {one.name}" if one is not None else ""


def _row(verdict: Verdict, ruleset: Ruleset) -> dict[str, Any]:
    timeline = verdict.run.timeline
    return {
        "file": timeline.file,
        "line": timeline.line,
        "test": timeline.name,
        "rules": sorted(timeline.rules),
        "passed": verdict.passed,
        "missing": [_plain(line, verdict) for line in verdict.lines if line.sign == "-"],
        "unexpected": [_plain(line, verdict) for line in verdict.lines if line.sign == "+"],
        "troubles": list(verdict.run.troubles),
        "diff": diff(verdict) if not verdict.passed else [],
        "explanation": explanation(verdict, ruleset),
    }


def _plain(line: Line, verdict: Verdict) -> dict[str, Any]:
    one = line.expected or line.came
    if one is None:
        return {}
    zone = verdict.run.timeline.zone
    fields = {
        name: [clock(at, zone) for at in value] if isinstance(value, tuple) else value
        for name, value in one.fields.items()
        if value is not None
    }
    return {"at": clock(line.at, zone), one.kind: one.name, **fields}
