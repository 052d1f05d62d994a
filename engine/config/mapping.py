"""Mapping files: where everything lies in a producer's bodies, in YAML, read with the place of every mistake.

``docs/producers.md`` is the language's documentation. The mappings of known producers come with the package, in
``engine/ingest/mappings``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

from ..ingest import neutral_name
from ..ingest.body import Json
from ..ingest.facts import FACTS
from ..ingest.mapping import BodyMapping, EventFields, Pick, Place, SignatureRule, TypePick, Way
from ..ingest.native import CARD_FIELDS, MEMBER_FIELDS
from ..ingest.places import Path as BodyPath
from ..ingest.places import read_path
from ..language.problem import suggest
from ..model import EVENT_NAMES
from ..ruleset import codes
from ..ruleset.diagnostics import Diagnostic
from ..ruleset.positions import Block, Listing, Node, Scalar, plain
from ..ruleset.report import Report, kind_of
from ..ruleset.yaml import Document, read_yaml
from .mapping_keys import FIELD, FILE, FOR, SIGNATURE, TYPE
from .reading import BAD_SETTING, MISSING_SETTING, UNKNOWN_SETTING

IGNORE = "ignore"
"""The meaning of a type that is known and is not about a member."""

_AS_SETTINGS = {
    codes.UNKNOWN_KEY: UNKNOWN_SETTING,
    codes.MISSING_KEY: MISSING_SETTING,
    **dict.fromkeys((codes.WRONG_TYPE, codes.BAD_VALUE, codes.BAD_NAME, codes.EMPTY), BAD_SETTING),
}
"""A mapping is a part of the configuration, and so are the codes of its mistakes."""
_ALGORITHMS = ("sha1", "sha256", "sha512")
_ENCODINGS = ("hex", "base64")
_A_PATH = 'write it like customer.email, lines[0].sku or $.shop, several joined like "kind + reason"'
_GROUPS: Mapping[str, frozenset[BodyPath]] = {"member": MEMBER_FIELDS, "card": CARD_FIELDS}

Fields: TypeAlias = dict[BodyPath, Pick]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFile:
    """What came of a mapping file."""

    mapping: BodyMapping | None
    """``None`` when it cannot be used."""
    diagnostics: tuple[Diagnostic, ...] = ()


def shipped_mapping(name: str) -> BodyMapping:
    """The mapping of a known producer."""
    data = files(__package__.rpartition(".")[0]).joinpath("ingest", "mappings", f"{name}.yaml").read_bytes()
    found = mapping_in(data, f"{name}.yaml")
    if found.mapping is None:
        raise ValueError(f"{name}.yaml, which comes with Pointbell, cannot be read: {found.diagnostics[0].message}")
    return found.mapping


def mapping_at(path: Path, shown: str) -> MappingFile:
    """The mapping in a file; ``shown`` is how its findings name it. Raises ``OSError`` when it cannot be read."""
    return mapping_in(path.read_bytes(), shown)


def mapping_in(data: bytes, file: str) -> MappingFile:
    """The mapping in a file's bytes, or what is wrong with it."""
    document = read_yaml(data, file)
    report = Report(document.source)
    mapping = _Reader(report).mapping(document) if document.whole else None
    findings = (*document.diagnostics, *(_as_setting(found) for found in report.findings))
    return MappingFile(mapping=None if findings else mapping, diagnostics=findings)


def _as_setting(found: Diagnostic) -> Diagnostic:
    return replace(found, code=_AS_SETTINGS.get(found.code, found.code))


class _Reader:
    """Reads one mapping; whatever is wrong goes into the report."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def mapping(self, document: Document) -> BodyMapping | None:
        root = document.root
        if not isinstance(root, Block):
            node = root or Scalar(value=None, text="", start=0, end=1)
            fix = 'begin with "type:"; docs/producers.md has an example'
            self._error(node, f"a mapping file is a mapping of keys, not {kind_of(node)}", fix)
            return None
        entries = self._report.entries(root, FILE)
        general = self._fields(entries, EventFields(), None)
        return BodyMapping(
            kind=self._type(entries.get("type")),
            fields=general,
            by_event=self._by_event(entries.get("for"), general),
            events=self._events(entries.get("events")),
            signature=self._signature(entries.get("signature")),
        )

    # --- which events ---

    def _events(self, node: Node | None) -> tuple[Place, ...]:
        if node is None:
            return ()
        ways = (self._way(item, "events") for item in self._report.items(node, "events"))
        places = tuple(way[0] for way in ways if way)
        if any(place.start == "route" or not place.path for place in places):
            self._error(node, '"events" is where a list of events lies in a body', "write it like data.events")
        return places

    def _type(self, node: Node | None) -> TypePick:
        if not isinstance(node, Block):
            return TypePick(ways=self._ways(node, "type"))
        entries = self._report.entries(node, TYPE)
        constant = self._neutral(entries["else"]) if "else" in entries else None
        if not entries.keys() & {"from", "else"}:
            self._report.error(node, codes.MISSING_KEY, '"type" needs "from"', "write where a body has it")
        ways = self._ways(entries.get("from"), "from")
        return TypePick(ways=ways, meanings=self._meanings(entries.get("is")), constant=constant)

    def _meanings(self, node: Node | None) -> dict[str, str | None]:
        if node is not None and not isinstance(node, Block):
            self._error(node, f'"is" is a mapping, not {kind_of(node)}', "write {THEIR_NAME: points_added}")
        entries = node.entries if isinstance(node, Block) else ()
        return {key.text: None if _text_of(value) == IGNORE else self._neutral(value) for key, value in entries}

    def _neutral(self, node: Node) -> str | None:
        text = self._report.text(node, "type")
        if text is None or text in EVENT_NAMES:
            return text
        other = neutral_name(text)
        fix = f'did you mean "{other}"?' if other else suggest(text, (*EVENT_NAMES, IGNORE))
        self._error(node, f'there is no event "{text}"', fix)
        return None

    # --- their fields ---

    def _by_event(self, node: Node | None, general: EventFields) -> dict[str, EventFields]:
        if node is None:
            return {}
        if not isinstance(node, Block):
            self._error(node, f'"for" is a mapping of events, not {kind_of(node)}')
            return {}
        found: dict[str, EventFields] = {}
        for key, value in node.entries:
            name = self._neutral(key)
            if not isinstance(value, Block):
                self._error(value, f"what is said for {key.text} is a mapping, not {kind_of(value)}")
            elif name is not None:
                found[name] = self._fields(self._report.entries(value, FOR), general, name)
        return found

    def _fields(self, entries: Mapping[str, Node], general: EventFields, event: str | None) -> EventFields:
        """The fields that these entries name, over those in ``general``."""
        facts = FACTS[event] if event else {name: None for kinds in FACTS.values() for name in kinds}
        said = self._group(entries.get("data"), "data", frozenset((name,) for name in facts))
        return EventFields(
            id=self._pick(entries["id"], "id") if "id" in entries else general.id,
            time=self._pick(entries["time"], "time") if "time" in entries else general.time,
            happening=self._pick(entries["happening"], "happening") if "happening" in entries else general.happening,
            member={**general.member, **self._group(entries.get("member"), "member", MEMBER_FIELDS)},
            card={**general.card, **self._group(entries.get("card"), "card", CARD_FIELDS)},
            data={**general.data, **{str(path[0]): pick for path, pick in said.items()}},
        )

    def _group(self, node: Node | None, name: str, known: frozenset[BodyPath]) -> Fields:
        if node is None:
            return {}
        if not isinstance(node, Block):
            self._error(node, f'"{name}" is a mapping of fields, not {kind_of(node)}', "write {id: customer.id}")
            return {}
        found: Fields = {}
        for key, value in node.entries:
            inner = {path[1:] for path in known if path[0] == key.text and len(path) > 1}
            if isinstance(value, Block) and inner and not value.get("from"):
                found |= {
                    (key.text, *path): pick for path, pick in self._group(value, key.text, frozenset(inner)).items()
                }
            elif (key.text,) in known:
                found[key.text,] = self._pick(value, key.text)
            else:
                names = sorted({str(path[0]) for path in known})
                self._report.error(
                    key, codes.UNKNOWN_KEY, f'{name} has no field "{key.text}"', suggest(key.text, names)
                )
        return found

    def _pick(self, node: Node, name: str) -> Pick:
        if not isinstance(node, Block):
            return Pick(ways=self._ways(node, name))
        entries = self._report.entries(node, FIELD)
        if not entries.keys() & {"from", "else"}:
            self._report.error(node, codes.MISSING_KEY, f'"{name}" needs "from"', "write where a body has it")
        cleared = self._way(entries["cleared_if"], "cleared_if") if "cleared_if" in entries else ()
        return Pick(
            ways=self._ways(entries.get("from"), "from"),
            otherwise=self._constant(entries.get("else")),
            table=self._table(entries.get("is")),
            times=self._number(entries.get("times")),
            cleared_if=cleared[0] if cleared else None,
        )

    def _table(self, node: Node | None) -> dict[str, Json] | None:
        if node is None:
            return None
        if not isinstance(node, Block):
            self._error(node, f'"is" is a mapping, not {kind_of(node)}', "write {THEIR_WORD: ours}")
            return None
        return {key.text: self._constant(value) for key, value in node.entries}

    def _constant(self, node: Node | None) -> Json:
        return plain(node) if node is not None else None

    def _number(self, node: Node | None) -> float | None:
        if node is None:
            return None
        if isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return node.value
        self._error(node, f'"times" must be a number, not {kind_of(node)}', "write it like 0.01 or -1")
        return None

    # --- places ---

    def _ways(self, node: Node | None, name: str) -> tuple[Way, ...]:
        """A path, or a list of paths: the first that leads to a value counts."""
        if node is None:
            return ()
        return tuple(way for item in self._report.items(node, name) if (way := self._way(item, name)))

    def _way(self, node: Node, name: str) -> Way:
        if isinstance(node, Listing | Block) or not isinstance(node.value, str):
            self._error(node, f'"{name}" is where a body has it, not {kind_of(node)}', _A_PATH)
            return ()
        places = [_place(text.strip()) for text in node.text.split(" + ")]
        if any(place is None for place in places):
            self._error(node, f'"{node.text}" is not a place in a body', _A_PATH)
            return ()
        return tuple(place for place in places if place is not None)

    # --- the signature ---

    def _signature(self, node: Node | None) -> SignatureRule | None:
        if node is None:
            return None
        if not isinstance(node, Block):
            self._error(node, f'"signature" is a mapping, not {kind_of(node)}', "write {header: X-Signature}")
            return None
        entries = self._report.entries(node, SIGNATURE)
        header = self._report.text(entries.get("header"), "header")
        signed = (
            tuple(self._signed(item) for item in self._report.items(entries["signed"], "signed"))
            if "signed" in entries
            else ()
        )
        rule = SignatureRule(
            header=header or "",
            algorithm=self._one_of(entries.get("algorithm"), "algorithm", _ALGORITHMS) or "sha256",  # type: ignore[arg-type]  # One of them.
            encoding=self._one_of(entries.get("encoding"), "encoding", _ENCODINGS) or "hex",  # type: ignore[arg-type]  # One of them.
            signed=signed or ("body",),
            prefix=self._prefix(entries.get("prefix")),
            plain=self._yes(entries.get("plain"), "plain"),
        )
        if not rule.plain and not {"body"}.intersection(rule.signed):
            fix = "list body, or write plain: true where the header holds the secret itself"
            self._error(entries.get("signed", node), "a signature that leaves out the body vouches for nothing", fix)
        return rule

    def _signed(self, node: Node) -> str:
        text = self._report.text(node, "signed") or ""
        if text in ("body", "url") or text.startswith(("header:", "text:")):
            return text
        self._error(node, f'"{text}" cannot be signed', "write body, url, header:NAME or text:...")
        return "body"

    def _one_of(self, node: Node | None, name: str, known: tuple[str, ...]) -> str | None:
        text = self._report.text(node, name)
        if node is not None and text is not None and text not in known:
            self._error(node, f'"{name}" cannot be "{text}"', suggest(text, known))
        return text

    def _prefix(self, node: Node | None) -> str:
        return node.text if isinstance(node, Scalar) else ""

    def _yes(self, node: Node | None, name: str) -> bool:
        if node is None or (isinstance(node, Scalar) and isinstance(node.value, bool)):
            return node is not None and node.value is True
        self._error(node, f'"{name}" must be true or false, not {kind_of(node)}')
        return False

    def _error(self, node: Node, message: str, fix: str | None = None) -> None:
        self._report.error(node, codes.BAD_VALUE, message, fix)


def _text_of(node: Node) -> str | None:
    """The text that stands there, if one does."""
    return node.text if isinstance(node, Scalar) else None


def _place(text: str) -> Place | None:
    """The place that a text writes: ``customer.id``, ``$.shop``, ``.``, ``$`` or ``$route``; ``(a)`` if it may lack."""
    optional = text.startswith("(") and text.endswith(")")
    text = text[1:-1].strip() if optional else text
    if text == "$route":
        return Place(start="route", optional=optional)
    if text in (".", "$"):
        return Place(start="part" if text == "." else "body", optional=optional)
    from_root = text.startswith("$.")
    path = read_path(text.removeprefix("$."))
    return None if path is None else Place(path=path, start="body" if from_root else "part", optional=optional)
