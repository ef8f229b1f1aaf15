"""The worlds of `tests/deskyard/guarantees/test_contract_fitting.py`, ten times as many: each kind of world by itself
keeps its word."""

import numpy as np
import pytest

from deskyard.guarantees.intervals import ALPHA
from tests.deskyard.worlds import KINDS, tell

WORLDS = 800


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_world_keeps_its_word(kind):
    told = [tell(10_000 + KINDS.index(kind) + len(KINDS) * n) for n in range(WORLDS)]
    promises = [(world.precision, world.asked) for world in told] + [(world.above, world.asked) for world in told]
    made = [(precision, asked) for precision, asked in promises if precision is not None]
    broken = sum(precision < asked for precision, asked in made)
    assert broken <= ALPHA * len(made) + 2.33 * np.sqrt(len(made) * ALPHA * (1 - ALPHA))
    assert bool(made) == (kind not in ("majority", "shuffled"))
