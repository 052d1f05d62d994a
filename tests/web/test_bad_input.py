"""What strangers and broken producers send: nothing is lost, nothing crashes, everything is told and counted."""

import asyncio
import gzip
import json

import pytest

from ..running import EVENT, running

DEEP = b"[" * 3_000 + b"]" * 3_000


@pytest.fixture
async def daemon(tmp_path):
    async with running(tmp_path) as started:
        yield started


def bare(field):
    return b'{"id": "evt_9", "type": "voucher.loyalty_card.points_expired", "data": ' + field + b"}"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"points=5", "not JSON"),
        (DEEP, "nested"),
        (bare(DEEP), "nested"),
        (bare(b'"\xff\xfe"'), "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (bare(b'"\\ud800"'), "surrogate"),
        (bare(b'"\\u0000"'), "NUL"),
        (bare(b"1e400"), "too large"),
        (bare(b"NaN"), "NaN"),
        (bare(b"9" * 5_000), "64 bits"),
        (b'{"id": "evt_9", "id": "evt_8"}', "twice"),
    ],
)
async def test_a_body_that_cannot_be_read_is_kept_with_the_reason(daemon, body, reason):
    answer = await daemon.post("/ingest/open", body)
    assert answer.status_code == 202
    [row] = await daemon.settled()
    assert row["state"] == "quarantined"
    assert reason in row["note"]
    assert await daemon.metric("pointbell_events_total", state="quarantined") == 1
    [line] = daemon.said("quarantined")
    assert reason in line["reason"]


async def test_a_type_nobody_knows_is_kept_and_counted(daemon):
    answer = await daemon.post(
        "/ingest/open", EVENT.read_bytes().replace(b"voucher.loyalty_card.points_added", b"moon.rose")
    )
    assert answer.status_code == 202
    assert [row["state"] for row in await daemon.settled()] == ["ignored"]
    assert await daemon.metric("pointbell_events_total", state="ignored") == 1


@pytest.mark.parametrize("size", [8_001, 500_000])
async def test_an_oversized_body_is_refused_and_counted(daemon, size):
    answer = await daemon.post("/ingest/open", b"x" * size)
    assert (answer.status_code, answer.json()) == (413, {"error": "a body may have 8000 bytes"})
    assert daemon.events() == []
    assert await daemon.metric("pointbell_deliveries_total", source="open", result="too_large") == 1


async def test_a_body_of_the_largest_size_is_taken(daemon):
    assert (await daemon.post("/ingest/open", b"x" * 8_000)).status_code == 202
    with daemon.reports() as reports:
        _, stored = reports.event(1)
    assert stored == b"x" * 8_000


async def test_an_oversized_body_that_does_not_announce_its_size_is_refused_too(daemon):
    async def chunks():
        for _ in range(9):
            yield b"x" * 1_000

    answer = await daemon.client.post("/ingest/open", content=chunks())
    assert answer.status_code == 413
    assert daemon.events() == []


async def test_a_huge_body_is_refused_unread_by_what_it_announces(daemon):
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
    writer.write(b"POST /ingest/open HTTP/1.1\r\nhost: x\r\ncontent-length: 200000000\r\n\r\n")
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_an_endless_body_is_refused_before_its_end(daemon):
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
    writer.write(b"POST /ingest/open HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    hung_up = asyncio.ensure_future(reader.read())
    while not hung_up.done():
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        talking = asyncio.ensure_future(writer.drain())
        await asyncio.wait({hung_up, talking}, return_when=asyncio.FIRST_COMPLETED)
    # Whoever never stops talking may find the connection reset instead of the answer.
    await asyncio.gather(hung_up, talking, return_exceptions=True)
    writer.transport.abort()
    assert await daemon.metric("pointbell_deliveries_total", source="open", result="too_large") == 1


async def test_an_oversized_body_for_nobody_is_counted_too(daemon):
    assert (await daemon.post("/ingest/nobody", b"x" * 9_000)).status_code == 413
    assert await daemon.metric("pointbell_deliveries_total", source="unknown", result="too_large") == 1


async def test_a_sender_who_leaves_is_forgotten(daemon):
    _, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
    writer.write(b"POST /ingest/open HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf")
    await writer.drain()
    writer.close()
    while not daemon.said("turned away"):
        await daemon.client.get("/healthz")
    assert [line["result"] for line in daemon.said("turned away")] == ["gone"]
    assert daemon.events() == []


@pytest.mark.parametrize(
    "request_", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"POST /ingest/\xff HTTP/1.1\r\n\r\n"]
)
async def test_what_is_no_http_is_answered_and_dropped(daemon, request_):
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
    writer.write(request_)
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_addresses_in_bodies_do_not_reach_the_log_or_the_metrics(daemon):
    canary = "canary@private.example"
    bodies = [json.dumps({"id": canary, "type": canary, "data": {"email": canary, canary: canary}}).encode()]
    bodies += [f'{{"{canary}": 1, "{canary}": 2}}'.encode(), canary.encode(), b'"' + canary.encode() + b'\\u0000"']
    for body in bodies:
        await daemon.post("/ingest/open", body)
        await daemon.post("/ingest/signed", body, x_voucherify_signature=canary)
        await daemon.post(f"/ingest/open/{canary}", body)
        await daemon.post(f"/ingest/{canary}", body)
    assert len(await daemon.settled()) == 8
    assert canary not in daemon.log
    assert canary not in (await daemon.client.get("/metrics")).text


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
async def test_a_compressed_body_is_refused_with_the_reason(daemon, coding):
    answer = await daemon.post("/ingest/open", gzip.compress(EVENT.read_bytes()), content_encoding=coding)
    assert answer.status_code == 415
    assert answer.json() == {"error": f"bodies with content-encoding {coding} are not read: send it uncompressed"}
    assert answer.headers["accept-encoding"] == "identity"
    assert daemon.events() == []
    assert await daemon.metric("pointbell_deliveries_total", source="open", result="compressed") == 1


async def test_a_body_that_says_it_is_not_compressed_is_taken(daemon):
    assert (await daemon.post("/ingest/open", EVENT.read_bytes(), content_encoding="identity")).status_code == 202


async def test_a_mistyped_type_in_the_route_is_set_aside(daemon):
    await daemon.post("/ingest/open/tier_upgradd", b'{"loyalty_tier": {}}')
    [row] = await daemon.settled()
    assert row["state"] == "quarantined"
    assert row["note"] == 'tier_upgradd is not a known type: did you mean "tier_upgraded"?'
