"""An HTTP server on loopback that writes requests down and answers as told."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Self

from tests.smtp_sink import CERTIFICATE


@dataclass(frozen=True, kw_only=True)
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


class WebhookReceiver:
    """Answers each request with the next of ``answers``, the last one for ever; ``None`` hangs up instead."""

    def __init__(self, *answers: str | bytes | None, tls: bool = False) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.answer_now = asyncio.Event()
        self.answer_now.set()
        self._answers = list(answers) or ["200 OK"]
        self._tls = tls
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None] | None] = []

    async def __aenter__(self) -> Self:
        context = None
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.answer_now.set()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*filter(None, self._tasks))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        self._tasks.append(asyncio.current_task())
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append(Request(line=line, headers=headers, body=body))
        await self.answer_now.wait()
        answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if answer is None:
            return False
        if isinstance(answer, str):
            answer = f"HTTP/1.1 {answer}\r\ncontent-length: 2\r\n\r\nok".encode()
        writer.write(answer)
        await writer.drain()
        return True
