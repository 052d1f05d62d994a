"""What a rule file means once it is read."""

from datetime import UTC, datetime, time, timedelta

import pytest

from engine.model import Event, OnAmbiguous
from engine.ruleset.parse import read_rules
from engine.ruleset.rule import BeforeTrigger, EventTrigger, Offset
from engine.ruleset.yaml import read_yaml

from .programme import RULE, VOCABULARY

REMINDER = """\
rule: points-expire-soon
on:
  before: card.next_expiration_date
  by: [30 days, 7 days, 1 day]
  at: 09:00
if: card.expiring_points >= 100
send:
  - {template: points-expire-soon, channel: email}
  - {template: points-expire-soon-sms, channel: sms, if: days_left == 1}
"""


def rules(text, **known):
    file = read_rules(read_yaml(text.encode(), "rules/a.yaml"), VOCABULARY if not known else replaced(known))
    assert file.diagnostics == ()
    return file.rules


def replaced(known):
    return type(VOCABULARY)(**{name: getattr(VOCABULARY, name) for name in VOCABULARY.__slots__} | known)


def rule(text, **known):
    (found,) = rules(text, **known)
    return found


def triggered_by(on):
    return rule(f"rule: a\non: {on}\nsend: points-expired\n").on


def event(name, **facts):
    return Event(
        key="1",
        source="shop",
        name=name,
        producer_name=name,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        happening=None,
        facts=facts,
    )


def test_a_rule_of_four_lines():
    found = rule(RULE)
    assert found.name == "points-expired"
    assert found.on == EventTrigger(names=frozenset({"points_expired"}))
    assert [(send.template, send.channels, send.slot) for send in found.sends] == [
        ("points-expired", ("email",), "points-expired/email")
    ]
    assert found.condition is not None
    assert (found.again_after, found.on_ambiguous, found.category.name) == (None, OnAmbiguous.PARK, "loyalty")
    assert (found.file, found.line) == ("rules/a.yaml", 1)


def test_a_reminder():
    found = rule(REMINDER)
    assert found.on == BeforeTrigger(
        field="card.next_expiration_date",
        offsets=(
            Offset(days=30, text="30 days"),
            Offset(days=7, text="7 days"),
            Offset(days=1, text="1 day"),
        ),
        at=time(9, 0),
        grace=timedelta(days=1),
    )
    assert found.on.card_field == "next_expiration_date"
    assert [send.slot for send in found.sends] == ["points-expire-soon/email", "points-expire-soon-sms/sms"]
    assert [send.condition is None for send in found.sends] == [True, False]


def test_offsets_are_put_in_order_and_named_in_days():
    found = rule(REMINDER.replace("[30 days, 7 days, 1 day]", "[0 days, 2 weeks, 3 day]"))
    assert [offset.text for offset in found.on.offsets] == ["14 days", "3 days", "0 days"]


def test_one_offset_needs_no_list():
    assert rule(REMINDER.replace("[30 days, 7 days, 1 day]", "7 days")).on.offsets == (Offset(days=7, text="7 days"),)


@pytest.mark.parametrize(
    ("written", "grace"),
    [
        ("until_next", None),
        ("11 hours", timedelta(hours=11)),
        ("2 days", timedelta(days=2)),
        ("90 minutes", timedelta(minutes=90)),
    ],
)
def test_how_late_a_reminder_may_go(written, grace):
    assert rule(REMINDER.replace("  at: 09:00\n", f"  at: 09:00\n  grace: {written}\n")).on.grace == grace


def test_everything_that_can_be_said_of_a_rule():
    found = rule(
        REMINDER
        + "again_after: 2 weeks\non_ambiguous: resend\ndescription: Reminds.\nowner: anna\ntags: [expiry, mail]\n"
    )
    assert found.again_after == timedelta(weeks=2)
    assert found.on_ambiguous is OnAmbiguous.RESEND
    assert (found.description, found.owner, found.tags) == ("Reminds.", "anna", ("expiry", "mail"))


def test_the_configuration_says_what_holds_by_default():
    found = rule(RULE, on_ambiguous=OnAmbiguous.RESEND)
    assert found.on_ambiguous is OnAmbiguous.RESEND


def test_a_list_of_rules_in_one_file():
    first, second = RULE, REMINDER
    text = "rules:\n" + "".join("  - " + each.strip().replace("\n", "\n    ") + "\n" for each in (first, second))
    assert [(each.name, each.line) for each in rules(text)] == [("points-expired", 2), ("points-expire-soon", 6)]


@pytest.mark.parametrize(
    ("on", "names"),
    [
        ("points_expired", {"points_expired"}),
        ("[tier_joined, tier_upgraded]", {"tier_joined", "tier_upgraded"}),
        ("customer.voucher.loyalty_card.points_expired", {"points_expired"}),
        ("activity", {"points_earned", "points_added", "points_redeemed", "order_paid", "reward_redeemed"}),
    ],
)
def test_events_by_name_group_and_the_producers_spelling(on, names):
    assert triggered_by(on).names == names


@pytest.mark.parametrize(
    ("on", "directions"),
    [
        ("points_in", {"in"}),
        ("points_out", {"out"}),
        ("[points_in, points_out]", {"in", "out"}),
        ("[points_in, points_transferred]", {"in", "out"}),
        ("points_transferred", {"in", "out"}),
    ],
)
def test_a_group_means_transfers_in_one_direction(on, directions):
    trigger = triggered_by(on)
    heard = {way for way in ("in", "out") if trigger.covers(event("points_transferred", direction=way))}
    assert heard == directions


def test_a_trigger_hears_its_own_events_only():
    trigger = triggered_by("points_in")
    assert trigger.covers(event("points_added"))
    assert not trigger.covers(event("points_redeemed"))


def test_what_the_rule_proves_its_sends_may_use():
    found = rule(
        "rule: a\non: points_expired\nif: card.next_expiration_date\n"
        "send: {template: points-expired, if: card.next_expiration_date > today}\n"
    )
    assert found.sends[0].condition is not None


def test_one_template_may_go_over_several_channels():
    templates = VOCABULARY.templates | {("points-expired", "sms", "en")}
    found = rule(
        "rule: a\non: points_expired\nsend: [points-expired, {template: points-expired, channel: sms}]\n",
        templates=templates,
    )
    assert [send.channels for send in found.sends] == [("email",), ("sms",)]


def test_words_in_a_more_general_language_will_do():
    assert rule(RULE, locale="en-GB").sends


def test_a_default_channel_that_is_not_there_is_told_at_the_send():
    file = read_rules(read_yaml(RULE.encode(), "rules/a.yaml"), replaced({"default_channel": "push"}))
    assert [(each.code, each.line, each.column) for each in file.diagnostics] == [("PB303", 4, 7)]


def test_a_wrong_trigger_does_not_hide_what_is_wrong_elsewhere():
    text = REMINDER.replace("09:00", "9:00").replace("expiring_points", "expirng_points").replace("-sms,", "-ssm,")
    file = read_rules(read_yaml(text.encode(), "rules/a.yaml"), VOCABULARY)
    assert [each.code for each in file.diagnostics] == ["PB154", "PB204", "PB301"]
    assert file.rules == ()


def test_a_rule_with_any_mistake_is_left_out():
    file = read_rules(read_yaml((RULE + "ownr: anna\n").encode(), "rules/a.yaml"), VOCABULARY)
    assert [each.code for each in file.diagnostics] == ["PB150"]
    assert file.rules == ()


def test_a_condition_with_a_mistake_does_not_make_its_sends_wrong():
    text = (
        "rule: a\non: points_expired\nif: card.next_expiration_dat\n"
        "send: {template: points-expired, if: card.next_expiration_date > today}\n"
    )
    file = read_rules(read_yaml(text.encode(), "rules/a.yaml"), VOCABULARY)
    assert [each.code for each in file.diagnostics] == ["PB204"]


LATER = """\
rules:
  - rule: pending-points-activated
    on: pending_points_activated
    collect: 30 minutes
    window: 09:00-20:00
    send: points-expired
    channel: email
  - rule: tier-reached
    on: [tier_joined, tier_upgraded]
    if: tier.name != "Basic"
    send: points-expired
    variants:
      - name: warm
        weight: 50
        subject: {en: "Welcome to {{ tier.name }}", pl: "Witaj w {{ tier.name }}"}
      - name: plain              # the template's own subject
        weight: 50
    holdout: 5%
    once_per: [member, tier.id]
    suppresses: {birthday: 24 hours}
    priority: 80
  - rule: monthly-statement
    on: {every: month, day: 1, at: 09:00, each: card, spread: 2 hours}
    digest: {over: previous month, of: [points_in, points_out]}
    if: digest.count > 0 or card.balance > 0
    send: points-expired
    category: loyalty
  - rule: win-back
    on: {silence: activity, for: 60 days, at: 10:00}
    if: card.balance >= 200
    stop_on: activity
    again_after: 180 days
    category: marketing
    steps:
      - step: nudge
        send: points-expired
      - wait: 5 days
  - rule: birthday
    on: {before: member.birthdate, by: [0 days], at: 10:00, yearly: true}   # 29 February: 28 in other years
    send: points-expired
  - rule: double-points-weekend
    on: {once: 2026-11-27 10:00, each: member, spread: 1 hour}
    audience: active
    exclude: active
    send: points-expired
"""


def test_what_comes_later_is_refused_as_such_and_not_as_a_mistake():
    file = read_rules(read_yaml(LATER.encode(), "rules/a.yaml"), VOCABULARY)
    assert {each.code for each in file.diagnostics} == {"PB153"}
    named = {each.message.split(" is not yet")[0].strip('"') for each in file.diagnostics}
    assert {"digest", "stop_on", "steps"} <= named
    assert len(file.diagnostics) == 7
