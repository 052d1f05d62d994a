"""``sources:``, with the mappings of those that have one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from ..ingest import SHIPPED, ProducerName
from ..ingest.mapping import BodyMapping
from .mapping import mapping_at, shipped_mapping
from .reading import BAD_SETTING, Reading
from .reading import Path as Place
from .settings import SourceEntry

MAPPED: Literal["mapped"] = "mapped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source, checked."""

    entry: SourceEntry
    mapping: BodyMapping | None = None
    """Where everything lies in its bodies, for a producer that is described by one."""


def producer_of(source: Source) -> ProducerName:
    """Who reads its deliveries: a known producer's mapping is read like one's own."""
    return MAPPED if source.entry.producer in SHIPPED else cast("ProducerName", source.entry.producer)


def sources_of(reading: Reading, names: Iterable[str], root: Path) -> dict[str, Source]:
    """The sources of these names; those with faults are left out. ``root`` is where config.yaml is."""
    found: dict[str, Source] = {}
    for name in names:
        place: Place = ("sources", name)
        entry = reading.settings(SourceEntry, place)
        if entry is None:
            continue
        _check_secrets(reading, place, entry)
        found[name] = Source(entry=entry, mapping=_mapping(reading, place, entry, root))
    return found


def _check_secrets(reading: Reading, place: Place, entry: SourceEntry) -> None:
    if not entry.secrets and not entry.unsigned:
        fix = "list its secrets under secrets:, or write `unsigned: true` to take what anybody sends"
        reading.fault(place, BAD_SETTING, "has no secrets, so nothing would be let in", fix)
    if entry.secrets and entry.unsigned:
        reading.fault((*place, "unsigned"), BAD_SETTING, "contradicts secrets", "leave one of them out")


def _mapping(reading: Reading, place: Place, entry: SourceEntry, root: Path) -> BodyMapping | None:
    if entry.producer != MAPPED and entry.mapping is not None:
        reading.fault((*place, "mapping"), BAD_SETTING, f"is for the producer {MAPPED}", f"write producer: {MAPPED}")
        return None
    if entry.producer in SHIPPED:
        found: BodyMapping | None = shipped_mapping(entry.producer)
    else:
        found = _from_file(reading, place, entry, root) if entry.producer == MAPPED else None
    if found is not None or entry.producer != MAPPED:
        _check_signature(reading, place, entry, found)
    return found


def _from_file(reading: Reading, place: Place, entry: SourceEntry, root: Path) -> BodyMapping | None:
    if entry.mapping is None:
        reading.missing((*place, "mapping"))
        return None
    try:
        found = mapping_at(root / entry.mapping, entry.mapping.as_posix())
    except OSError as error:
        reading.fault(
            (*place, "mapping"), BAD_SETTING, f"cannot be read: {error.strerror}", "name a file beside this one"
        )
        return None
    reading.also(found.diagnostics)
    return found.mapping


def _check_signature(reading: Reading, place: Place, entry: SourceEntry, mapping: BodyMapping | None) -> None:
    rule = mapping.signature if mapping else None
    if mapping is not None and rule is None and entry.secrets:
        fix = "add signature: to the mapping, or write `unsigned: true`"
        reading.fault((*place, "secrets"), BAD_SETTING, "are of no use: the mapping names no signature", fix)
    signs_url = rule is not None and "url" in rule.signed
    if signs_url and entry.secrets and entry.url is None:
        reading.missing((*place, "url"))
    if entry.url is not None and not signs_url:
        reading.fault((*place, "url"), BAD_SETTING, f"is not signed by {entry.producer}", "leave it out", on_key=True)
