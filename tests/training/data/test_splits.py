"""Splits: no model is ever asked about a ticket that it has learnt, nor about one older than any it learnt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.splits import (  # fmt: skip
    FIRST_FOLD_START,
    HOLDOUT_SHARE,
    MAX_RARE_TICKETS,
    MIN_TICKETS_PER_LABEL,
    N_FOLDS,
    SplitPlan,
    cross_fitting_folds,
    select_tickets,
    split_holdout,
    thin_evenly,
    tuning_folds,
)

SIZES = st.integers(0, 400)
SEEDS = st.integers(0, 5)


def asks(plan):
    return [*plan.folds, plan.holdout, *([plan.random_holdout] if plan.random_holdout else [])]


@given(SIZES, SIZES | st.just(0), st.booleans(), SEEDS)
def test_no_ticket_is_asked_of_a_model_that_learnt_it(history, test, ordered, seed):
    plan = SplitPlan.build(history, test, ordered, seed)
    for fold in asks(plan):
        assert not set(fold.learn) & set(fold.predict)
        assert set(fold.learn) <= set(range(history))
        assert len(set(fold.predict)) == len(fold.predict)
    assert plan.everything.tolist() == list(range(history))


@given(SIZES, SIZES | st.just(0), SEEDS)
def test_in_a_time_ordered_plan_no_question_is_older_than_any_ticket_that_was_learnt(history, test, seed):
    plan = SplitPlan.build(history, test, True, seed)
    for fold in (*plan.folds, plan.holdout):
        assert max(fold.learn, default=-1) < min(fold.predict, default=0) or not len(fold.predict)
    assert (plan.random_holdout is None) == bool(test)


@given(SIZES, SIZES | st.just(0), st.booleans(), SEEDS)
def test_the_judging_tickets_are_in_no_fold(history, test, ordered, seed):
    plan = SplitPlan.build(history, test, ordered, seed)
    for fold in plan.folds:
        assert not (set(fold.learn) | set(fold.predict)) & set(plan.holdout.predict)
        assert set(fold.learn) | set(fold.predict) <= set(plan.holdout.learn)
    asked = [position for fold in plan.folds for position in fold.predict]
    assert len(asked) == len(set(asked))


@given(st.integers(1, 300), st.integers(1, 50), st.booleans(), SEEDS)
def test_tickets_of_a_test_file_are_asked_and_never_learnt(history, test, ordered, seed):
    plan = SplitPlan.build(history, test, ordered, seed)
    theirs = set(range(history, history + test))
    assert set(plan.holdout.predict) == theirs
    assert set(plan.holdout.learn) == set(plan.everything)
    assert not any(theirs & set(fold.learn) for fold in asks(plan))
    assert plan.is_holdout_unseen
    assert plan.description == "the test file"


@given(st.integers(2, 400), st.booleans(), SEEDS)
def test_without_a_test_file_a_fifth_judges_and_is_learnt_in_the_end(n, ordered, seed):
    plan = SplitPlan.build(n, 0, ordered, seed)
    assert abs(len(plan.holdout.predict) - HOLDOUT_SHARE * n) <= 1
    assert len(plan.holdout.learn) + len(plan.holdout.predict) == n
    assert not plan.is_holdout_unseen
    assert plan.description == ("the newest fifth" if ordered else "a random fifth")
    if ordered:
        assert plan.holdout.predict.tolist() == list(range(n - len(plan.holdout.predict), n))


def test_ordered_folds_are_the_newest_60_percent_in_five_blocks_each_after_all_that_was_learnt():
    cut = list(cross_fitting_folds(np.arange(100), True, 0))
    assert len(cut) == N_FOLDS
    assert np.concatenate([fold.predict for fold in cut]).tolist() == list(range(int(FIRST_FOLD_START * 100), 100))
    assert [fold.learn.tolist() for fold in cut] == [list(range(fold.predict[0])) for fold in cut]


def test_unordered_folds_ask_every_ticket_once_and_learn_all_the_others():
    learn = np.arange(0, 200, 2)
    cut = list(cross_fitting_folds(learn, False, 0))
    assert sorted(np.concatenate([fold.predict for fold in cut]).tolist()) == learn.tolist()
    assert all(sorted([*fold.learn, *fold.predict]) == learn.tolist() for fold in cut)


def test_the_same_seed_gives_the_same_cut_and_another_seed_another():
    def cut(seed):
        plan = SplitPlan.build(100, 0, False, seed)
        return [fold.predict.tolist() for fold in asks(plan)]

    assert cut(3) == cut(3)
    assert cut(3) != cut(4)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("ordered", [True, False])
def test_the_smallest_histories_can_be_cut(n, ordered):
    fold = split_holdout(n, ordered, 0)
    assert len(fold.learn) + len(fold.predict) == n
    assert (len(fold.learn) > 0) == (n > 0)
    assert (len(fold.predict) > 0) == (n > 1)


@given(st.integers(10, 300), st.integers(1, 60), SEEDS)
def test_near_copies_stay_together_in_random_folds(n, kinds, seed):
    groups = np.random.default_rng(seed).integers(0, kinds, n)
    cut = [*cross_fitting_folds(np.arange(n), False, seed, groups), *tuning_folds(np.arange(n), False, 3, seed, groups)]
    held = len(set(groups.tolist()))
    assert len(cut) == (min(held, 5) + min(held, 3) if held > 1 else 0)
    for fold in cut:
        assert not set(groups[fold.learn]) & set(groups[fold.predict])
        assert sorted([*fold.learn, *fold.predict]) == list(range(n))


def test_parts_with_a_few_large_groups_are_about_as_large():
    groups = np.concatenate([np.repeat(np.arange(4), 30), np.arange(100, 480)])
    sizes = [len(fold.predict) for fold in cross_fitting_folds(np.arange(500), False, 0, groups)]
    assert sizes == [100] * 5


@given(SIZES, st.integers(1, 3), SEEDS)
def test_recipes_are_chosen_on_the_newest_tickets_of_those_that_are_learnt(n, count, seed):
    learn = np.arange(0, 2 * n, 2)
    cut = tuning_folds(learn, True, count, seed)
    assert len(cut) == count or n < 10
    for fold in cut:
        assert max(fold.learn) < min(fold.predict)
        assert set(fold.learn) | set(fold.predict) <= set(learn)


@given(st.integers(0, 300), st.integers(1, 200), st.integers(1, 40), st.booleans(), SEEDS)
def test_of_a_long_history_the_newest_and_some_of_every_label_take_part(n, most, labels, ordered, seed):
    rng = np.random.default_rng(seed)
    y = np.minimum(rng.integers(-1, labels, n), rng.integers(-1, labels, n)).astype(np.int32)
    part = select_tickets([y], n, ordered, seed, most)
    assert part.tolist() == sorted(set(part.tolist())) == select_tickets([y], n, ordered, seed, most).tolist()
    assert set(part) <= set(range(n))
    if n <= most:
        assert part.tolist() == list(range(n))
        return
    if ordered:
        assert part[-most:].tolist() == list(range(n - most, n))
    assert most <= len(part) <= most + MAX_RARE_TICKETS
    for label in range(labels):
        held, all_there_are = np.count_nonzero(y[part] == label), np.count_nonzero(y == label)
        assert held >= min(MIN_TICKETS_PER_LABEL, all_there_are)


def test_of_rare_labels_the_newest_take_part_each_label_in_turn(monkeypatch):
    monkeypatch.setattr("training.data.splits.MAX_RARE_TICKETS", 4)
    y = np.array([0, 1] * 10 + [2] * 30, np.int32)
    assert select_tickets([y], 50, True, 0, 30).tolist() == [16, 17, 18, 19, *range(20, 50)]


def test_a_label_that_is_rare_for_one_target_takes_part_with_its_newest_tickets_only():
    rare = np.full(400, -1, np.int32)
    rare[:200] = 0
    part = select_tickets([np.zeros(400, np.int32), rare], 400, True, 0, 100)
    assert part.tolist() == [*range(200 - MIN_TICKETS_PER_LABEL, 200), *range(300, 400)]


@given(SIZES, st.integers(1, 50))
def test_thinning_leaves_no_more_than_asked_and_spreads_them(n, most):
    kept = thin_evenly(np.arange(n), most)
    assert len(kept) == min(n, most)
    steps = np.diff(kept).tolist()
    assert not steps or max(steps) - min(steps) <= 1
    assert kept[:1].tolist() == [0][: min(n, 1)]


def test_thinning_spreads_what_does_not_come_out_even():
    assert np.unique(np.diff(thin_evenly(np.arange(50), 12))).tolist() == [4, 5]
