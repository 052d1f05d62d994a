"""Indexes that wait for the last row: made whole at its end, and whatever happens before."""

import pytest
from sqlalchemy import select

from engine.store import Came, bulk
from engine.store.schema import metadata, timer

from .test_imports import FAR, NOON, SentBefore, arrival, moving

WHOLE = {index.name for table in metadata.sorted_tables for index in table.indexes}
WAITING = {"card_member", "card_code", "timer_due", "timer_over", "timer_subject", "timer_member", "timer_lane"}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(bulk, "WORTH", 10)


def indexes(home):
    """The indexes there are, but for those that SQLite makes of keys."""
    with home.house_reports() as reports:
        rows = reports.ask(
            lambda connection: connection.exec_driver_sql("select name from sqlite_master where type = 'index'").all()
        )
    return {name for (name,) in rows if not name.startswith("sqlite_")}


async def test_while_many_cards_come_into_an_empty_table_its_indexes_wait(tmp_path):
    async with moving(tmp_path) as home:
        await home.begin(NOON, rows=10, alone=True)
        assert indexes(home) == WHOLE - WAITING
        assert await home.cards(arrival(), arrival("two"), rows=2, last=False) == Came(new=2, armed=6)
        assert indexes(home) == WHOLE - WAITING
        again = arrival(sent=[SentBefore(slot="30 days")])
        assert await home.cards(again, rows=3, last=True) == Came(), "known cards are found all the same"
        assert indexes(home) == WHOLE
        [row] = home.rows(select(timer).where(timer.c.state == "fired"))
        assert (row["subject"], row["sent_about"]) == ("card", FAR.isoformat())


async def test_of_members_only_what_finds_them_by_address_waits(tmp_path):
    async with moving(tmp_path) as home:
        await home.begin(NOON, kind="members", rows=10, alone=True)
        assert indexes(home) == WHOLE - {"member_email"}


@pytest.mark.parametrize("options", [{"rows": 9, "alone": True}, {"rows": 10, "alone": False}])
async def test_nothing_waits_for_few_rows_or_beside_a_daemon(options, tmp_path):
    async with moving(tmp_path) as home:
        await home.begin(NOON, **options)
        assert indexes(home) == WHOLE


async def test_a_table_that_has_rows_keeps_its_indexes(tmp_path):
    async with moving(tmp_path) as home:
        await home.cards(arrival(), arrival("two"), arrival("three"))
        await home.begin(NOON, digest="other", rows=12, alone=True)
        assert indexes(home) == WHOLE


async def test_a_database_that_was_left_half_way_is_whole_when_it_is_opened(tmp_path):
    async with moving(tmp_path) as home:
        await home.begin(NOON, rows=10, alone=True)
        await home.cards(arrival(), rows=1, last=False)
    async with moving(tmp_path) as home:
        assert indexes(home) == WHOLE
        assert len(home.timers()) == 3
