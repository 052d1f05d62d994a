"""News that waits: gathered, held for its hours, for more important news, and counted under caps, on a real store."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from engine.deliver import Deferred, Refused
from engine.model import Cancel, Notify, Reason, Schedule, Skip
from engine.store import Pause, Reports, Scope, Store

from .programme import ruleset_of
from .test_pipeline import SHOP, House, Scripted, house  # noqa: F401 - the fixture

RULES = {
    "gathered": """
rule: gathered
on: points_expired
collect: 30 minutes
send: gathered
""",
    "by-day": """
rule: by-day
on: points_earned
window: 09:00-14:00
send: news
""",
    "by-day-again": """
rule: by-day-again
on: points_refunded
window: 09:00-14:00
on_ambiguous: resend
send: news
""",
    "offers": """
rules:
  - rule: small-offer
    on: segment_entered
    cap: few
    send: news
  - rule: plain-offer
    on: points_removed
    cap: few
    send: news
  - rule: great-offer
    on: segment_entered
    if: event.segment == "Great"
    cap: few
    priority: 80
    send: news
""",
    "tiers": """
rules:
  - rule: great
    on: [tier_joined, tier_upgraded]
    collect: 10 minutes
    priority: 80
    suppresses: {small: 1 day}
    send: news
  - rule: small
    on: [tier_joined, points_added]
    send: news
""",
    "shared": """
caps:
  few: {at_most: 2, per: 7 days, and: {at_most: 1, per: day}}
""",
}
GATHERED = (
    "{{ collected.points | points }} in {{ collected.count }}: {% for one in events %}{{ one.points }} {% endfor %}"
)


@pytest.fixture
def rules(tmp_path):
    root = tmp_path / "programme"
    for name, text in RULES.items():
        _write(root / "rules" / f"{name}.yaml", text)
    _write(root / "templates" / "gathered" / "email.en.html", f"---\nsubject: Expired\n---\n<p>{GATHERED}</p>\n")
    _write(root / "templates" / "news" / "email.en.html", "---\nsubject: News\n---\n<p>{{ card.balance }}</p>\n")
    return root


@pytest.fixture
def shop(house, rules):  # noqa: F811 - the fixture
    house.pipeline.ruleset = ruleset_of(rules)
    return house


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def event(key, kind="points_expired", member="anna", *, card=None, minute=0, **data):
    told = {
        "id": key,
        "type": kind,
        "time": f"2026-01-10T11:{minute:02}:00Z",
        "member": {"id": member, "email": f"{member}@example.org"},
        "card": {"id": card or f"card-of-{member}", "holder_id": member, "balance": 500},
        "data": {"points": 10, **data},
    }
    return told if "segment" not in kind else {**told, "data": {"segment": "Any", **data}}


def carried(shop, member="anna"):
    return [one.payload.decode() for one in shop.channel.carried if one.address == f"{member}@example.org"]


def made(shop, rule, kind):
    told = [one for settlement in shop.journal.settlements for one in settlement.decisions]
    return [one for one in told if one.rule == rule and isinstance(one, kind)]


# --- Gathered ---------------------------------------------------------------------------------------------------------


async def test_a_burst_in_any_order_and_reported_twice_is_one_message(shop):
    members = [f"member-{number}" for number in range(12)]
    bodies = []
    for number, member in enumerate(members):
        own = [
            {**event(f"{member}-{n}", member=member, minute=n, points=2**n), "happening": f"{member} {n}"}
            for n in range(4)
        ]
        twice = [{**body, "id": f"{body['id']}-again"} for body in own]
        mixed = [*own, *own[:2], *twice]
        Random(number).shuffle(mixed)
        bodies += mixed
    Random(99).shuffle(bodies)
    for body in bodies:
        await shop.post(body)
        if Random(body["id"]).random() < 0.2:
            await shop.settle()
    await shop.settle()
    assert shop.channel.carried == []
    await shop.later(minutes=30)
    assert {tuple(carried(shop, member)) for member in members} == {("15 in 4: 1 2 4 8",)}


async def test_every_event_of_a_group_is_decided_with_its_reason(shop):
    for number in range(3):
        await shop.post(event(f"e{number}"))
        await shop.settle()
    assert [one.reason for one in made(shop, "gathered", Schedule)] == [Reason.COLLECTING] * 3
    # Each time another one, so that two who gather at once do not overwrite each other.
    assert [one.timer.generation for one in made(shop, "gathered", Schedule)] == [1, 2, 3]
    assert made(shop, "gathered", Schedule)[-1].detail == "with 2 others, until 2026-01-10 13:30"


async def test_a_group_outlives_the_process_that_gathers_it(rules, tmp_path):
    path, told = tmp_path / "restarted.db", []
    for number in range(4):
        store = await Store.open(path)
        one = House(store, path, Scripted(), ruleset_of(rules))
        await one.post(event(f"e{number}", points=2**number, minute=number))
        await one.settle()
        await one.later(minutes=10 * number)
        told += carried(one)
        await store.close()
    assert told == ["15 in 4: 1 2 4 8"]


async def test_what_was_gathered_is_not_told_again_by_a_replay(shop):
    await shop.post(event("e1"))
    await shop.post(event("e2"))
    await shop.later(minutes=30)
    reports = Reports(shop.path)
    seqs = [row["seq"] for row in reports.events(state="decided") if row["source"] == SHOP.name]
    reports.close()
    assert await shop.store.replay(seqs) == 2
    await shop.later(hours=1)
    assert len(carried(shop)) == 1
    assert [one.reason for one in made(shop, "gathered", Skip)] == [Reason.DUPLICATE] * 2


async def test_what_comes_while_its_group_leaves_is_not_lost(shop, monkeypatch):
    """The clock rings between reading what is known and writing what was decided."""
    await shop.post(event("e1", points=1))
    await shop.settle()
    shop.clock.move(shop.clock.now() + timedelta(minutes=30))
    await shop.post(event("e2", points=2, minute=1))
    plain, rung = Store.load, []

    async def load(store, needs):
        book = await plain(store, needs)
        if not rung:
            rung.append(await store.promote_timers(shop.clock.now(), 10))
        return book

    monkeypatch.setattr(Store, "load", load)
    await shop.pipeline.process()
    monkeypatch.undo()
    assert rung == [1]
    await shop.settle()
    await shop.later(minutes=30)
    assert sorted(carried(shop)) == ["1 in 1: 1", "2 in 1: 2"]


async def test_two_who_share_a_card_are_told_of_their_own_only(shop):
    await shop.post(event("e1", points=1, card="shared"))
    await shop.post(event("e2", "points_expired", "bob", points=2, card="shared"))
    await shop.settle()
    await shop.later(minutes=30)
    assert (carried(shop, "anna"), carried(shop, "bob")) == (["1 in 1: 1"], ["2 in 1: 2"])


async def test_nothing_is_kept_of_what_has_waited_once_it_has_rung(shop):
    await shop.post(event("e1"))
    await shop.settle()
    await shop.later(minutes=30)
    reports = Reports(shop.path)
    [row] = reports.timers(state="fired")
    reports.close()
    assert row["waits"] == "[]"


async def test_what_waits_for_a_member_who_is_deleted_is_never_told(shop):
    await shop.post(event("e1"))
    await shop.settle()
    await shop.post({**event("e2", "member_deleted"), "time": "2026-01-10T11:30:00Z"})
    await shop.settle()
    await shop.later(minutes=30)
    assert [one.reason for one in made(shop, "gathered", Cancel)] == [Reason.ERASED]
    assert shop.channel.carried == []


async def test_what_waits_for_a_rule_that_is_taken_away_is_not_told(shop, rules):
    await shop.post(event("e1"))
    await shop.settle()
    (rules / "rules" / "gathered.yaml").unlink()
    shop.pipeline.ruleset = ruleset_of(rules)
    await shop.later(minutes=30)
    assert [one.reason for one in made(shop, "gathered", Skip)] == [Reason.DISABLED]
    assert shop.channel.carried == []


async def test_what_waits_is_told_by_a_rule_that_was_away_only_for_a_while(shop, rules):
    await shop.post(event("e1"))
    await shop.settle()
    path = rules / "rules" / "gathered.yaml"
    path.unlink()
    shop.pipeline.ruleset = ruleset_of(rules)
    await shop.pipeline.replan()
    await shop.post(event("e2", "card_updated"))
    await shop.settle()
    path.write_text(RULES["gathered"])
    shop.pipeline.ruleset = ruleset_of(rules)
    await shop.later(minutes=30)
    assert carried(shop) == ["10 in 1: 10"]


async def test_what_was_gathered_is_told_one_by_one_once_the_rule_gathers_no_more(shop, rules):
    for number in range(3):
        await shop.post(event(f"e{number}", minute=number, points=number))
    await shop.settle()
    _write(rules / "templates" / "news" / "email.en.html", "---\nsubject: News\n---\n<p>{{ event.points }}</p>\n")
    for name in ("offers", "tiers"):
        (rules / "rules" / f"{name}.yaml").unlink()
    text = RULES["gathered"].replace("collect: 30 minutes\n", "").replace("send: gathered", "send: news")
    (rules / "rules" / "gathered.yaml").write_text(text)
    shop.pipeline.ruleset = ruleset_of(rules)
    await shop.later(minutes=30)
    assert sorted(carried(shop)) == ["0", "1", "2"]


async def test_what_waits_for_a_rule_that_listens_to_something_else_now_is_not_told(shop, rules):
    await shop.post(event("e1"))
    await shop.settle()
    (rules / "rules" / "gathered.yaml").write_text("rule: gathered\non: points_refunded\nsend: news\n")
    shop.pipeline.ruleset = ruleset_of(rules)
    await shop.later(minutes=30)
    [skip] = made(shop, "gathered", Skip)
    assert (skip.reason, skip.detail) == (Reason.DISABLED, "the rule no longer listens to points_expired")
    assert shop.channel.carried == []


async def test_a_condition_is_asked_again_when_a_group_leaves(shop, rules):
    text = RULES["gathered"].replace("collect", "if: card.balance > 0\ncollect")
    (rules / "rules" / "gathered.yaml").write_text(text)
    shop.pipeline.ruleset = ruleset_of(rules)
    await shop.post(event("e1"))
    await shop.settle()
    spent = {**event("e2", "card_updated"), "time": "2026-01-10T11:40:00Z"}
    await shop.post({**spent, "card": {**spent["card"], "balance": 0}})
    await shop.later(minutes=30)
    assert [one.reason for one in made(shop, "gathered", Skip)] == [Reason.CONDITION]


# --- Hours ------------------------------------------------------------------------------------------------------------


async def test_what_could_not_go_within_its_hours_is_worded_anew_when_they_begin(shop):
    shop.channel.answers = [Deferred("451 later")] * 20
    shop.clock.move(datetime(2026, 1, 10, 12, 55, tzinfo=UTC))
    await shop.post(event("e1", "points_earned"))
    await shop.settle()
    for _ in range(3):
        await shop.later(minutes=5)
    assert shop.messages() == [("withdrawn", 1)]
    spent = {**event("e2", "card_updated"), "time": "2026-01-10T14:00:00Z"}
    await shop.post({**spent, "card": {**spent["card"], "balance": 7}})
    shop.channel.answers = []
    shop.clock.move(datetime(2026, 1, 11, 7, 59, tzinfo=UTC))
    await shop.settle()
    before = len(shop.channel.carried)
    await shop.later(minutes=1)
    assert [one.payload.decode() for one in shop.channel.carried[before:]] == ["7"]
    assert [state for state, _ in shop.messages()] == ["sent"]


async def test_what_its_mailbox_never_takes_is_given_up_however_often_its_hours_begin(shop):
    shop.channel.answers = [Deferred("451 later")] * 500
    await shop.post(event("e1", "points_earned"))
    for _ in range(2 * 12):
        await shop.later(hours=12)
    [skip] = made(shop, "by-day", Skip)
    assert (skip.reason, skip.detail) == (
        Reason.USEFUL_TIME_OVER,
        "it came in on 2026-01-10 13:00, and could not be told for too long",
    )
    assert shop.messages()[0][0] == "withdrawn"


async def test_hours_that_end_between_the_claim_and_the_permit_lose_nothing(shop, monkeypatch):
    shop.clock.move(datetime(2026, 1, 10, 12, 59, tzinfo=UTC))
    await shop.post(event("e1", "points_earned"))
    plain = Scripted.send

    async def send(channel, message, permit):
        shop.clock.move(datetime(2026, 1, 10, 13, 0, tzinfo=UTC))
        return await plain(channel, message, permit)

    monkeypatch.setattr(Scripted, "send", send)
    await shop.settle()
    assert shop.channel.asked != []
    assert shop.channel.carried == []
    monkeypatch.undo()
    shop.clock.move(datetime(2026, 1, 11, 8, tzinfo=UTC))
    await shop.settle()
    assert [state for state, _ in shop.messages()] == ["sent"]


async def test_what_may_have_arrived_does_not_come_again_in_the_morning(shop):
    shop.channel.answers = [Deferred("451 later")] * 20
    shop.clock.move(datetime(2026, 1, 10, 12, 55, tzinfo=UTC))
    await shop.post(event("e1", "points_refunded"))
    await shop.settle()
    for _ in range(3):
        await shop.later(minutes=5)
    assert [state for state, _ in shop.messages()] == ["expired"]


async def test_a_pause_holds_what_waits(shop):
    reach = shop.pipeline.reach()
    assert {"gathered", "by-day"} <= reach.keys()


async def test_what_a_long_pause_has_held_is_told_when_it_is_over(shop):
    await shop.post(event("e1"))
    await shop.settle()
    now = shop.clock.now()
    await shop.store.pause(
        Pause(id=0, scope=Scope.RULE, name="gathered", reason="why", since=now, until=now + timedelta(days=20))
    )
    await shop.later(days=19)
    assert carried(shop) == []
    await shop.later(days=1)
    assert carried(shop) == ["10 in 1: 10"]


# --- More important news ----------------------------------------------------------------------------------------------


async def test_lesser_news_waits_for_what_is_still_being_gathered(shop):
    await shop.post(event("e1", "tier_upgraded", tier="Gold", tier_id="gold"))
    await shop.settle()
    await shop.later(minutes=5)
    await shop.post(event("e2", "points_added"))
    await shop.settle()
    await shop.later(minutes=2)
    assert shop.channel.carried == []
    await shop.later(minutes=10)
    assert [one.rule for one in made(shop, "great", Notify)] == ["great"]
    assert made(shop, "small", Notify) == []
    assert [one.reason for one in made(shop, "small", Schedule)] == [Reason.SETTLING] * 2
    assert [one.reason for one in made(shop, "small", Skip)] == [Reason.INHIBITED]


@pytest.mark.parametrize("minutes", [12, 60 * 9])
async def test_of_one_event_only_the_more_important_news_goes_however_late_the_clock(shop, minutes):
    await shop.post(event("e1", "tier_joined", tier="Gold", tier_id="gold"))
    await shop.settle()
    await shop.later(minutes=minutes)
    await shop.later(minutes=5)
    assert len(made(shop, "great", Notify)) == 1
    assert [one.reason for one in made(shop, "small", Skip)] == [Reason.INHIBITED]


# --- Caps -------------------------------------------------------------------------------------------------------------


async def test_a_cap_holds_for_all_rules_that_share_it_and_the_more_important_wins(shop):
    await shop.post(event("e1", "segment_entered", segment="Great"))
    await shop.settle()
    assert len(made(shop, "great-offer", Notify)) == 1
    [capped] = made(shop, "small-offer", Skip)
    assert (capped.reason, capped.detail) == (Reason.CAPPED, "few: 1 of 1 today")


async def test_a_cap_of_a_week_holds_for_a_week(shop):
    for day in range(9):
        await shop.post(event(f"e{day}", "segment_entered"))
        await shop.settle()
        await shop.later(days=1)
    assert [len(made(shop, "small-offer", kind)) for kind in (Notify, Skip)] == [4, 5]
    assert {one.detail for one in made(shop, "small-offer", Skip)} == {"few: 2 of 2 in the last 7 days"}


async def test_what_is_decided_together_counts_together(shop):
    for key in ("e1", "e2"):
        await shop.post(event(key, "segment_entered"))
    await shop.settle()
    assert [len(made(shop, "small-offer", kind)) for kind in (Notify, Skip)] == [1, 1]


async def test_a_message_that_was_refused_does_not_count(shop):
    shop.channel.answers = [Refused("550 no such mailbox", address_is_bad=False)]
    await shop.post(event("e1", "segment_entered"))
    await shop.settle()
    await shop.post(event("e2", "segment_entered"))
    await shop.settle()
    assert [state for state, _ in shop.messages()] == ["sent", "failed"]


@pytest.mark.parametrize("limit", ["cap: few", "again_after: 3 days"])
async def test_a_message_without_words_does_not_keep_itself_back_once_its_template_is_mended(shop, rules, limit):
    template = rules / "templates" / "news" / "email.en.html"
    good = template.read_text()
    template.write_text(good.replace("card.balance", "1 / card.balance"))
    (rules / "rules" / "by-day.yaml").write_text(f"rule: by-day\non: points_earned\n{limit}\nsend: news\n")
    shop.pipeline.ruleset = ruleset_of(rules)
    told = event("e1", "points_earned")
    await shop.post({**told, "card": {**told["card"], "balance": 0}})
    await shop.settle()
    assert [state for state, _ in shop.messages()] == ["held"]
    template.write_text(good)
    shop.pipeline.ruleset = ruleset_of(rules)
    assert await shop.store.replay([row["seq"] for row in shop.events("decided")]) == 1
    await shop.settle()
    assert [state for state, _ in shop.messages()] == ["sent"]


async def test_two_who_decide_at_once_cannot_both_count_under_a_cap(shop, monkeypatch):
    """Another process tells the member of something between reading what counts and writing what was decided."""
    await shop.post({**event("e0", "card_updated")})
    await shop.settle()
    beside = House(shop.store, shop.path, Scripted(), shop.pipeline.ruleset)
    await shop.post(event("e1", "points_removed"))
    plain, done = Store.load, []

    async def load(store, needs):
        book = await plain(store, needs)
        if not done:
            done.append(False)
            done.append(await beside.post({**event("e2", "points_removed"), "card": {"id": "c2", "holder_id": "bob"}}))
            await beside.pipeline.process()
        return book

    monkeypatch.setattr(Store, "load", load)
    await shop.pipeline.process()
    monkeypatch.undo()
    told = made(beside, "plain-offer", Notify) + made(shop, "plain-offer", Notify)
    assert done == [False, True]
    assert len(told) == 1
