"""Rules and templates together: a template may only name facts that the rules which send it have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from ..language import Scope
from . import template_codes as codes
from .diagnostics import Diagnostic
from .rule import EventTrigger, Rule, Send
from .shared import NOTHING_SHARED, Shared
from .template import Template
from .template_check import assigned
from .template_compile import first_use
from .templates import Templates
from .variants import Worded

SENT_ELSEWHERE = "PB211"

_UP_TO_THE_RULE = frozenset({SENT_ELSEWHERE, codes.MAY_BE_ABSENT, codes.UNKNOWN_NAME})
"""Findings that another rule, with another event or condition, would not have."""


def check_use(
    rules: Iterable[Rule], templates: Templates, shared: Shared = NOTHING_SHARED, worded: Iterable[Worded] = ()
) -> Iterator[Diagnostic]:
    """What is wrong with the facts named by each template, in each language, for the rules that send it."""
    found: defaultdict[Diagnostic, dict[str, None]] = defaultdict(dict)
    rules = tuple(rules)
    lets = frozenset(let.name for rule in rules for let in rule.lets)
    for rule, findings in chain(
        ((rule, _findings(rule, templates, shared, lets)) for rule in rules),
        ((one.rule, _findings_of_variant(one, shared, lets)) for one in worded),
    ):
        for finding in findings:
            found[finding][f"rule {rule.name}, {rule.file}:{rule.line}"] = None
    for finding, users in found.items():
        told = finding.code in _UP_TO_THE_RULE
        yield replace(finding, message=f"{finding.message} (used by {'; '.join(users)})") if told else finding


def _findings(rule: Rule, templates: Templates, shared: Shared, lets: frozenset[str]) -> Iterator[Diagnostic]:
    others = lets - {let.name for let in rule.lets}
    for send in rule.sends:
        scope = scope_in(rule, send, shared)
        for channel in send.channels:
            for locale in sorted(templates.locales(send.template, channel)):
                template = templates.by_key[send.template, channel, locale]
                yield from template.findings(scope)
                yield from _not_let(template, others)


def _findings_of_variant(worded: Worded, shared: Shared, lets: frozenset[str]) -> Iterator[Diagnostic]:
    """The same for what a variant says in place of the template's own words."""
    others = lets - {let.name for let in worded.rule.lets}
    scope = scope_in(worded.rule, worded.send, shared)
    for template in worded.templates.values():
        yield from template.findings(scope)
        yield from _not_let(template, others)


def _not_let(template: Template, others: frozenset[str]) -> Iterator[Diagnostic]:
    """Names that another rule gives to an expression, and the rule that sends this template does not."""
    own = frozenset[str]().union(*(assigned(part.tree) for part in template.parts.values()))
    for part in template.parts.values():
        for name in sorted((part.undeclared & others) - own):
            message, fix = f'there is no "{name}" here', f"add {name} to the rule's let"
            yield part.file.finding(first_use(part.tree, name), name, codes.UNKNOWN_NAME, message, fix)


def scope_in(rule: Rule, send: Send, shared: Shared = NOTHING_SHARED) -> Scope:
    """The facts a message has, with those that the conditions above it have proven present."""
    on = rule.on
    scope = Scope.for_events(on.names) if isinstance(on, EventTrigger) else Scope.for_reminder(on.field)
    scope = scope.gathering() if rule.collect is not None else scope
    scope = shared.in_scope(scope).extended(names={let.name: let.expression.type for let in rule.lets})
    for known in (rule.audience, rule.condition, send.condition):
        scope = scope.knowing(known.proves) if known else scope
    return scope
