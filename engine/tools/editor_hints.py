"""The line by which an editor finds the JSON Schema of a file: the first one, a comment that nothing else reads.

``# yaml-language-server: $schema=...`` is what VS Code, Neovim and others with yaml-language-server look for. Source:
github.com/redhat-developer/yaml-language-server, "Using inlined schema".
"""

from __future__ import annotations

from pathlib import PurePosixPath

SCHEMAS = ".pointbell"
"""The folder of the schemas, beside config.yaml: made anew by ``pointbell schema``, never read by Pointbell itself."""

_MARK = "# yaml-language-server:"


def schema_of(path: PurePosixPath) -> str | None:
    """Which schema a file of a programme has: ``rules``, ``shared`` or ``config``; ``None`` for any other file."""
    if path == PurePosixPath("config.yaml"):
        return "config"
    if path.parts[0] != "rules" or path.suffix not in {".yaml", ".yml"}:
        return None
    return "shared" if path == PurePosixPath("rules/shared.yaml") else "rules"


def file_of(what: str) -> str:
    """What the file of a schema is called."""
    return f"{what}.schema.json"


def with_hint(path: PurePosixPath, text: str) -> str:
    """The text of a programme's file with its hint; unchanged where there is no schema, or a hint already."""
    what = schema_of(path)
    if what is None or _MARK in text:
        return text
    return f"{_MARK} $schema={'../' * (len(path.parts) - 1)}{SCHEMAS}/{file_of(what)}\n{text}"
