"""Likeness: its signs are finite, hold for one ticket as for many, and what a model never learnt says nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.model.likeness import AT_ONCE, DOUBT, SIGNS, Likeness, Usual, signs


def world(labels=6, n=400, seed=0):
    """Margins of tickets, each near its label and that label's two neighbours; beliefs, predicted labels, all heard."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % labels
    away = np.abs(truth[:, None] - np.arange(labels))
    margins = rng.normal(-1, 0.1, (n, labels)) + np.minimum(away, labels - away).clip(0, 2) * -0.5 + 1
    beliefs = np.exp(4 * margins)
    beliefs /= beliefs.sum(axis=1, keepdims=True)
    return margins, beliefs, beliefs.argmax(axis=1), np.ones(margins.shape, bool)


@given(st.integers(2, 9), st.integers(0, 10**6))
def test_signs_are_finite_and_a_likeness_weighs_them(labels, seed):
    rng = np.random.default_rng(seed)
    beliefs, margins, near, known = (
        rng.dirichlet(np.full(labels, 0.05), 5), rng.normal(size=(5, labels)), rng.random(5), rng.random(5)
    )  # fmt: skip
    usual = Usual.of(margins, beliefs.argmax(axis=1), rng.random(margins.shape) > 0.3)
    found = signs(beliefs, margins, near, known, usual)
    assert found.shape == (5, len(SIGNS))
    assert np.isfinite(found).all()
    like = Likeness(np.array([1.0, 0, 0, 2.0, 0, 0]), usual).of(beliefs, margins, near, known)
    assert like == pytest.approx(1 + 2 * near, rel=1e-5)


def test_a_sure_belief_has_less_entropy_than_a_doubtful_one():
    beliefs = np.array([[1.0, 0, 0], [1 / 3, 1 / 3, 1 / 3]])
    usual = Usual.of(beliefs, beliefs.argmax(axis=1), np.ones((2, 3), bool))
    sure, doubtful = signs(beliefs, beliefs, np.zeros(2), np.zeros(2), usual)[:, 0]
    assert sure < doubtful


def test_a_ticket_near_the_usual_other_labels_is_more_like_than_one_near_unusual_ones():
    margins, _, predicted, heard = world()
    usual = Usual.of(margins, predicted, heard)
    label = 2
    like = margins[predicted == label].mean(axis=0)
    unlike = like.copy()
    unlike[[0, 1, 3, 4, 5]] = like[[1, 0, 5, 4, 3]]  # as sure, and near labels that are usually far
    found = usual.like(np.stack([like, unlike]), np.array([label, label]), heard[:2])
    assert found[0] > 0.99
    assert found[1] < found[0] - 0.2
    assert (np.abs(usual.like(margins, predicted, heard)) <= 1 + 1e-9).all()


def test_one_ticket_is_as_like_as_among_many():
    margins, beliefs, predicted, heard = world(n=2 * AT_ONCE + 3)
    usual = Usual.of(margins, predicted, heard)
    many = usual.like(margins, predicted, heard)
    for i in (0, AT_ONCE - 1, AT_ONCE, len(margins) - 1):
        one = signs(beliefs[i : i + 1], margins[i : i + 1], np.zeros(1), np.zeros(1), usual)
        assert one[0, SIGNS.index("usual")] == pytest.approx(many[i], rel=1e-12)
    assert len(usual.like(margins[:0], predicted[:0], heard[:0])) == 0


def test_what_a_model_says_of_a_label_that_it_never_learnt_counts_for_nothing():
    margins, _, predicted, heard = world()
    heard = heard.copy()
    heard[::3, 5] = False
    other = margins.copy()
    other[::3, 5] = -99
    usual, same = (Usual.of(some, predicted, heard) for some in (margins, other))
    assert (usual.mean == same.mean).all()
    assert (usual.apart == same.apart).all()
    assert (usual.like(margins, predicted, heard) == same.like(other, predicted, heard)).all()


def test_a_label_that_was_hardly_ever_said_has_hardly_any_usual_margins():
    margins, _, predicted, heard = world()
    predicted = np.where(predicted == 4, 3, predicted)
    predicted[0] = 4
    usual = Usual.of(margins, predicted, heard)
    assert usual.apart[4] == pytest.approx((margins[0] - usual.mean) / (1 + DOUBT), abs=1e-3)
    predicted[0] = 0
    usual = Usual.of(margins, predicted, heard)
    assert (usual.apart[4] == 0).all()
    assert usual.like(margins[:1], np.array([4]), heard[:1]) == 0
