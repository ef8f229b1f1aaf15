"""The linear head's recipe: what counts more weighs more, and everything folds back into weights of columns."""

import numpy as np
import pytest
from scipy import sparse

from deskyard.features.lsa import MIN_TICKETS, LsaProjection
from deskyard.model.hyperparameters import PLAIN_RECIPE, Recipe
from deskyard.model.linear_head import (
    ABSENT_INTERCEPT,
    ABSENT_LSA_INTERCEPT,
    LinearHead,
    LinearSeparators,
    sample_weights,
)

LABELS = 4


def rows(n, seed=0, labels=LABELS):
    """Tickets of a few words of their label and a few of anybody's."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, labels, n).astype(np.int32)
    own = np.array([rng.choice(10, 3, replace=False) for _ in range(n)]) + 10 * y[:, None]
    others = rng.integers(10 * labels, 10 * labels + 30, (n, 4))
    columns = np.concatenate([own, others], axis=1)
    data = np.ones(columns.size, np.float32) / np.sqrt(7)
    shape = (n, 10 * labels + 30)
    at = (np.repeat(np.arange(n, dtype=np.int32), 7), columns.ravel().astype(np.int32))
    return sparse.csr_array(sparse.coo_array((data, at), shape=shape)), y


def test_themes_alone_tell_labels_apart_and_weigh_columns():
    X, y = rows(400)
    themes = LsaProjection.fit(X, 0)
    head = LinearHead(LABELS, Recipe(themes=1.0)).fit(X, y, lsa=themes)
    new, truth = rows(200, seed=1)
    assert (head.margins(new).argmax(axis=1) == truth).mean() > 0.9
    by_theme = LinearSeparators.fit_dense(themes.transform(X), y, LABELS, np.ones(len(y), np.float32))
    assert np.abs(head.margins(new) - by_theme.margins(themes.transform(new))).max() < 0.02


def test_a_word_that_was_never_learnt_with_a_label_borrows_from_its_company(monkeypatch):
    monkeypatch.setattr("deskyard.features.lsa.MAX_COMPONENTS", 8)
    X, y = rows(600)
    # Word 0 of label 0 occurs only in tickets that themes see and the head does not: those without a label.
    learnt = np.flatnonzero(X[:, [0]].toarray()[:, 0] == 0)
    themes = LsaProjection.fit(X, 0)
    head = LinearHead(LABELS, Recipe(themes=1.0)).fit(X[learnt], y[learnt], lsa=themes)
    plain = LinearHead(LABELS, PLAIN_RECIPE).fit(X[learnt], y[learnt])
    assert head.coef_[0].argmax() == 0
    assert head.coef_[0, 0] > head.coef_[0, 1:].max() + 0.2
    assert not plain.coef_[0].any()


def test_the_say_of_themes_lies_between_none_and_all():
    X, y = rows(300)
    themes = LsaProjection.fit(X, 0)
    none, half, all_of_it = (LinearHead(LABELS, Recipe(themes=said)).fit(X, y, lsa=themes) for said in (0.0, 0.5, 1.0))
    between = (none.coef_.astype(np.float64) + all_of_it.coef_.astype(np.float64)) / 2
    assert np.abs(half.coef_ - between).max() < 5e-3
    assert np.allclose(half.intercept_, (none.intercept_ + all_of_it.intercept_) / 2)


@pytest.mark.parametrize("n", [0, 1, 2, MIN_TICKETS - 1])
def test_a_handful_of_tickets_has_no_themes_and_is_learnt_without(n):
    X, y = rows(60)
    themes = LsaProjection.fit(X[:n], 0)
    assert len(themes) == 0
    head = LinearHead(LABELS, Recipe(themes=0.5)).fit(X, y, lsa=themes)
    assert (head.coef_ == LinearHead(LABELS, PLAIN_RECIPE).fit(X, y).coef_).all()


def test_a_block_left_out_weighs_nothing_and_the_others_are_learnt_as_if_it_were_not_there():
    X, y = rows(300)
    factors = np.repeat(np.array([1, 0], np.float32), [40, 30])
    head = LinearHead(LABELS, PLAIN_RECIPE).fit(X, y, factors)
    assert not head.coef_[40:].any()
    bare = LinearHead(LABELS, PLAIN_RECIPE).fit(sparse.csr_array(X[:, :40]), y)
    assert np.abs(head.coef_[:40].astype(np.float32) - bare.coef_).max() < 0.01


def test_with_recency_new_tickets_outvote_old_ones():
    X, y = rows(400, labels=2)
    changed = np.where(np.arange(400) < 250, y, 1 - y).astype(np.int32)
    ages = np.linspace(1, 0, 400).astype(np.float32)
    new, truth = rows(200, seed=1, labels=2)
    now = 1 - truth
    all_alike = LinearHead(2, PLAIN_RECIPE).fit(X, changed, ages=ages)
    by_age = LinearHead(2, Recipe(themes=0, recency=0.1)).fit(X, changed, ages=ages)
    assert (all_alike.margins(new).argmax(axis=1) == now).mean() < 0.4
    assert (by_age.margins(new).argmax(axis=1) == now).mean() > 0.6


def test_the_weights_are_of_mean_one_and_balance_counts_each_label_alike():
    y = np.array([0] * 90 + [1] * 10, np.int32)
    ages = np.linspace(1, 0, 100).astype(np.float32)
    assert (sample_weights(PLAIN_RECIPE, y, ages) == 1).all()
    by_age = sample_weights(Recipe(recency=0.15), y, ages)
    assert by_age.mean() == pytest.approx(1, rel=1e-5)
    assert by_age[-1] / by_age[0] == pytest.approx(1.1 / (np.exp(-1 / 0.15) + 0.1), rel=1e-3)
    balanced = sample_weights(Recipe(balance=1.0), y, ages)
    assert balanced[y == 0].sum() == pytest.approx(balanced[y == 1].sum())


def test_ordered_labels_differ_by_twice_the_step_between_them():
    rng = np.random.default_rng(0)
    level = rng.uniform(0, 4, 600)
    y = np.minimum(level, 3).astype(np.int32)
    X = np.stack([level, np.ones(600)], axis=1).astype(np.float32)
    counted = np.ones(600, np.float32)
    found = LinearSeparators.fit(X, y, 4, 1.0, counted, ordered=True)
    for step in range(3):
        alone = LinearSeparators.fit(X, (y > step).astype(np.int32), 2, 1.0, counted)
        assert np.allclose(found.coef[:, step + 1] - found.coef[:, step], 2 * alone.coef[:, 1], atol=1e-4)
    assert (found.margins(X).argmax(axis=1) == y).mean() > 0.8


@pytest.mark.parametrize("ordered", [True, False])
def test_a_label_that_is_absent_stays_far_off_by_every_road(ordered):
    X, y = rows(200)
    y[y == 2] = 1
    head = LinearHead(LABELS, Recipe(themes=0.5, ordered=ordered)).fit(X, y, lsa=LsaProjection.fit(X, 0))
    assert (head.margins(X)[:, 2] == np.float32((ABSENT_INTERCEPT + ABSENT_LSA_INTERCEPT) / 2)).all()
    assert (head.margins(X).argmax(axis=1) != 2).all()


def test_a_recipe_without_a_factor_for_each_block_is_refused():
    with pytest.raises(ValueError, match="a factor for each"):
        Recipe(blocks=(1.0, 1.0))
