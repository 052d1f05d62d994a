"""What a test expected against what came of it: the verdict, and both laid side by side in order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from ..ruleset.timelines import Expected
from .timeline import Came, Run

LONGEST = 80
"""Characters of a text that a line shows."""

_SHOWN = {
    "send": ("channel", "locale", "offset", "variant", "subject"),
    "skip": ("reason", "offset"),
    "move": ("to",),
    "cancel": ("count", "reason"),
}
"""What a line says of an outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the comparison: something expected, something that came, or both."""

    at: datetime
    sign: str
    """Empty: as expected; ``-`` missing, ``+`` unexpected, ``~`` came and need not be listed."""
    expected: Expected | None = None
    came: Came | None = None

    @property
    def wrong(self) -> bool:
        """Whether it makes the test fail."""
        return self.sign in {"-", "+"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a test went."""

    run: Run
    lines: tuple[Line, ...]
    """Everything that was expected or came, in order of time."""

    @property
    def passed(self) -> bool:
        """Nothing missing, nothing unexpected, and all that came in could be used."""
        return not self.run.troubles and not any(line.wrong for line in self.lines)

    @property
    def first_wrong(self) -> Line | None:
        """Where expectation and outcome part."""
        return next((line for line in self.lines if line.wrong), None)


def judge(run: Run) -> Verdict:
    """Compare what came with what was expected, each outcome against one expectation."""
    wanted = list(run.timeline.expect)
    lines: list[Line] = []
    for came in run.came:
        fitting = [one for one in wanted if matches(one, came)]
        # Where several lines fit, the one that says most is meant for this outcome.
        meant = max(fitting, key=lambda one: len(one.fields), default=None)
        if meant is not None:
            wanted.remove(meant)
        sign = "" if meant is not None else "~" if came.optional else "+"
        lines.append(Line(at=came.at, sign=sign, expected=meant, came=came))
    lines += [Line(at=one.at, sign="-", expected=one) for one in wanted]
    return Verdict(run=run, lines=tuple(sorted(lines, key=_order)))


def matches(expected: Expected, came: Came) -> bool:
    """Whether the expectation describes the outcome; texts may be patterns."""
    if (expected.at, expected.kind, expected.name) != (came.at, came.kind, came.name):
        return False
    return all(_same(value, came.fields.get(name)) for name, value in expected.fields.items())


def diff(verdict: Verdict) -> list[str]:
    """The comparison as lines of text: ``-`` missing, ``+`` unexpected, ``~`` need not be listed."""
    zone = verdict.run.timeline.zone
    return [f"{line.sign or ' '} {_text(line, verdict, zone)}" for line in verdict.lines]


def differences(expected: Expected, came: Came, zone: ZoneInfo) -> list[str]:
    """In what an outcome is other than expected: ``subject is "970 points", not "*971*"``."""
    other = [name for name, value in expected.fields.items() if not _same(value, came.fields.get(name))]
    return [
        f"{name} is {_value(name, found, zone) if (found := came.fields.get(name)) is not None else 'not there'}, "
        f"not {_value(name, expected.fields[name], zone)}"
        for name in other
    ]


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """A time as tests are written."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _order(line: Line) -> tuple[datetime, str, str]:
    name = (line.expected or line.came).name if (line.expected or line.came) else ""  # type: ignore[union-attr]
    return line.at, name, {"": " ", "~": " ", "-": "-", "+": "."}[line.sign]


def _text(line: Line, verdict: Verdict, zone: ZoneInfo) -> str:
    if line.expected is not None:
        return _expected(line.expected, zone)
    if line.came is None:
        return ""
    # An outcome beside a line that it almost fits is told in the words of that line.
    missing = [one.expected for one in verdict.lines if one.sign == "-" and one.expected is not None]
    near = next(
        (one for one in missing if (one.at, one.kind, one.name) == (line.at, line.came.kind, line.came.name)), None
    )
    said = [*_SHOWN[line.came.kind], *(near.fields if near else ())]
    fields = {name: line.came.fields.get(name) for name in dict.fromkeys(said)}
    return f"{clock(line.at, zone)}  {line.came.kind} {line.came.name}{_fields(fields, zone)}"


def _expected(expected: Expected, zone: ZoneInfo) -> str:
    return f"{clock(expected.at, zone)}  {expected.kind} {expected.name}{_fields(expected.fields, zone)}"


def _fields(fields: Mapping[str, str | int | tuple[datetime, ...] | None], zone: ZoneInfo) -> str:
    return "".join(f", {name}: {_value(name, value, zone)}" for name, value in fields.items() if value is not None)


def _value(name: str, value: str | int | Sequence[datetime], zone: ZoneInfo) -> str:
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        return f"[{', '.join(clock(moment, zone) for moment in value)}]"
    text = " ".join(value.split())
    shown = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return f'"{shown}"' if name in ("subject", "preheader", "text", "html") else shown


def _same(wanted: object, found: object) -> bool:
    if isinstance(wanted, str) and isinstance(found, str):
        return fnmatchcase(found, wanted)
    return wanted == found
