"""The worlds of `tests/deskyard/guarantees/test_contract_fitting.py`, for each kind of world
by itself; at scale ten times as many."""

import numpy as np
import pytest

from deskyard.guarantees.intervals import ALPHA
from tests.deskyard.worlds import KINDS, simulate_world


@pytest.mark.parametrize("n_worlds", [160, pytest.param(800, marks=pytest.mark.scale)])
@pytest.mark.parametrize("kind", KINDS)
def test_contracts_hold_in_each_kind_of_world(kind, n_worlds):
    worlds = [simulate_world(10_000 + KINDS.index(kind) + len(KINDS) * n) for n in range(n_worlds)]
    promises = [(world.precision, world.required_precision) for world in worlds] + [
        (world.parent_precision, world.required_precision) for world in worlds
    ]
    made = [(precision, required) for precision, required in promises if precision is not None]
    missed = sum(precision < required for precision, required in made)
    assert missed <= ALPHA * len(made) + 2.33 * np.sqrt(len(made) * ALPHA * (1 - ALPHA))
    assert bool(made) == (kind not in ("majority", "shuffled"))
