"""One row of a members file -> what it says of a member, or why it cannot be used."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from ..deliver.address import wire_address
from ..errors import AddressError, ImportFileError
from ..language.problem import closest
from ..model import Snapshot, Value
from ..ruleset.template_files import locale_tag

TEXT_COLUMNS = (
    "id",
    "email",
    "first_name",
    "last_name",
    "name",
    "phone",
    "locale",
    "timezone",
    "birthdate",
    "source_id",
)
COLUMNS = (*TEXT_COLUMNS, "aliases", "metadata")
METADATA = "metadata."
"""``metadata.status`` is one entry of the member's metadata."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MAY_BE_NUMBERS = ("id", "source_id")
_SHOWN = 60


def snapshot_of(row: Mapping[str, object], as_of: datetime) -> Snapshot:
    """What a row says. Empty cells and nulls say nothing.

    Raises:
        ImportFileError: it cannot be used; the message is the reason, without the place.
    """
    texts = {name: text for name in TEXT_COLUMNS if (text := _text(name, row.get(name)))}
    id_ = texts.pop("id", None)
    if id_ is None:
        raise ImportFileError("there is no id")
    metadata = _metadata(row)
    fields: dict[str, Value] = {name: _value(name, text) for name, text in texts.items()}
    names = [*_aliases(row.get("aliases")), *([texts["source_id"]] if "source_id" in texts else [])]
    return Snapshot(
        id=id_,
        as_of=as_of,
        fields=fields | ({"metadata": metadata} if metadata else {}),
        aliases=tuple(dict.fromkeys(name for name in names if name != id_)),
    )


def is_column(name: str) -> bool:
    """Whether a members file may have a column, or a JSON line a key, of this name."""
    return name in COLUMNS or (name.startswith(METADATA) and name != METADATA)


def suggestion(name: str) -> str:
    """``"e_mail" (did you mean "email"?)``."""
    near = closest(name, COLUMNS)
    return f'"{name}" (did you mean "{near}"?)' if near else f'"{name}"'


def _text(name: str, value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and name in _MAY_BE_NUMBERS:
        return str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ImportFileError(f"{name} is not a text")
    _refuse_invisible(name, value)
    return value.strip()


def _refuse_invisible(name: str, text: str) -> None:
    if "\n" in text or "\r" in text:
        raise ImportFileError(f"{name} holds a line break")
    for character in text:
        kind = unicodedata.category(character) if not character.isprintable() else ""
        if kind == "Cs":
            raise ImportFileError(f"{name} is not UTF-8: save the file as UTF-8, or say --encoding, such as cp1250")
        if kind == "Cc":
            raise ImportFileError(f"{name} holds an invisible control character")


def _value(name: str, text: str) -> Value:
    match name:
        case "email":
            return _email(text)
        case "birthdate":
            return _day(text)
        case "timezone":
            return _zone(text)
        case "locale":
            return _locale(text)
    return text


def _email(text: str) -> str:
    try:
        wire_address(text)
    except AddressError:
        raise ImportFileError(f"email {_quoted(text)} is not an address that can be written to") from None
    return text


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ImportFileError(f"birthdate {_quoted(text)} is not a date written as 1990-12-31")


def _zone(text: str) -> str:
    if not _is_zone(text):
        near = _nearest_zone(text[:_SHOWN])
        hint = f'did you mean "{near}"?' if near else "an example is Europe/Warsaw"
        raise ImportFileError(f"there is no time zone {_quoted(text)}: {hint}")
    return text


def _locale(text: str) -> str:
    tag = _tag(text[:_SHOWN])
    if tag is None:
        raise ImportFileError(f"there is no locale {_quoted(text)}: examples are en, pl and pt-BR")
    return tag


@lru_cache
def _tag(text: str) -> str | None:
    return locale_tag(text)


@lru_cache
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # Names no database has; folders of it; paths that lead out of it.
        return False
    return True


@lru_cache
def _nearest_zone(name: str) -> str | None:
    return closest(name, available_timezones())


def _aliases(value: object) -> Iterator[str]:
    if isinstance(value, str):
        value = value.split(";")
    if value is not None and not isinstance(value, list):
        raise ImportFileError("aliases is not a list of texts")
    for alias in value or ():
        text = _text("aliases", alias)
        if text:
            yield text


def _metadata(row: Mapping[str, object]) -> dict[str, Value]:
    whole = row.get("metadata") or {}
    if not isinstance(whole, dict):
        raise ImportFileError("metadata is not an object: in a CSV file it has columns such as metadata.status")
    entries: dict[str, Value] = dict(whole)
    for name, value in row.items():
        if name.startswith(METADATA) and (text := _entry(name, value)) not in ("", None):
            entries[name.removeprefix(METADATA)] = text
    return entries


def _entry(name: str, value: object) -> Value:
    return _text(name, value) if isinstance(value, str) else value  # type: ignore[return-value]  # JSON values are facts


def _quoted(text: str) -> str:
    return f'"{text if len(text) <= _SHOWN else text[:_SHOWN] + "…"}"'
