"""Promises are kept: hundreds of worlds whose truth is known, and how many of their contracts are broken."""

from collections import Counter

import numpy as np
import pytest

from deskyard.guarantees.intervals import ALPHA
from tests.deskyard.worlds import KINDS, tell

WORLDS = 400
SLACK = 2.33
"""Standard deviations: chance alone fails a test one time in a hundred, and the seeds are fixed."""


def most_broken(worlds):
    """Promises that may be broken of so many."""
    return ALPHA * worlds + SLACK * np.sqrt(worlds * ALPHA * (1 - ALPHA))


@pytest.fixture(scope="module")
def told():
    return [tell(seed) for seed in range(WORLDS)]


def test_in_at_most_one_world_of_twenty_the_promise_is_broken(told):
    routing = [world for world in told if world.precision is not None]
    assert len(routing) > WORLDS / 5
    assert sum(world.precision < world.asked for world in routing) <= most_broken(len(routing))


def test_a_promise_on_parents_is_kept_as_well(told):
    backing_off = [world for world in told if world.above is not None]
    assert len(backing_off) > WORLDS / 10
    assert sum(world.above < world.asked for world in backing_off) <= most_broken(len(backing_off))


def test_where_there_is_nothing_to_learn_nothing_is_routed(told):
    kinds = Counter(world.kind for world in told if world.precision is not None or world.above is not None)
    assert set(kinds) == set(KINDS) - {"majority", "shuffled"}


def test_hardly_any_label_is_wrong_more_than_twice_as_often_as_promised(told):
    pairs = [(p, world.asked) for world in told for p in world.by_label if world.kind != "miscalibrated"]
    assert len(pairs) > WORLDS
    assert sum(p < 1 - 2 * (1 - asked) for p, asked in pairs) <= ALPHA * len(pairs)
