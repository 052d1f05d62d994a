"""What the pattern says of an address, email-validator would have said."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from engine.addresses import normalised, ordinary

from .deliver.test_address import near_addresses


def judged(address):
    try:
        return validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return None


@given(address=near_addresses | st.emails() | st.text())
@example("Anna@Example.ORG")
@example("Postmaster@Example.org")
@example("INFO@example.org")
@example("anna@shop.local")
@example("anna@shop.test")
@example("anna@home.arpa")
@example("a@xn--w-uga1v8h.pl")
@example("a@żółw.pl")
@example("a@ab--cd.com")
@example("a@b\u212a.example")
@example("a" * 65 + "@example.com")
@example("a@" + "a." * 126 + "com")
@example("anna@example.com\n")
def test_an_address_is_written_as_the_validator_writes_it(address):
    assert normalised(address) == judged(address)


@pytest.mark.parametrize("address", ["anna@example.org", "o'hara+x.y@mail.co.uk", "A_b-c@x-y.example"])
def test_ordinary_addresses_are_not_given_to_the_validator(monkeypatch, address):
    monkeypatch.setattr("engine.addresses.validate_email", None)
    assert ordinary(address) is not None
    assert normalised(address) == judged(address)
