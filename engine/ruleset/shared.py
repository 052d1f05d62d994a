"""``rules/shared.yaml``: what several rules refer to by name. Audiences, categories, caps, fields and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Literal, TypeAlias

from ..ingest import BodyField
from ..language import FieldTypes, Scope
from ..language.kinds import TEXT, list_of
from ..language.problem import suggest
from . import codes
from .audiences import Audience, Defined, entries_of, named, read_audiences
from .category import Category, Consent
from .declared import Declared, read_fields
from .hours import Span, read_span
from .keys import CAP, CATEGORY, DEFAULTS, SHARED_FILE
from .lists import folded
from .positions import Block, Node, Scalar
from .report import Report, kind_of
from .triggers import read_length

SHARED = "rules/shared.yaml"
"""Where it lies; a programme need not have one."""

BUILT_IN = "loyalty"
"""The category of rules in a programme that declares none."""

_PERIODS = ("hour", "day", "week", "month")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most this many in a period: a rolling one (a duration) or one of the calendar, in the member's zone."""

    at_most: int
    per: timedelta | Literal["hour", "day", "week", "month"]


Cap: TypeAlias = tuple[Limit, ...]
"""A frequency cap: all of its limits hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """``lists.staff`` as conditions see it: a value is in it whatever its case and the white space around it."""

    values: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> _OneList:
        return _OneList(self.values[name])


class _OneList:
    __slots__ = ("_values",)

    def __init__(self, values: frozenset[str]) -> None:
        self._values = values

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and folded(value) in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _OneList) and self._values == other._values

    def __hash__(self) -> int:
        return hash(self._values)


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Everything rules may refer to by name. A name whose definition has mistakes is in ``names`` all the same."""

    audiences: Mapping[str, Audience] = field(default_factory=dict)
    categories: Mapping[str, Category] = field(default_factory=dict)
    caps: Mapping[str, Cap] = field(default_factory=dict)
    fields: tuple[Declared, ...] = ()
    lists: Lists = field(default_factory=Lists)
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By section, every name that is defined in it."""
    default_category: str | None = BUILT_IN
    quiet_hours: Span | None = None
    """Of all rules that say nothing else and are not transactional."""

    def in_scope(self, scope: Scope) -> Scope:
        """The scope with the declared fields and the lists in it."""
        known = scope.extended(groups={"lists": dict.fromkeys(self.lists.values, list_of(TEXT))})
        for declared in self.fields:
            known = declared.in_scope(known)
        return known

    @cached_property
    def types(self) -> FieldTypes:
        """The declared fields as facts."""
        return FieldTypes({one.path: one.type for one in self.fields})

    @cached_property
    def body_fields(self) -> tuple[BodyField, ...]:
        """The declared fields that are read from bodies."""
        found = (one.body_field for one in self.fields)
        return tuple(one for one in found if one is not None)

    def defined(self) -> Defined:
        """What ``audience`` and ``exclude`` may say."""
        names = self.names.get("audiences", frozenset())
        return Defined(audiences=self.audiences, names=names, scope=self.in_scope(Scope.for_members()))


NOTHING_SHARED = Shared(
    categories=MappingProxyType({BUILT_IN: Category(name=BUILT_IN, consent=Consent.OPT_OUT)}),
    names=MappingProxyType({"categories": frozenset({BUILT_IN})}),
)


def read_shared(report: Report, root: Node | None, lists: Mapping[str, frozenset[str]]) -> Shared:
    """The definitions; those with mistakes are reported and left out."""
    if root is None:
        return _with_lists(NOTHING_SHARED, lists)
    if not isinstance(root, Block):
        report.error(root, codes.WRONG_TYPE, f"{SHARED} is a mapping, not {kind_of(root)}", 'begin with "audiences:"')
        return _with_lists(NOTHING_SHARED, lists)
    entries = report.entries(root, SHARED_FILE)
    defaults = _defaults(report, entries.get("defaults"))
    first = Shared(
        fields=read_fields(report, entries.get("fields")),
        lists=Lists(values=lists),
        caps=_caps(report, entries.get("caps")),
        categories=_categories(report, entries.get("categories"), _names(entries.get("caps"))),
        names=MappingProxyType({name: _names(entries.get(name)) for name in SHARED_FILE.available}),
    )
    return Shared(
        fields=first.fields,
        lists=first.lists,
        caps=first.caps,
        categories=first.categories if "categories" in entries else NOTHING_SHARED.categories,
        names=first.names if "categories" in entries else {**first.names, **NOTHING_SHARED.names},
        audiences=read_audiences(report, entries.get("audiences"), first.in_scope(Scope.for_members())),
        default_category=_default_category(report, entries, defaults),
        quiet_hours=_quiet_hours(report, defaults.get("quiet_hours")),
    )


def _with_lists(shared: Shared, lists: Mapping[str, frozenset[str]]) -> Shared:
    return Shared(categories=shared.categories, names=shared.names, lists=Lists(values=lists))


def _names(node: Node | None) -> frozenset[str]:
    return frozenset(key.text for key, _ in node.entries) if isinstance(node, Block) else frozenset()


def _categories(report: Report, node: Node | None, caps: frozenset[str]) -> dict[str, Category]:
    found: dict[str, Category] = {}
    for key, value in entries_of(report, node, "categories"):
        if not named(report, key, "a category"):
            continue
        if not isinstance(value, Block):
            fix = "write {consent: opt_out}"
            report.error(value, codes.WRONG_TYPE, f"a category is a mapping, not {kind_of(value)}", fix)
            continue
        entries = report.entries(value, CATEGORY)
        consent = _consent(report, entries.get("consent"))
        if consent is not None:
            cap = _cap_of(report, entries.get("cap"), caps)
            found[key.text] = Category(name=key.text, consent=consent, cap=cap)
    return found


def _cap_of(report: Report, node: Node | None, caps: frozenset[str]) -> str | None:
    text = report.text(node, "cap")
    if node is not None and text is not None and text not in caps:
        fix = suggest(text, caps) if caps else 'define it under "caps"'
        report.error(node, codes.UNKNOWN_CAP, f'unknown cap "{text}"', fix)
    return text if text in caps else None


def _consent(report: Report, node: Node | None) -> Consent | None:
    text = report.text(node, "consent")
    if text is None or node is None:
        return None
    if text in tuple(Consent):
        return Consent(text)
    report.error(node, codes.BAD_VALUE, f'"consent" cannot be "{text}"', suggest(text, list(Consent)))
    return None


def _defaults(report: Report, node: Node | None) -> dict[str, Node]:
    """What holds for rules that say nothing else."""
    if node is not None and not isinstance(node, Block):
        report.error(node, codes.WRONG_TYPE, f'"defaults" is a mapping, not {kind_of(node)}')
        return {}
    return report.entries(node, DEFAULTS) if node is not None else {}


def _quiet_hours(report: Report, node: Node | None) -> Span | None:
    return read_span(report, node, "quiet_hours", "21:00-08:00") if node is not None else None


def _default_category(report: Report, entries: Mapping[str, Node], defaults: Mapping[str, Node]) -> str | None:
    """The category of rules that name none; ``None`` when each has to."""
    declared = entries.get("categories")
    names = _names(declared) if declared is not None else frozenset({BUILT_IN})
    node = defaults.get("category")
    text = report.text(node, "category")
    if node is not None and text is not None and text not in names:
        report.error(node, codes.UNKNOWN_CATEGORY, f'unknown category "{text}"', suggest(text, names))
    broken = "defaults" in entries and not isinstance(entries["defaults"], Block)
    return text if node is not None else (BUILT_IN if declared is None and not broken else None)


# --- Caps -------------------------------------------------------------------------------------------------------------


def _caps(report: Report, node: Node | None) -> dict[str, Cap]:
    found: dict[str, Cap] = {}
    for key, value in entries_of(report, node, "caps"):
        if named(report, key, "a cap") and (limits := _limits(report, value)):
            found[key.text] = limits
    return found


def _limits(report: Report, node: Node) -> Cap:
    """The limit and those chained to it with ``and``; none, reported, when one of them cannot be used."""
    if not isinstance(node, Block):
        fix = "write {at_most: 3, per: 7 days}"
        report.error(node, codes.WRONG_TYPE, f"a cap is a mapping, not {kind_of(node)}", fix)
        return ()
    entries = report.entries(node, CAP)
    at_most, per = _at_most(report, entries.get("at_most")), _per(report, entries.get("per"))
    others = _limits(report, entries["and"]) if "and" in entries else ()
    if at_most is None or per is None or ("and" in entries and not others):
        return ()
    return (Limit(at_most=at_most, per=per), *others)


def _at_most(report: Report, node: Node | None) -> int | None:
    if node is None:
        return None
    if isinstance(node, Scalar) and isinstance(node.value, int) and not isinstance(node.value, bool) and node.value > 0:
        return node.value
    report.error(node, codes.BAD_VALUE, '"at_most" is a whole number of messages, 1 or more', "write it like 3")
    return None


def _per(report: Report, node: Node | None) -> timedelta | Literal["hour", "day", "week", "month"] | None:
    if isinstance(node, Scalar) and node.text in _PERIODS:
        return node.text  # type: ignore[return-value]  # One of the four.
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.text.isalpha():
        fix = 'write "day" for a calendar day, or a length such as "7 days"'
        report.error(node, codes.BAD_VALUE, f'"{node.text}" is no period', fix)
        return None
    return None if node is None else read_length(report, node, "per") or None
