"""From test to live and back: switching the mode releases no old message, in any direction."""

from datetime import timedelta

import pytest

from engine.deliver import Deferred
from engine.pipeline import Routing
from engine.routing import fault_of
from engine.store import Reports, Store

from .programme import ruleset_of
from .test_pipeline import House, Scripted, expired, expiring

NEITHER = (
    "is neither an address nor a phone number",
    'write it like "*@example.com", "anna@example.com" or "+48600*"',
)
LIVE, CAPTURE = Routing(mode="live"), Routing(mode="capture")
ANNA, OTHERS = (Routing(mode="allowlist", allow=(pattern,)) for pattern in ("anna@example.org", "*@example.net"))


@pytest.fixture
async def house(tmp_path):
    store = await Store.open(tmp_path / "p.db")
    yield House(store, tmp_path / "p.db", Scripted(), ruleset_of())
    await store.close()


async def restarted(house, routing):
    """The same programme after a restart in another mode."""
    await house.store.recover(house.clock.now())
    house.pipeline.routing = routing


DIRECTIONS = [
    (CAPTURE, LIVE, 0),
    (CAPTURE, ANNA, 0),
    (LIVE, CAPTURE, 0),
    (LIVE, OTHERS, 0),
    (LIVE, ANNA, 1),
    (ANNA, CAPTURE, 0),
    (ANNA, OTHERS, 0),
    (ANNA, LIVE, 1),
    (OTHERS, LIVE, 0),
    (OTHERS, ANNA, 0),
]


@pytest.mark.parametrize(("before", "after", "sent"), DIRECTIONS)
async def test_a_queued_message_goes_only_if_both_modes_let_it(house, before, after, sent):
    await restarted(house, before)
    await house.post(expired())
    await house.pipeline.process()
    await restarted(house, after)
    await house.settle()
    assert len(house.channel.carried) == sent
    assert house.messages() == [("sent" if sent else "captured", 1)]


@pytest.mark.parametrize("stop", [CAPTURE, OTHERS])
async def test_what_a_switch_has_stopped_does_not_go_when_live_is_back(house, stop):
    house.channel.answers = [Deferred("451 later")]
    await house.post(expired())
    await house.settle()
    assert house.messages() == [("queued", 1)]
    await restarted(house, stop)
    await house.later(hours=1)
    await restarted(house, LIVE)
    await house.later(hours=1)
    assert len(house.channel.carried) == 1
    assert house.messages() == [("captured", 2)]


async def test_a_reminder_planned_under_capture_is_decided_and_sent_when_it_comes_due_under_live(house):
    await restarted(house, CAPTURE)
    await house.post(expiring("e1", day="2026-01-18"))
    await house.settle()
    await restarted(house, LIVE)
    await house.later(days=1)
    assert len(house.channel.carried) == 1


async def test_a_reminder_planned_under_live_is_captured_when_it_comes_due_under_capture(house):
    await house.post(expiring("e1", day="2026-01-18"))
    await house.settle()
    await restarted(house, CAPTURE)
    await house.later(days=1)
    assert house.channel.carried == []
    assert house.messages() == [("captured", 1)]


async def test_a_stopped_message_asks_for_its_permit_too(house):
    await house.post(expired())
    await house.pipeline.process()
    await restarted(house, CAPTURE)
    house.clock.move(house.clock.now() + timedelta(days=30))
    await house.settle()
    assert house.messages() == [("expired", 0)]
    assert house.journal


@pytest.mark.parametrize(
    ("pattern", "address", "let"),
    [
        ("*@Example.org", "ANNA@example.ORG", True),
        ("anna@example.org", "anna+test@example.org", False),
        ("anna+*@example.org", "Anna+Test@example.org", True),
        ("anna+test@example.org", "anna+test@example.org", True),
        ("anna?@example.org", "anna1@example.org", True),
        ("*@example.org", "anna@evil-example.org", False),
        ("*@example.org", "anna@example.org.evil.net", False),
        ("*@*.example.org", "anna@mail.example.org", True),
        ("+48 600 100 200", "+48600100200", True),
        ("+48600100200", "0048 (600) 100-200", True),
        ("+48600*", "+48 600 100 200", True),
        ("+48600*", "+49600100200", False),
        ("+48600*", "+48600@example.org", False),
    ],
)
def test_patterns_mean_what_they_seem_to(pattern, address, let):
    assert fault_of(pattern) is None
    assert Routing(mode="allowlist", allow=(pattern,)).lets(address) is let
    assert Routing(mode="capture", allow=(pattern,)).lets(address) is False
    assert Routing(mode="live").lets(address) is True


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("example.org", ("has no @", 'write "*@example.org" for everybody there')),
        ("*.example.org", ("has no @", 'write "*@example.org" for everybody there')),
        ("*", NEITHER),
        ("anna", NEITHER),
        ("@example.org", ("is half an address", 'write "*@example.org"')),
        ("anna@", ("is half an address", 'write "anna@example.com"')),
        ("*@*", ("lets every domain through", "name the domain, or set `mode: live` if everybody is to be written to")),
        ("[ab]@example.org", ("has brackets", "only * (anything) and ? (one character) stand for others")),
    ],
)  # fmt: skip
def test_a_pattern_that_cannot_be_meant_comes_with_the_fix(pattern, fault):
    assert fault_of(pattern) == fault


async def test_reports_show_the_way_a_stopped_message_was_to_take(house):
    await house.post(expired())
    await house.pipeline.process()
    await restarted(house, CAPTURE)
    await house.settle()
    reports = Reports(house.path)
    [row] = reports.notifications()
    reports.close()
    assert (row["route"], row["state"]) == ("email", "captured")
