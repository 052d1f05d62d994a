"""Audiences: named groups of members, defined once in ``rules/shared.yaml`` and used by ``audience`` and ``exclude``.

An audience is a condition over lasting facts (member, card, tier, lists), so that it means the same in every rule. A
rule names audiences, or writes a condition of its own; ``all``, ``any`` and ``none`` put them together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..language import Condition, Path, Scope
from ..language.problem import suggest
from . import codes
from .conditions import read_condition
from .positions import Block, Listing, Node, Scalar
from .report import Report, kind_of

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
BLOCKS = ("all", "any", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """A group of members. Without a name it is a condition that one rule wrote for itself."""

    name: str
    condition: Condition
    file: str
    line: int

    @property
    def reads(self) -> frozenset[Path]:
        """The facts it looks at."""
        return self.condition.reads

    @property
    def proves(self) -> frozenset[Path]:
        """The facts that every one of its members has."""
        return self.condition.proves


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Audiences that go together in one way."""

    joined: str
    """One of ``BLOCKS``."""
    members: tuple[Audience | Crowd, ...]

    @property
    def reads(self) -> frozenset[Path]:
        """The facts they look at."""
        return frozenset[Path]().union(*(member.reads for member in self.members))

    @property
    def proves(self) -> frozenset[Path]:
        """The facts that every member of all of them has."""
        proven = [member.proves for member in self.members]
        if self.joined == "all":
            return frozenset[Path]().union(*proven)
        return frozenset.intersection(*proven) if self.joined == "any" else frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """The audiences there are, and the facts a rule's own may look at."""

    audiences: Mapping[str, Audience]
    names: frozenset[str]
    """All that are defined, also those with mistakes, which are reported where they stand."""
    scope: Scope


def read_audiences(report: Report, node: Node | None, scope: Scope) -> dict[str, Audience]:
    """The definitions under ``audiences``; those with mistakes are reported and left out."""
    found: dict[str, Audience] = {}
    for key, value in entries_of(report, node, "audiences"):
        condition = read_condition(report, value, scope)
        line = report.source.place(key.start)[0]
        if named(report, key, "an audience") and condition is not None:
            found[key.text] = Audience(name=key.text, condition=condition, file=report.source.file, line=line)
    return found


def read_crowd(report: Report, node: Node | None, name: str, defined: Defined) -> Audience | Crowd | None:
    """What stands under ``audience`` or ``exclude``; ``None`` when nothing does or it cannot be used."""
    if node is None:
        return None
    if isinstance(node, Listing):
        return _joined(report, node, "all", defined)
    if isinstance(node, Block):
        return _block(report, node, name, defined)
    text = report.text(node, name)
    if text is None:
        return None
    return _one(report, node, text, defined)


def entries_of(report: Report, node: Node | None, name: str) -> tuple[tuple[Scalar, Node], ...]:
    """The entries of a block of definitions; anything else is reported."""
    if node is None or isinstance(node, Block):
        return node.entries if isinstance(node, Block) else ()
    report.error(node, codes.WRONG_TYPE, f'"{name}" is a mapping of names, not {kind_of(node)}')
    return ()


def named(report: Report, key: Scalar, what: str) -> bool:
    """Whether the key can be a name; one that cannot is reported."""
    if NAME.fullmatch(key.text):
        return True
    meant = re.sub(r"[^a-z0-9_]+", "-", key.text.lower()).strip("-_")
    fix = f'write "{meant}"' if NAME.fullmatch(meant) else None
    report.error(key, codes.BAD_NAME, f"the name of {what} is made of a-z, 0-9, - and _", fix)
    return False


def _one(report: Report, node: Node, text: str, defined: Defined) -> Audience | None:
    """A name, or a condition that the rule writes for itself."""
    if text in defined.names:
        return defined.audiences.get(text)
    if NAME.fullmatch(text):
        fix = suggest(text, defined.names) if defined.names else "define it under audiences: in rules/shared.yaml"
        report.error(node, codes.UNKNOWN_AUDIENCE, f'unknown audience "{text}"', fix)
        return None
    condition = read_condition(report, node, defined.scope)
    line = report.source.place(node.start)[0]
    return Audience(name="", condition=condition, file=report.source.file, line=line) if condition else None


def _block(report: Report, node: Block, name: str, defined: Defined) -> Crowd | None:
    parts: list[Crowd | None] = []
    for key, value in node.entries:
        if key.text not in BLOCKS:
            message = f'"{name}" has no key "{key.text}": a block has all, any, none'
            report.error(key, codes.UNKNOWN_KEY, message, suggest(key.text, BLOCKS))
        elif not isinstance(value, Listing):
            report.error(value, codes.WRONG_TYPE, f'"{key.text}" needs a list of audiences, not {kind_of(value)}')
        else:
            parts.append(_joined(report, value, key.text, defined))
    whole = [part for part in parts if part is not None]
    if not node.entries:
        report.error(node, codes.EMPTY, f'"{name}" is empty')
    if len(whole) < len(node.entries) or not whole:
        return None
    return whole[0] if len(whole) == 1 else Crowd(joined="all", members=tuple(whole))


def _joined(report: Report, node: Listing, joined: str, defined: Defined) -> Crowd | None:
    read = [read_crowd(report, item, joined, defined) for item in report.items(node, joined)]
    members = tuple(member for member in read if member is not None)
    return Crowd(joined=joined, members=members) if members and len(members) == len(read) else None
