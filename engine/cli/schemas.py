"""``schema``: JSON Schemas with this programme's names, for editors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..config import Config
from ..ruleset.json_schema import Names, Schema, rules_schema, shared_schema
from .shell import HERE, ConfigOption, programme_at, say, show_json

FOLDER = ".pointbell"

_MAKERS: Mapping[str, Callable[[Names], Schema]] = {"rules": rules_schema, "shared": shared_schema}


def schema(
    what: Annotated[Literal["rules", "shared"], typer.Argument(help="Rule files, or rules/shared.yaml.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write a file there instead of printing.")] = None,
    config_path: ConfigOption = HERE,
) -> None:
    """Print the JSON Schema by which an editor completes keys, events, templates, audiences, channels and categories.

    In VS Code and others with yaml-language-server, begin a file in rules/ with
    # yaml-language-server: $schema=../.pointbell/rules.schema.json
    """
    config = programme_at(config_path)
    if out is None:
        show_json(_made_for(config, what))
    else:
        say(f"Wrote {_write(config, what, out)}.")


def write_schemas(config: Config) -> list[Path]:
    """Every schema, where the editor hint of a scaffold looks for it."""
    return [_write(config, what, config.root / FOLDER) for what in _MAKERS]


def _write(config: Config, what: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{what}.schema.json"
    path.write_text(json.dumps(_made_for(config, what), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


def _made_for(config: Config, what: str) -> Schema:
    """The schema for a programme whose rules and templates are sound."""
    ruleset = config.ruleset()
    names = Names(
        templates=ruleset.templates.names(), channels=frozenset(ruleset.programme.channels), shared=ruleset.shared
    )
    return _MAKERS[what](names)
