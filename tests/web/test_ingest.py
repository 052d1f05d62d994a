"""What the door answers, and that an answer of 2xx means stored."""

import hashlib
import hmac

import pytest

from ..running import EVENT, EVENT_ID, SECRET, running

BODY = EVENT.read_bytes()


def signature(body):
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture
async def daemon(tmp_path):
    async with running(tmp_path) as started:
        yield started


async def test_a_delivery_is_stored_before_it_is_answered(daemon):
    answer = await daemon.post("/ingest/open", BODY)
    assert (answer.status_code, answer.json()) == (202, {"stored": True})
    assert [row["key"] for row in daemon.events()] == [EVENT_ID]


async def test_a_repeated_delivery_is_welcome_and_stored_once(daemon):
    await daemon.post("/ingest/open", BODY)
    answer = await daemon.post("/ingest/open", BODY)
    assert (answer.status_code, answer.json()["stored"]) == (200, False)
    assert len(daemon.events()) == 1
    assert await daemon.metric("pointbell_deliveries_total", source="open", result="stored") == 1
    assert await daemon.metric("pointbell_deliveries_total", source="open", result="duplicate") == 1


async def test_the_route_tells_the_type_of_a_body_that_does_not(daemon):
    await daemon.post("/ingest/open/points_expired", b"{}")
    await daemon.post("/ingest/open/voucher.loyalty_card.points_expired", b"{}")
    assert [row["type_hint"] for row in daemon.events()] == ["voucher.loyalty_card.points_expired", "points_expired"]


@pytest.mark.parametrize("route", ["/ingest/open/a/b", "/ingest/open/a%00b", "/ingest/open/" + "a" * 201])
async def test_a_route_that_cannot_name_a_type_is_refused(daemon, route):
    answer = await daemon.post(route, b"{}")
    assert answer.status_code == 404
    assert daemon.events() == []


async def test_a_signed_delivery_is_taken(daemon):
    answer = await daemon.post("/ingest/signed", BODY, x_voucherify_signature=signature(BODY))
    assert answer.status_code == 202


@pytest.mark.parametrize("given", [None, "", "0" * 64, signature(BODY + b" x"), "zażółć", "\x7f"])
async def test_a_delivery_nobody_vouches_for_is_refused_and_not_stored(daemon, given):
    headers = {} if given is None else {"x_voucherify_signature": given.encode("utf-8")}
    answer = await daemon.post("/ingest/signed", BODY, **headers)
    assert answer.status_code in (400, 401)
    assert daemon.events() == []


async def test_a_wrong_signature_is_counted_and_logged_without_the_secret(daemon):
    await daemon.post("/ingest/signed", BODY, x_voucherify_signature="0" * 64)
    assert await daemon.metric("pointbell_deliveries_total", source="signed", result="bad_signature") == 1
    [line] = daemon.said("turned away")
    assert line["result"] == "bad_signature"
    assert SECRET not in daemon.log


async def test_an_unknown_source_is_not_found_and_counted_under_no_name_of_its_own(daemon):
    answer = await daemon.post("/ingest/nobody", BODY)
    assert answer.status_code == 404
    assert await daemon.metric("pointbell_deliveries_total", source="unknown", result="unknown_source") == 1
    assert "nobody" not in (await daemon.client.get("/metrics")).text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused_with_those_that_are_not(daemon, method):
    answer = await daemon.client.request(method, "/ingest/open")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, GET, HEAD")


async def test_a_producer_may_probe(daemon):
    assert (await daemon.client.get("/ingest/open")).json() == {"source": "open", "use": "POST"}
    head = await daemon.client.head("/ingest/open")
    assert (head.status_code, head.content) == (200, b"")
    assert (await daemon.client.get("/ingest/nobody")).status_code == 404


async def test_there_is_nothing_elsewhere(daemon):
    assert (await daemon.client.get("/")).status_code == 404
    assert (await daemon.client.get("/ingest")).status_code == 404
    assert (await daemon.client.post("/healthz")).status_code == 405
