"""An ask and its answer: frozen models, because they may go through a socket."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

_CONFIG = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class Answer(BaseModel):
    """What comes back. Bytes travel as base64, times in ISO 8601."""

    model_config = _CONFIG


A = TypeVar("A", bound=Answer | None)


class Ask(BaseModel, Generic[A]):
    """What is asked: the fields are the arguments. ``class Replay(Ask[Replayed])`` is answered by a ``Replayed``.

    A command may be cut off before it hears the answer, and be run again: an ask that is done twice should come to
    the same.
    """

    model_config = _CONFIG
    answered_within: ClassVar[timedelta] = timedelta(minutes=10)
    """A daemon that has not answered by then does not answer."""

    @classmethod
    def answer_type(cls) -> Any:
        """The model of the answer, or ``None`` where there is nothing to say."""
        given = (base.__pydantic_generic_metadata__["args"] for base in cls.__mro__ if issubclass(base, Ask))
        return next(args[0] for args in given if args)


class Office(Protocol):
    """Whoever does what is asked."""

    @property
    def alone(self) -> bool:
        """Whether nobody else works on the database meanwhile: true of a command's own workshop."""
        ...

    async def ask(self, ask: Ask[A]) -> A:
        """Do it, and say what came of it.

        Raises:
            PointbellError: whatever the handler raises, with the same class and words on both sides of a socket.
            OfficeError: the daemon could not be asked, or did not answer.
        """
        ...
