"""Why a test failed: what the rule looked at where expectation and outcome part."""

from __future__ import annotations

from collections.abc import Iterator

from ..ruleset import Ruleset
from ..ruleset.rule import EventTrigger
from ..ruleset.timelines import Expected
from .judging import Line, Verdict, clock, diff, differences
from .leaves import leaf_lines
from .story import reason_in_words
from .timeline import Came
from .watching import Evaluation

_INDENT = "    "


def failure(verdict: Verdict, ruleset: Ruleset) -> str:
    """A failed test in full: its name and place, the comparison, and the explanation of the first divergence."""
    timeline = verdict.run.timeline
    lines = [f"{timeline.file}:{timeline.line}: {timeline.name}"]
    lines += [f"  {trouble}" for trouble in verdict.run.troubles]
    lines += [f"  {line}" for line in diff(verdict)]
    lines += [f"  {line}" for line in explanation(verdict, ruleset)]
    return "\n".join(lines)


def explanation(verdict: Verdict, ruleset: Ruleset) -> list[str]:
    """What the rule looked at where the two first part; nothing for a test that passed."""
    line = verdict.first_wrong
    return [] if line is None else list(_explained(line, verdict, ruleset))


def _explained(line: Line, verdict: Verdict, ruleset: Ruleset) -> Iterator[str]:
    yield f"first difference at {clock(line.at, verdict.run.timeline.zone)}:"
    here = [other.came for other in verdict.lines if other.at == line.at and other.came is not None]
    came = line.came or next((one for one in here if line.expected and _about(one, line)), None)
    near = _nearest(line, verdict, came) if came is not None else None
    if came is not None and near is not None:
        yield from (f"{_INDENT}{words}" for words in differences(near, came, verdict.run.timeline.zone))
    elif came is None and line.expected is not None:
        yield f"{_INDENT}{_nothing(line, verdict, ruleset)}"
    elif came is not None:
        yield f"{_INDENT}{_outcome(came)}"
    for rule in sorted({came.rule} if came is not None else _concerned(line, verdict, ruleset)):
        for one in verdict.run.watch.of(rule, line.at):
            yield from _evaluation(one)


def _nearest(line: Line, verdict: Verdict, came: Came) -> Expected | None:
    """The missing line that an outcome almost fits."""
    missing = [line, *(one for one in verdict.lines if one.at == line.at and one.sign == "-")]
    named = (one.expected for one in missing if one.expected is not None)
    return next((one for one in named if (one.kind, one.name) == (came.kind, came.name)), None)


def _about(came: Came, line: Line) -> bool:
    """Whether an outcome stands in the place of one that is missing."""
    return line.expected is not None and line.expected.name in (came.name, came.rule)


def _outcome(came: Came) -> str:
    if came.kind != "skip":
        return f"{came.rule} did this: {came.kind} {came.name}"
    return f"{came.rule} did not send {came.name}: {reason_in_words(str(came.fields['reason']), came.detail)}"


def _nothing(line: Line, verdict: Verdict, ruleset: Ruleset) -> str:
    """What there is to say where nothing came at all."""
    expected = line.expected
    if expected is None:
        return ""
    zone = verdict.run.timeline.zone
    others = [one for one in verdict.lines if one.sign == "+" and one.came is not None]
    same = [one.at for one in others if one.came is not None and one.came.name == expected.name]
    if same:
        nearest = min(same, key=lambda at: abs(at - line.at))
        return f"nothing came of {expected.name} at this time; it came at {clock(nearest, zone)}"
    deaf = [name for name in sorted(verdict.run.timeline.rules) if not _hears(name, verdict, ruleset)]
    if deaf:
        return f"no step is an event that {' or '.join(deaf)} listens to"
    return f"nothing came of {' or '.join(sorted(verdict.run.timeline.rules))} at this time"


def _hears(name: str, verdict: Verdict, ruleset: Ruleset) -> bool:
    rule = ruleset.rule(name)
    if rule is None or not isinstance(rule.on, EventTrigger):
        return True
    steps = verdict.run.timeline.steps
    return any(step.recorded is not None or step.event in rule.on.names for step in steps)


def _concerned(line: Line, verdict: Verdict, ruleset: Ruleset) -> set[str]:
    """The rules that might have led to what is missing."""
    judged = [rule for name in verdict.run.timeline.rules if (rule := ruleset.rule(name)) is not None]
    named = {rule.name for rule in judged if line.expected and line.expected.name == rule.name}
    sending = {
        rule.name for rule in judged for send in rule.sends if line.expected and send.template == line.expected.name
    }
    return named | sending


def _evaluation(one: Evaluation) -> Iterator[str]:
    if one.where.part != "if":
        yield f"{_INDENT}{one.where.rule}, {one.where.part}:"
    else:
        yield f"{_INDENT}{one.where.rule}:"
    yield from (f"{_INDENT}  {text}" for text in leaf_lines(one.trace.leaves, one.places, reveal=True))
