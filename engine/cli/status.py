"""``status``: how things stand, and what needs attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..config import Config
from ..errors import OfficeError, RulesetInvalid
from ..office.daemon import HowItStands, Standing
from ..pipeline import utc_now
from ..ruleset import Ruleset
from ..ruleset.diagnostics import summary
from ..sending import reach_of
from ..store import Alarms, Reports
from .pause import named, plain
from .shell import (
    HERE,
    ConfigOption,
    Fit,
    JsonOption,
    counted,
    local_time,
    programme_at,
    say_error,
    show,
    show_json,
    show_table,
    zone_of,
)
from .work import MODES, of_daemon

COUNTED = 200_000
"""Rows of a table that are counted: as many as take no longer than a person likes to wait."""
LATE = timedelta(minutes=5)
"""Work that waits longer than this is told of."""

HINTS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "quarantined": (
        "delivery",
        "set aside, unreadable or undecided",
        (
            "pointbell events list --state quarantined",
            "pointbell replay --quarantined",
            "pointbell events drop --quarantined --because REASON",
        ),
    ),
    "held": (
        "message",
        "held by a template to be mended, or by a restore",
        (
            "pointbell outbox list --state held",
            "pointbell replay --held",
            "pointbell outbox resolve --state held --as drop --because REASON",
        ),
    ),
    "unknown": (
        "message",
        "that may or may not have arrived",
        ("pointbell outbox unknown", "pointbell outbox resolve --state unknown --as sent --because REASON"),
    ),
    "failed": (
        "message",
        "refused for good",
        ("pointbell outbox list --state failed", "pointbell outbox resolve --state failed --as drop --because REASON"),
    ),
}
"""What waits for a person: what it is, in words, and the commands that help, each as it can be typed."""
_WAITING = {"delivery": "delivery not yet decided", "timer": "reminder not yet rung", "message": "message not yet sent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """The rules on disk, as they would be loaded now."""

    ruleset: Ruleset | None
    check: str

    def plain(self) -> dict[str, Any]:
        found = self.ruleset
        return {"count": len(found.rules) if found else None, "hash": found.hash if found else None,
                "check": self.check}  # fmt: skip


def status(*, as_json: JsonOption = False, config_path: ConfigOption = HERE) -> None:
    """Say in which mode it runs and what needs attention, and count events, decisions, messages and timers."""
    config = programme_at(config_path)
    rules, now = _rules(config), utc_now()
    daemon, silence = _daemon(config)
    with closing(Reports(config.database)) as reports:
        counts = reports.status(COUNTED)
        alarms = reports.alarms(now, reach_of(rules.ruleset) if rules.ruleset else {}, config.silent_after())
    if as_json:
        head = {"programme": config.programme_settings.name, "mode": config.delivery.mode, "rules": rules.plain()}
        told = {"daemon": daemon.model_dump(mode="json") if daemon else None, "alarms": _plain(alarms)}
        show_json({**head, **told, "pauses": [plain(pause) for pause in alarms.pauses], **counts})
        return
    mode = daemon.mode if daemon else config.delivery.mode
    show(f"Delivery is in mode {MODES[mode]}")
    show(config.programme_settings.name)
    show_table({"what": Fit.WHOLE, "how": Fit.WRAP}, _lines(config, rules, daemon or silence, counts), heading=False)
    for sentence in (*_differences(config, rules, daemon), *_attention(alarms, counts, now, zone_of(config))):
        show(f"\n{sentence}")


def _rules(config: Config) -> _Rules:
    try:
        ruleset = config.ruleset()
    except RulesetInvalid as error:
        return _Rules(ruleset=None, check=str(error).partition("\n")[0])
    return _Rules(ruleset=ruleset, check=summary(ruleset.warnings) if ruleset.warnings else "no problems")


def _daemon(config: Config) -> tuple[HowItStands | None, str]:
    """How the running daemon stands; else ``None``, and why it does not say."""
    try:
        return of_daemon(config, Standing()), "none runs: pointbell run"
    except OfficeError as error:
        say_error(str(error))
        return None, "does not answer"


def _lines(
    config: Config, rules: _Rules, daemon: HowItStands | str, counts: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    zone = zone_of(config)
    loaded = "cannot be loaded" if rules.ruleset is None else counted(len(rules.ruleset.rules), "rule")
    yield "Daemon", daemon if isinstance(daemon, str) else _of_daemon(daemon, zone)
    yield "Rules", f"{loaded}, checked now: {rules.check}"
    yield "Database", str(config.database)
    yield "Directory", f"{counted(counts['members'], 'member')}, {counted(counts['cards'], 'card')}"
    yield _heading("Events", counts), _listed(counts["events"])
    yield _heading("Decisions", counts), _listed(counts["decisions"]["by_outcome"])
    yield "  why not", _listed(counts["decisions"]["by_reason"])
    yield _heading("Messages", counts, "notifications"), _listed(counts["notifications"])
    yield _heading("Timers", counts), _listed(counts["timers"])


def _of_daemon(daemon: HowItStands, zone: ZoneInfo) -> str:
    since, read = local_time(daemon.opened_at, zone), local_time(daemon.in_force_since, zone)
    return f"process {daemon.process}, since {since}; its rules were read {read}"


def _heading(name: str, counts: Mapping[str, Any], table: str = "") -> str:
    """The name of a line; with how many were counted where there are more."""
    return f"{name} (newest {COUNTED:,})" if (table or name.lower()) in counts["cut"] else name


def _differences(config: Config, rules: _Rules, daemon: HowItStands | None) -> Iterator[str]:
    """Where the running daemon is not what the files say."""
    if daemon is None:
        return
    if daemon.mode != config.delivery.mode:
        yield f"config.yaml says {config.delivery.mode}, and the daemon runs in mode {daemon.mode}: restart it."
    if daemon.clock_ahead_s:
        jump, way = timedelta(seconds=abs(daemon.clock_ahead_s)), "forward" if daemon.clock_ahead_s > 0 else "back"
        yield (
            f"The machine's clock has jumped {way} by {in_words(jump)}; the daemon goes by elapsed time. "
            "Set the clock right, or restart the daemon if it is right now."
        )
    if daemon.reading_error is not None:
        found = daemon.first_finding or daemon.reading_error
        yield f"The last reload failed, the rules of before stay in force: {found}"
    elif rules.ruleset is not None and rules.ruleset.hash != daemon.ruleset:
        yield "The rules on disk are not those in force: pointbell reload"


def _attention(alarms: Alarms, counts: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> Iterator[str]:
    for pause in alarms.pauses:
        until = local_time(pause.until, zone)
        yield f"PAUSED: {named(pause)}, until {until}: {pause.reason} (pointbell pause end {pause.id})"
    if alarms.paused_messages:
        yield f"{counted(alarms.paused_messages, 'message')} held by a pause: pointbell outbox list --state queued"
    for kind, since in alarms.oldest_due.items():
        if now - since > LATE:
            yield f"The oldest {_WAITING[kind]} has waited for {in_words(now - since)}."
    for name, source in alarms.sources.items():
        if source.silent_ratio >= 1:
            usual = f"; {in_words(source.usual_gap)} is its longest usual silence" if source.usual_gap else ""
            yield f"Source {name} has been silent for {in_words(now - source.last)}{usual}."
    if waiting := counts["waiting"]:
        yield f"{counted(waiting['count'], 'message')} could not be handed over yet: {waiting['reply']}"
    for state, count in {"quarantined": alarms.quarantined, **alarms.to_resolve}.items():
        if count and state in HINTS:
            what, words, commands = HINTS[state]
            yield "\n  ".join((f"{counted(count, what)} {words}:", *commands))


def in_words(length: timedelta) -> str:
    """``3 days``, ``5 hours``, ``12 minutes``, rounded down."""
    for unit, size in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        if length >= 2 * size:
            return counted(length // size, unit)
    return counted(length // timedelta(minutes=1), "minute")


def _plain(alarms: Alarms) -> dict[str, Any]:
    return {
        "oldest_due": dict(alarms.oldest_due),
        "to_resolve": dict(alarms.to_resolve),
        "quarantined": alarms.quarantined,
        "paused_messages": alarms.paused_messages,
        "sources": {
            name: {
                "last": source.last,
                "usual_gap_seconds": source.usual_gap.total_seconds() if source.usual_gap else None,
                "silent_ratio": source.silent_ratio,
            }
            for name, source in alarms.sources.items()
        },
    }


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
