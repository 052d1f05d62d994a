from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from engine.deliver import retry_after

attempts = st.integers(min_value=1, max_value=10**6)
rngs = st.integers().map(Random)


def seconds(attempt, *, about_relay=False):
    """Without jitter."""

    class Still(Random):
        def random(self):
            return 0.0

    return retry_after(attempt, Still(), about_relay=about_relay).total_seconds()


def test_a_message_waits_five_minutes_and_then_twice_as_long_each_time():
    assert [seconds(attempt) for attempt in range(1, 7)] == [300, 600, 1200, 2400, 3200, 3200]


def test_a_relay_is_looked_at_sooner():
    assert [seconds(attempt, about_relay=True) for attempt in range(1, 9)] == [5, 10, 20, 40, 80, 160, 240, 240]


@given(attempt=attempts, rng=rngs)
def test_no_wait_is_under_five_minutes_or_over_4000_seconds(attempt, rng):
    assert timedelta(seconds=300) <= retry_after(attempt, rng) <= timedelta(seconds=4000)


@given(attempt=attempts, rng=rngs)
def test_no_wait_for_a_relay_is_under_5_or_over_300_seconds(attempt, rng):
    assert timedelta(seconds=5) <= retry_after(attempt, rng, about_relay=True) <= timedelta(seconds=300)


def test_waits_differ_so_that_what_failed_together_does_not_return_together():
    rng = Random(1)
    assert len({retry_after(5, rng) for _ in range(100)}) == 100
