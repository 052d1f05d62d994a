"""The keys of a rule beside its trigger, condition and messages: whom it leaves out, when it holds, how it repeats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TypedDict

from ..language import Expression, InvalidExpression, Scope, compile_expression
from ..language.kinds import Kind
from ..language.problem import suggest
from ..language.scope import Missing, Path
from . import codes
from .audiences import Audience, Crowd, read_crowd
from .category import Category
from .conditions import report_problems
from .positions import Block, Node, Scalar
from .report import Report, kind_of
from .rule import Let, Mode
from .shared import Shared
from .triggers import read_length

PRIORITIES = range(1, 101)
DEFAULT_PRIORITY = 50

_PERCENT = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,2})?) ?%")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_MEMBER, _CARD = ("member", "id"), ("card", "id")
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,4})?")
"""What a language looks like that somebody wrote where an expression stands."""
_RESERVED = frozenset({"locale", "subject", "preheader", "strings", "brand", "lists", "events", "collected", "digest"})


class Options(TypedDict):
    """What ``Rule`` takes from these keys."""

    exclude: Audience | Crowd | None
    holdout: float
    once_per: tuple[Path, ...]
    category: Category | None
    priority: int
    locale: Expression | None
    mode: Mode
    valid_from: date | None
    valid_until: date | None
    useful_for: timedelta | None


def read_options(report: Report, entries: Mapping[str, Node], scope: Scope | None, shared: Shared) -> Options:
    """The options of a rule; those at fault are reported, and their value is the default.

    ``scope`` is what the rule's condition has proven; without one nothing is said of facts.
    """
    first, last = (_day(report, entries.get(name), name) for name in ("valid_from", "valid_until"))
    if first and last and first > last:
        message = f"the rule would hold from {first} until {last}: that is never"
        report.error(entries["valid_until"], codes.PERIOD_OVER, message, "swap them")
    return Options(
        exclude=read_crowd(report, entries.get("exclude"), "exclude", shared.defined()),
        holdout=_holdout(report, entries.get("holdout")),
        once_per=_once_per(report, entries.get("once_per"), scope),
        category=_category(report, entries, shared),
        priority=_priority(report, entries.get("priority")),
        locale=_locale(report, entries.get("locale"), scope),
        mode=_mode(report, entries.get("mode")),
        valid_from=first,
        valid_until=last,
        useful_for=read_length(report, entries["useful_for"], "useful_for") if "useful_for" in entries else None,
    )


def read_lets(report: Report, node: Node | None, scope: Scope | None) -> tuple[tuple[Let, ...], Scope | None]:
    """The named expressions in order, each of which may use those before it, and the scope with all of them."""
    if node is None or scope is None:
        return (), scope
    if not isinstance(node, Block):
        fix = "write {worth: card.expiring_points / 100}"
        report.error(node, codes.WRONG_TYPE, f'"let" is a mapping of names to expressions, not {kind_of(node)}', fix)
        return (), scope
    lets: list[Let] = []
    whole = True
    for key, value in node.entries:
        named = _free_name(report, key, scope)
        expression = _expression(report, value, scope, key.text)
        whole = whole and named and expression is not None
        if named and expression is not None:
            lets.append(Let(name=key.text, expression=expression))
            scope = scope.extended(names={key.text: expression.type})
    return tuple(lets), scope if whole else None


def _free_name(report: Report, key: Scalar, scope: Scope) -> bool:
    if not _NAME.fullmatch(key.text):
        report.error(key, codes.BAD_NAME, f'"{key.text}" is not a name: a-z, 0-9 and _, a letter first', None)
        return False
    if key.text in {*scope.groups, *scope.names, *_RESERVED, "event", "days_left", "offset"}:
        report.error(key, codes.LET_TWICE, f'"{key.text}" stands for something else already', "give it another name")
        return False
    return True


def _expression(report: Report, node: Node, scope: Scope, name: str) -> Expression | None:
    if isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        text: str | None = node.text
    else:
        text = report.text(node, name)
    if text is None:
        return None
    try:
        return compile_expression(text, scope)
    except InvalidExpression as invalid:
        report_problems(report, node, invalid.problems)
        return None


def _holdout(report: Report, node: Node | None) -> float:
    """The share of members who get nothing, 0 to 1."""
    if node is None:
        return 0.0
    found = _PERCENT.fullmatch(node.text) if isinstance(node, Scalar) else None
    if found is None:
        report.error(node, codes.BAD_VALUE, '"holdout" is a share of the members, below 100 %', "write it like 5%")
        return 0.0
    return float(found[1]) / 100


def _once_per(report: Report, node: Node | None, scope: Scope | None) -> tuple[Path, ...]:
    """The facts that tell one message from the next; ``member`` and ``card`` stand for their ids."""
    if node is None:
        return ()
    parts = [_part(report, item, scope) for item in report.items(node, "once_per")]
    return tuple(part for part in parts if part is not None)


def _part(report: Report, node: Node, scope: Scope | None) -> Path | None:
    text = report.text(node, "once_per")
    if text is None:
        return None
    path = {"member": _MEMBER, "card": _CARD}.get(text) or tuple(text.split("."))
    found = scope.resolve(path) if scope is not None else None
    if isinstance(found, Missing):
        report.error(node, found.code, found.message, found.suggestion)
        return None
    if found is not None and found.kind in {Kind.OBJECT, Kind.LIST}:
        report.error(node, codes.WRONG_TYPE, f"{text} is a {found}, which tells no message from another", None)
        return None
    if found is not None and found.optional:
        message = f"{text} may be absent: all members without it would share one message"
        report.error(node, codes.PART_ABSENT, message, f'prove it present: "if: {text}"')
        return None
    return path


def _category(report: Report, entries: Mapping[str, Node], shared: Shared) -> Category | None:
    node = entries.get("category")
    names = shared.names.get("categories", frozenset())
    if node is None:
        if shared.default_category is None and "rule" in entries:
            fix = "add category: to the rule, or defaults: {category: ...} to rules/shared.yaml"
            report.error(entries["rule"], codes.NO_CATEGORY, "the rule has no category", fix)
        return shared.categories.get(shared.default_category or "")
    text = report.text(node, "category")
    if text is not None and text not in names:
        report.error(node, codes.UNKNOWN_CATEGORY, f'unknown category "{text}"', suggest(text, names))
    return shared.categories.get(text or "")


def _priority(report: Report, node: Node | None) -> int:
    if node is None:
        return DEFAULT_PRIORITY
    if isinstance(node, Scalar) and isinstance(node.value, int) and node.value in PRIORITIES:
        return node.value
    report.error(node, codes.BAD_VALUE, '"priority" is a whole number from 1 to 100, 100 the most important', None)
    return DEFAULT_PRIORITY


def _locale(report: Report, node: Node | None, scope: Scope | None) -> Expression | None:
    if node is None or scope is None:
        return None
    if isinstance(node, Scalar) and _LANGUAGE.fullmatch(node.text) and node.text not in {"now", *scope.names}:
        message = f'"locale" is an expression, in which {node.text} would be a name'
        report.error(node, "PB205", message, f"write '\"{node.text}\"', with both kinds of quotes")
        return None
    expression = _expression(report, node, scope, "locale")
    if expression is not None and expression.type.kind not in {Kind.TEXT, Kind.FREE}:
        fix = 'write an expression such as member.metadata["language"], or a language in quotes: \'"pl"\''
        report.error(node, "PB208", f'"locale" is a text, not a {expression.type}', fix)
        return None
    return expression


def _mode(report: Report, node: Node | None) -> Mode:
    if node is None:
        return Mode.LIVE
    if isinstance(node, Scalar) and node.value is False:
        return Mode.OFF
    text = report.text(node, "mode")
    if text in tuple(Mode):
        return Mode(text)
    if text is not None:
        report.error(node, codes.BAD_VALUE, f'"mode" cannot be "{text}"', suggest(text, list(Mode)))
    return Mode.LIVE


def _day(report: Report, node: Node | None, name: str) -> date | None:
    if node is None:
        return None
    try:
        return date.fromisoformat(node.text if isinstance(node, Scalar) else "")
    except ValueError:
        report.error(node, codes.BAD_VALUE, f'"{name}" is a day', "write it like 2026-12-31")
        return None
