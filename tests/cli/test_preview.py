"""``preview``: what a rule would send, before anybody gets it."""

import json

import pytest

EXPIRED = "voucher.loyalty_card.points_expired.json"
TIER = "customer.loyalty.tier.upgraded.json"
DATED = "customer.voucher.loyalty_card.pending_points.updated.json"


def test_words_are_shown_and_nothing_is_stored(pointbell):
    body = json.loads((pointbell.events / EXPIRED).read_text(encoding="utf-8")) | {"points": 60}
    path = pointbell.write(EXPIRED, json.dumps(body))
    shown = pointbell("preview", "points-expired", "--event", path)
    assert shown.startswith("points-expired: would be sent\n")
    for part in ("To         lukasz.kulig@voucherify.io", "Subject    ", "Preheader  ", "Channel    email, in en"):
        assert part in shown
    assert not (pointbell.folder / "var").exists()


def test_why_it_would_not_be_sent(history):
    shown = history("preview", "points-expired", "--event", history.events / EXPIRED, code=1)
    assert "would not be sent: its condition does not hold: event.points >= 50 (event.points = 10)" in shown
    [told] = history.json("preview", "points-expired", "--event", history.events / EXPIRED, code=1)
    assert (told["would_send"], told["reason"]) == (False, "condition")
    assert told["subject"] is None


def test_a_member_of_the_directory_lends_address_and_language(history):
    [told] = history.json("preview", "tier-reached", "--event", history.events / TIER, "--member", "crm-1")
    assert (told["address"], told["locale"]) == ("anna@example.org", "pl")
    assert "Anna" in told["text"]


def test_without_an_address_the_words_are_shown_all_the_same(history):
    shown = history("preview", "tier-reached", "--event", history.events / TIER, "--locale", "pl", code=1)
    assert "would not be sent: no address" in shown
    assert "Subject    Witaj" in shown


def test_a_reminder_is_shown_at_every_offset(history):
    words = ("preview", "points-expire-soon", "--event", history.events / DATED, "--member", "anna")
    told = history.json(*words)
    assert [(one["slot"], one["would_send"]) for one in told] == [("30 days", True), ("7 days", True), ("1 day", True)]
    assert [one["at"] for one in told] == [f"2026-01-{day:02d}T09:00:00+00:00" for day in (1, 24, 30)]
    assert "points-expire-soon, 7 days before (2026-01-24 10:00): would be sent" in history(*words)


def test_files_are_written_for_browser_and_mail_program(history, tmp_path):
    words = ("preview", "tier-reached", "--event", history.events / TIER, "--member", "anna", "--out", tmp_path)
    [told] = history.json(*words)
    assert {path.name for path in tmp_path.iterdir()} == {"tier-reached.email.pl.eml", "tier-reached.email.pl.html"}
    assert len(told["files"]) == 2
    assert b"Subject: " in (tmp_path / "tier-reached.email.pl.eml").read_bytes()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("tier-reachd", "--event", TIER), 'there is no rule tier-reachd: did you mean "tier-reached"?'),
        (("points-added", "--event", TIER), "points-added listens to points_added, points_earned, and the event is"),
        (("tier-reached", "--event", "missing.json"), "cannot read"),
        (("tier-reached", "--event", TIER, "--source", "nope"), "there is no source nope"),
        (("tier-reached", "--event", TIER, "--type", "campaign.created"), "is about no member and no card"),
        (("tier-reached", "--event", "README.md"), "not JSON"),
    ],
)
def test_what_cannot_be_previewed_is_said(words, why, history, monkeypatch):
    monkeypatch.chdir(history.events)
    history("preview", *words, "-c", history.folder, code=2)
    assert why in history.said


def test_a_member_who_is_not_there(history):
    history("preview", "tier-reached", "--event", history.events / TIER, "--member", "nobody", code=1)
    assert "there is no member nobody" in history.said


def test_an_empty_file(pointbell):
    pointbell("preview", "tier-reached", "--event", pointbell.write("e.json", ""), code=2)
    assert "e.json is empty" in pointbell.said
