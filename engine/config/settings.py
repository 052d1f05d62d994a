"""The sections of config.yaml: what may be written, and its defaults.

Validators raise ``ValueError`` with what is wrong and what to write instead, in one sentence that goes on after the
name of the setting.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from babel.numbers import list_currencies
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from ..deliver.address import wire_address
from ..errors import AddressError
from ..ingest import MAX_BYTES, ProducerName, Shipped
from ..language.problem import suggest
from ..model import OnAmbiguous
from ..routing import Mode
from ..ruleset.times import duration_meant, read_duration

_SIZE = re.compile(r"([0-9]{1,9}) ?(B|kB|KiB|MB|MiB|GB|GiB)")
_BYTES = {"B": 1, "kB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2, "GB": 1000**3, "GiB": 1024**3}
_SPAN = re.compile(r"([0-9]{1,6}) ?(ms|millisecond|s|second|minute)s?")
_SPANS = {
    "ms": timedelta(milliseconds=1),
    "millisecond": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
}
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def _size(value: Any) -> Any:
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('is not a size; write it like "256 KiB" or "1 MB"')
    return int(found[1]) * _BYTES[found[2]]


def _span(value: Any) -> Any:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None or not int(found[1]):
        raise ValueError('is not a length of time; write it like "10 seconds"')
    return int(found[1]) * _SPANS[found[2]]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        near = suggest(name, available_timezones())
        hint = near if near.startswith("did you mean") else 'write it like "Europe/Warsaw"'
        raise ValueError(f"is not a time zone of the IANA database; {hint}") from None
    return name


def _locale(tag: str) -> str:
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        raise ValueError('is not a language; write it like "en" or "pl-PL"') from None
    return tag


def _currency(code: str) -> str:
    if code not in list_currencies():
        raise ValueError('is not a currency; write its three letters, like "EUR"')
    return code


def _link(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or not text.isprintable() or " " in text:
        raise ValueError('is not a web address; write it in full, like "https://example.com"')
    return text


def _mail_address(text: str) -> str:
    try:
        return wire_address(text)
    except AddressError as error:
        raise ValueError(f"is not a mail address: {error}") from None


def _colour(text: str) -> str:
    if not _COLOUR.fullmatch(text):
        raise ValueError('is not a colour; write it like "#1f6f5c", in quotes')
    return text


def _one_line(text: str) -> str:
    if not text.strip() or not text.replace("\n", "").isprintable():
        raise ValueError("must be ordinary text")
    return text.strip()


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _not_empty(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("is empty, and an empty secret lets nobody in; write it like ${SHOP_SECRET}")
    return secret


def _duration(value: Any) -> Any:
    length = read_duration(value) if isinstance(value, str) else None
    if not length:
        raise ValueError(f"is not a length of time; {duration_meant(str(value))}")
    return length


Text = Annotated[str, AfterValidator(_one_line)]
Secret = Annotated[SecretStr, AfterValidator(_not_empty)]
Link = Annotated[str, AfterValidator(_link)]
Span = Annotated[timedelta, BeforeValidator(_span)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Section(BaseModel):
    """A block of settings; it cannot be changed, and whatever it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


class ProgrammeSettings(Section):
    """Whose programme it is. The time zone has no default: it decides on which day points expire."""

    name: Text
    timezone: Annotated[str, AfterValidator(_zone)]
    locale: Annotated[str, AfterValidator(_locale)] = "en"
    currency: Annotated[str, AfterValidator(_currency)] | None = None


class HttpSettings(Section):
    """Where deliveries come in, and how much of a stranger's time and space they may take."""

    host: Text = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """0: any free port; the log tells which."""
    max_body: Annotated[int, BeforeValidator(_size)] = MAX_BYTES
    min_free: Annotated[int, BeforeValidator(_size)] = 256 * 1024 * 1024
    """Room on the database's disk, below which deliveries are answered 503: sending needs some of it, too."""
    header_timeout: Span = timedelta(seconds=10)
    body_timeout: Span = timedelta(seconds=15)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the door."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class SourceEntry(Section):
    """A place where deliveries come in: ``POST /ingest/<name>``."""

    producer: Literal[ProducerName, Shipped] = "voucherify"
    mapping: Path | None = None
    """With ``mapped``: the file that says where everything lies, from where config.yaml is."""
    url: Link | None = None
    """The address under which the producer reaches it, where that is signed, too."""
    secrets: Annotated[tuple[Secret, ...], BeforeValidator(_as_list)] = ()
    """Any one of them may have signed: two during a rotation."""
    unsigned: bool = False
    """Take deliveries that nobody has signed."""
    silent_after: Duration | None = None
    """How long it may be silent before that is an alarm; by default twice as long as it usually is."""


class DeliverySettings(Section):
    """Who is really written to. By default nobody."""

    mode: Mode = "capture"
    allow: Annotated[tuple[Text, ...], BeforeValidator(_as_list)] = ()
    """With ``allowlist``: the addresses that are written to, such as ``*@example.com``."""
    default_channel: str | None = None
    """The channel of a rule that names none: by default ``email``, or the only one there is."""
    on_ambiguous: OnAmbiguous = OnAmbiguous.PARK
    max_age: Duration = timedelta(hours=48)
    """How old an event may be when it comes in and still be told; facts and reminders follow it at any age."""


class BrandSettings(Section):
    """What templates know as ``brand.*``."""

    name: Text | None = None
    """By default the programme's name."""
    postal_address: Text | None = None
    website: Link | None = None
    support_email: Annotated[str, AfterValidator(_mail_address)] | None = None
    colour: Annotated[str, AfterValidator(_colour)] | None = None
    logo_url: Link | None = None
