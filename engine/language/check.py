"""Types and absence: what an expression gives in its scope, and whether it can fail on facts that fit the schema.

Presence is proven along the way: ``x and x > 5`` is fine for an ``x`` that may be absent, ``x > 5`` alone is not. What
each part proves when it holds, and when it does not, is collected bottom-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .functions import DEFAULT, FILTERS, FUNCTIONS, Function, Parameter, read_date
from .ir import Arithmetic, Call, Choice, Compare, Listing, Literal, Logic, Negative, Node, Not, Presence, Read, reads
from .kinds import BROKEN, DAYS, NUMBER, TEXT, WHOLE, YES_NO, Kind, Type, always, join, list_of
from .operations import Clash, arithmetic, equality, membership, order
from .problem import Problem, Severity, Span, problem_at, suggest
from .schema import BETTER_FIELDS
from .scope import Missing, Path, Scope, path_text

Paths = frozenset[Path]
NOTHING: Paths = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A typed node, and the facts it proves present when it is true (``yes``) and when it is false (``no``)."""

    node: Node
    yes: Paths = NOTHING
    no: Paths = NOTHING

    @property
    def type(self) -> Type:
        return self.node.type


def check(node: Node, text: str, scope: Scope, *, condition: bool) -> tuple[Checked, list[Problem]]:
    """Type an expression, finding everything that is wrong with it. ``condition``: only its truth is of interest."""
    checker = _Checker(text, scope)
    checked = checker.check(node, scope.present, truth=condition)
    if condition and not any(problem.severity is Severity.ERROR for problem in checker.problems):
        checker.need_facts(checked.node)
    return checked, checker.problems


class _Checker:
    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.problems: list[Problem] = []

    def check(self, node: Node, known: Paths, *, truth: bool = False) -> Checked:
        if isinstance(node, Logic):
            return self._logic(node, known, truth=truth)
        if isinstance(node, Choice):
            return self._choice(node, known, truth=truth)
        return _CHECKS[type(node)](self, node, known)

    def report(self, span: Span, code: str, message: str, fix: str | None = None, **more: Any) -> None:
        problem = problem_at(span, code, message, fix, **more)
        if problem not in self.problems:
            self.problems.append(problem)

    def source(self, node: Node) -> str:
        return self.text[node.span.start : node.span.end]

    def need_facts(self, node: Node) -> None:
        if not any(reads(node)):
            self.report(node.span, "PB214", "this is always the same: it does not look at any fact", _quoted_fix(node))

    # --- Values -------------------------------------------------------------------------------------------------------

    def literal(self, node: Literal, _known: Paths) -> Checked:
        kinds = {bool: YES_NO, int: WHOLE, float: NUMBER, str: TEXT}
        return Checked(node=replace(node, type=kinds[type(node.value)]))

    def listing(self, node: Listing, known: Paths) -> Checked:
        items = tuple(self.check(item, known).node for item in node.items)
        if not items:
            self.report(node.span, "PB214", "this list is empty", "write the values that are looked for")
            return Checked(node=replace(node, type=BROKEN))
        for item in items:
            self.need_present(item, "stand in a list")
        kind = items[0].type
        for item in items[1:]:
            kind = join(kind, item.type)
        return Checked(node=replace(node, items=items, type=list_of(always(kind))))

    def read(self, node: Read, known: Paths) -> Checked:
        found = self.scope.resolve(node.path)
        if isinstance(found, Missing):
            self._report_missing(node, found)
            return Checked(node=replace(node, type=BROKEN))
        if len(node.path) == 1 and found.kind is Kind.OBJECT:
            self._report_group(node)
            return Checked(node=replace(node, type=BROKEN))
        better = BETTER_FIELDS.get(node.path)
        if better:
            message = f"{path_text(node.path)} can be more than the points that are left"
            self.report(node.span, "PB250", message, f"write {better}", severity=Severity.WARNING)
        kind = always(found) if node.path in known else found
        return Checked(node=replace(node, type=kind), yes=frozenset({node.path}) if found.optional else NOTHING)

    def _report_missing(self, node: Read, missing: Missing) -> None:
        name = node.path[0]
        if len(node.path) == 1 and name in FUNCTIONS:
            self.report(node.span, "PB206", f"{name} is a function", f"write {FUNCTIONS[name].example}")
            return
        span = node.parts[missing.part]
        self.report(span, missing.code, missing.message, missing.suggestion, available=missing.available)

    def _report_group(self, node: Read) -> None:
        fields = tuple(sorted(self.scope.groups[node.path[0]]))
        message = f"{node.path[0]} is a group of facts, name one of them"
        fix = ", ".join(f"{node.path[0]}.{name}" for name in fields[:3])
        self.report(node.span, "PB204", message, f"for instance {fix}", available=fields)

    # --- Presence -----------------------------------------------------------------------------------------------------

    def need_present(self, node: Node, use: str, around: Node | None = None) -> None:
        """What may be absent cannot ``use``; say how to prove that it is there."""
        if node.type.optional and node.type.kind is not Kind.BROKEN:
            message = f"{self.source(node)} may be absent here, so it cannot {use}"
            self.report(node.span, "PB210", message, self._presence_fix(node, around))

    def _presence_fix(self, node: Node, around: Node | None) -> str:
        what = self.source(node)
        if not isinstance(node, Read):
            return f"write ({what}) | default(…)"
        test = f"{what} is not none" if node.type.numeric or node.type.kind is Kind.YES_NO else what
        fallback = f", or put ({what} | default(0)) in its place" if node.type.numeric else ""
        return f"write {test} and {self.source(around) if isinstance(around, Compare) else '…'}{fallback}"

    def presence(self, node: Presence, known: Paths) -> Checked:
        operand = self.check(node.operand, known)
        if not operand.type.optional and operand.type.kind is not Kind.BROKEN:
            always_so = "true" if node.wanted else "false"
            message = f"{self.source(node.operand)} is always there, so this is always {always_so}"
            self.report(node.span, "PB251", message, severity=Severity.WARNING)
        paths = frozenset({operand.node.path}) if isinstance(operand.node, Read) else NOTHING
        typed = replace(node, operand=operand.node, type=YES_NO)
        return Checked(node=typed, yes=paths if node.wanted else NOTHING, no=NOTHING if node.wanted else paths)

    # --- Calls --------------------------------------------------------------------------------------------------------

    def call(self, node: Call, known: Paths) -> Checked:
        arguments = tuple(self.check(argument, known).node for argument in node.arguments)
        typed = replace(node, arguments=arguments)
        if node.piped and node.name == DEFAULT:
            return Checked(node=replace(typed, type=self._default(typed)))
        function = (FILTERS if node.piped else FUNCTIONS).get(node.name)
        if function is None:
            self._report_function(node)
            return Checked(node=replace(typed, type=BROKEN))
        return Checked(node=replace(typed, type=self._applied(function, typed)))

    def _default(self, node: Call) -> Type:
        if len(node.arguments) != 2:  # noqa: PLR2004 - the value and its fallback
            self.report(node.span, "PB207", "default takes one value", 'write x | default("…")')
            return BROKEN
        value, fallback = (argument.type for argument in node.arguments)
        if value.kind is Kind.FREE and fallback.kind is not Kind.BROKEN:
            return replace(value, optional=fallback.optional)
        return replace(join(value, fallback), optional=fallback.optional)

    def _report_function(self, node: Call) -> None:
        names, others = (FILTERS, FUNCTIONS) if node.piped else (FUNCTIONS, FILTERS)
        known = (*names, DEFAULT) if node.piped else tuple(names)
        what = "filter" if node.piped else "function"
        fix = suggest(node.name, known)
        if node.name in others or node.name == DEFAULT:
            fix = f"write {node.name}(…)" if node.piped else f"write x | {node.name}"
        message = f'unknown {what} "{node.name}"'
        self.report(node.name_span, "PB206", message, fix, available=sorted(known))

    def _applied(self, function: Function, node: Call) -> Type:
        if len(node.arguments) != len(function.takes):
            given, wanted = (len(node.arguments) - node.piped, len(function.takes) - node.piped)
            message = f"{node.name} takes {_count(wanted)}, not {given}"
            self.report(node.span, "PB207", message, f"for instance {function.example}")
            return BROKEN
        for argument, parameter in zip(node.arguments, function.takes, strict=True):
            self._argument(node.name, function, argument, parameter)
        whole = node.name == "days" and node.arguments[0].type.kind is Kind.WHOLE
        return DAYS if whole else function.gives

    def _argument(self, name: str, function: Function, argument: Node, parameter: Parameter) -> None:
        kind = argument.type.kind
        example = f"for instance {function.example}"
        if kind is Kind.BROKEN:
            return
        if kind is Kind.FREE and kind not in parameter.kinds:
            message = f"the type of this value is not known, so {name} cannot take it"
            self.report(argument.span, "PB215", message, "compare it with == or in")
        elif kind not in parameter.kinds:
            self.report(argument.span, "PB207", f"{name} cannot take a {argument.type}", example)
        elif parameter.literal and not isinstance(argument, Literal):
            self.report(argument.span, "PB207", f"{name} needs a text written out here", example)
        elif kind is not Kind.FREE:
            self.need_present(argument, f"be given to {name}")
        if name == "date" and isinstance(argument, Literal) and isinstance(argument.value, str):
            self._calendar_date(argument, argument.value)

    def _calendar_date(self, node: Literal, value: str) -> None:
        try:
            read_date(value)
        except ValueError:
            self.report(node.span, "PB207", f'"{value}" is no date', 'write date("2026-01-31"): year, month, day')

    # --- Operators ----------------------------------------------------------------------------------------------------

    def arithmetic(self, node: Arithmetic, known: Paths) -> Checked:
        left, right = self.check(node.left, known).node, self.check(node.right, known).node
        result = arithmetic(node.operator, left, right)
        if isinstance(result, Clash):
            self._clash(result, node)
            result = BROKEN
        else:
            for side in (left, right):
                self.need_present(side, f"be used with {node.operator}", node)
        return Checked(node=replace(node, left=left, right=right, type=result))

    def negative(self, node: Negative, known: Paths) -> Checked:
        operand = self.check(node.operand, known).node
        kind = operand.type
        if not kind.numeric and kind.kind not in {Kind.DURATION, Kind.BROKEN}:
            self.report(node.span, "PB208", f"a {kind} has no negative")
            kind = BROKEN
        self.need_present(operand, "be used with -", node)
        return Checked(node=replace(node, operand=operand, type=always(kind)))

    def compare(self, node: Compare, known: Paths) -> Checked:
        operands = tuple(self.check(operand, known).node for operand in node.operands)
        yes: Paths = NOTHING
        no: Paths = NOTHING
        for left, operator, right in zip(operands, node.operators, operands[1:], strict=False):
            self._pair(node, left, operator, right)
            shown = _shown_present(left, right)
            yes |= NOTHING if operator in {"!=", "not in"} else shown
            no |= shown if operator in {"!=", "not in"} and len(operands) == 2 else NOTHING  # noqa: PLR2004
        return Checked(node=replace(node, operands=operands, type=YES_NO), yes=yes, no=no)

    def _pair(self, node: Compare, left: Node, operator: str, right: Node) -> None:
        if operator in {"==", "!="}:
            self._clash(equality(left, right), node)
            return
        if operator in {"in", "not in"}:
            self._clash(membership(left, right), node)
            self.need_present(right, f"be searched with {operator}", node)
            if right.type.kind is Kind.TEXT:
                self.need_present(left, f"be looked for with {operator}", node)
            return
        clash = order(left, right, operator)
        self._clash(clash, node)
        if clash is None:
            for side in (left, right):
                self.need_present(side, f"be compared with {operator}", node)

    def _clash(self, clash: Clash | None, node: Node) -> None:
        if clash is not None:
            self.report((clash.at or node).span, clash.code, clash.message, clash.suggestion)

    def negation(self, node: Not, known: Paths) -> Checked:
        operand = self.check(node.operand, known, truth=True)
        self._need_question(operand.node, None)
        return Checked(node=replace(node, operand=operand.node, type=YES_NO), yes=operand.no, no=operand.yes)

    def _logic(self, node: Logic, known: Paths, *, truth: bool) -> Checked:
        """``and`` goes on where the terms so far are true, ``or`` where they are false."""
        conjunction = node.operator == "and"
        terms: list[Checked] = []
        through: Paths = NOTHING
        out: Paths | None = None
        for place, term in enumerate(node.terms):
            last = place == len(node.terms) - 1
            checked = self.check(term, known | through, truth=truth or not last)
            if truth or not last:
                self._need_question(checked.node, terms[-1].node if terms else None)
            stays, leaves = (checked.yes, checked.no) if conjunction else (checked.no, checked.yes)
            out = leaves if out is None else out & leaves
            through |= stays
            terms.append(checked)
        typed = replace(node, terms=tuple(term.node for term in terms), type=_logic_type(conjunction, terms))
        yes, no = (through, out or NOTHING) if conjunction else (out or NOTHING, through)
        return Checked(node=typed, yes=yes, no=no)

    def _need_question(self, node: Node, before: Node | None) -> None:
        """A written value among conditions decides them all: mostly half of a comparison was left out."""
        if not isinstance(node, Literal | Listing):
            return
        fix = "write out the comparison on both sides"
        if isinstance(before, Compare) and before.operators == ("==",) and isinstance(before.operands[1], Literal):
            first, second = (self.source(operand) for operand in before.operands)
            fix = f"write {first} in [{second}, {self.source(node)}]"
        self.report(node.span, "PB214", f"{self.source(node)} is a value, not a condition", fix)

    def _choice(self, node: Choice, known: Paths, *, truth: bool) -> Checked:
        test = self.check(node.test, known, truth=True)
        self._need_question(test.node, None)
        then = self.check(node.then, known | test.yes, truth=truth)
        otherwise = self.check(node.otherwise, known | test.no, truth=truth)
        kind = join(then.type, otherwise.type)
        typed = replace(node, test=test.node, then=then.node, otherwise=otherwise.node, type=kind)
        yes = (test.yes | then.yes) & (test.no | otherwise.yes)
        no = (test.yes | then.no) & (test.no | otherwise.no)
        return Checked(node=typed, yes=yes, no=no)


def _logic_type(conjunction: bool, terms: list[Checked]) -> Type:  # noqa: FBT001 - which of the two words
    """``or`` gives its first true term, which is present, or the last; ``and`` its first false one, or the last."""
    kind = terms[-1].type
    for term in terms[:-1]:
        kind = join(kind, term.type if conjunction else always(term.type))
    return kind


def _shown_present(left: Node, right: Node) -> Paths:
    """What equality with something that is there proves; two absent values are equal."""
    sides = ((left, right), (right, left))
    return frozenset(
        one.path for one, other in sides if isinstance(one, Read) and one.type.optional and not other.type.optional
    )


def _quoted_fix(node: Node) -> str | None:
    return "remove the quotes around it" if isinstance(node, Literal) and isinstance(node.value, str) else None


def _count(number: int) -> str:
    return "one value" if number == 1 else f"{number or 'no'} values"


_CHECKS: Mapping[type, Callable[[_Checker, Any, Paths], Checked]] = {
    Literal: _Checker.literal,
    Listing: _Checker.listing,
    Read: _Checker.read,
    Presence: _Checker.presence,
    Call: _Checker.call,
    Arithmetic: _Checker.arithmetic,
    Negative: _Checker.negative,
    Compare: _Checker.compare,
    Not: _Checker.negation,
}
