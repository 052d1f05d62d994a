"""The JSON Schema of config.yaml, made of the models that read it, for editors. Draft 7 only.

It is laxer than the reader: what it refuses, ``check`` does too. Any value may be ``${NAME}`` instead.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from ..deliver import CHANNELS
from ..ruleset.json_schema import DRAFT, Schema
from .retention import RetentionSettings
from .settings import BrandSettings, DeliverySettings, HttpSettings, ProgrammeSettings, SourceEntry
from .workers import MOST

_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{"}
_SAID_OTHERWISE: Schema = {
    "integer": {"type": "string", "pattern": r"\$\{|^ *[+-]?[0-9_.]+ *$"},
    "number": {"type": "string", "pattern": r"\$\{|^ *[+-]?[0-9_.eE+-]+ *$"},
    "boolean": {"type": ["string", "number"]},
}
"""What stands for a number or a yes besides the value itself: a variable, or the same in quotes."""
_KEPT = ("description", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems")


def config_schema(channels: Iterable[str]) -> Schema:
    """Of config.yaml, for a programme with these channels."""
    delivery = _of_model(DeliverySettings)
    delivery["properties"]["default_channel"] |= _or_variable({"enum": sorted(channels)})
    sections = {
        "programme": _of_model(ProgrammeSettings),
        "store": {"type": "string", "minLength": 1, "description": "The SQLite file, from where config.yaml is."},
        "http": _of_model(HttpSettings),
        "sources": _named(_of_model(SourceEntry)),
        "channels": _named(_channel()),
        "delivery": delivery,
        "brand": _of_model(BrandSettings),
        "retention": _of_model(RetentionSettings),
        "workers": {
            "anyOf": [{"enum": ["auto"]}, {"type": "integer", "minimum": 0, "maximum": MOST}, {"type": "string"}],
            "description": "How many child processes decide: auto, or a number.",
        },
        "watch_rules": {
            "type": "boolean",
            "description": "Whether the daemon reads rules and templates again by itself when their files change.",
        },
    }
    return {
        "$schema": DRAFT,
        "title": "Pointbell config.yaml",
        "type": "object",
        "properties": sections,
        "required": ["programme", "sources", "channels"],
        "additionalProperties": False,
    }


class _AsWritten(GenerateJsonSchema):
    """What a file holds, where pydantic tells what the model does: a length of time is a text before it is read."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """A value that is read from a text; of a list, one item may stand alone."""
        inner = self.generate_inner(schema["schema"])
        return {"anyOf": [{"type": "string"}, inner]} if inner.get("type") == "array" else {"type": "string"}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Without the default, which is a value of the model and no text."""
        return self.generate_inner(schema["schema"])


def _of_model(model: type[BaseModel]) -> Schema:
    raw = model.model_json_schema(schema_generator=_AsWritten)
    return _written(raw, raw.get("$defs", {}))


def _written(raw: Schema, models: Schema) -> Schema:
    """A part of a schema in Draft 7, whole in itself."""
    if "$ref" in raw:
        inner = _written(models[raw["$ref"].rpartition("/")[2]], models)
        return {**inner, **_told(raw)}
    if "anyOf" in raw:
        # A setting without a value is an error, whatever the model says.
        choices = [_written(one, models) for one in raw["anyOf"] if one != {"type": "null"}]
        return {**(choices[0] if len(choices) == 1 else {"anyOf": choices}), **_told(raw)}
    if "properties" in raw:
        inner = {name: _written(one, models) for name, one in raw["properties"].items()}
        required = raw.get("required", [])
        return {"type": "object", "properties": inner, "required": required, "additionalProperties": False}
    if raw.get("type") == "array":
        return {"type": "array", "items": _written(raw["items"], models), **_told(raw)}
    return _leaf(raw)


def _leaf(raw: Schema) -> Schema:
    kind, told = raw.get("type"), {name: raw[name] for name in _KEPT if name in raw}
    if "enum" in raw or "const" in raw:
        return {**_or_variable({"enum": raw.get("enum", [raw.get("const")])}), **told}
    if kind in _SAID_OTHERWISE:
        description = told.pop("description", None)
        choices = {"anyOf": [{"type": kind, **told}, _SAID_OTHERWISE[kind]]}
        return choices if description is None else {**choices, "description": description}
    return {"type": "string", **told}


def _told(raw: Schema) -> Schema:
    return {name: raw[name] for name in ("description", "minItems") if name in raw}


def _or_variable(schema: Schema) -> Schema:
    return {"anyOf": [schema, _VARIABLE]}


def _named(schema: Schema) -> Schema:
    """A section of entries with names of one's own."""
    return {"type": "object", "additionalProperties": schema}


def _channel() -> Schema:
    """A channel's settings, which depend on its kind."""
    kinds = [
        {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": _of_model(known.settings)}
        for kind, known in CHANNELS.items()
    ]
    return {
        "type": "object",
        "properties": {"kind": _or_variable({"enum": sorted(CHANNELS)})},
        "required": ["kind"],
        "allOf": kinds,
    }
