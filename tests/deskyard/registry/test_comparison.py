"""When a challenger may replace the champion: counted over simulated worlds whose labels are known."""

import numpy as np
import pytest

from deskyard.registry.comparison import ModelAnswers, TargetAnswers, compare_models, compare_paired, holm_correction

LABELS = np.array(["Billing", "IT", "Mail", "Shop"])


def model_answers(truth, right, dice, routed=None, proved=True):
    """A model that is correct where `right` is true, and predicts another label elsewhere."""
    other = LABELS[(np.searchsorted(LABELS, truth) + dice.integers(1, 4, len(truth))) % 4]
    gone = np.zeros(len(truth), bool) if routed is None else routed
    return ModelAnswers(np.where(right, truth, other), gone, proved)


def world(seed, first, second, n=400, classes=None):
    """Two models of these accuracies on the same tickets; `classes` lowers the second's on one label."""
    dice = np.random.default_rng(seed)
    truth = LABELS[dice.integers(0, 4, n)]
    shares = np.full(n, second)
    for label, share in (classes or {}).items():
        shares[truth == label] = share
    ours, theirs = (
        model_answers(truth, dice.random(n) < first, dice),
        model_answers(truth, dice.random(n) < shares, dice),
    )
    return compare_models("a", "b", {"queue": TargetAnswers(truth, ours, theirs, 0.9)})


def test_of_models_that_are_alike_at_most_one_in_twenty_is_promoted():
    assert sum(world(seed, 0.8, 0.8).promote for seed in range(200)) <= 10 + 8


def test_a_better_one_is_promoted_in_nine_of_ten_worlds():
    assert sum(world(seed, 0.75, 0.85).promote for seed in range(100)) >= 90


def test_a_worse_one_is_never_promoted():
    assert not any(world(seed, 0.85, 0.75).promote for seed in range(100))


def test_better_on_the_whole_is_not_enough_where_one_class_is_lost():
    found = [world(seed, 0.7, 0.9, classes={"Shop": 0.3}) for seed in range(20)]
    assert not any(one.promote for one in found)
    assert all(any(g.code == "worse_class" and g.name == "Shop" for g in one.reasons) for one in found)
    assert "queue 'Shop': significantly worse" in found[0].verdict


def test_too_few_tickets_prove_nothing():
    found = world(1, 0.2, 0.95, n=99)
    assert not found.promote
    assert "too few tickets" in found.verdict


def test_sixty_copies_of_one_ticket_are_worth_one():
    dice = np.random.default_rng(0)
    truth = LABELS[dice.integers(0, 4, 300)]
    right = dice.random(300) < 0.8
    lucky = right.copy()
    lucky[:60] = True
    right[:60] = False
    answers = {"queue": TargetAnswers(truth, model_answers(truth, right, dice), model_answers(truth, lucky, dice), 0.9)}
    groups = np.concatenate([np.zeros(60, np.int64), np.arange(1, 241)])
    assert compare_models("a", "b", answers).promote
    assert not compare_models("a", "b", answers, groups=groups).promote


def test_a_challenger_that_breaks_the_promise_or_proves_none_is_not_promoted():
    dice = np.random.default_rng(3)
    truth = LABELS[dice.integers(0, 4, 400)]
    ours = model_answers(truth, dice.random(400) < 0.6, dice, np.zeros(400, bool))
    theirs = dice.random(400) < 0.8
    broken = compare_models(
        "a", "b", {"queue": TargetAnswers(truth, ours, model_answers(truth, theirs, dice, np.ones(400, bool)), 0.95)}
    )
    unproved = compare_models(
        "a", "b", {"queue": TargetAnswers(truth, ours, model_answers(truth, theirs, dice, proved=False), 0.95)}
    )
    assert [ground.code for ground in broken.reasons] == ["better", "contract_broken"]
    assert [ground.code for ground in unproved.reasons] == ["better", "no_contract"]
    assert not broken.promote
    assert not unproved.promote


def test_a_target_that_is_lost_is_told():
    dice = np.random.default_rng(3)
    truth = LABELS[dice.integers(0, 4, 400)]
    answers = {
        "queue": TargetAnswers(
            truth, model_answers(truth, truth == "IT", dice), model_answers(truth, truth != "", dice), 0.9
        )
    }
    assert "priority: not predicted" in compare_models("a", "b", answers, missing=["priority"]).verdict


def test_the_interval_holds_the_difference_in_nineteen_of_twenty_worlds():
    held = 0
    for seed in range(200):
        whole = world(seed, 0.75, 0.8, n=300).targets[0].overall
        held += whole.low <= 0.05 <= whole.high
    assert held >= 180


def test_figures_add_up():
    found = world(5, 0.7, 0.8).targets[0]
    assert sum(part.n for part in found.classes) == found.overall.n
    assert sum(part.first for part in found.classes) == found.overall.first
    assert found.overall.second - found.overall.first == found.overall.gained - found.overall.lost


def test_what_nobody_knows_counts_for_neither():
    dice = np.random.default_rng(3)
    truth = LABELS[dice.integers(0, 4, 400)]
    answers = TargetAnswers(
        np.where(truth == "IT", "", truth),
        model_answers(truth, truth != "", dice),
        model_answers(truth, truth != "", dice),
        0.9,
    )
    found = compare_models("a", "b", {"queue": answers}).targets[0]
    assert found.overall.n == (truth != "IT").sum() == found.overall.first


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_holm_calls_a_true_hypothesis_false_no_oftener_than_it_says(level):
    dice = np.random.default_rng(1)
    wrong = sum(any(holm_correction(list(dice.random(6)), level)) for _ in range(1000))
    assert wrong <= 1000 * level + 3 * (1000 * level) ** 0.5


def test_nothing_parts_nothing():
    one = compare_paired("", np.ones(5, bool), np.ones(5, bool), np.arange(5), 0)
    assert (one.gained, one.lost, one.better, one.worse, one.low, one.high) == (0, 0, 1.0, 1.0, 0.0, 0.0)


def test_where_labels_mean_nothing_one_that_says_the_commonest_is_not_promoted():
    dice = np.random.default_rng(7)
    truth = LABELS[dice.choice(4, 600, p=[0.55, 0.15, 0.15, 0.15])]
    ours, theirs = (
        ModelAnswers(LABELS[dice.integers(0, 4, 600)], np.zeros(600, bool), False),
        ModelAnswers(np.full(600, "Billing"), np.zeros(600, bool), False),
    )
    found = compare_models("a", "b", {"queue": TargetAnswers(truth, ours, theirs, 0.9)})
    assert found.targets[0].overall.better < 0.001
    assert (found.reasons[0].code, found.promote) == ("no_better_than_majority", False)
    assert "no better than always predicting its most frequent label" in found.verdict
