"""``init``: the programme's files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ..tools.starter import copy_starter
from .schemas import write_schemas
from .shell import counted, programme_at, say, show


def init(folder: Annotated[Path, typer.Argument(metavar="[DIR]", file_okay=False)] = Path()) -> None:
    """Put a working programme into a folder: config.yaml, rules, templates and tests. Never overwrites."""
    written = copy_starter(folder)
    for name, files in Counter(path.parts[0] for path in written).items():
        show(name if (folder / name).is_file() else f"{name}/ ({counted(files, 'file')})")
    write_schemas(programme_at(folder))
    inside = "" if folder.resolve() == Path.cwd() else f"  cd {folder}\n"
    say(
        f"\nNext:\n{inside}"
        "  pointbell check           finds mistakes in rules and templates\n"
        "  pointbell test            runs the tests of the rules, in tests/timelines/\n"
        "  pointbell ingest FILE...  takes in events; while delivery is capture, nothing is sent\n"
        "  pointbell outbox list     shows what would have been sent\n"
        "  pointbell run             starts the daemon\n"
        "Then make config.yaml, rules/ and templates/ your own."
    )
