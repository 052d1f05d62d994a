"""The main job in one go: published events in, mails out, reminders following their dates, in simulated time.

The real store, pipeline, workers and capture channel run; only the clock is told what time it is.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from ..deliver import Channel
from ..ingest import Delivery, SourceSettings, read
from ..model import TIMER_DUE, Cancel, Decision, Notify, Schedule, Skip, Snapshot, Value
from ..ruleset import Ruleset
from ..store import Settlement
from .simulation import Simulation

PRODUCER = SourceSettings(name="voucherify", producer="voucherify", unsigned=True)
SHOP = SourceSettings(name="shop", producer="native", unsigned=True)
END = datetime(2026, 2, 15, 12, tzinfo=UTC)

MEMBERS: Mapping[str, Mapping[str, Value]] = {
    "cust_IdgAFZxYwwHctOk9pPuMu308": {"first_name": "Jack", "email": "jack@example.org", "locale": "en"},
    "cust_2p0TvCOvB25HWUrW9JFf4czJ": {"first_name": "Alex", "email": "alex@example.org", "locale": "en"},
    "cust_FGtYypgEx2tBL5jB6PuYfSES": {
        "first_name": "Łukasz",
        "email": "lukasz@example.org",
        "locale": "pl",
        "timezone": "Europe/Warsaw",
    },
    "bea": {"first_name": "Bea", "email": "bea@example.org", "locale": "en", "timezone": "Europe/London"},
    "zofia": {"first_name": "Zofia", "email": "zofia@example.org", "locale": "pl", "timezone": "Europe/Warsaw"},
}
"""A directory as an operator would import it. One published member, cust_KiZa..., is left without an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A published event and the type that its file name gives it."""

    name: str
    body: bytes

    @property
    def type_hint(self) -> str | None:
        """The producer's type, for bodies that do not carry it; a complete envelope does."""
        return None if self.name.startswith("envelope.") else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something a shop reports of a member's card at a time of its own."""

    at: datetime
    member: str
    type: str
    points: int
    card: Mapping[str, Any]


STEPS: tuple[Step, ...] = (
    Step(
        at=datetime(2025, 12, 20, 17, tzinfo=UTC),
        member="bea",
        type="points_earned",
        points=400,
        card={"balance": 400, "next_expiration_date": "2026-01-31", "next_expiration_points": 400},
    ),
    Step(
        at=datetime(2025, 12, 21, 11, tzinfo=UTC),
        member="zofia",
        type="points_earned",
        points=620,
        card={"balance": 620, "next_expiration_date": "2026-01-31", "next_expiration_points": 620},
    ),
    Step(
        at=datetime(2026, 1, 10, 12, tzinfo=UTC),
        member="bea",
        type="points_redeemed",
        points=400,
        card={"balance": 0, "next_expiration_points": 0},
    ),
    Step(
        at=datetime(2026, 1, 12, 9, tzinfo=UTC),
        member="zofia",
        type="points_earned",
        points=80,
        card={"balance": 700, "next_expiration_date": "2026-02-14", "next_expiration_points": 700},
    ),
)


async def run_demo(
    out: Path,
    console: Console,
    *,
    examples: Sequence[Example],
    ruleset: Ruleset,
    channels: Mapping[str, Channel],
    capture: Channel,
) -> None:
    """Run the examples and the steps at their own times, show what came of them, and write the mails to ``out``."""
    moments = sorted((*map(_example_moment, examples), *map(_step_moment, STEPS)), key=lambda moment: moment[0])
    with tempfile.TemporaryDirectory(prefix="pointbell-demo-") as folder:
        simulation = Simulation(
            database=Path(folder) / "demo.db",
            start=moments[0][0] - timedelta(hours=1),
            ruleset=ruleset,
            sources={PRODUCER.name: PRODUCER, SHOP.name: SHOP},
            channels=channels,
            capture=capture,
        )
        async with simulation:
            await simulation.import_members(_directory(moments[0][0] - timedelta(hours=1)))
            for at, source, body, type_hint in moments:
                await simulation.advance(at)
                await simulation.deliver(source, body, type_hint)
            await simulation.advance(END)
        if simulation.journal.troubles:
            what, error = simulation.journal.troubles[0]
            raise RuntimeError(f"the demo met trouble in {what}") from error
    zone = ZoneInfo(ruleset.programme.timezone)
    console.print(f"\n[bold]{ruleset.programme.name}[/bold], all times in {zone.key}\n")
    console.print(_table("Two years in a moment", simulation.journal.settlements, zone))
    written = _write_mails(simulation, out)
    console.print(_tally(simulation.journal.settlements))
    console.print(
        f"{written} mails written to [bold]{out}[/bold]: open {out}/index.html, or an .eml in a mail program."
    )


def _example_moment(example: Example) -> tuple[datetime, str, bytes, str | None]:
    delivery = Delivery(source=PRODUCER, headers={}, body=example.body, received_at=END, type_hint=example.type_hint)
    [event] = read(delivery).events
    return event.occurred_at, PRODUCER.name, example.body, example.type_hint


def _step_moment(step: Step) -> tuple[datetime, str, bytes, str | None]:
    body = {
        "id": f"{step.member}-{step.at:%Y%m%d%H%M}",
        "type": step.type,
        "time": step.at.isoformat(),
        "member": {"id": step.member},
        "card": {"id": f"card-{step.member}", "holder_id": step.member, **step.card},
        "data": {"points": step.points},
    }
    return step.at, SHOP.name, json.dumps(body).encode(), None


def _directory(as_of: datetime) -> list[Snapshot]:
    return [Snapshot(id=member, as_of=as_of, fields=fields) for member, fields in MEMBERS.items()]


def _table(title: str, settlements: Sequence[Settlement], zone: ZoneInfo) -> Table:
    table = Table(title=title, title_justify="left", show_lines=True)
    table.add_column("what came in", no_wrap=True)
    table.add_column("what came of it", ratio=1)
    for settlement in settlements:
        lines = [_in_words(decision, zone) for decision in settlement.decisions]
        member = settlement.member_id or ""
        name = MEMBERS.get(member, {}).get("first_name", member[:9])
        when = f"{settlement.at.astimezone(zone):%Y-%m-%d %H:%M}"
        what = "reminder due" if settlement.name == TIMER_DUE else settlement.name
        came = "\n".join(lines) or "[dim]nothing to tell[/dim]"
        table.add_row(f"{when}  {name}\n{what}", came)
    return table


def _in_words(decision: Decision, zone: ZoneInfo) -> str:
    if isinstance(decision, Notify):
        words = decision.notification.words
        return f"[green]mail[/green] {decision.rule}: {words.subject if words else ''}"
    if isinstance(decision, Schedule):
        due = f"{decision.timer.due_at.astimezone(zone):%Y-%m-%d %H:%M}"
        if decision.reason is not None:
            return f"[cyan]waits[/cyan] {decision.rule}: {decision.reason} ({decision.detail})"
        if decision.moved_from is None:
            return f"[cyan]scheduled[/cyan] {decision.rule}, {decision.timer.slot} before: {due}"
        was = f"{decision.moved_from.astimezone(zone):%Y-%m-%d}"
        return f"[yellow]moved[/yellow] {decision.rule}, {decision.timer.slot} before: {was} -> {due}"
    if isinstance(decision, Cancel):
        what = f"{decision.rule}, {decision.timer.slot} before"
        return f"[red]cancelled[/red] {what}: {decision.reason} ({decision.detail})"
    return f"[dim]skipped {decision.rule}: {decision.reason} ({decision.detail})[/dim]"


def _tally(settlements: Sequence[Settlement]) -> str:
    decisions = [decision for settlement in settlements for decision in settlement.decisions]
    moved = sum(isinstance(one, Schedule) and one.moved_from is not None for one in decisions)
    counts = {
        "captured": sum(isinstance(one, Notify) for one in decisions),
        "scheduled": sum(isinstance(one, Schedule) for one in decisions) - moved,
        "moved": moved,
        "cancelled": sum(isinstance(one, Cancel) for one in decisions),
        "skipped": sum(isinstance(one, Skip) for one in decisions),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items()) + "."


def _write_mails(simulation: Simulation, out: Path) -> int:
    """The captured mails as .eml and .html, with a page that lists them; how many."""
    out.mkdir(parents=True, exist_ok=True)
    rows: list[str] = []
    for number, (message, _) in enumerate(simulation.journal.deliveries, start=1):
        mail = message_from_bytes(message.payload, policy=policy.default)
        stem = f"{number:02d}-{message.key.split('|')[0]}-{message.address.partition('@')[0]}"
        (out / f"{stem}.eml").write_bytes(message.payload)
        html = mail.get_body(("html", "plain"))
        if html is not None:
            (out / f"{stem}.html").write_text(html.get_content(), encoding="utf-8")
        rows.append(f'<li><a href="{stem}.html">{escape(str(mail["subject"]))}</a> to {escape(message.address)}</li>')
    page = f'<!doctype html><meta charset="utf-8"><title>Pointbell demo</title><ol>{"".join(rows)}</ol>\n'
    (out / "index.html").write_text(page, encoding="utf-8")
    return len(rows)
