"""From the file to checked settings: environment variables put in, every fault with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import ConfigError
from ..language.problem import Severity, closest, suggest
from ..ruleset.diagnostics import Diagnostic, in_order
from ..ruleset.positions import Block, Listing, Node, Plain, Scalar, Source, descend, span
from ..ruleset.yaml import Document

M = TypeVar("M", bound=BaseModel)
Path: TypeAlias = tuple[str | int, ...]

UNKNOWN_SETTING = "PB601"
MISSING_SETTING = "PB602"
BAD_SETTING = "PB603"
NOT_YET = "PB604"
NO_VARIABLE = "PB605"
NOBODY = "PB606"

CODES: Mapping[str, str] = MappingProxyType(
    {
        UNKNOWN_SETTING: "config.yaml, or a mapping file, has no such setting here.",
        MISSING_SETTING: "A setting that has no default is missing.",
        BAD_SETTING: "The value of a setting cannot be used.",
        NOT_YET: "The setting is not yet available in this version.",
        NO_VARIABLE: "An environment variable that the file refers to is not set.",
        NOBODY: "The settings contradict what they seem to be for: nobody would be written to.",
    }
)

_VARIABLE = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PRIVATE = re.compile(r"secret|password")
_A_BLOCK = "must be a block of settings, indented below it"
_MEANINGS = {
    "string_type": 'must be text; put it in quotes: "..."',
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "model_type": _A_BLOCK,
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}
"""Pydantic's error types in our words; for all others its own."""


class Reading:
    """One document on its way to settings; collects all faults instead of stopping at the first."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._source: Source = document.source
        self._root = document.root
        self._environ = environ
        self._findings: list[Diagnostic] = list(document.diagnostics)
        self._unset: set[int] = set()
        """Where texts start that name a variable which is not set."""

    def node(self, path: Path) -> Node | None:
        """What stands at the path."""
        here = self._root
        for step in path:
            here = _inside(here, step)
        return here

    def keys(self, path: Path) -> tuple[str, ...]:
        """The keys of the block at the path; none, with a fault noted, when something else stands there."""
        node = self.node(path)
        if isinstance(node, Block):
            return tuple(key.text for key, _ in node.entries)
        if node is not None:
            self.fault(path, BAD_SETTING, _A_BLOCK)
        return ()

    def text(self, path: Path) -> str | None:
        """The text at the path; ``None``, with a fault noted, when something else stands there."""
        node = self.node(path)
        value = None if node is None else self._with_variables(node)
        if isinstance(value, str):
            return value
        if node is not None:
            self.fault(path, BAD_SETTING, _MEANINGS["string_type"])
        return None

    def settings(self, model: type[M], path: Path) -> M | None:
        """The settings at the path; ``None``, with the faults noted, when they cannot be used."""
        node = self.node(path)
        self._refuse_empty(path, node)
        try:
            return model.model_validate({} if node is None else self._with_variables(node))
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                self._invalid(model, path, fault)
            return None

    def fault(
        self, path: Path, code: str, meaning: str, suggestion: str | None = None, *, on_key: bool = False
    ) -> None:
        """Note a fault of the setting at the path. ``meaning`` goes on after its name."""
        message = f"{'.'.join(map(str, path))} {meaning}".strip()
        self._note(self._place(path, on_key=on_key), code, message, suggestion, private=bool(_PRIVATE.search(message)))

    def warn(self, path: Path, code: str, meaning: str, suggestion: str) -> None:
        """Note something that can hardly be meant, and that can be run all the same."""
        message = f"{'.'.join(map(str, path))} {meaning}"
        place = self._place(path, on_key=False)
        self._findings.append(self._source.finding(*place, code, message, suggestion, severity=Severity.WARNING))

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What was found that is no error."""
        return tuple(one for one in in_order(self._findings) if one.severity is not Severity.ERROR)

    def unknown(self, path: Path, known: tuple[str, ...]) -> None:
        """Note that there is no such setting."""
        self.fault(path, UNKNOWN_SETTING, "is not a setting", suggest(str(path[-1]), known), on_key=True)

    def missing(self, path: Path) -> None:
        """Note that a setting which has no default is not there."""
        message = f"{'.'.join(map(str, path))} is missing"
        self._note(self._place(path[:-1], on_key=True), MISSING_SETTING, message, f'write "{path[-1]}: ..." here')

    def also(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Note what is wrong with a file that this one names."""
        self._findings.extend(diagnostics)

    def finish(self) -> None:
        """Raise ``ConfigError`` with everything that was found, if anything was."""
        found = in_order(self._findings)
        if any(one.severity is Severity.ERROR for one in found):
            raise ConfigError("\n".join(map(_line, found)), found)

    def _invalid(self, model: type[BaseModel], section: Path, fault: Mapping[str, Any]) -> None:
        loc: Path = tuple(fault["loc"])
        path, node = section + loc, self.node(section + loc)
        if isinstance(node, Scalar) and node.start in self._unset:
            return
        if fault["type"] == "extra_forbidden":
            self.unknown(path, _names(model, loc[:-1]))
        elif fault["type"] == "missing":
            self.missing(path)
        elif not (isinstance(node, Scalar) and node.value is None):
            self.fault(path, BAD_SETTING, _meaning(fault), self._near(fault, node))

    def _refuse_empty(self, path: Path, node: Node | None) -> None:
        """A setting without a value is a slip, also where nothing would do: ``colour: #123456`` says nothing."""
        if isinstance(node, Block):
            for key, value in node.entries:
                self._refuse_empty((*path, key.text), value)
        elif isinstance(node, Listing):
            for index, item in enumerate(node.items):
                self._refuse_empty((*path, index), item)
        elif node is not None and node.value is None:
            self.fault(path, BAD_SETTING, "is empty", _why_empty(self._source, node), on_key=True)

    def _near(self, fault: Mapping[str, Any], node: Node | None) -> str | None:
        expected = re.findall(r"'([^']*)'", str(fault.get("ctx", {}).get("expected", "")))
        near = closest(node.text, expected) if isinstance(node, Scalar) else None
        return f'did you mean "{near}"?' if near else None

    def _place(self, path: Path, *, on_key: bool) -> tuple[int, int]:
        if self._root is None or not path:
            return 0, 1
        above = descend(self._root, path[:-1])
        key = above.key(str(path[-1])) if isinstance(above, Block) else None
        value = self.node(path)
        if key is not None and (on_key or not isinstance(value, Scalar)):
            return key.start, key.end
        target = value or above
        return target.start, target.end

    def _with_variables(self, node: Node) -> Plain:
        if isinstance(node, Block):
            return {key.text: self._with_variables(value) for key, value in node.entries}
        if isinstance(node, Listing):
            return [self._with_variables(item) for item in node.items]
        if not isinstance(node.value, str):
            return node.value
        return _VARIABLE.sub(lambda found: self._variable(node, found), node.text)

    def _variable(self, scalar: Scalar, found: re.Match[str]) -> str:
        if found[0] == "$${":
            return "${"
        message, fix = f'"{found[0]}" does not name an environment variable', "write ${NAME}; $${ is a plain ${"
        if _NAME.fullmatch(found[1]) and found[0].endswith("}"):
            value = self._environ.get(found[1])
            if value:
                return value
            message, fix = f"the environment variable {found[1]} is not set", "set it before Pointbell starts"
        self._unset.add(scalar.start)
        self._note(span(self._source, scalar, found.start(), len(found[0])), NO_VARIABLE, message, fix)
        return ""

    def _note(
        self, place: tuple[int, int], code: str, message: str, suggestion: str | None, *, private: bool = False
    ) -> None:
        found = self._source.finding(*place, code, message, suggestion)
        self._findings.append(replace(found, source_line=None) if private else found)


def _inside(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, Block) and isinstance(step, str):
        return node.get(step)
    if isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def _names(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """The settings of the model at the path within ``model``."""
    inner: Any = model
    for step in path:
        inner = inner.model_fields[step].annotation
    return tuple(field.alias or name for name, field in inner.model_fields.items())


def _meaning(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    message: str = fault["msg"]
    return _MEANINGS.get(fault["type"], message.replace("Input should be", "must be"))


def _why_empty(source: Source, node: Scalar) -> str:
    if "#" in source.line_at(node.start):
        return "text with a # needs quotes: what follows a # is a comment"
    return "write its value, or leave the line out"


def _line(found: Diagnostic) -> str:
    hint = f"; {found.suggestion}" if found.suggestion else ""
    return f"{found.file}:{found.line}:{found.column}: {found.message}{hint}"
