"""The options that all imports have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ..tools.table_file import Format
from .shell import HERE, ConfigOption, JsonOption

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

    files: FilesArgument
    form: FormatOption = None
    encoding: EncodingOption = None
    as_of: AsOfOption = None
    date_format: DateFormatOption = None
    dry_run: DryRunOption = False
    yes: YesOption = False
    strict: StrictOption = False
    ignore_unknown: IgnoreOption = False
    rejects: RejectsOption = None
    restart: RestartOption = False
    as_json: JsonOption = False
    config_path: ConfigOption = HERE


def takes_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command with all of ``Options`` on its command line, which it is handed as its first argument.

    What it takes besides stands on the command line, too. Typer reads signatures, so it is given one.
    """
    hints, shared = get_type_hints(Options, include_extras=True), fields(Options)
    own = list(signature(command, eval_str=True).parameters.values())[1:]
    together = [
        Parameter(one.name, Parameter.KEYWORD_ONLY, annotation=hints[one.name], default=_default(one.default))
        for one in shared
    ] + [one.replace(kind=Parameter.KEYWORD_ONLY) for one in own]

    @wraps(command)
    def run(**given: Any) -> None:
        command(Options(**{one.name: given.pop(one.name) for one in shared}), **given)

    run.__signature__ = Signature(together)  # type: ignore[attr-defined]  # Functions may have one.
    run.__annotations__ = {one.name: one.annotation for one in together}
    return run


def _default(default: object) -> object:
    return Parameter.empty if default is MISSING else default
