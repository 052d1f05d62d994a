import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from engine.addresses import ordinary
from engine.deliver.address import Mailbox, wire_address
from engine.errors import AddressError

near_addresses = st.from_regex(
    r"\A[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.\-\" ]{0,20}@[a-zA-Z0-9.\-łK_ ]{0,20}(\.[a-z0-9\-]{0,4}){0,2}\n?\Z"
)


def judged_by_the_validator(address):
    try:
        return validate_email(
            address, check_deliverability=False, test_environment=True, allow_smtputf8=False
        ).ascii_email
    except EmailNotValidError:
        return None


@given(address=near_addresses | st.emails() | st.text())
@example("a@b\u212a.example")
@example("a@ab--cd.com")
@example("a@" + "b" * 64 + ".com")
@example("a" * 65 + "@example.com")
@example("a@" + "a." * 126 + "com")
@example("anna@example.com\n")
def test_whatever_the_fast_way_takes_the_validator_takes_as_the_same(address):
    parts = ordinary(address)
    if parts is None or parts[1].lower().endswith((".local", ".localhost", ".invalid", ".onion", ".arpa")):
        return
    judged = judged_by_the_validator(address)
    assert judged is not None
    assert judged.lower() == address.lower()  # it writes postmaster and the like in small letters, we leave them alone


@given(address=near_addresses | st.emails() | st.text())
@example("\u212aate@example.com")
@example("\u017fam@example.com")
@example("=?utf-8?q?x=40evil.test?=@example.com")
def test_what_comes_out_is_plain_ascii_without_room_for_tricks(address):
    try:
        wire = wire_address(address)
    except AddressError:
        return
    assert wire.isascii()
    assert wire.isprintable()
    assert not set(wire) & set(' <>,;:()[]\\"')
    assert wire.count("@") == 1
    assert "=?" not in wire


@pytest.mark.parametrize(
    ("given_address", "written"),
    [
        ("anna@example.com", "anna@example.com"),
        (" anna@Example.COM ", "anna@example.com"),
        ("Anna.Nowak+points@mail.example.co.uk", "Anna.Nowak+points@mail.example.co.uk"),
        ("anna@żółw.pl", "anna@xn--w-uga1v8h.pl"),
        ("o'hara@example.com", "o'hara@example.com"),
        ("dev@shop.test", "dev@shop.test"),
        ("dev@mail.corp.local", "dev@mail.corp.local"),
    ],
)
def test_addresses_are_written_in_ascii(given_address, written):
    assert wire_address(given_address) == written


@pytest.mark.parametrize(
    "address", ["", "@", "anna", "anna@", "@example.com", "a b@example.com", '"a b"@example.com', "a@[127.0.0.1]"]
)
def test_what_is_no_usable_address_is_refused_by_name(address):
    with pytest.raises(AddressError, match="cannot be used as a mail address"):
        wire_address(address)


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("news@example.com", "", "news@example.com"),
        ("Pointbell <news@example.com>", "Pointbell", "news@example.com"),
        ('"Kawa, Herbata" <news@example.com>', "Kawa, Herbata", "news@example.com"),
        ("Żółw <news@example.com>", "Żółw", "news@example.com"),
        ("<news@example.com>", "", "news@example.com"),
    ],
)
def test_mailboxes_are_read_as_people_write_them(text, name, address):
    assert Mailbox.parse(text) == Mailbox(name=name, address=address)


@pytest.mark.parametrize("text", ["Pointbell", "Pointbell <>", "a <b@c.example> d", "a <b@c.example>, <d@e.example>"])
def test_what_is_no_mailbox_is_refused(text):
    with pytest.raises(AddressError):
        Mailbox.parse(text)
