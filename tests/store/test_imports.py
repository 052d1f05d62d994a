"""Members and cards out of files: in any order with events, twice, broken off, and never over what is newer."""

import asyncio
import tempfile
from contextlib import asynccontextmanager, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from engine.decide.moving import Arrival, Mover, SentBefore
from engine.model import Snapshot
from engine.store import Came, ImportedFile, Reached, Reports, Store, imports_of
from engine.store.rows import unpack_facts
from engine.store.schema import card, event, file_import, member, timer

from ..programme import ruleset_of
from ..test_pipeline import House, Scripted

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
RULESET = ruleset_of()
FAR = date(2026, 6, 1)


def person(id_="anna", as_of=NOON, aliases=(), **fields):
    return Snapshot(id=id_, as_of=as_of, fields=fields, aliases=aliases)


def arrival(id_="card", day=FAR, sent=(), as_of=NOON, **fields):
    said = {"holder_id": "anna", "balance": 500, "next_expiration_points": 500, "next_expiration_date": day, **fields}
    return Arrival(snapshot=Snapshot(id=id_, as_of=as_of, fields=said), sent=tuple(sent))


class Moving:
    """A store that files come into."""

    def __init__(self, house):
        self.house = house
        self.store = house.store

    async def cards(self, *arrivals, rows=None, last=True, digest="d", restart=False, now=NOON):
        begun = await self.begin(now, digest=digest, restart=restart)
        reached = Reached(number=begun.number, rows=rows or len(arrivals), last=last)
        return await self.store.imports.cards(arrivals, Mover(RULESET, now), reached, now)

    async def begin(self, now, *, restart=False, alone=False, kind="cards", name="cards.csv", digest="d", **more):
        file = ImportedFile(kind=kind, name=name, digest=digest, weighed_at=now, **more)
        return await self.store.imports.begin(file, now, restart=restart, alone=alone)

    async def members(self, *said, now=NOON):
        begun = await self.begin(now, kind="members", name="members.csv", digest="m")
        reached = Reached(number=begun.number, rows=len(said), last=True)
        return await self.store.imports.members(said, reached, now)

    def house_reports(self):
        return closing(Reports(self.house.path))

    def rows(self, statement):
        with self.house_reports() as reports:
            return reports.ask(lambda connection: [dict(row) for row in connection.execute(statement).mappings()])

    def timers(self, state="armed"):
        rows = self.rows(select(timer).where(timer.c.state == state))
        return {(row["subject"], row["slot"]): (row["about"], row["due_at"], row["member_id"]) for row in rows}

    def facts(self, table=card, id_="card"):
        [row] = self.rows(select(table).where(table.c.id == id_))
        return {name: fact.value for name, fact in unpack_facts(row["facts"]).items()}


@asynccontextmanager
async def moving(folder):
    store = await Store.open(folder / "p.db")
    try:
        yield Moving(House(store, folder / "p.db", Scripted(), RULESET))
    finally:
        await store.close()


async def test_a_new_card_has_its_reminders_at_once_and_without_an_event(tmp_path):
    async with moving(tmp_path) as home:
        assert await home.cards(arrival()) == Came(new=1, armed=3)
        assert {slot for _, slot in home.timers()} == {"30 days", "7 days", "1 day"}
        assert home.rows(select(event)) == []


async def test_reminders_go_at_the_hour_of_a_member_who_is_known_by_an_alias(tmp_path):
    async with moving(tmp_path) as home:
        await home.members(person("anna", aliases=("crm-1",), timezone="Asia/Tokyo"))
        await home.cards(arrival(holder_id="crm-1"))
        due = {row["slot"]: row["due_at"] for row in home.rows(select(timer))}
        assert due["1 day"] == datetime(2026, 5, 31, tzinfo=UTC).timestamp() * 1_000_000


async def test_when_a_member_moves_zone_the_reminders_follow_and_why_is_kept(tmp_path):
    async with moving(tmp_path) as home:
        await home.members(person("anna", aliases=("crm-1",), name="Anna"))
        await home.cards(arrival(holder_id="crm-1"), arrival("other", holder_id="bo"))
        before = home.timers()
        later = NOON + timedelta(hours=1)
        assert await home.members(person("anna", as_of=later, timezone="Asia/Tokyo"), now=later) == Came(
            changed=1, follow=1
        )
        await home.house.settle()
        after = home.timers()
        assert after["other", "1 day"] == before["other", "1 day"]
        assert before["card", "1 day"][1] - after["card", "1 day"][1] == 7 * 3_600_000_000
        with closing(Reports(home.house.path)) as reports:
            assert {row["outcome"] for row in reports.story("anna")} == {"schedule"}


async def test_what_a_file_says_twice_changes_nothing(tmp_path):
    async with moving(tmp_path) as home:
        said = (arrival(sent=[SentBefore(slot="30 days")]), arrival("two"))
        await home.cards(*said)
        before = home.rows(select(card)), home.rows(select(timer))
        assert await home.cards(*said) == Came()
        assert (home.rows(select(card)), home.rows(select(timer))) == before
        assert home.rows(select(event)) == []


async def test_an_older_file_never_overwrites_what_an_event_has_told(tmp_path):
    async with moving(tmp_path) as home:
        await home.house.post(
            {
                "id": "e",
                "type": "card_updated",
                "time": "2026-01-10T11:00:00Z",
                "member": {"id": "anna"},
                "card": {"id": "card", "holder_id": "anna", "balance": 7, "next_expiration_date": "2026-07-01"},
            }
        )
        await home.house.settle()
        await home.cards(arrival(as_of=NOON - timedelta(hours=2), code="L0Y4L"))
        assert home.facts()["balance"] == 7
        assert home.facts()["next_expiration_date"] == date(2026, 7, 1)
        assert home.facts()["code"] == "L0Y4L", "what the event did not say, the file may"
        await home.house.settle()
        assert {about for about, _, _ in home.timers().values()} == {"2026-07-01"}


async def test_a_newer_file_moves_reminders_the_way_of_an_event(tmp_path):
    async with moving(tmp_path) as home:
        await home.cards(arrival())
        came = await home.cards(arrival(day=date(2026, 7, 1), as_of=NOON + timedelta(minutes=1)), digest="other")
        assert came == Came(changed=1, follow=1)
        await home.house.settle()
        assert {about for about, _, _ in home.timers().values()} == {"2026-07-01"}
        assert home.rows(select(event.c.type_hint, event.c.history)) == [{"type_hint": "rules.changed", "history": 1}]


async def test_points_that_are_spent_in_the_file_take_back_what_is_worded_and_waiting(tmp_path):
    async with moving(tmp_path) as home:
        await home.members(person("anna", email="anna@example.org", **{"metadata.status": "active"}))
        await home.cards(arrival(day=date(2026, 1, 18)))
        home.house.clock.move(NOON + timedelta(days=1))
        await home.store.promote_timers(home.house.clock.now(), 100)
        while await home.house.pipeline.process():
            pass
        assert [state for state, _ in home.house.messages()] == ["queued"]
        now = home.house.clock.now()
        await home.cards(arrival(balance=0, as_of=now), digest="other", now=now)
        await home.house.settle()
        assert [state for state, _ in home.house.messages()] == ["withdrawn"]


async def test_two_lines_about_a_card_in_one_batch_are_taken_one_after_the_other(tmp_path):
    async with moving(tmp_path) as home:
        second = arrival(day=date(2026, 7, 1), as_of=NOON + timedelta(microseconds=1))
        assert await home.cards(arrival(), second) == Came(new=1, changed=1, armed=3, follow=1)
        await home.house.settle()
        assert {about for about, _, _ in home.timers().values()} == {"2026-07-01"}


async def test_what_was_sent_elsewhere_is_remembered_and_not_sent_when_the_date_moves(tmp_path):
    async with moving(tmp_path) as home:
        await home.cards(arrival(day=date(2026, 2, 5), sent=[SentBefore(slot="30 days")]))
        assert set(home.timers()) == {("card", "7 days"), ("card", "1 day")}
        [row] = home.rows(select(timer).where(timer.c.slot == "30 days"))
        assert (row["state"], row["sent_about"]) == ("fired", "2026-02-05")
        later = NOON + timedelta(minutes=1)
        await home.cards(arrival(day=date(2026, 2, 20), as_of=later), digest="other", now=later)
        await home.house.settle()
        [row] = home.rows(select(timer).where(timer.c.slot == "30 days"))
        assert (row["state"], row["reason"]) == ("skipped", "duplicate")


async def test_sent_elsewhere_is_taken_off_a_reminder_that_is_armed(tmp_path):
    async with moving(tmp_path) as home:
        await home.cards(arrival())
        await home.cards(arrival(sent=[SentBefore(slot="30 days")]), digest="other")
        assert set(home.timers()) == {("card", "7 days"), ("card", "1 day")}
        [row] = home.rows(select(timer).where(timer.c.slot == "30 days"))
        assert (row["state"], row["sent_about"]) == ("fired", FAR.isoformat())


async def test_metadata_is_taken_entry_by_entry(tmp_path):
    async with moving(tmp_path) as home:
        await home.members(person("anna", metadata={"shop": "1", "vip": True}))
        later = NOON + timedelta(hours=1)
        await home.members(person("anna", as_of=later, **{"metadata.shop": "2"}), now=later)
        with closing(Reports(home.house.path)) as reports:
            assert reports.member("anna")["metadata"] == {"shop": "2", "vip": True}
        newest = later + timedelta(hours=1)
        await home.members(person("anna", as_of=newest, metadata={"vip": False}), now=newest)
        with closing(Reports(home.house.path)) as reports:
            assert reports.member("anna")["metadata"] == {"vip": False}, "the whole, when it is newer"


async def test_addresses_and_codes_are_found_by_their_indexes(tmp_path):
    async with moving(tmp_path) as home:
        await home.members(person("anna", email="Anna@Example.ORG"))
        await home.cards(arrival(code="L0Y4L"))
        assert home.rows(select(member.c.email)) == [{"email": "anna@example.org"}]
        with closing(Reports(home.house.path)) as reports:
            assert reports.find_members("ANNA@example.org") == ["anna"]
            assert reports.find_members("L0Y4L") == ["anna"]
            plans = reports.ask(_plans_of_lookups)
        assert all("SCAN" not in plan for plan in plans), plans
        later = NOON + timedelta(hours=1)
        await home.members(person("anna", as_of=later, email="a@example.net"), now=later)
        assert home.rows(select(member.c.email)) == [{"email": "a@example.net"}]


def _plans_of_lookups(connection):
    statements = (
        "select id from member where email = 'x'",
        "select member_id from card where code = 'x'",
        "select id from member where id between 'x' and 'y'",
        "select alias from alias where alias between 'x' and 'y'",
    )
    return [str(row) for text in statements for row in connection.exec_driver_sql(f"explain query plan {text}")]


async def test_a_file_goes_on_where_it_was_broken_off(tmp_path):
    async with moving(tmp_path) as home:
        await home.cards(arrival(), rows=1, last=False)
        again = await home.begin(NOON + timedelta(days=1))
        assert (again.rows, again.as_of, again.before) == (1, NOON, NOON)
        fresh = await home.begin(NOON + timedelta(days=1), restart=True)
        assert (fresh.rows, fresh.as_of) == (0, NOON)
        other = await home.begin(NOON, name="other.csv", digest="x")
        assert (other.rows, other.before) == (0, None)


async def test_a_file_begins_anew_where_other_rows_of_it_can_be_used_now(tmp_path):
    """How many rows are in says nothing of which: one that was refused then may be the first of those that count."""
    async with moving(tmp_path) as home:
        await home.cards(arrival(), rows=1, last=False)
        assert (await home.begin(NOON + timedelta(days=1))).rows == 1
        assert (await home.begin(NOON + timedelta(days=1), rows=5)).rows == 0


async def test_a_file_that_came_in_before_holds_as_of_then(tmp_path):
    """Or else its second import would overwrite what events have told since the first."""
    async with moving(tmp_path) as home:
        await home.cards(arrival())
        again = await home.begin(NOON + timedelta(days=3))
        assert (again.rows, again.as_of) == (0, NOON)
        said = NOON + timedelta(days=2)
        told = await home.begin(NOON + timedelta(days=3), as_of=said)
        assert told.as_of == said


async def test_how_far_a_file_is_and_what_it_brought_stand_or_fall_together(tmp_path):
    async with moving(tmp_path) as home:
        broken = arrival("two", balance=object())
        try:
            await home.cards(arrival(), broken, rows=2)
        except TypeError:
            pass
        else:
            raise AssertionError("an object is no fact")
        assert home.rows(select(card)) == home.rows(select(timer)) == []
        assert [row["row_count"] for row in home.rows(select(file_import))] == [0]


async def test_who_brought_a_card_is_kept(tmp_path):
    async with moving(tmp_path) as home:
        await home.members(person("anna", name="Anna"))
        await home.cards(arrival())
        with closing(Reports(home.house.path)) as reports:
            found = reports.ask(lambda connection: imports_of(connection, "anna"))
        assert [(one.card, one.file, one.as_of) for one in found] == [
            (None, "members.csv", NOON),
            ("card", "cards.csv", NOON),
        ]


async def test_of_two_imported_cards_the_one_used_last_stands_for_the_member(tmp_path):
    async with moving(tmp_path) as home:
        await home.members(person("anna", email="anna@example.org"))
        await home.cards(
            arrival("old", last_activity=NOON - timedelta(days=900), code="OLD"),
            arrival("used", last_activity=NOON - timedelta(days=2), code="USED"),
            arrival("older", last_activity=NOON - timedelta(days=950), as_of=NOON + timedelta(microseconds=5)),
        )
        await home.house.post(
            {"id": "t", "type": "order_paid", "time": "2026-01-10T11:00:00Z", "member": {"id": "anna"}}
        )
        await home.house.settle()
        assert [row["card_id"] for row in home.rows(select(event))] == ["used"]


STEPS = st.lists(
    st.tuples(
        st.booleans(),
        st.integers(0, 5),
        st.fixed_dictionaries(
            {},
            optional={
                "balance": st.sampled_from([0, 7, 500]),
                "next_expiration_points": st.sampled_from([None, 0, 70]),
                "next_expiration_date": st.sampled_from([None, date(2026, 5, 1), date(2026, 6, 1), date(9999, 12, 31)]),
            },
        ),
    ),
    min_size=1,
    max_size=5,
)


async def _after(steps, *, by_event):
    """The card and its armed timers once everything has come in, in this order."""
    with tempfile.TemporaryDirectory() as folder:
        async with moving(Path(folder)) as home:
            for number, (imported, hours, fields) in enumerate(steps):
                as_of = NOON - timedelta(hours=hours)
                if imported and not by_event:
                    said = Arrival(snapshot=Snapshot(id="card", as_of=as_of, fields={"holder_id": "anna", **fields}))
                    await home.cards(said, digest=str(number))
                    continue
                plain = {
                    name: value.isoformat() if isinstance(value, date) else value for name, value in fields.items()
                }
                body = {"id": "card", "holder_id": "anna", "updated_at": as_of.isoformat(), **plain}
                await home.house.post(
                    {"id": str(number), "type": "card_updated", "time": as_of.isoformat(), "card": body}
                )
                await home.house.settle()
            await home.house.settle()
            facts = {name: value for name, value in home.facts().items() if name != "member_id"}
            return facts, home.timers()


@settings(max_examples=25, deadline=None)
@given(STEPS.flatmap(lambda steps: st.tuples(st.just(steps), st.permutations(steps + steps))))
def test_files_and_events_in_any_order_end_as_events_alone_would(orders):
    """What comes once as events comes in another order, twice, and in part by files."""
    steps, mixed = orders
    assert asyncio.run(_after(mixed, by_event=False)) == asyncio.run(_after(steps, by_event=True))
