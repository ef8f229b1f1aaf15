"""Contracts hold: in hundreds of worlds with known truth, at most a few miss their precision."""

from collections import Counter

import numpy as np
import pytest

from deskyard.guarantees.intervals import ALPHA
from tests.deskyard.worlds import KINDS, simulate_world

WORLDS = 400
SLACK = 2.33
"""Standard deviations: chance alone fails a test one time in a hundred, and the seeds are fixed."""


def max_missed(n):
    """How many of `n` contracts may miss their precision."""
    return ALPHA * n + SLACK * np.sqrt(n * ALPHA * (1 - ALPHA))


@pytest.fixture(scope="module")
def worlds():
    return [simulate_world(seed) for seed in range(WORLDS)]


def test_at_most_one_contract_of_twenty_misses_its_precision(worlds):
    routing = [world for world in worlds if world.precision is not None]
    assert len(routing) > WORLDS / 5
    assert sum(world.precision < world.required_precision for world in routing) <= max_missed(len(routing))


def test_a_contract_on_parents_holds_as_well(worlds):
    backing_off = [world for world in worlds if world.parent_precision is not None]
    assert len(backing_off) > WORLDS / 10
    assert sum(world.parent_precision < world.required_precision for world in backing_off) <= max_missed(
        len(backing_off)
    )


def test_where_there_is_nothing_to_learn_nothing_is_routed(worlds):
    kinds = Counter(world.kind for world in worlds if world.precision is not None or world.parent_precision is not None)
    assert set(kinds) == set(KINDS) - {"majority", "shuffled"}


def test_hardly_any_label_is_wrong_more_than_twice_as_often_as_promised(worlds):
    pairs = [(p, world.required_precision) for world in worlds for p in world.by_label if world.kind != "miscalibrated"]
    assert len(pairs) > WORLDS
    assert sum(p < 1 - 2 * (1 - required) for p, required in pairs) <= ALPHA * len(pairs)
