"""A delivery that comes in one piece is answered as one that comes in many, whatever else is on its connection."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from engine.web import server

from ..running import CONFIG, running, until

POST = b"POST /ingest/open HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
LARGE = CONFIG.replace("max_body: 8 kB", "max_body: 200 kB")


def body(key, filler=""):
    return b'{"id": "%b", "type": "points_expired", "filler": "%b"}' % (key.encode(), filler.encode())


def post(key, filler=""):
    said = body(key, filler)
    return POST % (len(said), said)


@pytest.fixture
async def daemon(tmp_path):
    async with running(tmp_path) as started:
        yield started


class Talk:
    """One connection to the daemon."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def begin(cls, daemon):
        return cls(*await asyncio.open_connection("127.0.0.1", daemon.port))

    async def answer(self):
        head = await self.reader.readuntil(b"\r\n\r\n")
        size = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: "))
        return head + await self.reader.readexactly(int(size.split()[1]))

    async def ask(self, *pieces):
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await self.here(piece)
        return await self.answer()

    async def here(self, piece):
        """Let the daemon, which lives on the same loop, read what was written."""
        for _ in range(10 if piece else 0):
            await asyncio.sleep(0)

    def end(self):
        self.writer.close()


async def test_whole_or_in_pieces_the_answer_is_the_same(daemon):
    talk, request = await Talk.begin(daemon), post("e1")
    whole = await talk.ask(post("e0"))
    assert await talk.ask(request[:30], request[30:-10], request[-10:]) == whole
    assert whole.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert await talk.ask(post("e1")) == await talk.ask(request[:50], request[50:])
    assert len(daemon.events()) == 2
    talk.end()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/ingest/nobody", b"404"),
        (b"/ingest/signed", b"401"),
        (b"/ingest/open/a/b", b"404"),
        (b"/ingest/op%65n", b"202"),
    ],
)
async def test_refusals_are_the_same_too(daemon, path, status):
    talk, request = await Talk.begin(daemon), post("e1").replace(b"/ingest/open", path)
    whole = await talk.ask(request)
    assert whole.startswith(b"HTTP/1.1 " + status)
    if status != b"202":
        assert await talk.ask(request[:40], request[40:]) == whole
    talk.end()


async def test_a_body_too_large_is_refused_though_it_is_whole(daemon):
    talk = await Talk.begin(daemon)
    assert (await talk.ask(post("e1", "x" * 9_000))).startswith(b"HTTP/1.1 413 ")
    assert daemon.events() == []
    talk.end()


async def test_two_requests_in_one_piece_are_answered_in_their_order(daemon):
    talk = await Talk.begin(daemon)
    probe = b"GET /ingest/open HTTP/1.1\r\nhost: x\r\n\r\n"
    assert (await talk.ask(post("e1") + probe + post("e1"))).startswith(b"HTTP/1.1 202 ")
    assert b'"use": "POST"' in await talk.answer()
    assert (await talk.answer()).endswith(b'{"stored": false, "why": "it was stored before"}\n')
    talk.end()


async def test_what_is_said_before_the_answer_is_answered_after_it(daemon):
    talk = await Talk.begin(daemon)
    talk.writer.write(post("e1"))
    await talk.here(b"...")
    first = await talk.ask(b"GET /ingest/open HTTP/1.1\r\nhost: x\r\n\r\n" + post("e2"))
    assert first.endswith(b'{"stored": true}\n')
    assert (await talk.answer()).endswith(b'{"source": "open", "use": "POST"}\n')
    assert (await talk.answer()).startswith(b"HTTP/1.1 202 ")
    talk.end()


async def test_a_large_body_in_one_piece_is_not_taken_for_a_header(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "MAX_HEAD", 1_000)
    async with running(tmp_path, LARGE) as daemon:
        talk = await Talk.begin(daemon)
        for key in ("e1", "e2", "e3"):
            assert (await talk.ask(post(key, "x" * 5_000))).startswith(b"HTTP/1.1 202 ")
        talk.end()


async def test_whoever_is_being_answered_when_the_daemon_stops_still_hears_it(tmp_path, monkeypatch):
    told, shutdown = asyncio.Event(), server.Protocol.shutdown
    monkeypatch.setattr(server.Protocol, "shutdown", lambda connection: (shutdown(connection), told.set()))
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(running(tmp_path))
        talk, asked, go_on = await Talk.begin(daemon), asyncio.Event(), asyncio.Event()
        sound = daemon.store.add_events

        async def slow(deliveries):
            asked.set()
            await go_on.wait()
            return await sound(deliveries)

        daemon.store.add_events = slow
        talk.writer.write(post("e1"))
        await asked.wait()
        stopping = asyncio.ensure_future(stack.aclose())
        await told.wait()
        go_on.set()
        assert (await talk.answer()).startswith(b"HTTP/1.1 202 ")
        assert await talk.reader.read() == b""
        await stopping
        talk.end()


async def test_a_sender_who_hangs_up_costs_the_delivery_nothing(daemon):
    talk = await Talk.begin(daemon)
    talk.writer.write(post("e1"))
    await talk.here(b"...")
    talk.writer.transport.abort()
    await until(daemon.events)
    assert daemon.said("refused") == []
