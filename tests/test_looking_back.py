"""What the store knows of a member's words and of the last message counts when a rule is asked."""

import shutil

import pytest

from engine.model import Notify, Reason, Skip
from engine.store import Came, Consent, record_consents

from .programme import EXAMPLE, ruleset_of
from .test_pipeline import expired, house  # noqa: F401 - the fixture

RULES = """
rules:
  - rule: again
    on: points_expired
    again_after: 7 days
    send: news
  - rule: offers
    on: points_expired
    category: marketing
    send: news
"""
SHARED = """
categories:
  loyalty: {consent: opt_out}
  marketing: {consent: opt_in}
defaults: {category: loyalty}
"""


@pytest.fixture
def shop(house, tmp_path):  # noqa: F811 - the fixture
    folder = tmp_path / "shop"
    shutil.copytree(EXAMPLE, folder)
    (folder / "rules" / "shared.yaml").write_text(SHARED)
    (folder / "rules" / "news.yaml").write_text(RULES)
    (folder / "templates" / "news").mkdir()
    (folder / "templates" / "news" / "email.en.html").write_text("---\nsubject: News\n---\n<p>News</p>\n")
    house.pipeline.ruleset = ruleset_of(folder)
    return house


async def told(shop, key, rule):
    """What a rule decides about one more event."""
    await shop.post(expired(key))
    await shop.settle()
    [made] = [one for one in shop.journal.settlements[-1].decisions if one.rule == rule]
    return made


async def say(shop, *, granted):
    now = shop.clock.now()
    said = Consent(member="anna", category="marketing", granted=granted, since=now, source="test")
    await shop.store.imports.rows(None, now, lambda connection: Came(changed=record_consents(connection, [said])))


async def test_a_rule_does_not_reach_a_member_again_too_soon(shop):
    assert isinstance(await told(shop, "e1", "again"), Notify)
    held_back = await told(shop, "e2", "again")
    assert isinstance(held_back, Skip)
    assert held_back.reason is Reason.CAPPED
    await shop.later(days=6, hours=23)
    assert isinstance(await told(shop, "e3", "again"), Skip)
    await shop.later(hours=2)
    assert isinstance(await told(shop, "e4", "again"), Notify)


async def test_two_events_of_one_batch_reach_a_member_once(shop):
    await shop.post(expired("e1"))
    await shop.post(expired("e2"))
    await shop.settle()
    made = [one for batch in shop.journal.settlements for one in batch.decisions if one.rule == "again"]
    assert sorted(type(one).__name__ for one in made) == ["Notify", "Skip"]


async def test_a_members_word_counts(shop):
    assert (await told(shop, "e1", "offers")).reason is Reason.NO_CONSENT
    await say(shop, granted=True)
    assert isinstance(await told(shop, "e2", "offers"), Notify)
    await shop.later(minutes=1)
    await say(shop, granted=False)
    assert (await told(shop, "e3", "offers")).reason is Reason.NO_CONSENT


async def test_a_word_given_before_the_member_came_counts_from_their_first_event_on(shop):
    await say(shop, granted=True)
    assert isinstance(await told(shop, "e1", "offers"), Notify)
