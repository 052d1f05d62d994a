"""Hours of the day as rules write them: ``09:00-20:00``, ``21:00-08:00``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from . import codes
from .positions import Node, Scalar
from .report import Report, kind_of
from .times import read_time, time_meant

_SPAN = re.compile(r"\s*(\S+?)\s*(?:-|\N{EN DASH}|\bto\b)\s*(\S+)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of the day, on the member's clock: from ``start`` until before ``end``, over midnight where that is
    the earlier one. The two differ.
    """

    start: time
    end: time

    @property
    def rest(self) -> Span:
        """The rest of the day."""
        return Span(start=self.end, end=self.start)

    def holds(self, at: time) -> bool:
        """Whether the time of day lies within."""
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end

    def meets(self, other: Span) -> bool:
        """Whether the two have any time of day in common."""
        return self.holds(other.start) or other.holds(self.start)

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


def read_span(report: Report, node: Node, name: str, example: str) -> Span | None:
    """The hours; ``None``, reported, for anything else."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        fix = f"write it like {example}"
        report.error(node, codes.WRONG_TYPE, f'"{name}" is a part of the day, not {kind_of(node)}', fix)
        return None
    found = _SPAN.fullmatch(node.text)
    if found is None:
        report.error(node, codes.BAD_VALUE, f'"{node.text}" is no part of the day', f"write it like {example}")
        return None
    start, end = read_time(found[1]), read_time(found[2])
    if start is None or end is None:
        report.error(node, codes.BAD_VALUE, f'"{node.text}" is no part of the day', _meant(found[1], found[2], example))
    elif start == end:
        message = f'"{node.text}" begins where it ends: that is the whole day, or none of it'
        report.error(node, codes.BAD_VALUE, message, f"write it like {example}")
    elif node.text != f"{found[1]}-{found[2]}":
        report.error(node, codes.BAD_VALUE, f'"{node.text}" is no part of the day', f'write "{found[1]}-{found[2]}"')
    else:
        return Span(start=start, end=end)
    return None


def _meant(start: str, end: str, example: str) -> str:
    """How the hours would be written that two words may mean: ``9am`` and ``8pm``."""
    fixes = [time_meant(part) for part in (start, end)]
    # Of what is no time of day, 25:00 for one, the fix shows some time as an example: that is not what was meant.
    words = [fix.removeprefix('write "').rstrip('"') for fix in fixes if fix.startswith('write "')]
    usable = len(set(words)) == len(fixes)
    return f'write "{"-".join(words)}"' if usable else f"write it like {example}"
