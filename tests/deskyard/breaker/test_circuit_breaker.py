"""The circuit breaker opens soon where a contract is broken, and hardly ever where it holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.breaker.change_detector import AVERAGE_RUN_LENGTH, Observation, detect_alarm
from tests.deskyard.breaking import TICKETS, watch

WORLDS = 20
SLACK = 2.33
"""Standard deviations of a count: chance alone fails a test one time in a hundred, and the seeds are fixed."""


def most_false(tickets: int) -> float:
    """False alarms that may be told in so many tickets, one in fifty of them counted twice."""
    expected = 1.02 * tickets / AVERAGE_RUN_LENGTH
    return expected + SLACK * np.sqrt(expected)


def outcomes(wrong, allowed=0.05):
    return [Observation(n, bool(one), allowed) for n, one in enumerate(wrong)]


@pytest.fixture(scope="module")
def watched():
    return [watch(seed) for seed in range(WORLDS)]


def test_classes_that_keep_their_promise_are_hardly_ever_taken_out(watched):
    assert sum(world.kept for world in watched) <= most_false(WORLDS * TICKETS)


def test_a_class_that_breaks_its_promise_is_taken_out_soon(watched):
    all_wrong = [world.broken for world in watched if world.wrong == 1.0]
    assert all_wrong
    assert all(found is not None for found in all_wrong)
    assert sum(world.broken is not None for world in watched) >= 0.9 * WORLDS


def test_three_wrong_tickets_in_a_row_are_enough_for_a_promise_of_95_percent():
    assert detect_alarm(outcomes([0] * 200 + [1, 1])) is None
    found = detect_alarm(outcomes([0] * 200 + [1, 1, 1]))
    assert (found.ticket, found.wrong, found.total) == (202, 3, 3)


def test_a_long_good_record_delays_nothing():
    bad = [1, 0, 1, 1, 0, 1, 1, 1]
    after_few, after_many = (detect_alarm(outcomes([0] * n + bad)).ticket - n for n in (50, 5_000))
    assert after_few == after_many


def test_wrong_as_often_as_allowed_is_not_broken():
    assert detect_alarm(outcomes(([0] * 19 + [1]) * 50)) is None


@given(st.lists(st.booleans(), max_size=60), st.lists(st.booleans(), min_size=60, max_size=60))
def test_what_is_not_known_yet_can_only_bring_the_alarm_forward(wrong, known):
    partly = detect_alarm(outcomes(w and k for w, k in zip(wrong, known, strict=False)))
    fully = detect_alarm(outcomes(wrong))
    assert partly is None or (fully is not None and fully.ticket <= partly.ticket)


def test_a_promise_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        detect_alarm(outcomes([1], allowed=0.0))
