"""accept -> process -> send on a real store, with a channel that answers as it is told."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from engine.deliver import Deferred, Refused, Sent, Unknown, Withheld
from engine.errors import SignatureError
from engine.ingest import Delivery, SourceSettings
from engine.model import OnAmbiguous
from engine.pipeline import Pipeline, Routing
from engine.ruleset.load import assemble
from engine.ruleset.rule import Offset
from engine.sending import Ways
from engine.store import Reports, Store
from engine.tools.simulation import Journal, SimulatedClock
from engine.worker import Worker

from .programme import PROGRAMME, capture, channels, ruleset_of

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
SHOP = SourceSettings(name="shop", producer="native", unsigned=True)
SIGNED = SourceSettings(name="signed", producer="voucherify", secrets=("secretKey",))


class Scripted:
    """Asks the permit as every channel does, then answers with the next line of its script."""

    name = "email"
    address_field = "email"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.carried = []

    def prepare(self, notification):
        return notification.words.text.encode()

    async def send(self, message, permit):
        answer = self.answers.pop(0) if self.answers else Sent("250 ok")
        if isinstance(answer, Deferred) and answer.about_relay:
            return answer
        self.asked.append(message.key)
        if not await permit():
            return Withheld()
        self.carried.append(message)
        return answer

    async def close(self):
        """Nothing to let go of."""


class House:
    """A pipeline with everything around it, at noon."""

    def __init__(self, store, path, channel, ruleset):
        self.clock = SimulatedClock(NOON)
        self.journal = Journal()
        self.channel = channel
        self.store = store
        self.path = path
        self.pipeline = Pipeline(
            store=store,
            ruleset=ruleset,
            sources={SHOP.name: SHOP, SIGNED.name: SIGNED},
            channels={**channels(), "email": channel},
            capture=capture(),
            now=self.clock.now,
            observer=self.journal,
            routing=Routing(mode="live"),
            ways=Ways(random=Random(0)),
        )
        self.worker = Worker(self.pipeline)

    async def post(self, body, source=SHOP, **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        delivery = Delivery(source=source, headers=headers, body=raw, received_at=self.clock.now())
        return await self.pipeline.accept(delivery)

    async def settle(self):
        await self.worker.until_idle()

    async def later(self, **time):
        self.clock.move(self.clock.now() + timedelta(**time))
        await self.settle()

    def messages(self):
        reports = Reports(self.path)
        rows = reports.notifications()
        reports.close()
        return [(row["state"], row["attempts"]) for row in rows]

    def events(self, state):
        reports = Reports(self.path)
        rows = reports.events(state=state)
        reports.close()
        return rows


@pytest.fixture
async def house(tmp_path):
    store = await Store.open(tmp_path / "p.db")
    yield House(store, tmp_path / "p.db", Scripted(), ruleset_of())
    await store.close()


def expired(key="e1", points=80, **card):
    return {
        "id": key,
        "type": "points_expired",
        "time": "2026-01-10T11:00:00Z",
        "member": {"id": "anna", "email": "anna@example.org"},
        "card": {"id": "card", "holder_id": "anna", **card},
        "data": {"points": points},
    }


def expiring(key="e1", day="2026-01-17", **card):
    card = {"balance": 500, "next_expiration_date": day, "next_expiration_points": 500, **card}
    body = expired(key, points=1, **card)
    return {**body, "type": "points_earned", "time": f"2026-01-10T11:00:{key[1:]:0>2}Z"}


async def test_an_event_becomes_a_message(house):
    assert await house.post(expired()) is True
    await house.settle()
    assert house.messages() == [("sent", 1)]
    assert house.channel.carried[0].address == "anna@example.org"


async def test_a_delivery_that_comes_again_is_answered_and_changes_nothing(house):
    await house.post(expired())
    assert await house.post(expired()) is False
    await house.settle()
    assert house.messages() == [("sent", 1)]


async def test_a_forged_delivery_is_refused_and_not_stored(house):
    with pytest.raises(SignatureError):
        await house.post(b'{"a":1}', SIGNED, **{"x-voucherify-signature": "00" * 32})
    await house.settle()
    assert house.events("quarantined") == []


async def test_a_body_that_cannot_be_read_is_kept_with_the_reason_and_the_others_go_on(house):
    await house.post(b"{broken")
    await house.post(expired())
    await house.settle()
    [row] = house.events("quarantined")
    assert row["note"]
    assert house.messages() == [("sent", 1)]


async def test_an_unknown_type_is_kept_and_counted(house):
    await house.post({"id": "x", "type": "weather_changed", "member": {"id": "anna"}})
    await house.settle()
    [row] = house.events("ignored")
    assert "weather_changed" in row["note"]


async def test_an_event_that_breaks_the_engine_is_quarantined_alone(house, monkeypatch):
    def explode(event, *_):
        if event.key == "bad":
            raise ZeroDivisionError("unlucky")
        return []

    monkeypatch.setattr("engine.deciding.decide", explode)
    await house.post(expired("bad"))
    await house.post(expired("good"))
    await house.settle()
    [row] = house.events("quarantined")
    assert row["note"] == "ZeroDivisionError: unlucky"
    assert len(house.events("decided")) == 1


async def test_a_relay_that_says_later_is_asked_again_and_the_bytes_are_the_same(house):
    house.channel.answers = [Deferred("451 greylisted")]
    await house.post(expired())
    await house.settle()
    assert house.messages() == [("queued", 1)]
    await house.later(seconds=299)
    assert len(house.channel.carried) == 1
    await house.later(minutes=2)
    assert house.messages() == [("sent", 2)]
    assert house.channel.carried[0].payload == house.channel.carried[1].payload


async def test_a_relay_that_is_down_costs_the_message_nothing(house):
    house.channel.answers = [Deferred("connection refused", about_relay=True, relay_down=True)]
    await house.post(expired())
    await house.settle()
    assert house.messages() == [("queued", 0)]
    await house.later(seconds=10)
    assert house.messages() == [("sent", 1)]


async def test_a_refused_address_is_not_written_to_again(house):
    house.channel.answers = [Refused("550 5.1.1 no such user", address_is_bad=True)]
    await house.post(expired("e1"))
    await house.settle()
    await house.post(expired("e2"))
    await house.settle()
    assert [state for state, _ in house.messages()] == ["failed", "failed"]
    assert len(house.channel.carried) == 1


async def test_an_unclear_end_is_parked_and_never_repeated(house):
    house.channel.answers = [Unknown("connection lost after the final dot")]
    await house.post(expired())
    await house.settle()
    await house.later(days=2)
    assert house.messages() == [("unknown", 1)]
    assert len(house.channel.carried) == 1


async def test_a_rule_may_ask_to_resend_what_is_unclear(tmp_path):
    ruleset = ruleset_of()
    rules = tuple(replace(rule, on_ambiguous=OnAmbiguous.RESEND) for rule in ruleset.rules)
    resending = assemble(rules=rules, templates=ruleset.templates, programme=PROGRAMME, hash="resend")
    store = await Store.open(tmp_path / "p.db")
    house = House(store, tmp_path / "p.db", Scripted(Unknown("connection lost")), resending)
    await house.post(expired())
    await house.settle()
    await house.later(minutes=10)
    assert house.messages() == [("sent", 2)]
    await store.close()


async def test_capture_mode_writes_to_nobody_and_switching_it_off_releases_nothing(house):
    house.pipeline.routing = Routing(mode="capture")
    await house.post(expired("e1"))
    await house.pipeline.process()
    house.pipeline.routing = Routing(mode="live")
    await house.settle()
    assert house.channel.carried == []
    assert house.messages() == [("captured", 1)]


async def test_an_allowlist_lets_only_the_listed_addresses_through(house):
    house.pipeline.routing = Routing(mode="allowlist", allow=("*@Example.net",))
    await house.post(expired("e1"))
    await house.post({**expired("e2"), "member": {"id": "bo", "email": "Bo@EXAMPLE.NET"}})
    await house.settle()
    assert [message.address.lower() for message in house.channel.carried] == ["bo@example.net"]


async def test_a_reminder_that_is_worded_when_the_points_are_spent_is_withdrawn(house):
    house.clock.move(datetime(2026, 1, 10, 12, tzinfo=UTC))
    await house.post(expiring("e1", day="2026-01-17"))
    await house.settle()
    house.clock.move(datetime(2026, 1, 16, 8, tzinfo=UTC))
    house.channel.answers = [Deferred("451 later")]
    await house.settle()
    assert house.messages() == [("queued", 1)]
    await house.post(expiring("e9", balance=0, next_expiration_points=0))
    await house.later(hours=1)
    assert house.messages() == [("withdrawn", 1)]
    assert len(house.channel.carried) == 1


async def test_a_reminder_that_is_worded_when_the_date_moves_is_withdrawn(house):
    await house.post(expiring("e1", day="2026-01-17"))
    await house.settle()
    house.clock.move(datetime(2026, 1, 16, 8, tzinfo=UTC))
    house.channel.answers = [Deferred("451 later")]
    await house.settle()
    await house.post(expiring("e9", day="2026-03-31"))
    await house.later(hours=1)
    assert [state for state, _ in house.messages()] == ["withdrawn"]


async def test_a_reminder_reached_too_late_after_a_long_stop_is_skipped_with_the_reason(house):
    await house.post(expiring("e1", day="2026-03-31"))
    await house.settle()
    house.clock.move(datetime(2026, 3, 3, 12, tzinfo=UTC))
    await house.settle()
    last = house.journal.settlements[-1].decisions
    assert [(one.reason, one.slot) for one in last] == [("too_late", "30 days")]
    assert house.messages() == []


async def test_after_a_long_stop_at_most_the_latest_of_several_overdue_reminders_goes(house):
    await house.post(expiring("e1", day="2026-03-31"))
    await house.settle()
    house.clock.move(datetime(2026, 3, 30, 12, tzinfo=UTC))
    await house.settle()
    assert [message.key.split("|")[3] for message in house.channel.carried] == ["1 day/points-expire-soon/email"]


async def test_a_deleted_member_is_forgotten_and_written_to_no_more(house):
    await house.post(expiring("e1", day="2026-01-17"))
    await house.settle()
    await house.post({"id": "e2", "type": "member_deleted", "member": {"id": "anna"}})
    await house.settle()
    await house.later(days=10)
    assert house.channel.carried == []
    assert Reports(house.path).member("anna")["cards"][0]["balance"] == 500
    assert "email" not in Reports(house.path).member("anna")


def with_offsets(*days, name="points-expire-soon"):
    """The example programme with other offsets, as after an edit of the rule file."""
    ruleset = ruleset_of()
    reminder = ruleset.rule("points-expire-soon")
    offsets = tuple(Offset(days=count, text=f"{count} days") for count in days)
    edited = replace(reminder, name=name, on=replace(reminder.on, offsets=offsets))
    rules = (edited, ruleset.rule("points-expired")) if days else (ruleset.rule("points-expired"),)
    return assemble(rules=rules, templates=ruleset.templates, programme=PROGRAMME, hash=f"{name}{days}")


def armed(house):
    reports = Reports(house.path)
    rows = reports.timers()
    reports.close()
    return {(row["rule"], row["slot"]) for row in rows}


async def test_an_edited_rule_moves_the_reminders_that_are_already_planned(house):
    await house.post(expiring("e1", day="2026-03-31"))
    await house.settle()
    house.pipeline.ruleset = with_offsets(30, 14)
    assert await house.pipeline.replan() == 1
    await house.settle()
    assert armed(house) == {("points-expire-soon", "30 days"), ("points-expire-soon", "14 days")}
    outcomes = [(type(one).__name__, one.timer.slot) for one in house.journal.settlements[-1].decisions]
    assert outcomes == [("Cancel", "1 day"), ("Cancel", "7 days"), ("Schedule", "14 days")]


async def test_a_new_rule_arms_cards_that_are_already_known_and_a_removed_one_disarms_them(house):
    house.pipeline.ruleset = with_offsets()
    await house.post(expiring("e1", day="2026-03-31"))
    await house.settle()
    assert armed(house) == set()
    house.pipeline.ruleset = with_offsets(30, name="new-rule")
    await house.pipeline.replan()
    await house.settle()
    assert armed(house) == {("new-rule", "30 days")}
    house.pipeline.ruleset = with_offsets()
    await house.pipeline.replan()
    await house.settle()
    assert armed(house) == set()


async def test_planning_again_under_the_same_rules_touches_nothing(house):
    await house.post(expiring("e1", day="2026-03-31"))
    await house.settle()
    assert await house.pipeline.replan() == 0
    house.pipeline.ruleset = replace(house.pipeline.ruleset, hash="only a comment changed")
    assert await house.pipeline.replan() == 0
    assert house.events("stored") == []
