"""A file of members: what is taken from it, what is rejected, and that one bad line costs no other."""

import tracemalloc
from datetime import UTC, date, datetime
from io import BufferedReader, BytesIO, RawIOBase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ImportFileError
from engine.model import Snapshot
from engine.tools.cells import Dates
from engine.tools.importing import Table
from engine.tools.member_row import MEMBERS, snapshot_of
from engine.tools.table_file import Rejected, guess_format, read_table

AS_OF = datetime(2026, 1, 10, 12, tzinfo=UTC)


def read_members(file, form="csv", **options):
    table = Table(
        rows=lambda handle: read_table(handle, MEMBERS, form=form, **options),
        read=lambda row, as_of: snapshot_of(row.cells, as_of, Dates()),
    )
    return table.items(file, AS_OF)


def read(text, form="csv", **options):
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_members(BufferedReader(BytesIO(data)), form=form, **options))


def only(text, form="csv", **options):
    [found] = read(text, form, **options)
    return found


def reason(text, form="csv", **options):
    found = only(text, form, **options)
    assert isinstance(found, Rejected)
    return found.reason


def test_every_column_says_what_it_is_called():
    found = only(
        "id,email,first_name,last_name,name,phone,locale,timezone,birthdate,source_id,aliases,metadata.status\n"
        "m-1,anna@example.org,Anna,Nowak,Anna Nowak,+48600000000,pl_PL,Europe/Warsaw,1990-02-28,crm-1,a;b ;,active\n"
    )
    assert found.id == "m-1"
    assert found.as_of == AS_OF
    assert found.aliases == ("a", "b", "crm-1")
    assert found.fields == {
        "email": "anna@example.org",
        "first_name": "Anna",
        "last_name": "Nowak",
        "name": "Anna Nowak",
        "phone": "+48600000000",
        "locale": "pl-PL",
        "timezone": "Europe/Warsaw",
        "birthdate": date(1990, 2, 28),
        "source_id": "crm-1",
        "metadata.status": "active",
    }


def test_nobody_is_their_own_alias():
    assert only("id,source_id,aliases\nm-1,m-1,m-1;x;x\n").aliases == ("x",)


def test_an_empty_cell_says_nothing():
    found = only("id,email,first_name,metadata.status,aliases\nm-1,, ,,;\n")
    assert found == Snapshot(id="m-1", as_of=AS_OF, fields={}, aliases=())


def test_column_names_are_recognised_as_people_write_them():
    assert only("ID; First Name ;E-mail\n1;Anna;\n", ignore_unknown=True).fields == {"first_name": "Anna"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_the_one_of_the_header(delimiter):
    found = only(f"id,first_name,aliases\nm-1,Anna,{'x' if delimiter == ';' else 'x;y'}\n".replace(",", delimiter))
    assert found.fields == {"first_name": "Anna"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(encoding):
    assert only("id,first_name\nm-1,Łukasz\n".encode(encoding)).fields == {"first_name": "Łukasz"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_is_no_part_of_it_where_the_encoding_is_named_either(encoding):
    data = "\ufeffid,first_name\nm-1,Łukasz\n".encode(encoding)
    assert only(data, encoding=encoding).fields == {"first_name": "Łukasz"}


def test_another_encoding_can_be_named():
    assert only("id,first_name\nm-1,Łukasz\n".encode("cp1250"), encoding="cp1250").fields == {"first_name": "Łukasz"}


def test_without_its_name_only_the_lines_that_need_it_are_rejected():
    first, second = read("id,first_name\nm-1,Łukasz\nm-2,Anna\n".encode("cp1250"))
    assert (first.line, second.id) == (2, "m-2")
    assert "--encoding" in first.reason


def test_an_unknown_encoding_is_refused_by_name():
    with pytest.raises(ImportFileError, match="there is no encoding cp999"):
        read("id\n1\n", encoding="cp999")


@pytest.mark.parametrize("encoding", ["base64", "rot13", "zlib"])
def test_what_encodes_no_text_is_no_encoding_of_a_file(encoding):
    with pytest.raises(ImportFileError, match=f"there is no encoding {encoding}"):
        read("id\n1\n", encoding=encoding)


def test_a_value_too_long_to_be_read_is_rejected_for_its_length():
    bad, good = read(f"id,name\nm-1,{'x' * 140_000}\nm-2,Bo\n")
    assert (bad.line, good.id) == (2, "m-2")
    assert "a value is longer than 131,072 characters" in bad.reason


def test_quoted_values_may_hold_the_delimiter_and_quotes():
    assert only('id,name\nm-1,"Nowak, ""Ania"""\n').fields == {"name": 'Nowak, "Ania"'}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",anna@example.org,,", "there is no id"),
        ("m-1,anna@,,", 'email "anna@" is not an address'),
        ("m-1,=?utf-8?q?a?=@example.org,,", "is not an address"),
        ("m-1,,31.12.1990,", "is not a date written as 2026-12-31; say --date-format %d.%m.%Y"),
        ("m-1,,1990-02-30,", "is not a date"),
        ("m-1,,,Europe/Warsawa", 'did you mean "Europe/Warsaw"?'),
        ("m-1,,,Europe", "there is no time zone"),
        ("m-1,,,../../etc/passwd", "there is no time zone"),
        ("m-1,,", "it has 3 columns, the header has 4"),
        ("m-1,,,,", "it has 5 columns"),
        ("m-\x1b[31m1,,,", "invisible control character"),
        ('m-1,"a@example.org"x,,', "the quotes do not match"),
    ],
)
def test_a_line_that_cannot_be_used_is_rejected_with_its_number_and_reason(row, why):
    bad, good = read(f"id,email,birthdate,timezone\n{row}\nm-2,,,\n")
    assert bad.line == 2
    assert why in bad.reason
    assert good.id == "m-2"


@pytest.mark.parametrize("break_", ["\n", "\r", "\r\n"])
def test_a_line_break_in_a_value_is_rejected_and_the_lines_after_it_keep_their_numbers(break_):
    rows = read(f'id,name\nm-1,"Anna{break_}Bcc: x@example.org"\nm-2,Bo\n,Cy\n')
    assert [type(row) for row in rows] == [Rejected, Snapshot, Rejected]
    assert [row.line for row in rows if isinstance(row, Rejected)] == [2, 5]
    assert "a quoted value runs on to line 3; line breaks are not accepted" in rows[0].reason


def test_a_quote_that_is_never_closed_loses_no_line_silently():
    rows = read('id,name\nm-1,"Anna\nm-2,Bo\n')
    assert [row.line for row in rows] == [2]
    assert "the quotes do not match between here and line 3" in rows[0].reason


def test_whoever_is_interrupted_may_close_the_file_before_its_rows():
    file = BufferedReader(BytesIO(b"id\nm-1\nm-2\n"))
    rows = read_table(file, MEMBERS, form="csv")
    next(rows)
    file.close()
    rows.close()


def test_the_later_of_two_lines_about_a_member_is_the_newer():
    first, second = read("id,name\nm-1,Old\nm-1,New\n")
    assert second.as_of > first.as_of


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("email,e_mial\n", r'unknown column "e_mial" \(did you mean "email"\?\)'),
        ("email\nanna@example.org\n", "there is no column id"),
        ("id,ID\n", "the column id is there twice"),
        ("id,metadata\n", 'unknown column "metadata"'),
        ("id,metadata.\n", "unknown column"),
        (b"id,metadata.\xb3\n", "unknown column"),
        ("id,member_id\n", "the column id is there twice"),
        ("anna@example.org,Anna\n", "the first line must name the columns"),
    ],
)
def test_a_header_that_cannot_be_used_stops_the_file(text, why):
    with pytest.raises(ImportFileError, match=why):
        read(text)


def test_unknown_columns_are_left_out_when_asked_to():
    assert only("id,shoe_size,\nm-1,44,x\n", ignore_unknown=True).fields == {}


def test_empty_lines_count_but_say_nothing():
    rows = read("\nid,name\n\nm-1,Anna\n,\n,x\n")
    assert [getattr(row, "line", None) for row in rows] == [None, 6]


def test_json_lines_say_the_same_as_csv():
    found = only(
        '{"id": 17, "first_name": "Anna", "phone": null, "aliases": ["a"], "birthdate": "1990-02-28",'
        ' "metadata": {"status": "active"}, "metadata.vip": true}\n',
        "jsonl",
    )
    assert (found.id, found.aliases) == ("17", ("a",))
    assert found.fields == {
        "first_name": "Anna",
        "birthdate": date(1990, 2, 28),
        "metadata.status": "active",
        "metadata.vip": True,
    }


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{broken", "not JSON"),
        ("[1]", "it is not a JSON object"),
        ('{"id": "a", "id": "b"}', "twice"),
        ('{"id": "a", "e_mail": "x"}', 'did you mean "email"?'),
        ('{"id": "a", "name": ["x"]}', "name is not a text"),
        ('{"id": true}', "id is not a text"),
        ('{"id": "a", "aliases": 5}', "aliases is not a list"),
        ('{"id": "a", "metadata": 5}', "metadata is not an object"),
        ('{"id": "a\\nb"}', "line break"),
        ('{"id": "a\\rb"}', "line break"),
        ('{"id": "a\\ud800"}', "surrogate"),
        ('{"id": "a", "metadata": {"vip": NaN}}', "NaN is not JSON"),
        ('{"id": "a", "metadata": {"vip": "\\ud800"}}', "surrogate"),
        ('{"id": "a", "metadata": {"\\ud800": 1}}', "surrogate"),
        ('{"id": "a", "member_id": "b"}', "under two names"),
    ],
)
def test_a_json_line_that_cannot_be_used_is_rejected(line, why):
    bad, good = read(f'{line}\n\n{{"id": "b"}}\n', "jsonl")
    assert bad.line == 1
    assert why in bad.reason
    assert good.id == "b"


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("m.csv", b"{", "csv"),
        ("m.JSONL", b"id", "jsonl"),
        ("m", b'\xef\xbb\xbf {"id"', "jsonl"),
        ("-", b"id,email", "csv"),
    ],
)
def test_the_format_is_guessed_from_the_name_then_from_the_content(name, content, form):
    assert guess_format(name, BufferedReader(BytesIO(content))) == form


def test_a_json_list_is_no_file_of_members():
    with pytest.raises(ImportFileError, match="one object per line"):
        guess_format("members.json", BufferedReader(BytesIO(b"[{}]")))


@given(st.binary(max_size=300), st.sampled_from(["csv", "jsonl"]))
def test_no_bytes_whatsoever_do_more_than_reject(data, form):
    try:
        rows = read(b"id,email,birthdate,timezone,locale,aliases\n" + data if form == "csv" else data, form)
    except ImportFileError:
        return
    assert all(isinstance(row, Snapshot | Rejected) for row in rows)


class Endless(RawIOBase):
    """A file of any size that is never in memory."""

    def __init__(self, pieces):
        self._pieces = pieces

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = next(self._pieces, b"")
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_memory_does_not_grow_with_the_file(form):
    row = b"m-%06d,Anna\n" if form == "csv" else b'{"id": "m-%06d"}\n'
    header = [b"id,name\n"] if form == "csv" else []
    pieces = (piece for part in (header, (row % number for number in range(20_000))) for piece in part)
    rows = read_members(BufferedReader(Endless(pieces)), form=form)
    next(rows)
    tracemalloc.start()
    count = sum(1 for _ in rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 19_999
    assert peak < 1_000_000


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_line_without_end_is_refused_before_it_fills_the_memory(form):
    header = [b"id,name\n"] if form == "csv" else []
    pieces = (piece for part in (header, (b"x" * 8192 for _ in range(10**9))) for piece in part)
    with pytest.raises(ImportFileError, match="longer than a million"):
        list(read_members(BufferedReader(Endless(pieces)), form=form))
