"""A challenger beside the champion whose place it wants: judged on tickets that neither has learnt from, and promoted
for better answers only. `make scale` counts it a hundred times."""

from tests.training.retraining import challenged


def test_a_truly_better_one_is_promoted_for_tickets_that_neither_knows(tmp_path):
    found = challenged(tmp_path / "bundle", 1, 100, 600)
    assert found.promote, found.verdict
    assert found.tickets == 120
    assert {len(parts) > 1 for parts in found.targets[0].slices.values()} == {True}


def test_one_that_learnt_from_shuffled_labels_is_not(tmp_path):
    found = challenged(tmp_path / "bundle", 2, 300, 600, "learnt")
    assert not found.promote
    assert "significantly worse" in found.verdict


def test_nor_is_one_of_a_desk_whose_labels_mean_nothing(tmp_path):
    assert not challenged(tmp_path / "bundle", 3, 200, 400, "all").promote
