"""The table for people, the file for machines."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .measure import Goal, Row
from .profile import Share

CAPTION = (
    "ratio: ours by the peer's, median of the rounds (lowest to highest); in brackets what the design asks in the end"
)
SAMPLES = (
    "Python: shares of the samples in which a thread held the interpreter; busy: in which it did anything, "
    "waiting for the disk or for a free core included"
)
WIDTH = 150
"""Columns, where the output is no terminal."""


def show(measured: Mapping[str, Sequence[Row]], console: Console) -> None:
    """All rows, by section."""
    table = Table(caption=CAPTION)
    for name in ("what", "ours", "peer"):
        table.add_column(name, justify="left" if name == "what" else "right", no_wrap=name != "what")
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("goal", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("against")
    for rows in measured.values():
        for row in rows:
            table.add_row(*_cells(row))
        table.add_section()
    console.print(table)


def show_shares(shares: Sequence[Share], cpu_us: float, console: Console) -> None:
    """A profile."""
    table = Table(title=f"where {cpu_us:,.0f} us of CPU per item go", caption=SAMPLES)
    for name in ("Python", "busy"):
        table.add_column(name, justify="right")
    table.add_column("part")
    table.add_column("most often in")
    for one in shares:
        table.add_row(f"{one.python:.1%}", f"{one.busy:.1%}", one.part, one.example)
    console.print(table)


def write(path: Path, measured: Mapping[str, Sequence[Row]], facts: Mapping[str, Any]) -> None:
    """As JSON: the machine, the peers' versions, and each row with its rounds, goal and verdict."""
    rows = [_as_data(section, row) for section, rows in measured.items() for row in rows]
    data = {"made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **facts, "rows": rows}
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def missed(measured: Mapping[str, Sequence[Row]]) -> list[Row]:
    """The rows whose goal was not reached."""
    return [row for rows in measured.values() for row in rows if row.goal and not row.goal.met_by(row)]


def figure(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3g}"


def _cells(row: Row) -> list[str]:
    spread = f" ({figure(min(row.ratios))}-{figure(max(row.ratios))})" if len(row.ratios) > 1 else ""
    asked = [row.goal.words(row.unit)] if row.goal else []
    asked += [f"[{row.aim.words(row.unit)}]".replace("[", r"\[")] if row.aim else []
    verdict = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[_verdict(row.goal, row)]
    peer = f"{row.peer}; {row.note}" if row.note else row.peer
    ours, theirs = f"{figure(row.ours)} {row.unit}", f"{figure(row.theirs)} {row.unit}"
    return [row.what, ours, theirs, f"{figure(row.ratio)} x{spread}", " ".join(asked), verdict, peer]


def _verdict(goal: Goal | None, row: Row) -> bool | None:
    return goal.met_by(row) if goal else None


def _as_data(section: str, row: Row) -> dict[str, Any]:
    return {
        "section": section,
        "what": row.what,
        "unit": row.unit,
        "peer": row.peer,
        "note": row.note,
        "ours": row.ours,
        "theirs": row.theirs,
        "ratio": row.ratio,
        "ours_rounds": row.ours_rounds,
        "peer_rounds": row.peer_rounds,
        "goal": row.goal.words(row.unit) if row.goal else None,
        "met": _verdict(row.goal, row),
        "aim": row.aim.words(row.unit) if row.aim else None,
        "aim_met": _verdict(row.aim, row),
    }
