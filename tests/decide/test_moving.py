"""Cards that move in: planned as events would plan them, and never for the past."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decide import replan
from engine.decide.moving import Arrival, Idle, Known, Mover, SentBefore
from engine.model import Card, Fact, Facts, Member, Reason, Snapshot, Timer, TimerState
from tests.programme import ruleset_of

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
RULESET = ruleset_of()
RULE = "points-expire-soon"
[OFFSETS] = [[offset.text for offset in rule.on.offsets] for rule in RULESET.reminders if rule.name == RULE]
FAR = date(2026, 6, 1)


def arrival(day=FAR, sent=(), as_of=NOW, **fields):
    said = {"holder_id": "anna", "balance": 500, "next_expiration_points": 500, "next_expiration_date": day, **fields}
    return Arrival(snapshot=Snapshot(id="card", as_of=as_of, fields=said), sent=tuple(sent))


def stand(said, known=None, *, catch_up=False, now=NOW):
    mover, known = Mover(RULESET, now, catch_up=catch_up), known or Known()
    return mover.stand(said, mover.merged(said, known.cards.get("card")), known)


def states(standing):
    return {timer.slot: (timer.state, timer.reason) for timer in standing.timers}


def known_card(timers=(), **facts):
    plain = {"holder_id": "anna", "balance": 500, "next_expiration_points": 500, "next_expiration_date": FAR, **facts}
    card = Card(
        id="card", facts={name: Fact(value=value, as_of=NOW - timedelta(days=1)) for name, value in plain.items()}
    )
    return Known(cards={"card": card}, timers={"card": {(timer.rule, timer.slot): timer for timer in timers}})


def armed(slot, about=FAR, **more):
    return Timer(
        rule=RULE, subject="card", slot=slot, member_id="anna", lane="anna", about=about,
        due_at=NOW + timedelta(days=9), **more,
    )  # fmt: skip


CARDS = st.fixed_dictionaries(
    {},
    optional={
        "balance": st.sampled_from([0, 500, None]),
        "next_expiration_points": st.sampled_from([None, 0, 70]),
        "next_expiration_date": st.one_of(
            # Few dates, so that cards share them and differ in something else.
            st.sampled_from([None, date(2026, 1, 17), date(2026, 3, 1), date(9999, 12, 31)]),
            st.dates(date(2025, 12, 20), date(2026, 4, 1)),
        ),
        "active": st.booleans(),
        "timezone": st.sampled_from(["America/New_York", "Nowhere/At_All", None]),
        "holder_id": st.sampled_from(["anna", "bo"]),
    },
)
ZONES = st.sampled_from([None, "Asia/Tokyo", "Europe/Warsaw"])


@settings(max_examples=60)
@given(st.lists(st.tuples(CARDS, ZONES), min_size=1, max_size=12))
def test_what_cards_share_is_what_each_would_be_planned_by_itself(cards):
    mover = Mover(RULESET, NOW, catch_up=True)
    for number, (fields, zone) in enumerate(cards):
        said = Arrival(snapshot=Snapshot(id=f"c{number}", as_of=NOW, fields=fields))
        card = mover.merged(said, None)
        members = {card.member_id: Member(id=card.member_id, facts={"timezone": Fact(value=zone, as_of=NOW)})}
        found = mover.stand(said, card, Known(members=members))
        alone = replan(Facts(member=members[card.member_id], card=card), RULESET, NOW)
        own = [replace(timer, subject=card.id, member_id=card.member_id, lane=card.holder_id) for timer in found.timers]
        assert own == [made.timer for made in alone]


def test_offsets_whose_hour_has_passed_are_not_armed():
    soon = date(2026, 1, 17)  # Seven days before is today at nine; it is noon.
    found = states(stand(arrival(soon)))
    assert found["7 days"] == (TimerState.SKIPPED, Reason.TOO_LATE)
    assert found["1 day"] == (TimerState.ARMED, None)
    assert states(stand(arrival(soon), catch_up=True))["7 days"] == (TimerState.ARMED, None)


def test_every_reason_to_have_nothing_to_remind_of_is_told_apart():
    def idle(**fields):
        found = stand(arrival(**fields))
        assert not found.timers
        return {reason for _, reason in found.idle}

    assert idle(day=None) == {Idle.NO_DATE}
    assert idle(day=date(9999, 12, 31)) == {Idle.NEVER}
    assert idle(day=date(2026, 1, 9)) == {Idle.DATE_PAST}
    assert idle(balance=0) == idle(active=False) == {Idle.NOTHING_AT_RISK}


def test_what_was_sent_before_is_not_armed_and_remembered_at_its_hour():
    found = stand(arrival(date(2026, 2, 5), [SentBefore(slot="30 days")]))
    [sent] = [timer for timer in found.timers if timer.slot == "30 days"]
    assert (sent.state, sent.sent_about) == (TimerState.FIRED, date(2026, 2, 5))
    assert sent.sent_at == sent.due_at == datetime(2026, 1, 6, 8, tzinfo=UTC)
    assert states(found)["7 days"] == (TimerState.ARMED, None)


def test_what_was_sent_early_was_sent_before_the_file_was_written():
    [sent] = [timer for timer in stand(arrival(FAR, [SentBefore(slot="30 days")])).timers if timer.sent_at]
    assert sent.sent_at == NOW


def test_what_no_rule_has_is_named():
    said = arrival(FAR, [SentBefore(slot="14 days"), SentBefore(slot="30 days", rule="other")])
    found = stand(said)
    assert found.unknown == ("14 days", "other:30 days")
    assert set(states(found).values()) == {(TimerState.ARMED, None)}


def test_points_that_merely_move_are_not_reminded_of_twice_by_the_same_offset():
    """The file says: 30 days was sent for a date that the card no longer has."""
    known = known_card([armed("30 days", FAR)])
    said = arrival(date(2026, 2, 5), [SentBefore(slot="30 days")], as_of=NOW - timedelta(days=2))
    found = stand(said, known)
    [timer] = found.timers
    assert (timer.state, timer.sent_about, timer.about) == (TimerState.CANCELLED, date(2026, 2, 5), FAR)
    assert found.follow, "it is planned anew, knowing what was sent"


def test_a_known_card_of_which_nothing_is_new_is_left_alone():
    known = known_card([armed(slot) for slot in OFFSETS])
    found = stand(arrival(as_of=NOW - timedelta(days=2), balance=7), known)
    assert (found.timers, found.follow) == ((), False)


def test_a_known_card_with_a_new_date_gets_an_event():
    known = known_card([armed(slot) for slot in OFFSETS])
    assert stand(arrival(date(2026, 5, 1)), known).follow


def test_a_known_card_that_is_spent_gets_an_event_while_a_message_may_be_waiting():
    fired = known_card([armed("30 days", state=TimerState.FIRED)])
    assert stand(arrival(balance=0), fired).follow
    assert not stand(arrival(balance=0), known_card()).follow


def test_the_same_reminder_sent_before_is_noted_once():
    known = known_card([armed("30 days", state=TimerState.FIRED, sent_at=NOW, sent_about=FAR)])
    assert stand(arrival(sent=[SentBefore(slot="30 days")], as_of=NOW - timedelta(days=2)), known).timers == ()


def test_a_mover_serves_for_a_minute_under_the_same_rules():
    mover = Mover(RULESET, NOW)
    assert mover.serves(RULESET, NOW + timedelta(seconds=59), catch_up=False)
    assert not mover.serves(RULESET, NOW + timedelta(seconds=60), catch_up=False)
    assert not mover.serves(RULESET, NOW - timedelta(seconds=1), catch_up=False)
    assert not mover.serves(RULESET, NOW, catch_up=True)
    assert not mover.serves(ruleset_of(), NOW, catch_up=False)


def test_cards_with_the_same_date_share_only_what_is_the_same():
    mover, counts = Mover(RULESET, NOW), []
    for fields in ({}, {"balance": 0}, {"active": False}, {"next_expiration_points": None}, {"timezone": "Asia/Tokyo"}):
        said = arrival(**fields)
        counts.append(mover.stand(said, mover.merged(said, None), Known()))
    plain, spent, inactive, unknown, tokyo = counts
    assert (len(plain.timers), spent.timers, inactive.timers, unknown.timers) == (3, (), (), ())
    assert tokyo.timers[0].due_at < plain.timers[0].due_at
