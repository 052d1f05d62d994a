"""Every message worded for members who do not exist, by the functions that word it in earnest.

What cannot be seen in a template without wording it comes out here: a division by nothing, a subject that is empty for
some, a word such as None. What is found says in which template, and for whom.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from ..decide.eligible import outside, with_lets
from ..decide.words import Case, view_of
from ..errors import TemplateError
from ..language import EvaluationError, Path, Scope, Severity, View
from ..language.condition import Condition, leaves
from ..language.node import Items, Node
from ..model import Words
from ..ruleset import Diagnostic, Ruleset
from ..ruleset.audiences import Audience, Crowd
from ..ruleset.rule import BeforeTrigger, EventTrigger, Rule, Send
from ..ruleset.suppression import ignores_of_tries, without_ignored
from ..ruleset.template import Template
from ..ruleset.template_codes import FAILS_WHEN_TRIED
from ..ruleset.template_use import scope_in
from .made_up import NOW, PEOPLE, Maker, Person, reminder

LONGEST = 20.0
"""Seconds after which no further message is tried: a message costs about a millisecond."""
_MOST_PROFILES = 100
_COMMON = (100, 10_000, 1_000_000)
_PLAIN = 2
"""How many of ``PEOPLE`` have ordinary names: they are tried on every occasion."""
_NUMBER = re.compile(r"(?<![\w.\"'])\d+(?:\.\d+)?")
_TEXT = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_PLACE = re.compile(r":(\d+): (.*)", re.DOTALL)
_NO_WORD = re.compile(r"\b(None|none|null|Undefined|undefined|NaN|nan)\b")
_NO_LINK = re.compile(r"""<(?:a|img)\b[^>]*\b(?:href|src)=(?:""|'')""")
_READABLE = re.compile(r"[\w.]+(?:\[[^\]]*\])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of it."""

    findings: tuple[Diagnostic, ...]
    worded: int
    """Messages."""
    left: int = 0
    """Messages, of one rule in one language and channel, that were not tried any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """What one rule sends over one channel in one language."""

    rule: Rule
    send: Send
    template: Template
    scope: Scope


def try_templates(ruleset: Ruleset, clock: Callable[[], float] = time.monotonic) -> Tried:
    """Word every rule's every message in every language, for each of ``PEOPLE``. Nothing is sent."""
    messages = list(_messages(ruleset))
    end, worded = clock() + LONGEST, 0
    faults: dict[Diagnostic, dict[str, None]] = {}
    for done, message in enumerate(messages):
        if clock() > end:
            return _tried(ruleset, faults, worded, len(messages) - done)
        for person, view in _views(message, ruleset):
            worded += 1
            for fault in _faults(message.template, view):
                faults.setdefault(fault, {})[f"{person.who}, rule {message.rule.name}"] = None
    return _tried(ruleset, faults, worded, 0)


def _tried(ruleset: Ruleset, faults: Mapping[Diagnostic, Iterable[str]], worded: int, left: int) -> Tried:
    """The findings that nobody has accepted, each with the first for whom it occurs."""
    told = [
        replace(one, message=_told(one.message, list(who)), severity=Severity.WARNING) for one, who in faults.items()
    ]
    ignores = ignores_of_tries(ruleset.sources.rules, ruleset.sources.templates) if ruleset.sources else []
    return Tried(findings=tuple(without_ignored(told, ignores)), worded=worded, left=left)


def _told(message: str, who: list[str]) -> str:
    more = f", and {len(who) - 1} more" if len(who) > 1 else ""
    return f"{message} (for {who[0]}{more})"


# --- What is tried ----------------------------------------------------------------------------------------------------


def _messages(ruleset: Ruleset) -> Iterator[_Message]:
    for rule in ruleset.rules:
        for send in rule.sends:
            scope = scope_in(rule, send, ruleset.shared)
            for template in _templates(rule, send, ruleset):
                yield _Message(rule=rule, send=send, template=template, scope=scope)


def _templates(rule: Rule, send: Send, ruleset: Ruleset) -> Iterator[Template]:
    """The words in each language: the template's own, and those of variants."""
    for (name, channel, _), template in sorted(ruleset.templates.by_key.items()):
        if name == send.template and channel in send.channels:
            yield template
    for (of_rule, _, _, channel, _), template in sorted(ruleset.templates.varied.items()):
        if of_rule == rule.name and channel in send.channels:
            yield template


def _views(message: _Message, ruleset: Ruleset) -> Iterator[tuple[Person, View]]:
    """The facts of each person on each occasion: the numbers and texts are such that the rule would send."""
    occasions = tuple(_occasions(message.rule))
    for place, person in enumerate(PEOPLE):
        # Whoever has an odd name has it on any occasion.
        for occasion in occasions if place < _PLAIN else occasions[:1]:
            views = (_view(message, ruleset, profile, occasion) for profile in _profiles(message, person))
            fitting = next((view for view in views if view is not None), None)
            if fitting is not None:
                yield person, fitting


def _occasions(rule: Rule) -> Iterator[str | int]:
    """The events a rule listens to, or how many days ahead its reminders go."""
    if isinstance(rule.on, EventTrigger):
        yield from sorted(rule.on.names)
    elif isinstance(rule.on, BeforeTrigger):
        yield from (offset.days for offset in rule.on.offsets)


def _profiles(message: _Message, person: Person) -> Iterator[Maker]:
    """A person with the numbers and texts that the rule's conditions speak of: one of them will satisfy these."""
    texts = [leaf.expression.text for one in _conditions(message) for leaf in leaves(one.tree)]
    asked = [path for one in _conditions(message) for path in sorted(one.reads)]
    wanted = dict.fromkeys(found[0] or found[1] for text in texts for found in _TEXT.findall(text))
    choices: list[dict[Path, str]] = [{}, *(dict.fromkeys(asked, text) for text in wanted)]
    tried = ((number, whole, choice) for choice in choices for number, whole in _numbers(texts, person))
    for number, whole, choice in islice(tried, _MOST_PROFILES):
        yield Maker(
            scope=message.scope,
            person=person,
            locale=message.template.locale,
            number=number if whole else person.numbers[0],
            numbers=dict.fromkeys(asked, number),
            texts=choice,
        )


def _numbers(texts: Iterable[str], person: Person) -> Iterator[tuple[float, bool]]:
    """The numbers to try, first for what the conditions look at alone, then for every number there is."""
    named = [float(found) for text in texts for found in _NUMBER.findall(text)]
    numbers = dict.fromkeys([*person.numbers, *(one + more for one in named for more in (0, 1, -1)), *_COMMON])
    plain = [int(number) if number == int(number) else number for number in numbers]
    yield from ((number, False) for number in plain)
    yield from ((number, True) for number in plain)


def _conditions(message: _Message) -> list[Condition]:
    crowd = message.rule.audience
    asked = [*_of_crowd(crowd), message.rule.condition, message.send.condition]
    return [one for one in asked if one is not None]


def _of_crowd(crowd: Audience | Crowd | None) -> list[Condition]:
    if isinstance(crowd, Audience):
        return [crowd.condition]
    return [one for member in crowd.members for one in _of_crowd(member)] if crowd is not None else []


def _view(message: _Message, ruleset: Ruleset, profile: Maker, occasion: str | int) -> View | None:
    """The facts as templates see them; ``None`` where the rule would send nothing on them."""
    event = profile.event(occasion if isinstance(occasion, str) else "")
    extra = reminder(occasion) if isinstance(occasion, int) else {}
    case = Case(event=event, facts=profile.facts(), ruleset=ruleset, now=NOW)
    try:
        view = with_lets(message.rule, view_of(case, extra))
        return _gathered(view, profile) if _would_send(message, view) else None
    except EvaluationError:
        return None


def _would_send(message: _Message, view: View) -> bool:
    rule = message.rule
    if rule.audience is not None and outside(rule.audience, view) is not None:
        return False
    conditions = (rule.condition, message.send.condition)
    return all(one.evaluate(view).holds for one in conditions if one is not None)


def _gathered(view: View, profile: Maker) -> View:
    """With the events that a rule tells together, where it does: the one that happened, and what sums them up."""
    names = dict(view)
    for group in profile.scope.groups.keys() - view.keys():
        fields = profile.scope.groups[group]
        names[group] = Node({name: profile.value(kind, (group, name)) for name, kind in fields.items()}, group, fields)
    if "events" in profile.scope.names:
        names["events"] = Items([view["event"]])
    return names


# --- What is wrong ----------------------------------------------------------------------------------------------------


def _faults(template: Template, view: View) -> Iterator[Diagnostic]:
    try:
        words = template.render(view)
    except TemplateError as error:
        yield _raised(template, str(error))
        return
    for part, text in _said(words):
        found = _NO_WORD.search(text)
        if found and not any(found[0] in one.file.source.text for one in template.parts.values()):
            yield _at(template, 1, "", f'the {part} says "{found[0]}"')
    if words.html and (empty := _NO_LINK.search(words.html)):
        yield _at(template, 1, "", f"a link leads nowhere: {empty[0]}>")


def _said(words: Words) -> Iterator[tuple[str, str]]:
    parts = {"subject": words.subject, "preheader": words.preheader, "text": words.text}
    yield from ((part, text) for part, text in parts.items() if text)


def _raised(template: Template, said: str) -> Diagnostic:
    """The finding at the file and line that the error names."""
    for part in template.parts.values():
        rest = said.removeprefix(part.file.path)
        if rest == said:
            continue
        if place := _PLACE.fullmatch(rest):
            word = _READABLE.match(place[2])
            return part.file.finding(int(place[1]), word[0] if word else "", *_about(place[2]))
        about = rest.removeprefix(": ")
        return part.file.finding(1, "subject" if about.startswith("the subject") else "", *_about(about))
    return _at(template, 1, "", said)


def _at(template: Template, line: int, word: str, message: str) -> Diagnostic:
    file = next((part.file for part in template.parts.values() if part.file.path == template.file), None)
    file = file or next(iter(template.parts.values())).file
    return file.finding(line, word, *_about(message))


def _about(message: str) -> tuple[str, str, str]:
    fix = 'say what to write then: {% if … %}, or | default("…")'
    return FAILS_WHEN_TRIED, message, fix
