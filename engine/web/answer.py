"""What the door answers, and how that is written."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_JSON = b"application/json"
_CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete response."""

    status: int
    body: bytes
    content_type: bytes = _JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def write(self, send: Send) -> None:
        """Hand it to the server."""
        await send({"type": "http.response.start", "status": self.status, "headers": self._head()})
        await send({"type": "http.response.body", "body": self.body})

    @property
    def closes(self) -> bool:
        """Whether nothing more is to be heard on this connection."""
        return _CLOSE in self.headers

    def in_full(self) -> bytes:
        """The response as it travels (RFC 9112)."""
        phrase = HTTPStatus(self.status).phrase.encode()
        lines = [b"HTTP/1.1 %d %b" % (self.status, phrase), *(b"%b: %b" % header for header in self._head())]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body

    def _head(self) -> list[tuple[bytes, bytes]]:
        length = str(len(self.body)).encode()
        return [(b"content-type", self.content_type), (b"content-length", length), *self.headers]


def say(status: int, *headers: tuple[bytes, bytes], **said: Any) -> Answer:
    """A JSON answer."""
    return Answer(status=status, body=json.dumps(said).encode() + b"\n", headers=headers)


def refuse(status: int, why: str, *headers: tuple[bytes, bytes]) -> Answer:
    """A JSON answer to a request that was read to its end, and that nothing came of."""
    return say(status, *headers, error=why)


def hang_up(status: int, why: str, *headers: tuple[bytes, bytes]) -> Answer:
    """A JSON answer to a request that is not read to its end."""
    return say(status, _CLOSE, *headers, error=why)
