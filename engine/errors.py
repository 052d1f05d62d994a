"""Everything that can go wrong, as one tree.

::

    PointbellError
    ├── ConfigError            config.yaml
    ├── RulesetInvalid         rules/ and templates/
    ├── BodyError              a delivery that cannot be read
    ├── SignatureError         a delivery nobody vouches for
    ├── InvalidExpression      a condition that cannot be used (engine.language)
    ├── EvaluationError        a condition that cannot be decided on these facts (engine.language)
    ├── TemplateError          a message that cannot be worded
    ├── AddressError           a mail address that cannot be used
    ├── StoreError             the database
    │   ├── StoreBusy          locked, full or gone: try again later
    │   ├── StoreOwned         another process works on the same file
    │   └── StoreOutdated      a schema this program does not know
    ├── ImportFileError        a file of members or events that cannot be read
    ├── ChildrenDown           no child process can be started to decide
    └── OfficeError            a command cannot make itself heard by the daemon

The docstring of a class is its message when none is given.
"""

from __future__ import annotations

import inspect


class PointbellError(Exception):
    """Something went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or inspect.getdoc(type(self)) or "")


class ConfigError(PointbellError):
    """config.yaml cannot be used."""

    def __init__(self, message: str = "", diagnostics: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class RulesetInvalid(PointbellError):
    """The rules or templates have errors; the last good set stays in force."""

    def __init__(self, message: str = "", diagnostics: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class BodyError(PointbellError):
    """The body cannot be read."""


class SignatureError(PointbellError):
    """The signature does not match any configured secret."""


class TemplateError(PointbellError):
    """The message cannot be worded completely."""


class AddressError(PointbellError, ValueError):
    """The address cannot be used."""


class StoreError(PointbellError):
    """The database refused."""


class StoreBusy(StoreError):
    """The database is locked, full or out of reach; nothing was stored."""


class StoreOwned(StoreError):
    """Another process works on this database."""

    def __init__(self, message: str = "", owner: str = "another process") -> None:
        super().__init__(message)
        self.owner = owner


class StoreOutdated(StoreError):
    """The database has a schema this program does not know."""


class ImportFileError(PointbellError):
    """The file cannot be imported."""


class ChildrenDown(PointbellError):
    """No child process can be started to decide; deliveries are kept until one can."""


class OfficeError(PointbellError):
    """The running daemon could not be asked."""
