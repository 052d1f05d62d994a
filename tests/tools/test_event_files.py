"""Files of events: the bodies come out exactly as they stand in the file."""

import json
from io import BufferedReader, BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ImportFileError
from engine.tools import event_files
from engine.tools.event_files import Piece, read_pieces, type_of_name


def pieces(data, name="events.json"):
    return list(read_pieces(name, BufferedReader(BytesIO(data))))


def bodies(data, name="events.json"):
    return [piece.body for piece in pieces(data, name)]


def test_a_file_of_one_value_is_one_body():
    assert pieces(b'{\n  "a": 1\n}\n') == [Piece(place="", body=b'{\n  "a": 1\n}')]


def test_json_lines_are_recognised_by_name_or_content():
    lines = b'{"a": 1}\n\n{"b": 2}'
    expected = [Piece(place="line 1", body=b'{"a": 1}'), Piece(place="line 3", body=b'{"b": 2}')]
    assert pieces(lines, "x.jsonl") == pieces(lines, "x.ndjson") == pieces(lines, "-") == expected


def test_a_line_that_is_no_json_is_handed_on_as_it_is():
    assert bodies(b'{"a": 1}\n{broken\n{"b": 2}\n') == [b'{"a": 1}', b"{broken", b'{"b": 2}']


def test_lines_are_recognised_although_the_first_is_broken():
    found = pieces(b'\n{broken\n{"b": 2}\n', "export.txt")
    assert [piece.place for piece in found] == ["line 2", "line 3"]


def test_a_broken_file_that_is_no_list_of_lines_is_one_body():
    assert bodies(b'{\n "a": {},\n "b": \n') == [b'{\n "a": {},\n "b":']


def test_elements_of_a_list_keep_their_spelling():
    elements = [b'{"a":  1.50, "a": 2}', b'"],["', b"1e400", b"[[], {}]"]
    text = b"\xef\xbb\xbf [\n" + b" ,\n".join(elements) + b"]\n"
    assert bodies(text) == elements
    assert [piece.place for piece in pieces(text)] == [f"element {number}" for number in (1, 2, 3, 4)]


def test_what_is_wrong_with_a_list_stays_visible():
    assert bodies(b'[{"a": 1}, {"b":') == [b'{"a": 1}', b'{"b":']
    assert bodies(b'[{"a": 1}] and more') == [b'{"a": 1}', b"and more"]


@pytest.mark.parametrize("data", [b"", b" \n\n", b"[]", b"[ ]"])
def test_nothing_in_the_file_is_nothing_to_hand_in(data):
    assert pieces(data) == []


@given(
    st.lists(st.recursive(st.text() | st.integers(), st.lists, max_leaves=5) | st.dictionaries(st.text(), st.text()))
)
def test_a_list_is_split_as_a_parser_would(values):
    text = json.dumps(values).encode()
    assert [json.loads(body) for body in bodies(text)] == values


@given(st.binary(max_size=200))
def test_no_bytes_are_lost(data):
    found = b"".join(bodies(data))
    kept = data.removeprefix(b"\xef\xbb\xbf")
    assert not set(found) - set(kept)
    assert set(kept) - set(found) <= set(b"[], \t\r\n\x0b\x0c\xef\xbb\xbf")


def test_a_line_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(event_files, "LONGEST_LINE", 1 << 20)
    with pytest.raises(ImportFileError, match="line 1 is longer than 1 MiB"):
        pieces(b"x" * (1 << 21), "x.jsonl")


def test_a_file_too_large_to_hold_is_refused(monkeypatch):
    monkeypatch.setattr(event_files, "LARGEST_FILE", 10)
    with pytest.raises(ImportFileError, match="one event per line"):
        pieces(b"[1, 2, 3,\n4, 5, 6, 7, 8]")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("voucher.loyalty_card.points_expired.json", "voucher.loyalty_card.points_expired"),
        ("events/customer.loyalty.tier.upgraded.json", "customer.loyalty.tier.upgraded"),
        ("points_added.jsonl", "points_added"),
        ("envelope.voucher.loyalty_card.points_added.json", None),
        ("events.json", None),
        ("-", None),
    ],
)
def test_a_file_may_be_named_after_its_type(name, kind):
    assert type_of_name(name) == kind
