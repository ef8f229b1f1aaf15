"""A hundred challengers of each kind: the counts in the docs."""

import pytest

from tests.training.retraining import challenged

pytestmark = pytest.mark.scale
TRIES = 100


def test_truly_better_ones_are_promoted_in_nine_of_ten_tries(tmp_path):
    promoted = sum(challenged(tmp_path / str(seed), seed, 100, 900).promote for seed in range(TRIES))
    print(f"truly better: {promoted} of {TRIES} promoted")
    assert promoted >= 90


@pytest.mark.parametrize("shuffled", ["learnt", "all"])
def test_one_that_learnt_from_shuffled_labels_is_never_promoted(tmp_path, shuffled):
    promoted = sum(challenged(tmp_path / str(seed), seed, 450, 900, shuffled).promote for seed in range(TRIES))
    print(f"shuffled ({shuffled}): {promoted} of {TRIES} promoted")
    assert promoted == 0
