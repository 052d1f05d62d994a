"""Reading a body from somebody who may send too much, too slowly, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from .answer import Receive

LINGER = 1 << 20
"""Bytes beyond the limit that are read and dropped: whoever is only a little too loud should hear the answer, and not
find the connection reset while still talking."""


class TooLarge(Exception):
    """More than the limit."""


class Gone(Exception):
    """The sender has left."""


async def read_body(headers: Mapping[str, str], receive: Receive, *, limit: int, patience: timedelta) -> bytes:
    """The whole body.

    Raises:
        TooLarge: it has, or claims to have, more than ``limit`` bytes.
        TimeoutError: it did not arrive within ``patience``.
        Gone: the sender left before its end.
    """
    declared = int(headers.get("content-length", "0"))
    if declared > limit + LINGER:
        raise TooLarge
    chunks: list[bytes] = []
    size = 0
    async with asyncio.timeout(patience.total_seconds()):
        more = True
        while more and size <= limit + LINGER:
            message = await receive()
            if message["type"] != "http.request":
                raise Gone
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
    if size > limit:
        raise TooLarge
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
