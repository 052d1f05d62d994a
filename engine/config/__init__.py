"""config.yaml: read once, at the start, by the daemon and the command line. Everyone else receives plain values.

Whatever belongs to the operator is here: where things are, who may send, who is written to. What marketers own is in
``rules/`` and ``templates/`` beside it. Secrets are written ``${NAME}`` and come from the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, SecretStr

from ..deliver import CHANNELS, Channel
from ..errors import ConfigError
from ..ingest import SourceSettings, neutral_name
from ..language.problem import suggest
from ..model import Programme
from ..routing import CAPTURE, Routing
from ..ruleset import Ruleset, load_ruleset
from ..ruleset.diagnostics import Diagnostic
from ..ruleset.yaml import read_yaml
from ..store import CLOCK, Retention
from .allowlist import check_allowlist
from .reading import BAD_SETTING, CODES, NOT_YET, Reading
from .retention import retention_of
from .settings import BrandSettings, DeliverySettings, HttpSettings, ProgrammeSettings, SourceEntry
from .sources import Source, producer_of, sources_of
from .watching import watching_of
from .workers import Workers, children_for, workers_of

__all__ = ["CODES", "Config", "load_config"]

SECTIONS = (
    "programme",
    "store",
    "http",
    "sources",
    "channels",
    "delivery",
    "brand",
    "retention",
    "workers",
    "watch_rules",
)

_DATABASE = "var/pointbell.db"
_SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_CHANNEL_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What config.yaml says, checked, and the plain values made of it."""

    path: Path
    database: Path
    """The SQLite file, absolute."""
    programme_settings: ProgrammeSettings
    http: HttpSettings
    configured_sources: Mapping[str, Source]
    channel_settings: Mapping[str, BaseModel]
    delivery: DeliverySettings
    default_channel: str
    brand: BrandSettings
    retention: Retention
    workers: Workers
    watch_rules: bool = True
    """Whether the daemon reads rules and templates again when their files change."""
    warnings: tuple[Diagnostic, ...] = ()
    """What can hardly be meant in it."""

    @property
    def root(self) -> Path:
        """The programme's folder: the one config.yaml is in."""
        return self.path.parent

    @property
    def source_entries(self) -> Mapping[str, SourceEntry]:
        """The sources as they are written."""
        return {name: source.entry for name, source in self.configured_sources.items()}

    def programme(self) -> Programme:
        """The programme, with the member's field that each channel takes its address from."""
        said = self.programme_settings
        return Programme(
            name=said.name,
            timezone=said.timezone,
            locale=said.locale,
            currency=said.currency,
            brand={**self.brand.model_dump(), "name": self.brand.name or said.name},
            channels={name: getattr(one, "address_field", "email") for name, one in self.channel_settings.items()},
            max_age=self.delivery.max_age,
        )

    def sources(self) -> dict[str, SourceSettings]:
        """Where deliveries may come from, by name."""
        return {
            name: SourceSettings(
                name=name,
                producer=producer_of(source),
                secrets=tuple(secret.get_secret_value() for secret in source.entry.secrets),
                unsigned=source.entry.unsigned,
                timezone=ZoneInfo(self.programme_settings.timezone),
                max_bytes=self.http.max_body,
                mapping=source.mapping,
                url=source.entry.url,
            )
            for name, source in self.configured_sources.items()
        }

    def channels(self, secret: bytes = b"") -> dict[str, Channel]:
        """The channels by name, not yet connected to anything. ``secret`` is the installation's.

        Raises:
            ConfigError: a channel cannot be built of its settings.
        """
        return {
            name: CHANNELS[settings.kind].build(name, settings, secret)  # type: ignore[attr-defined]  # All have one.
            for name, settings in self.channel_settings.items()
        }

    def capture(self, secret: bytes = b"") -> Channel:
        """The development mailbox."""
        kind = CHANNELS[CAPTURE]
        return kind.build(CAPTURE, kind.settings(), secret)

    def silent_after(self) -> dict[str, timedelta]:
        """How long sources may be silent, where the file says so."""
        said = {name: entry.silent_after for name, entry in self.source_entries.items()}
        return {name: length for name, length in said.items() if length is not None}

    def routing(self) -> Routing:
        """Who is really written to."""
        return Routing(mode=self.delivery.mode, allow=self.delivery.allow)

    def ruleset(self) -> Ruleset:
        """The rules and templates in the programme's folder, checked as a whole.

        Raises:
            RulesetInvalid: they cannot go live; it carries the diagnostics.
        """
        return load_ruleset(
            self.root,
            programme=self.programme(),
            default_channel=self.default_channel,
            on_ambiguous=self.delivery.on_ambiguous,
            spellings=neutral_name,
        )

    def children(self) -> int:
        """How many child processes decide; 0: the daemon does it itself."""
        return children_for(self.workers)

    def secrets(self) -> frozenset[str]:
        """Every secret in the settings: what no log may show."""
        models = [*self.source_entries.values(), *self.channel_settings.values()]
        return frozenset(secret for model in models for secret in _secrets_in(model))


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check the file at ``path``.

    Raises:
        ConfigError: everything that is wrong with it, one line each (``config.yaml:LINE:COLUMN: ...``); it carries
            the diagnostics.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; `pointbell init` makes a working one") from error
    document = read_yaml(data, path.name)
    reading = Reading(document, environ)
    if not document.whole:
        reading.finish()  # Of a file that breaks off nobody can say what else is missing.
    return _checked(reading, path.absolute())


def _checked(reading: Reading, path: Path) -> Config:
    present = reading.keys(())
    for key in present:
        if key not in SECTIONS:
            reading.unknown((key,), SECTIONS)
    programme = _programme(reading)
    http = reading.settings(HttpSettings, ("http",))
    delivery = reading.settings(DeliverySettings, ("delivery",))
    brand = reading.settings(BrandSettings, ("brand",))
    retention = retention_of(reading)
    workers = workers_of(reading)
    watch_rules = watching_of(reading)
    sources = sources_of(reading, _named(reading, "sources", _SOURCE_NAME, CLOCK), path.parent)
    channels = _channels(reading, path.parent)
    default = _default_channel(reading, delivery, channels)
    if delivery:
        check_allowlist(reading, delivery)
    database = _database(reading, path.parent)
    reading.finish()
    if not (programme and http and delivery and brand and default and database and retention and workers is not None):
        raise ConfigError(f"{path.name} cannot be used")
    return Config(
        path=path,
        database=database,
        programme_settings=programme,
        http=http,
        configured_sources=sources,
        channel_settings=channels,
        delivery=delivery,
        default_channel=default,
        brand=brand,
        retention=retention,
        workers=workers,
        watch_rules=watch_rules,
        warnings=reading.warnings,
    )


def _programme(reading: Reading) -> ProgrammeSettings | None:
    if reading.node(("programme",)) is None:
        reading.missing(("programme",))
        return None
    return reading.settings(ProgrammeSettings, ("programme",))


def _database(reading: Reading, root: Path) -> Path | None:
    place = ("store",)
    if reading.node(place) is None:
        return root / _DATABASE
    text = reading.text(place)
    if not text:
        if text is not None:
            reading.fault(place, BAD_SETTING, "is empty", f'write a file name, like "{_DATABASE}"')
        return None
    scheme, found, rest = text.partition("://")
    if not found:
        return root / text
    if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return root / rest[1:]
    if scheme.startswith("postgres"):
        reading.fault(place, NOT_YET, "on PostgreSQL is not yet available", f'write a file name, like "{_DATABASE}"')
    else:
        reading.fault(place, BAD_SETTING, "is not a place for a database", f'write a file name, like "{_DATABASE}"')
    return None


def _channels(reading: Reading, root: Path) -> dict[str, BaseModel]:
    found: dict[str, BaseModel] = {}
    for name in _named(reading, "channels", _CHANNEL_NAME, CAPTURE):
        place = ("channels", name)
        if not reading.keys(place):
            continue
        if reading.node((*place, "kind")) is None:
            reading.missing((*place, "kind"))
            continue
        kind = reading.text((*place, "kind"))
        if kind is not None and kind not in CHANNELS:
            reading.fault((*place, "kind"), BAD_SETTING, "is not a kind of channel", suggest(kind, CHANNELS))
        elif kind is not None and (settings := reading.settings(CHANNELS[kind].settings, place)):
            found[name] = _beside(settings, root)
    return found


def _named(reading: Reading, section: str, pattern: re.Pattern[str], taken: str) -> Iterator[str]:
    """The names in a section that must have at least one."""
    if reading.node((section,)) is None:
        reading.missing((section,))
        return
    for name in reading.keys((section,)):
        place = (section, name)
        if name == taken:
            reading.fault(place, BAD_SETTING, "is a name that Pointbell uses itself", "choose another", on_key=True)
        elif not pattern.fullmatch(name):
            meaning = "is not a name: small letters, digits and _, a letter first"
            reading.fault(place, BAD_SETTING, meaning, "choose another", on_key=True)
        else:
            yield name


def _default_channel(
    reading: Reading, delivery: DeliverySettings | None, channels: Mapping[str, BaseModel]
) -> str | None:
    chosen = delivery.default_channel if delivery else None
    if chosen is not None:
        if chosen not in channels:
            place = ("delivery", "default_channel")
            reading.fault(place, BAD_SETTING, "is not one of the channels", suggest(chosen, channels))
        return chosen
    if "email" in channels or len(channels) != 1:
        return "email"
    return next(iter(channels))


def _beside(settings: BaseModel, root: Path) -> BaseModel:
    """The settings with file names read from where config.yaml is."""
    files = {name: root / value for name, value in settings if isinstance(value, Path)}
    return settings.model_copy(update=files)


def _secrets_in(model: BaseModel) -> Iterator[str]:
    for _, value in model:
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, SecretStr) and part.get_secret_value():
                yield part.get_secret_value()
