"""Asks and answers as lines of JSON: one ask per line, one answer per line, in order.

::

    {"version": "0.1.0", "verb": "replay", "ask": {"seqs": [12, 15]}}
    {"answer": {"replayed": 2}}            or    {"error": {"kind": "StoreBusy", "message": "..."}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError

from .. import errors
from ..errors import OfficeError, PointbellError
from ..version import VERSION
from .ask import A, Ask
from .verbs import NAMES, VERBS, Verb

LONGEST = 64 << 20
"""Bytes of a line, either way. What is larger has to be asked in several pieces."""

T = TypeVar("T")


class _Head(BaseModel):
    """What every version must be able to read."""

    model_config = ConfigDict(extra="ignore")

    version: str
    verb: str


class _Request(BaseModel, Generic[T]):
    model_config = ConfigDict(extra="ignore")

    version: str
    verb: str
    ask: T


class _Trouble(BaseModel):
    kind: str
    message: str


class _Reply(BaseModel, Generic[T]):
    answer: T | None = None
    error: _Trouble | None = None


def request(ask: Ask[Any]) -> bytes:
    """An ask as a line.

    Raises:
        OfficeError: it is too large, or holds a text that cannot be written.
    """
    said = _of(_Request, type(ask))(version=VERSION, verb=NAMES[type(ask)], ask=ask)
    return _line(said)


def read_request(line: bytes) -> tuple[Verb[Any], Ask[Any]]:
    """What a line asks.

    Raises:
        OfficeError: it cannot be understood; the message tells the other side why.
    """
    try:
        head = _Head.model_validate_json(line)
    except ValidationError:
        raise OfficeError("the daemon was sent something that is no request of a Pointbell command") from None
    if head.version != VERSION:
        raise OfficeError(
            f"the daemon is Pointbell {VERSION}, this command is {head.version}: restart the daemon, or use the "
            "command it was started with"
        )
    verb = VERBS.get(head.verb)
    if verb is None:
        raise OfficeError(f"the daemon does not know how to {head.verb}")
    try:
        return verb, _of(_Request, verb.ask).model_validate_json(line).ask
    except ValidationError as error:
        raise OfficeError(f"the daemon cannot {head.verb} with these words: {_first(error)}") from None


def reply(ask: Ask[Any], answer: Any) -> bytes:
    """An answer as a line.

    Raises:
        OfficeError: it is too large.
    """
    return _line(_of(_Reply, ask.answer_type())(answer=answer))


def refusal(error: PointbellError) -> bytes:
    """An error as a line; the other side raises its like."""
    words = str(error).encode("utf-8", "replace").decode()
    return _line(_Reply[None](error=_Trouble(kind=type(error).__name__, message=words)))


def read_reply(ask: Ask[A], line: bytes) -> A:
    """What a line answers.

    Raises:
        PointbellError: the answer is an error: of the class that was raised there, with the same words.
        OfficeError: it cannot be understood.
    """
    try:
        said = _of(_Reply, ask.answer_type()).model_validate_json(line)
    except ValidationError as error:
        raise OfficeError(f"the daemon's answer cannot be read: {_first(error)}") from None
    if said.error is not None:
        raise _KINDS.get(said.error.kind, PointbellError)(said.error.message)
    answer: A = said.answer
    return answer


def _of(model: Any, kind: Any) -> Any:
    """A generic model of a type that is known at run time only."""
    return model[kind]


def _line(said: BaseModel) -> bytes:
    try:
        text = said.model_dump_json(exclude_unset=True).encode()
    except (PydanticSerializationError, UnicodeEncodeError) as error:
        raise OfficeError(f"this cannot be said to the daemon: {error}") from None
    if len(text) >= LONGEST:
        raise OfficeError(
            f"this is too much at a time: {len(text)} bytes, and no more than {LONGEST >> 20} MiB go through the "
            "daemon's socket at once"
        )
    return text + b"\n"


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg']}" if place else str(found["msg"])


def _tree(kind: type[PointbellError]) -> Iterator[type[PointbellError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


_KINDS: Mapping[str, type[PointbellError]] = {
    kind.__name__: kind for kind in _tree(PointbellError) if kind.__module__ == errors.__name__
}
"""Errors that are made of their message alone."""
