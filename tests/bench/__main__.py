"""``make bench``: the table, printed and written as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from . import letters, reminders
from .measure import Row

OUT = Path("bench.json")


def main() -> None:
    rows = [letters.run(), *reminders.run()]
    print(f"{'what':<22} {'ours':>10} {'peer':>12} {'ratio':>7} {'goal':>6}  peer")
    for row in rows:
        print(_line(row))
    OUT.write_text(json.dumps([{**asdict(row), "ratio": row.ratio} for row in rows], indent=2) + "\n", encoding="utf-8")
    print(f"written to {OUT}")


def _line(row: Row) -> str:
    goal = f"{row.goal:g} x" if row.goal is not None else ""
    return f"{row.what:<22} {row.ours_us:>7.1f} us {row.peer_us:>9.1f} us {row.ratio:>5.1f} x {goal:>6}  {row.peer}"


if __name__ == "__main__":
    main()
