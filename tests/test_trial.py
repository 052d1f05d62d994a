"""Finding the delivery that ends the process, in children that may die of it."""

import os
import signal

import pytest

from engine.trial import culprits, survives


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def grow():
    return ["x" * (1 << 28) for _ in range(8)]


def linger():
    while True:
        pass


def fail():
    raise ValueError("a reason of its own")


@pytest.mark.parametrize("work", [die, grow], ids=["crash", "memory"])
def test_what_ends_its_process_does_not_survive(work):
    assert not survives(work)


def test_what_never_comes_back_does_not_survive():
    assert not survives(linger, deadline_s=0.2)


@pytest.mark.parametrize("work", [fail, lambda: 1], ids=["exception", "nothing special"])
def test_what_ends_by_itself_survives(work):
    assert survives(work)


def test_the_culprits_are_found_among_bystanders():
    assert culprits(range(50), lambda number: die() if number in (7, 30) else number) == [7, 30]


def test_without_a_culprit_nobody_is_blamed():
    assert culprits(range(50), lambda number: number) == []
