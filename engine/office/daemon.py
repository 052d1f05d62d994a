"""Asks about the daemon itself: read the rules again, and how it stands."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any, ClassVar

from ..ruleset import format_text, to_json
from ..version import VERSION
from ..workshop import Workshop
from .ask import Answer, Ask


class Reloaded(Answer):
    """What came of reading the rules."""

    good: bool
    """Whether they are in force now; else the last good set stays."""
    ruleset: str
    """The hash of the set in force."""
    rules: int
    error: str | None = None
    """Why they are not in force."""
    findings: tuple[dict[str, Any], ...] = ()
    """Errors, or the warnings of a good set, as ``pointbell check --format json`` prints them."""
    report: str = ""
    """The findings as ``pointbell check`` prints them."""


class Reload(Ask[Reloaded]):
    """Read rules and templates again and put them in force, unless they have errors; reminders follow in seconds."""


async def reload(shop: Workshop, _ask: Reload) -> Reloaded:
    """The daemon's clock makes the reminders follow: with many cards that takes longer than a command should wait."""
    reading = await shop.reload()
    return Reloaded(
        good=reading.good,
        ruleset=shop.pipeline.ruleset.hash,
        rules=len(shop.pipeline.ruleset.rules),
        error=reading.error,
        findings=tuple(to_json(reading.findings)),
        report=format_text(reading.findings),
    )


class HowItStands(Answer):
    """A workshop as it is now. Times are aware UTC."""

    version: str
    process: int
    """The daemon's number."""
    opened_at: datetime
    """When it started to work."""
    mode: str
    """The delivery mode in force, which config.yaml may contradict since."""
    ruleset: str
    """The hash of the rules in force: another one than that of the files means that a reload is due, or failed."""
    rules: int
    in_force_since: datetime
    """When they were read: the last good reload, or the start."""
    read_at: datetime
    """When rules were last read, whatever came of it."""
    reading_error: str | None = None
    """Why the rules read last are not in force; ``None`` when they are."""
    clock_ahead_s: float = 0.0
    """Seconds by which the machine's clock has jumped, negative: back; 0 while it goes as it should."""
    first_finding: str | None = None
    """``rules/a.yaml:3:7: ...``, the first thing wrong with them."""


class Standing(Ask[HowItStands]):
    """How the running daemon stands: what is in force, since when, and how its last reading of the rules went.

    For ``status``: compare ``ruleset`` with the hash of the rules on disk, ``mode`` with config.yaml's, and show
    ``reading_error`` and ``first_finding``. ``cli.work.of_daemon(config, Standing())`` is ``None`` where none runs.
    """

    answered_within: ClassVar[timedelta] = timedelta(seconds=10)


async def standing(shop: Workshop, _ask: Standing) -> HowItStands:
    """Asks nothing of the database, so it is answered also while that is locked."""
    ruleset, reading = shop.pipeline.ruleset, shop.reading
    first = reading.findings[0] if reading.findings and not reading.good else None
    return HowItStands(
        version=VERSION,
        process=os.getpid(),
        opened_at=shop.opened_at,
        mode=shop.mode,
        ruleset=ruleset.hash,
        rules=len(ruleset.rules),
        in_force_since=shop.in_force_since,
        read_at=reading.at,
        clock_ahead_s=shop.divergence.total_seconds(),
        reading_error=reading.error and reading.error.partition("\n")[0],
        first_finding=None if first is None else f"{first.file}:{first.line}:{first.column}: {first.message}",
    )
