"""Who may speak: Voucherify's signature and that of Standard Webhooks."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import SignatureError
from engine.ingest import SourceSettings, verify
from engine.ingest.voucherify.signature import compact

from .ingest_bodies import PUBLISHED, delivery, published

# Published by the producer for the key ``secretKey``.
VECTORS = [
    (b'{"a":1}', "a17d2ac229d1ebbb5f10e839c7985c4818e5986eab297f7e5979196d4d7d3ed2"),
    (b'{"a\\"b":1}', "f7cf97814a03146abedb9793f56e1dec34f618f82d10395310d053f749483ffb"),
    (b"  message  ", "53ff92957e1427ce23ad5bda9d0c5f2f4ff384d0806b83eeacb510c842d3a358"),
]
STANDARD = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = "1614265330"
SENT = datetime.fromtimestamp(1614265330, UTC)
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NAMES = ("x-voucherify-signature", "webhook-signature")


def hexdigest(body, secret=b"secretKey"):
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def signed(body, signature, *secrets):
    source = SourceSettings(name="shop", secrets=secrets or ("secretKey",))
    return delivery(body, source=source, headers={"x-voucherify-signature": signature})


def standard(signature=STANDARD_SIGNATURE, *secrets, body=STANDARD_BODY, received_at=SENT, **headers):
    source = SourceSettings(name="till", producer="native", secrets=secrets or (f"whsec_{STANDARD}",))
    given = {"webhook-id": MESSAGE, "webhook-timestamp": TIMESTAMP, "webhook-signature": signature}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return delivery(body, source=source, headers=given, received_at=received_at)


def refused(given):
    try:
        verify(given)
    except SignatureError:
        return True
    return False


# --- Voucherify -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "signature"), VECTORS)
def test_the_published_vectors_hold(body, signature):
    verify(signed(body, signature))
    verify(signed(body, f" {signature.upper()} "))


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_body_may_be_signed_as_sent_or_in_its_compact_form(name):
    body = published(name)
    tight = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
    assert compact(body) == tight
    verify(signed(body, hexdigest(body)))
    verify(signed(body, hexdigest(tight)))
    verify(signed(tight, hexdigest(tight)))
    assert refused(signed(tight, hexdigest(body)))


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_flipped_bit_is_refused(name):
    body = published(name)
    signature = hexdigest(body)
    whole = signed(body, signature)
    accepted = []
    for place in range(len(body)):
        flipped = bytearray(body)
        flipped[place] ^= 1 << place % 8
        if not refused(replace(whole, body=bytes(flipped))):
            accepted.append(place)
    assert accepted == []
    assert not refused(whole)


def test_compacting_keeps_numbers_escapes_and_texts_as_written():
    assert compact(b'{ "a b" : [ 1.0 , 1e2,\t10 ],\r\n "\\" " : "\\u0041 \\\\" }') == (
        b'{"a b":[1.0,1e2,10],"\\" ":"\\u0041 \\\\"}'
    )


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_compacting_takes_any_bytes(body):
    assert compact(compact(body)) == compact(body)


def test_a_hostile_body_is_compacted_in_linear_time():
    assert compact(b'"' + rb"\"" * 500_000) == b'"' + rb"\"" * 500_000
    assert compact(b" " * 500_000) == b""


def test_any_of_several_secrets_may_have_signed():
    body = b'{"a":1}'
    for secret in ("old", "new"):
        verify(signed(body, hexdigest(body, secret.encode()), "old", "new"))
    assert refused(signed(body, hexdigest(body, b"other"), "old", "new"))


@pytest.mark.parametrize(
    "signature", ["", " ", "é" * 64, "a17d", "\udcff", "0" * 64, "\uff21" * 64, "a\x00b", "=" * 1000]
)
def test_a_malformed_signature_is_refused_not_a_crash(signature):
    assert refused(signed(b'{"a":1}', signature))


def test_a_missing_signature_is_refused():
    source = SourceSettings(name="shop", secrets=("secretKey",))
    with pytest.raises(SignatureError, match="x-voucherify-signature is missing"):
        verify(delivery(b"{}", source=source))


def test_a_secret_is_not_shown():
    assert "secretKey" not in repr(signed(b"{}", "00"))


@pytest.mark.parametrize("producer", ["voucherify", "native", "cloudevents"])
def test_a_source_without_a_secret_must_say_so(producer):
    with pytest.raises(SignatureError, match="not marked as unsigned"):
        verify(delivery(b"{}", source=SourceSettings(name="shop", producer=producer)))
    verify(delivery(b"{}", source=SourceSettings(name="shop", producer=producer, unsigned=True)))


@pytest.mark.parametrize("producer", ["voucherify", "native", "cloudevents"])
def test_an_empty_secret_is_none(producer):
    empty = SourceSettings(name="shop", producer=producer, secrets=("",), unsigned=True)
    headers = {name: hexdigest(b"{}", b"") for name in NAMES}
    assert refused(delivery(b"{}", source=empty, headers=headers))


@pytest.mark.parametrize("producer", ["voucherify", "native"])
def test_unsigned_does_not_switch_off_a_secret(producer):
    source = SourceSettings(name="shop", producer=producer, secrets=(STANDARD,), unsigned=True)
    assert refused(delivery(b"{}", source=source))


# --- Standard Webhooks ------------------------------------------------------------------------------------------------


def test_the_specifications_vector_holds():
    verify(standard())
    verify(standard(STANDARD_SIGNATURE, STANDARD))


def test_several_signatures_and_several_secrets_are_tried():
    other = "whsec_" + b64encode(b"another key of some length").decode()
    verify(standard(f"v1a,abc v1,AAAA {STANDARD_SIGNATURE} v2,x"))
    verify(standard(STANDARD_SIGNATURE, other, STANDARD))
    assert refused(standard(STANDARD_SIGNATURE, other))


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_delivery_may_be_five_minutes_off(seconds):
    verify(standard(received_at=SENT + timedelta(seconds=seconds)))


@pytest.mark.parametrize("seconds", [-301, 301, 10**9, -(10**9)])
def test_a_delivery_from_another_time_is_refused(seconds):
    with pytest.raises(SignatureError, match="5 minutes"):
        verify(standard(received_at=SENT + timedelta(seconds=seconds)))


@pytest.mark.parametrize(
    "timestamp",
    ["", "soon", "-1614265330", "1614265330.0", "\uff11\uff16", "\u00b2", "9" * 12, "9" * 400, "1e9", "é"],
)
def test_a_malformed_time_is_refused(timestamp):
    assert refused(standard(webhook_timestamp=timestamp))


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1",
        "v1,",
        "v1,é",
        "v1,\udcff",
        STANDARD_SIGNATURE[3:],
        STANDARD_SIGNATURE[:-4],
        "v1a" + STANDARD_SIGNATURE[2:],
    ],
)
def test_a_malformed_standard_signature_is_refused(signature):
    assert refused(standard(signature))


@pytest.mark.parametrize("message", ["", "msg_other", "\udcff", "é"])
def test_the_id_is_signed_too(message):
    assert refused(standard(webhook_id=message))


def test_every_flipped_bit_of_a_standard_body_is_refused():
    for place in range(len(STANDARD_BODY) * 8):
        flipped = bytearray(STANDARD_BODY)
        flipped[place // 8] ^= 1 << place % 8
        assert refused(standard(body=bytes(flipped)))


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64!", "plain text", "whsec_é"])
def test_a_secret_that_is_no_secret_is_refused_clearly(secret):
    with pytest.raises(SignatureError, match=r"base64|no secret"):
        verify(standard(STANDARD_SIGNATURE, secret))


def test_a_body_that_is_not_text_can_be_signed():
    body = b"\xff\x00\xfe"
    message = f"{MESSAGE}.{TIMESTAMP}.".encode() + body
    signature = b64encode(hmac.digest(b64decode(STANDARD), message, "sha256")).decode()
    verify(standard(f"v1,{signature}", body=body))
