"""Hostile bodies are refused with a reason, never with a crash."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BodyError
from engine.ingest import peek, read
from engine.ingest.body import MAX_BYTES, MAX_DEPTH, decode, glance

from .ingest_bodies import PUBLISHED, delivery, published, value_of

ADDED = "voucher.loyalty_card.points_added"
DEEP = MAX_DEPTH + 1

HOSTILE = {
    "nothing": (b"", "empty"),
    "only white space": (b" \n\t ", "empty"),
    "a mark and nothing": (b"\xef\xbb\xbf", "byte order mark"),
    "a mark": (b'\xef\xbb\xbf{"a":1}', "byte order mark"),
    "utf-16 little": ('{"a":1}'.encode("utf-16-le"), "not JSON"),
    "utf-16 with a mark": ('{"a":1}'.encode("utf-16"), "not UTF-8"),
    "utf-32": ('{"a":1}'.encode("utf-32"), "not UTF-8"),
    "latin-1": ('{"a":"é"}'.encode("latin-1"), "not UTF-8"),
    "overlong slash": (b'{"a":"\xc0\xaf"}', "not UTF-8"),
    "raw surrogate": (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
    "above unicode": (b'{"a":"\xf5\x80\x80\x80"}', "not UTF-8"),
    "cut sequence": (b'{"a":"\xe2\x82', "not UTF-8"),
    "lone high surrogate": (rb'{"a":"\ud800"}', "surrogate"),
    "lone low surrogate": (rb'{"a":"\udc00"}', "surrogate"),
    "swapped surrogates": (rb'{"a":"\udc00\ud800"}', "surrogate"),
    "surrogate in a key": (rb'{"\uD8FF":1}', "surrogate"),
    "surrogate deep down": (rb'{"a":[{"b":["\udfff"]}]}', "surrogate"),
    "escaped NUL": (rb'{"a":"x\u0000y"}', "NUL"),
    "escaped NUL in a key": (rb'{"\u0000":1}', "NUL"),
    "raw NUL in a text": (b'{"a":"x\x00y"}', "not JSON"),
    "raw NUL outside": (b'{"a":1}\x00', "not JSON"),
    "raw newline in a text": (b'{"a":"x\ny"}', "not JSON"),
    "raw escape in a text": (b'{"a":"\x1b[2J"}', "not JSON"),
    "number too large": (b'{"a":1e400}', "too large"),
    "negative too large": (b'{"a":-1e400}', "too large"),
    "large exponent": (b'{"a":1.5E+9999999999}', "too large"),
    "not a number": (b'{"a":NaN}', "NaN"),
    "infinity": (b'{"a":Infinity}', "Infinity"),
    "negative infinity": (b'{"a":-Infinity}', "Infinity"),
    "65 bits": (b'{"a":9223372036854775808}', "64 bits"),
    "65 bits, negative": (b'{"a":-9223372036854775809}', "64 bits"),
    "20 digits": (b'{"a":99999999999999999999}', "64 bits"),
    "5,000 digits": (b'{"a":' + b"9" * 5_000 + b"}", "64 bits"),
    "leading zero": (b'{"a":010}', "not JSON"),
    "leading plus": (b'{"a":+1}', "not JSON"),
    "hexadecimal": (b'{"a":0x10}', "not JSON"),
    "bare dot": (b'{"a":.5}', "not JSON"),
    "underscores": (b'{"a":1_000}', "not JSON"),
    "repeated key": (b'{"a":1,"a":2}', "appears twice"),
    "repeated key, escaped": (rb'{"a":1,"\u0061":2}', "appears twice"),
    "repeated key, inner": (b'{"x":{"id":"1","n":0,"id":"2"}}', "'id' appears twice"),
    "repeated key, long": (b'{"' + b"k" * 300 + b'":1,"' + b"k" * 300 + b'":2}', "appears twice"),
    "trailing brace": (b'{"a":1}}', "Extra data"),
    "two values": (b'{"a":1}{"a":1}', "Extra data"),
    "two lines": (b'{"a":1}\n{"a":1}\n', "Extra data"),
    "trailing comma": (b'{"a":1,}', "not JSON"),
    "trailing comma in a list": (b"[1,]", "not JSON"),
    "single quotes": (b"{'a':1}", "not JSON"),
    "bare key": (b"{a:1}", "not JSON"),
    "comment": (b'{"a":1}//', "Extra data"),
    "inner comment": (b'{"a":/*x*/1}', "not JSON"),
    "unknown escape": (rb'{"a":"\x41"}', "not JSON"),
    "short escape": (rb'{"a":"\u12"}', "not JSON"),
    "open text": (b'{"a":"x', "not JSON"),
    "open text of quotes": (b'"' + rb"\"" * 50_000, "not JSON"),
    "open object": (b'{"a":{', "not JSON"),
    "open list": (b"[[", "not JSON"),
    "closing only": (b"]", "not JSON"),
    "mixed brackets": (b'{"a":[1}', "not JSON"),
    "python": (b"{'a': None}", "not JSON"),
    "bare word": (b"nul", "not JSON"),
    "form": (b"a=1&b=2", "not JSON"),
    "xml": (b"<a>1</a>", "not JSON"),
    "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "not UTF-8"),
    "no-break space": ('\u00a0{"a":1}'.encode(), "not JSON"),
    "line separator": ('{"a":1}\u2028'.encode(), "Extra data"),
    "deep lists": (b"[" * DEEP + b"]" * DEEP, "levels deep"),
    "deep objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "levels deep"),
    "deep and open": (b"[" * 100_000, "levels deep"),
    "deep and mixed": (b'[{"a":' * 40_000, "levels deep"),
    "too many bytes": (b'"' + b"x" * MAX_BYTES + b'"', "more than the"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_with_a_reason(name):
    body, reason = HOSTILE[name]
    with pytest.raises(BodyError, match=reason):
        decode(body)
    with pytest.raises(BodyError):
        read(delivery(body, ADDED))
    assert peek(delivery(body, ADDED)).transport_key.startswith("sha256:")


@pytest.mark.parametrize("name", ["repeated key", "20 digits", "lone high surrogate", "escaped NUL"])
def test_a_reason_quotes_no_value(name):
    with pytest.raises(BodyError) as refused:
        decode(HOSTILE[name][0].replace(b'"a"', b'"secret key"'))
    assert "9999" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b' {"a": [1, -2.5, true, null, "\xc5\x81"]} \r\n', {"a": [1, -2.5, True, None, "Ł"]}),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"1e-400", 0.0),
        (b"1E3", 1000.0),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\\u0000 \\ud800"', r"\u0000 \ud800"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
        (b'"' + b"[" * 200 + b'"', "[" * 200),
        (b"[" + b"[]," * 200 + b"{}]", [[]] * 200 + [{}]),
        (rb'["\"[[[[", "]"]' + b" " * 100, ['"[[[[', "]"]),
    ],
)
def test_a_sound_body_is_read_as_written(body, value):
    assert decode(body) == value


def test_limits_can_be_set():
    with pytest.raises(BodyError, match="5 bytes"):
        decode(b'"xxx"', max_bytes=4)
    with pytest.raises(BodyError, match="1 levels"):
        decode(b"[[]]", max_depth=1)
    assert decode(b"[]", max_bytes=2, max_depth=1) == []


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)


@settings(deadline=None)
@given(values, st.booleans())
def test_what_json_can_say_comes_back(value, escaped):
    assert decode(json.dumps(value, ensure_ascii=escaped).encode()) == value


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    with suppress(BodyError):
        decode(body)
    glance(body)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_glance_sees_what_is_there(name):
    assert glance(published(name)) == value_of(name)
