"""``fields`` in ``rules/shared.yaml``: what a producer sends beyond the neutral facts, by name, path and type.

A declared field is a fact like any other: rules and templates may use it, and the checker knows its type. Without a
path it types what is already there (``member.metadata["status"]``); with one it is read from that place of each body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, cast

from ..ingest import BodyField, read_path
from ..language import Path, Scope
from ..language.kinds import DATE, NUMBER, TEXT, TIME, WHOLE, YES_NO, Type, list_of, maybe
from ..language.problem import suggest
from ..language.schema import OPEN_OBJECTS
from . import codes
from .audiences import entries_of
from .keys import FIELD
from .positions import Block, Node, Scalar
from .report import Report, kind_of

TYPES: Mapping[str, Type] = MappingProxyType(
    {
        "text": TEXT,
        "number": NUMBER,
        "whole number": WHOLE,
        "yes/no": YES_NO,
        "date": DATE,
        "time": TIME,
        "list of texts": list_of(TEXT),
        "list of numbers": list_of(NUMBER),
    }
)
"""What ``type`` may say."""

_ELSEWHERE = {
    **dict.fromkeys(("string", "str", "enum"), "text"),
    **dict.fromkeys(("int", "integer", "whole"), "whole number"),
    **dict.fromkeys(("float", "decimal"), "number"),
    **dict.fromkeys(("bool", "boolean"), "yes/no"),
    **dict.fromkeys(("datetime", "timestamp"), "time"),
}
"""What people write who know other tools."""

_FIELD = re.compile(r"(member|card|event)\.([a-z_][a-z0-9_]*)")
_ENTRY = re.compile(r"""(member|card|event)\.([a-z_]+)\[(["'])([^"'\]]+)\3\]""")
_KEPT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "member": frozenset({"id", "segments", "erased", "tier"}),
        "card": frozenset({"id", "holder_id", "member_id", "expiring_points"}),
        "event": frozenset({"name", "source", "occurred_at"}),
    }
)
"""What Pointbell itself says of them: no body can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One declared field. It may be absent: no producer promises it."""

    path: Path
    """As rules write it: ``("member", "metadata", "status")``."""
    type: Type
    body_path: str | None = None
    """Where a body has it: ``customer.birthdate``."""

    @property
    def body_field(self) -> BodyField | None:
        """Where it is read from bodies, if it is."""
        path = read_path(self.body_path) if self.body_path is not None else None
        if path is None:
            return None
        group = cast("Literal['member', 'card', 'event']", self.path[0])
        return BodyField(group=group, name=self.path[1], entry=next(iter(self.path[2:]), None), path=path)

    def in_scope(self, scope: Scope) -> Scope:
        """The scope with this field in it; unchanged where its group is not available."""
        root, name = self.path[0], self.path[1]
        if root not in scope.groups:
            return scope
        if len(self.path) > 2:  # noqa: PLR2004 - an entry of an open object
            return replace(scope, entries={**scope.entries, self.path: maybe(self.type)})
        return scope.extended(groups={root: {**scope.groups[root], name: maybe(self.type)}})


def read_fields(report: Report, node: Node | None) -> tuple[Declared, ...]:
    """The declarations; those with mistakes are reported and left out."""
    found = (_declared(report, key, value) for key, value in entries_of(report, node, "fields"))
    return tuple(one for one in found if one is not None)


def _declared(report: Report, key: Scalar, node: Node) -> Declared | None:
    path = _path(report, key)
    block = node if isinstance(node, Block) else None
    if block is None and not (isinstance(node, Scalar) and isinstance(node.value, str)):
        fix = "write {type: text}"
        report.error(node, codes.WRONG_TYPE, f"a field is a mapping, not {kind_of(node)}", fix)
        return None
    entries = report.entries(block, FIELD) if block else {"type": node}
    declared = _type(report, entries.get("type"))
    if declared is not None and "one_of" in entries:
        declared = _enum(report, entries["one_of"], declared)
    body_path = _body_path(report, entries.get("path"))
    if path is not None and body_path is not None and path[1] in _KEPT[path[0]]:
        message = f"{key.text} is not read from bodies: Pointbell itself knows it"
        report.error(entries["path"], codes.BAD_VALUE, message, "choose another name for the field, or leave out path")
        return None
    if path is None or declared is None or ("path" in entries and body_path is None):
        return None
    return Declared(path=path, type=declared, body_path=body_path)


def _path(report: Report, key: Scalar) -> Path | None:
    entry = _ENTRY.fullmatch(key.text)
    if entry and (entry[1], entry[2]) in OPEN_OBJECTS:
        return entry[1], entry[2], entry[4]
    plain = _FIELD.fullmatch(key.text)
    if plain:
        return plain[1], plain[2]
    fix = 'write it like member.birthdate, event.store or member.metadata["status"]'
    report.error(key, codes.BAD_NAME, f'"{key.text}" is not the name of a field of member, card or event', fix)
    return None


def _type(report: Report, node: Node | None) -> Type | None:
    text = report.text(node, "type")
    if text is None or node is None:
        return None
    if text in TYPES:
        return TYPES[text]
    meant = _ELSEWHERE.get(text.lower())
    fix = f'did you mean "{meant}"?' if meant else suggest(text, TYPES)
    report.error(node, codes.BAD_VALUE, f'there is no type "{text}"', fix)
    return None


def _enum(report: Report, node: Node, declared: Type) -> Type | None:
    if declared != TEXT:
        report.error(node, codes.BAD_VALUE, f'"one_of" is for texts, and this is a {declared}', "leave it out")
        return None
    texts = [report.text(item, "one_of") for item in report.items(node, "one_of")]
    allowed = tuple(text for text in texts if text is not None)
    return replace(declared, one_of=allowed) if allowed and len(allowed) == len(texts) else None


def _body_path(report: Report, node: Node | None) -> str | None:
    text = report.text(node, "path")
    if text is None or node is None:
        return None
    if read_path(text) is not None:
        return text
    fix = 'write it like customer.birthdate or order.items[0]["sku"]'
    report.error(node, codes.BAD_VALUE, f'"{text}" is not a path in a body', fix)
    return None
