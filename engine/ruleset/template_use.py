"""Rules and templates together: a template may only name facts that the rules which send it have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..language import Scope
from . import template_codes as codes
from .diagnostics import Diagnostic
from .rule import EventTrigger, Rule, Send
from .templates import Templates

SENT_ELSEWHERE = "PB211"

_UP_TO_THE_RULE = frozenset({SENT_ELSEWHERE, codes.MAY_BE_ABSENT})
"""Findings that another rule, with another event or condition, would not have."""


def check_use(rules: Iterable[Rule], templates: Templates) -> Iterator[Diagnostic]:
    """What is wrong with the facts named by each template, in each language, for the rules that send it."""
    found: defaultdict[Diagnostic, dict[str, None]] = defaultdict(dict)
    for rule in rules:
        for finding in _findings(rule, templates):
            found[finding][f"rule {rule.name}, {rule.file}:{rule.line}"] = None
    for finding, users in found.items():
        told = finding.code in _UP_TO_THE_RULE
        yield replace(finding, message=f"{finding.message} (used by {'; '.join(users)})") if told else finding


def _findings(rule: Rule, templates: Templates) -> Iterator[Diagnostic]:
    for send in rule.sends:
        scope = scope_in(rule, send)
        for locale in sorted(templates.locales(send.template, send.channel)):
            yield from templates.by_key[send.template, send.channel, locale].findings(scope)


def scope_in(rule: Rule, send: Send) -> Scope:
    """The facts a message has, with those that the conditions above it have proven present."""
    on = rule.on
    scope = Scope.for_events(on.names) if isinstance(on, EventTrigger) else Scope.for_reminder(on.field)
    for condition in (rule.condition, send.condition):
        scope = scope.knowing(condition.proves) if condition else scope
    return scope
