"""A file of cards: what is taken from it, and what is rejected with a fix."""

from datetime import UTC, date, datetime
from io import BufferedReader, BytesIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.decide import address_of
from engine.decide.moving import Arrival, SentBefore
from engine.errors import ImportFileError
from engine.model import Fact, Member
from engine.tools.card_row import CARDS, arrival_of
from engine.tools.cells import Dates
from engine.tools.importing import Table
from engine.tools.list_rows import CONSENTS, SUPPRESSIONS, consent_of, suppression_of
from engine.tools.table_file import Rejected, read_table

AS_OF = datetime(2026, 1, 10, 12, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")


def rows(text, sheet, read, form="csv", **options):
    data = text if isinstance(text, bytes) else text.encode()
    table = Table(rows=lambda handle: read_table(handle, sheet, form=form, **options), read=read)
    return list(table.items(BufferedReader(BytesIO(data)), AS_OF))


def cards(text, form="csv", date_format=None, **options):
    dates = Dates(WARSAW, date_format)
    return rows(text, CARDS, lambda row, as_of: arrival_of(row.cells, as_of, dates, AS_OF), form, **options)


def only(text, form="csv", **options):
    [found] = cards(text, form, **options)
    assert isinstance(found, Arrival), found
    return found


def rejected(header, row, **options):
    [bad] = cards(f"{header}\n{row}\n", **options)
    assert isinstance(bad, Rejected), bad
    return bad


def test_every_column_says_what_it_is_called():
    found = only(
        "Card ID;Holder;Customer;code;balance;next_expiration_date;next-expiration-points;last activity;Status;points;"
        "pending_points;campaign;campaign_id;timezone;metadata.shop\n"
        "c-1;m-1;m-2;L0Y4L;12.5;2026-03-31;70;2026-01-02 09:30;active;200;0;Club;7;Europe/London;12\n"
    )
    assert found.snapshot.id == "c-1"
    assert found.snapshot.as_of == AS_OF
    assert found.snapshot.fields == {
        "holder_id": "m-1",
        "member_id": "m-2",
        "code": "L0Y4L",
        "balance": 12.5,
        "next_expiration_date": date(2026, 3, 31),
        "next_expiration_points": 70,
        "last_activity": datetime(2026, 1, 2, 8, 30, tzinfo=UTC),
        "active": True,
        "points": 200,
        "pending_points": 0,
        "campaign": "Club",
        "campaign_id": "7",
        "timezone": "Europe/London",
        "metadata.shop": "12",
    }


def test_what_was_sent_before_is_read_with_rule_and_time():
    header = "card,holder,sent\nc,m,"
    assert only(header + "30 days; 1  day ;2 weeks\n").sent == (
        SentBefore(slot="30 days"),
        SentBefore(slot="1 day"),
        SentBefore(slot="14 days"),
    )
    at = datetime(2026, 1, 1, 23, tzinfo=UTC)
    assert only(header + "points-expire-soon: 7 days on 2026-01-02\n").sent == (
        SentBefore(slot="7 days", rule="points-expire-soon", at=at),
    )
    assert only('{"card": 5, "holder": 6, "sent": ["7 days"]}', "jsonl").sent == (SentBefore(slot="7 days"),)


def test_empty_says_nothing_and_none_clears():
    header = "card,holder,next_expiration_date,next_expiration_points,balance\n"
    assert only(header + "c,m,,,\n").snapshot.fields == {"holder_id": "m"}
    cleared = {"next_expiration_date": None, "next_expiration_points": None}
    assert only(header + "c,m,none,None,0\n").snapshot.fields == {"holder_id": "m", "balance": 0, **cleared}
    line = '{"card": "c", "holder": "m", "next_expiration_date": null, "next_expiration_points": null, "code": null}'
    assert only(line, "jsonl").snapshot.fields == {"holder_id": "m", **cleared}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-31", date(2026, 3, 31)),
        ("2026-03-31 00:00:00", date(2026, 3, 31)),
        ("2026-03-31T22:30:00Z", date(2026, 4, 1)),
        ("9999-12-31", date(9999, 12, 31)),
    ],
)
def test_days_are_iso_and_instants_are_days_of_the_programme(written, day):
    found = only(f"card,holder,next_expiration_date\nc,m,{written}\n")
    assert found.snapshot.fields["next_expiration_date"] == day


def test_another_form_of_days_can_be_told():
    text = "card,holder,next_expiration_date\nc,m,31.03.2026\n"
    assert only(text, date_format="%d.%m.%Y").snapshot.fields["next_expiration_date"] == date(2026, 3, 31)


def test_a_row_may_have_its_own_time():
    found = only("card,holder,updated_at\nc,m,2026-01-09T10:00:00+01:00\n")
    assert found.snapshot.as_of == datetime(2026, 1, 9, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("balance", '"1,250"', 'balance "1,250" seems to have a thousands separator: write 1250'),
        ("balance", "1 250", "thousands separator: write 1250"),
        ("balance", "1.250", "thousands separator: write 1250, or 1.2500 for a fraction"),
        ("balance", '"1 234,50"', "thousands separator: write 1234.50"),
        ("balance", '"1.234.567,5"', "thousands separator: write 1234567.5"),
        ("balance", '"-1,234.500"', "thousands separator: write -1234.500"),
        ("balance", "1 234 567", "thousands separator: write 1234567"),
        ("balance", '"12,5"', "decimal comma: write 12.5"),
        ("balance", "twelve", 'balance "twelve" is not a number'),
        ("balance", "1e9", "is not a number"),
        ("balance", "1234567890123456", "is not a number"),
        ("next_expiration_date", "31.12.2026", "say --date-format %d.%m.%Y"),
        ("next_expiration_date", "12/31/2026", "say --date-format %m/%d/%Y"),
        ("next_expiration_date", "01/02/2026", "say --date-format %d/%m/%Y or %m/%d/%Y"),
        ("next_expiration_date", "2026-02-30", "is not a date written as 2026-12-31"),
        ("next_expiration_date", "20261231", "is not a date"),
        ("next_expiration_date", "0026-12-31", "is in the year 26"),
        ("last_activity", "yesterday", "is not a time written as 2026-12-31T09:30:00Z"),
        ("active", "perhaps", "is neither yes nor no"),
        ("timezone", "Europe/Warsawa", 'did you mean "Europe/Warsaw"?'),
        ("sent", "30", 'sent "30" is no offset: write it like "30 days; 7 days"'),
        ("sent", "12 hours", "is no offset"),
        ("sent", "a:b:30 days", "is no offset"),
        ("as_of", "2026-01-11", 'as_of "2026-01-11" is still to come'),
        ("code", "a\x1bb", "invisible control character"),
    ],
)
def test_a_cell_that_cannot_be_used_is_rejected_with_its_column_and_a_fix(column, value, why):
    bad = rejected(f"card,holder,{column}", f"c,m,{value}")
    assert (bad.line, bad.column) == (2, column)
    assert why in bad.reason


def test_a_card_needs_an_id_and_somebody_to_tell():
    assert rejected("card,holder", ",m").reason == "there is no card"
    assert "nobody could be told" in rejected("card,holder", "c,").reason


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("card,holder,balanse", r'unknown column "balanse" \(did you mean "balance"\?\)'),
        ("card,holder,next_expiry_date", 'did you mean "next_expiration_date"'),
        ("holder,balance", "there is no column card"),
        ("card,id", "the column card is there twice"),
    ],
)
def test_a_header_that_cannot_be_used_stops_the_file(header, why):
    with pytest.raises(ImportFileError, match=why):
        cards(f"{header}\nc,m,1\n")


def test_the_second_of_two_lines_about_a_card_is_the_newer():
    first, second = cards("card,holder\nc,m\nc,m\n")
    assert second.snapshot.as_of > first.snapshot.as_of


@given(st.binary(max_size=300), st.sampled_from(["csv", "jsonl"]))
def test_no_bytes_whatsoever_do_more_than_reject(data, form):
    header = b"card,holder,balance,next_expiration_date,sent,active,as_of\n"
    try:
        found = cards(header + data if form == "csv" else data, form)
    except ImportFileError:
        return
    assert all(isinstance(row, Arrival | Rejected) for row in found)


def suppressions(text):
    return rows(text, SUPPRESSIONS, lambda row, as_of: suppression_of(row.cells, as_of, Dates(), AS_OF))


def test_suppressed_addresses_are_read_as_messages_have_them():
    found, bad = suppressions("Email,reason\n Anna@Example.ORG ,bounced\nnobody,\n")
    assert (found.address, found.reason, found.since) == ("anna@example.org", "bounced", AS_OF)
    assert (bad.line, bad.column) == (3, "address")
    [idn] = suppressions("address\nanna@bücher.example\n")
    assert idn.address == "anna@bücher.example"


def test_a_suppressed_address_written_as_it_is_on_the_wire_is_found_by_messages_all_the_same():
    [idn] = suppressions("address\nAnna@xn--bcher-kva.example\n")
    member = Member(id="m", facts={"email": Fact(value="Anna@Bücher.example", as_of=AS_OF)})
    address, _ = address_of(member, "email")
    assert idn.address == address.lower()


def test_consents_need_member_category_and_a_word():
    def consents(text):
        return rows(text, CONSENTS, lambda row, as_of: consent_of(row.cells, as_of, Dates(), AS_OF, "a file"))

    found, bad = consents("member,category,granted,since\nm,news,yes,2026-01-01\nm,news,,\n")
    assert (found.granted, found.since, found.source) == (True, datetime(2026, 1, 1, tzinfo=UTC), "a file")
    assert (bad.column, bad.reason) == ("granted", "there is no granted")
    with pytest.raises(ImportFileError, match="there is no column granted"):
        consents("member,category\nm,news\n")
