"""Whoever talks too slowly is hung up on. The limits are small here; the clients simply never finish."""

import asyncio

import pytest

from engine.web import server
from engine.web.server import MAX_HEAD

from ..running import CONFIG, running

IMPATIENT = CONFIG.replace("{port: 0,", "{port: 0, header_timeout: 50 ms, body_timeout: 50 ms,")
PATIENT = CONFIG.replace("{port: 0,", "{port: 0, header_timeout: 50 ms, body_timeout: 10 minutes,")


async def answer_to(daemon, data):
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "start", [b"", b"P", b"POST /ingest/open HTTP/1.1\r\nhost:", b"POST /ingest/open HTTP/1.1\r\nhost: x\r\n", b"\r\n"]
)
async def test_a_header_that_does_not_end_is_not_waited_for(tmp_path, start):
    async with running(tmp_path, IMPATIENT) as daemon:
        assert (await answer_to(daemon, start)).startswith(b"HTTP/1.1 408 ")


async def test_dripping_does_not_help(tmp_path):
    async with running(tmp_path, IMPATIENT) as daemon:
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        answer = asyncio.ensure_future(reader.read())
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        while not answer.done():
            writer.write(b"a")
            await asyncio.wait({answer}, timeout=0.005)
        # Who goes on writing after the answer may be reset before reading it (RFC 9112 section 9.6).
        [ended] = await asyncio.gather(answer, return_exceptions=True)
        assert isinstance(ended, ConnectionResetError) or ended.startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_the_second_header_of_a_connection_has_a_limit_of_its_own(tmp_path):
    async with running(tmp_path, IMPATIENT) as daemon:
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b'{"alive": true}' in await reader.readuntil(b"}\n")
        writer.write(b"GET /heal")
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_body_that_does_not_end_is_not_waited_for(tmp_path):
    async with running(tmp_path, IMPATIENT) as daemon:
        request = b"POST /ingest/open HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf"
        assert (await answer_to(daemon, request)).startswith(b"HTTP/1.1 408 ")
        assert await daemon.metric("pointbell_deliveries_total", source="open", result="too_slow") == 1
        assert daemon.events() == []


async def test_the_header_limit_does_not_fall_on_the_body(tmp_path):
    async with running(tmp_path, PATIENT) as daemon:
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        writer.write(b"POST /ingest/open HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{")
        # Another connection is hung up on meanwhile, so the header's time is over for this one, too.
        assert (await answer_to(daemon, b"")).startswith(b"HTTP/1.1 408 ")
        writer.write(b"}")
        assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
        writer.close()


async def test_a_header_has_a_largest_size(tmp_path):
    async with running(tmp_path) as daemon:
        start = b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: "
        assert (await answer_to(daemon, start + b"a" * (MAX_HEAD + 1 - len(start)))).startswith(b"HTTP/1.1 431 ")


async def test_slow_senders_do_not_keep_others_waiting(tmp_path):
    async with running(tmp_path) as daemon:
        slow = [await asyncio.open_connection("127.0.0.1", daemon.port) for _ in range(200)]
        for number, (_, writer) in enumerate(slow):
            writer.write(b"POST /ingest/open HTTP/1.1\r\ncontent-length: 9\r\n" + b"\r\nx" * (number % 2))
        assert (await daemon.post("/ingest/open", b"{}")).status_code == 202
        for _, writer in slow:
            writer.transport.abort()


async def test_there_is_a_largest_number_of_connections(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 3)
    async with running(tmp_path) as daemon:
        held = [await asyncio.open_connection("127.0.0.1", daemon.port) for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        assert await reader.read() == b""
        writer.close()
        for _, writer in held:
            writer.transport.abort()
