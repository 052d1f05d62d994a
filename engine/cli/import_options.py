"""The options that all imports have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..tools.table_file import Format

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV or JSON lines; - is standard input.")]
FormatOption = Annotated[Format | None, typer.Option("--format", help="By default as the file's name or content says.")]
EncodingOption = Annotated[str | None, typer.Option(help="Of a CSV file that is not UTF-8, such as cp1250.")]
AsOfOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="When the file was written, if not now: newer events win over it.")
]
DateFormatOption = Annotated[str | None, typer.Option(metavar="FORMAT", help="How days are written, such as %d.%m.%Y.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what it would bring.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; nobody is asked without a terminal.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="One bad line, and nothing is imported.")]
IgnoreOption = Annotated[bool, typer.Option("--ignore-unknown", "--ignore-columns", help="Leave unknown columns out.")]
RejectsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write all rejected lines there, as CSV.", dir_okay=False)
]
RestartOption = Annotated[
    bool, typer.Option("--restart", help="From the first row on, also what an earlier run has brought in.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the commands that import have in common."""

    files: Sequence[Path]
    form: Format | None
    encoding: str | None
    as_of: str | None
    date_format: str | None
    dry_run: bool
    yes: bool
    strict: bool
    ignore_unknown: bool
    rejects: Path | None
    restart: bool
    as_json: bool
    config_path: Path
