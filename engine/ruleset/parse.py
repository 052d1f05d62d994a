"""From a rule file to rules: every key has one meaning, and every mistake is found in one reading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypedDict

from ..language import Condition, Scope, Severity
from ..language.problem import suggest
from ..model import OnAmbiguous
from . import codes
from .audiences import read_crowd
from .conditions import read_condition
from .diagnostics import Diagnostic
from .keys import FILE, RULE
from .options import read_lets, read_options
from .positions import Block, Listing, Node, Scalar, Source, descend
from .report import Report, kind_of
from .rule import AGAIN_AFTER, BeforeTrigger, Rule, Send, Trigger
from .sends import read_channels, read_sends
from .timing import priorities_of, read_timing
from .triggers import read_length, read_trigger, scope_of
from .variants import read_variants
from .vocabulary import Vocabulary
from .yaml import Document

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_NO_SPACE = re.compile(r"[a-z_]+:(?=\S)")


class _ForPeople(TypedDict):
    description: str
    owner: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A rule's name and where it stands, whether or not the rest of the rule is sound."""

    name: str
    source: Source
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """What one file holds."""

    rules: tuple[Rule, ...]
    names: tuple[Named, ...]
    diagnostics: tuple[Diagnostic, ...]


def read_rules(document: Document, known: Vocabulary) -> RuleFile:
    """The rules of a file. Those with mistakes are left out, with findings for all of them."""
    report = Report(document.source)
    report.findings.extend(document.diagnostics)
    if known.priorities is None:
        known = replace(known, priorities=priorities_of([document]))
    names: list[Named] = []
    rules: list[Rule] = []
    if document.root is None and not document.diagnostics:
        message = "the file holds no rule"
        report.at((0, 0), codes.EMPTY_FILE, message, severity=Severity.WARNING)
    if document.root is not None and document.whole:
        for block in _blocks(report, document.root):
            names.extend(_named(report.source, block))
            rule = _rule(report, block, known)
            rules.extend([rule] if rule else [])
    return RuleFile(rules=tuple(rules), names=tuple(names), diagnostics=tuple(report.findings))


def lets_of(documents: Iterable[Document]) -> frozenset[str]:
    """The names under ``let`` in all these files, sound or not."""
    found: set[str] = set()
    for document in documents:
        rules = descend(document.root, ("rules",)) if isinstance(document.root, Block) else None
        for node in rules.items if isinstance(rules, Listing) else (rules,):
            lets = node.get("let") if isinstance(node, Block) else None
            found |= {key.text for key, _ in lets.entries} if isinstance(lets, Block) else set()
    return frozenset(found)


def _blocks(report: Report, root: Node) -> Iterator[Block]:
    if isinstance(root, Block) and root.get("rules") is None:
        yield root
    elif isinstance(root, Block):
        rules = _list_of_rules(report, root)
        for item in rules.items if isinstance(rules, Listing) else ():
            if isinstance(item, Block):
                yield item
            else:
                report.error(item, codes.WRONG_TYPE, f"a rule is a mapping, not {kind_of(item)}")
    else:
        _refuse_root(report, root)


def _named(source: Source, block: Block) -> Iterator[Named]:
    node = block.get("rule")
    if isinstance(node, Scalar) and isinstance(node.value, str):
        yield Named(name=node.text, source=source, start=node.start, end=node.end)


def _list_of_rules(report: Report, root: Block) -> Node | None:
    if root.get("rule") is not None:
        key = root.key("rule") or root
        message = 'a file holds one rule, or a list of them under "rules", not both'
        report.error(key, codes.UNKNOWN_KEY, message, 'move the rule into the list under "rules"')
        return root.get("rules")
    rules = report.entries(root, FILE).get("rules")
    if rules is None or (isinstance(rules, Listing) and rules.items):
        return rules
    if isinstance(rules, Listing):
        report.warning(rules, codes.NO_RULES, "the list of rules is empty")
    else:
        report.error(rules, codes.WRONG_TYPE, f'"rules" is a list of rules, not {kind_of(rules)}')
    return None


def _refuse_root(report: Report, root: Node) -> None:
    slip = _NO_SPACE.match(root.text) if isinstance(root, Scalar) else None
    if slip is not None:
        at = root.start + slip.end()
        report.at((at, at + 1), codes.SPACE_AFTER_COLON, 'there is no space after ":"')
    elif isinstance(root, Listing):
        report.error(root, codes.WRONG_TYPE, 'a list of rules stands under "rules"', 'begin the file with "rules:"')
    else:
        report.error(
            root, codes.WRONG_TYPE, f"a rule file is a mapping, not {kind_of(root)}", "begin with rule: <name>"
        )


def _rule(report: Report, block: Block, known: Vocabulary) -> Rule | None:
    """The rule, or ``None`` when anything in it is wrong."""
    start = len(report.findings)
    entries = report.entries(block, RULE)
    name = _name(report, entries.get("rule"))
    trigger = read_trigger(report, entries["on"], known.spellings) if "on" in entries else None
    scope = _scope(entries, trigger, known)
    crowd = read_crowd(report, entries.get("audience"), "audience", known.shared.defined())
    if scope is not None and crowd is not None:
        scope = scope.knowing(crowd.proves)
    lets, scope = read_lets(report, entries.get("let"), scope)
    condition = read_condition(report, entries.get("if"), scope)
    inner = _inner(scope, entries, condition)
    options = read_options(report, entries, inner, known.shared)
    timing = read_timing(
        report,
        entries,
        trigger=trigger,
        category=options["category"],
        priority=options["priority"],
        shared=known.shared,
        priorities=known.priorities or {},
    )
    sends = _sends(report, entries, inner, known, collecting="collect" in entries)
    variants = read_variants(report, entries.get("variants"), sends, known)
    again_after = _again_after(report, entries.get("again_after"), trigger)
    on_ambiguous = _on_ambiguous(report, entries.get("on_ambiguous"), known.on_ambiguous)
    people = _for_people(report, entries)
    if trigger is None or name is None or _has_errors(report.findings[start:]):
        return None
    return Rule(
        name=name.text,
        on=trigger,
        sends=sends,
        audience=crowd,
        lets=lets,
        condition=condition,
        variants=variants,
        again_after=again_after,
        on_ambiguous=on_ambiguous,
        file=report.source.file,
        line=report.source.place(name.start)[0],
        **options,
        **timing,
        **people,
    )


def _scope(entries: dict[str, Node], trigger: Trigger | None, known: Vocabulary) -> Scope | None:
    """The facts of the trigger, and those that are declared."""
    scope = scope_of(entries["on"], trigger) if "on" in entries else None
    return known.shared.in_scope(scope) if scope is not None else None


def _sends(
    report: Report, entries: dict[str, Node], scope: Scope | None, known: Vocabulary, *, collecting: bool
) -> tuple[Send, ...]:
    default: tuple[str, ...] | None = (known.default_channel,)
    if "channel" in entries:
        default = read_channels(report, entries["channel"], known)
    known_there = scope.gathering() if scope is not None and collecting else scope
    return read_sends(report, entries["send"], known_there, known, default) if "send" in entries else ()


def _inner(scope: Scope | None, entries: dict[str, Node], condition: Condition | None) -> Scope | None:
    """What the conditions of sends may use: whatever the rule's own condition proves present is."""
    if scope is None or condition is None:
        # A condition that is at fault proves nothing: what looks absent then may not be.
        return None if "if" in entries else scope
    return scope.knowing(condition.proves)


def _has_errors(findings: list[Diagnostic]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def _name(report: Report, node: Node | None) -> Scalar | None:
    text = report.text(node, "rule")
    if text is None or not isinstance(node, Scalar):
        return None
    if _NAME.fullmatch(text):
        return node
    meant = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-_")
    fix = f'write "{meant}"' if _NAME.fullmatch(meant) else None
    report.error(node, codes.BAD_NAME, "a rule's name is made of a-z, 0-9, - and _, and starts with a-z or 0-9", fix)
    return None


def _again_after(report: Report, node: Node | None, trigger: Trigger | None) -> timedelta | None:
    if node is not None:
        return read_length(report, node, "again_after") or timedelta(0)
    return AGAIN_AFTER if isinstance(trigger, BeforeTrigger) else None


def _on_ambiguous(report: Report, node: Node | None, default: OnAmbiguous) -> OnAmbiguous:
    text = report.text(node, "on_ambiguous")
    if text is None or node is None:
        return default
    if text in tuple(OnAmbiguous):
        return OnAmbiguous(text)
    report.error(node, codes.BAD_VALUE, f'"on_ambiguous" cannot be "{text}"', suggest(text, list(OnAmbiguous)))
    return default


def _for_people(report: Report, entries: dict[str, Node]) -> _ForPeople:
    texts = {name: report.text(entries.get(name), name) or "" for name in ("description", "owner")}
    tags = [report.text(item, "tags") for item in report.items(entries["tags"], "tags")] if "tags" in entries else []
    return _ForPeople(description=texts["description"], owner=texts["owner"], tags=tuple(tag for tag in tags if tag))
