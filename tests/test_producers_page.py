"""docs/producers.md: its example works as it is written, and it leaves no producer and no key out."""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
import yaml

from engine.config import mapping_keys
from engine.config.mapping import mapping_in
from engine.config.settings import SourceEntry
from engine.errors import SignatureError
from engine.ingest import Delivery, SourceSettings, read, verify
from engine.ingest.native import CARD_FIELDS, MEMBER_FIELDS


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "producers.md").read_text(encoding="utf-8")


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.fixture(scope="module")
def example(page):
    [body] = blocks(page, "json")
    mapping = next(text for text in blocks(page, "yaml") if text.startswith("events:"))
    found = mapping_in(mapping.encode(), "till.yaml")
    assert found.diagnostics == ()
    source = SourceSettings(
        name="till", producer="mapped", mapping=found.mapping, secrets=("k",), timezone=ZoneInfo("Europe/Warsaw")
    )
    signature = hmac.new(b"k", body.encode(), hashlib.sha256).hexdigest()
    headers = {"x-till-signature": f"sha256={signature}"}
    return Delivery(source=source, body=body.encode(), headers=headers, received_at=datetime(2026, 2, 1, tzinfo=UTC))


def test_the_example_is_read_as_it_says(page, example):
    reading = read(example)
    lines = [
        f"{event.name:14} {event.key}  {event.occurred_at:%Y-%m-%d %H:%M}  member {event.member.id}  "
        f"points {event.facts['points']}"
        for event in reading.events
    ]
    assert "\n".join(lines) + "\n" in blocks(page, "text")
    first = reading.events[0]
    assert first.member.fields["name"] == "Anna Nowak"
    assert str(first.card.fields["next_expiration_date"]) == "2026-06-30"
    assert first.facts["order_amount"] == 19.99


def test_the_example_is_signed_as_it_says(example):
    verify(example)
    with pytest.raises(SignatureError):
        verify(
            Delivery(
                source=example.source,
                body=example.body + b" ",
                headers=example.headers,
                received_at=example.received_at,
            )
        )


def test_every_producer_is_in_the_table(page):
    for name in get_args(SourceEntry.model_fields["producer"].annotation):
        assert f"| `{name}` |" in page


def test_every_key_and_field_is_explained(page):
    keys = mapping_keys.FILE, mapping_keys.FIELD, mapping_keys.SIGNATURE
    for name in {key for known in keys for key in known.available} | {path[0] for path in MEMBER_FIELDS | CARD_FIELDS}:
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", page), name


def test_the_blocks_are_yaml(page):
    for text in blocks(page, "yaml"):
        assert yaml.safe_load(text)
