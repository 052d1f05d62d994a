"""``channel: [sms, email]``: the first that has an address, consent and accepts, and never two of them."""

import json
from contextlib import closing
from datetime import UTC, datetime
from random import Random

import pytest

from engine.decide.eligible import share
from engine.deliver import Deferred, Refused, Sent, Unknown
from engine.ingest import Delivery
from engine.pipeline import Pipeline, Routing
from engine.sending import Ways
from engine.store import Reports, Store, instead_of
from engine.tools.simulation import Journal, SimulatedClock
from engine.tools.story import tell
from engine.worker import Worker

from .programme import capture, channels, ruleset_of
from .test_pipeline import NOON, SHOP, Scripted, expired

RULE = """\
rule: points-expired
on: points_expired
send: points-expired
channel: [sms, email]
"""
SMS = "{{ event.points }} points expired.\n"
PHONE = "+48600100200"
GONE = Refused("550 no such number")


class Numbered(Scripted):
    """A channel to telephones."""

    name = "sms"
    address_field = "phone"


class House:
    """A pipeline with two channels that answer as they are told."""

    def __init__(self, folder, store, rule, sms, mail):
        (folder / "rules").mkdir()
        words = folder / "templates" / "points-expired"
        words.mkdir(parents=True)
        (folder / "rules" / "a.yaml").write_text(rule, encoding="utf-8")
        (words / "sms.en.txt").write_text(SMS, encoding="utf-8")
        (words / "email.en.html").write_text("---\nsubject: Expired\n---\n<p>Hello</p>\n", encoding="utf-8")
        self.sms, self.mail = sms, mail
        self.clock, self.journal = SimulatedClock(NOON), Journal()
        self.folder, self.store = folder, store
        self.pipeline = Pipeline(
            store=store,
            ruleset=ruleset_of(folder),
            sources={SHOP.name: SHOP},
            channels={**channels(), "sms": sms, "email": mail},
            capture=capture(),
            now=self.clock.now,
            observer=self.journal,
            routing=Routing(mode="live"),
            ways=Ways(random=Random(0)),
        )
        self.worker = Worker(self.pipeline)

    async def told(self, member="anna", **facts):
        """An event about a member with both addresses, and all that is due because of it."""
        body = expired(f"about-{member}")
        body["member"] = {"id": member, "email": f"{member}@example.org", "phone": PHONE, **facts}
        await self.post(body)

    async def post(self, body):
        raw = json.dumps(body).encode()
        await self.pipeline.accept(Delivery(source=SHOP, headers={}, body=raw, received_at=self.clock.now()))
        await self.worker.until_idle()

    def states(self):
        with closing(Reports(self.folder / "p.db")) as reports:
            return {row["channel"]: row["state"] for row in reports.notifications()}

    def story(self, member="anna"):
        with closing(Reports(self.folder / "p.db")) as reports:
            rows = [
                {**row, "instead": reports.ask(lambda connection, key=row["notification"]: instead_of(connection, key))}
                for row in reports.story(member)
            ]
        return [entry.text for entry in tell(rows, [], UTC)]


@pytest.fixture
async def house(tmp_path):
    stores = []

    async def make(rule=RULE, sms=(), mail=()):
        stores.append(await Store.open(tmp_path / "p.db"))
        return House(tmp_path, stores[0], rule, Numbered(*sms), Scripted(*mail))

    yield make
    for store in stores:
        await store.close()


async def test_what_the_first_channel_takes_goes_nowhere_else(house):
    here = await house()
    await here.told()
    assert here.states() == {"sms": "sent", "email": "dropped"}
    assert here.mail.carried == []


async def test_what_the_first_channel_refuses_goes_over_the_next_in_its_own_words(house):
    here = await house(sms=[GONE])
    await here.told()
    assert here.states() == {"sms": "replaced", "email": "sent"}
    [refused], [mail] = here.sms.carried, here.mail.carried
    assert (refused.payload, refused.address) == (b"80 points expired.", PHONE)
    assert (mail.payload, mail.address) == (b"Hello", "anna@example.org")
    assert refused.key != mail.key


async def test_a_bad_address_lets_the_next_channel_go_and_is_not_tried_again(house):
    here = await house(sms=[Refused("no such number", address_is_bad=True)])
    await here.told()
    assert here.states() == {"sms": "replaced", "email": "sent"}
    await here.post({**expired("again"), "member": {"id": "anna", "phone": PHONE}})
    assert len(here.sms.carried) == 1
    assert len(here.mail.carried) == 2


@pytest.mark.parametrize("answer", [Deferred("later"), Unknown("lost after the end")], ids=["later", "unknown"])
async def test_what_may_arrive_or_goes_again_goes_over_one_channel_only(house, answer):
    here = await house(sms=[answer])
    await here.told()
    assert here.mail.carried == []
    assert here.states()["email"] == "standby"


async def test_hours_that_end_while_the_next_channel_tries_hold_the_message_and_its_others(house):
    here = await house(f"{RULE}window: 09:00-14:00\n", sms=[GONE, GONE], mail=[Deferred("451 later")] * 20)
    here.clock.move(datetime(2026, 1, 10, 12, 55, tzinfo=UTC))
    await here.told()
    assert here.states() == {"sms": "replaced", "email": "queued"}
    here.clock.move(datetime(2026, 1, 10, 13, 5, tzinfo=UTC))
    await here.worker.until_idle()
    assert here.states() == {"sms": "withdrawn", "email": "dropped"}
    here.mail.answers = []
    here.clock.move(datetime(2026, 1, 11, 8, 1, tzinfo=UTC))
    await here.worker.until_idle()
    assert here.states() == {"sms": "replaced", "email": "sent"}


async def test_what_may_have_arrived_over_the_next_channel_does_not_come_again(house):
    rule = f"{RULE}window: 09:00-14:00\non_ambiguous: resend\n"
    here = await house(rule, sms=[GONE], mail=[Unknown("lost after the last dot")] * 20)
    here.clock.move(datetime(2026, 1, 10, 12, 59, tzinfo=UTC))
    await here.told()
    here.clock.move(datetime(2026, 1, 11, 8, 1, tzinfo=UTC))
    await here.worker.until_idle()
    assert here.states() == {"sms": "replaced", "email": "expired"}


async def test_without_an_address_the_first_channel_is_passed_over(house):
    here = await house()
    await here.told(phone=None)
    assert here.states() == {"email": "sent"}


async def test_an_address_that_cannot_be_written_to_is_passed_over(house):
    here = await house()
    here.sms.prepare = refuse_to_write
    await here.told()
    assert here.states() == {"email": "sent"}


def refuse_to_write(_):
    raise ValueError("not a number")


async def test_all_of_them_refusing_is_a_failure_of_the_last(house):
    here = await house(sms=[GONE], mail=[Refused("550 no such mailbox")])
    await here.told()
    assert here.states() == {"sms": "replaced", "email": "failed"}


async def test_what_is_only_kept_is_kept_once(house):
    here = await house()
    here.pipeline.routing = Routing(mode="capture")
    await here.told()
    assert here.states() == {"sms": "captured", "email": "dropped"}


async def test_a_rule_in_shadow_has_nothing_standing_by(house):
    here = await house(RULE + "mode: shadow\n")
    await here.told()
    assert here.states() == {}


async def test_the_story_tells_what_took_its_place(house):
    here = await house(sms=[GONE], mail=[Sent("250 ok")])
    await here.told()
    [told] = here.story()
    assert told.startswith('"" to +48***00 refused (550 no such number); over email: ')
    assert "sent 12:00 to a***@example.org" in told


async def test_variants_are_stored_with_the_message_and_counted(house):
    variants = "variants: [{name: warm, weight: 50, subject: Hot}, {name: plain, weight: 50}]\n"
    here = await house(RULE + variants)
    await here.told()
    name = "warm" if share("variant", "points-expired", "anna") < 0.5 else "plain"
    with closing(Reports(here.folder / "p.db")) as reports:
        assert {row["variant"] for row in reports.notifications()} == {name}
    assert f"variant {name}" in here.story()[0]
    assert here.journal.settlements[0].worded[0].notification.variant == name
