"""``schema``: JSON Schemas with this programme's names, for editors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..config import Config
from ..config.json_schema import config_schema
from ..errors import PointbellError
from ..ruleset.json_schema import Names, Schema, rules_schema, shared_schema
from ..tools.editor_hints import SCHEMAS, file_of
from .shell import HERE, ConfigOption, programme_at, say, show_json

_OF_RULES: Mapping[str, Callable[[Names], Schema]] = {"rules": rules_schema, "shared": shared_schema}
_ALL = (*_OF_RULES, "config")


def schema(
    what: Annotated[
        Literal["rules", "shared", "config"] | None,
        typer.Argument(help="Rule files, rules/shared.yaml, or config.yaml; without it, all three are written."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help=f"Where to write; by default {SCHEMAS}/ of the programme.")
    ] = None,
    config_path: ConfigOption = HERE,
) -> None:
    """Make the JSON Schemas by which an editor completes keys, events, templates, audiences, channels and categories.

    Without a name all are written to where the first line of rules and of config.yaml points, the one that begins with
    # yaml-language-server: do so again when templates, channels or shared definitions have changed.
    """
    config = programme_at(config_path)
    if what is not None and out is None:
        show_json(_made_for(config, what))
        return
    for one in (what,) if what else _ALL:
        say(f"Wrote {_write(config, one, out or config.root / SCHEMAS)}.")


def write_schemas(config: Config) -> list[Path]:
    """Every schema, where the editor's hint in a file looks for it."""
    return [_write(config, what, config.root / SCHEMAS) for what in _ALL]


def _write(config: Config, what: str, folder: Path) -> Path:
    text = json.dumps(_made_for(config, what), ensure_ascii=False, indent=2) + "\n"
    path = folder / file_of(what)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PointbellError(f"cannot write to {error.filename or folder}: {error.strerror}") from error
    return path


def _made_for(config: Config, what: str) -> Schema:
    """The schema for a programme whose rules and templates are sound."""
    if what == "config":
        return config_schema(config.channel_settings)
    ruleset = config.ruleset()
    names = Names(
        templates=ruleset.templates.names(), channels=frozenset(ruleset.programme.channels), shared=ruleset.shared
    )
    return _OF_RULES[what](names)
