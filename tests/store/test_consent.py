"""What a member does not want is not sent, also when it is worded already."""

import sqlite3
from contextlib import closing

import pytest

from engine.model import Reason
from engine.store import NotificationState

from .conftest import NOON, message, queue
from .test_outbox import claim_one, state_of


def say(tmp_path, granted, category="offers", member="anna"):
    with closing(sqlite3.connect(tmp_path / "pointbell.db")) as connection, connection:
        connection.execute("INSERT INTO consent VALUES (?, ?, ?, 0, 'test')", [member, category, granted])


async def test_no_permit_for_a_category_the_member_has_refused(store, tmp_path):
    await queue(store, message(category="offers"))
    claimed = await claim_one(store)
    say(tmp_path, granted=0)
    assert await store.permit(claimed, NOON) is False
    await store.withhold(claimed, NOON)
    assert state_of(tmp_path)[claimed.key] == (NotificationState.FAILED, Reason.NO_CONSENT)


@pytest.mark.parametrize(
    ("category", "said"),
    [
        ("offers", {"granted": 1}),
        ("offers", {"granted": 0, "category": "news"}),
        ("offers", {"granted": 0, "member": "bo"}),
        (None, {"granted": 0}),
    ],
    ids=["a yes", "another category", "somebody else", "a message without category"],
)
async def test_any_other_word_stands_in_nobodys_way(store, tmp_path, category, said):
    await queue(store, message(category=category))
    say(tmp_path, **said)
    assert await store.permit(await claim_one(store), NOON)
