"""Rules and templates together: a template may only name facts that the rules which send it have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..language import Scope
from .diagnostics import Diagnostic
from .rule import EventTrigger, Rule, Send
from .templates import Templates


def check_use(rules: Iterable[Rule], templates: Templates) -> Iterator[Diagnostic]:
    """What is wrong with the facts named by each template, in each language, for each rule that sends it."""
    for rule in rules:
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
