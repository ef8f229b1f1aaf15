"""Likeness: its signs are finite, hold for one ticket as for many, and what a model never learnt says nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.model.likeness import (
    BATCH_SIZE,
    LIKENESS_FEATURES,
    PRIOR_TICKETS,
    LikenessModel,
    MarginProfile,
    likeness_features,
)


def world(labels=6, n=400, seed=0):
    """Margins of tickets, each near its label and that label's two neighbours; probabilities, predicted labels, all
    seen_labels."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % labels
    away = np.abs(truth[:, None] - np.arange(labels))
    margins = rng.normal(-1, 0.1, (n, labels)) + np.minimum(away, labels - away).clip(0, 2) * -0.5 + 1
    probabilities = np.exp(4 * margins)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return margins, probabilities, probabilities.argmax(axis=1), np.ones(margins.shape, bool)


@given(st.integers(2, 9), st.integers(0, 10**6))
def test_signs_are_finite_and_a_likeness_weighs_them(labels, seed):
    rng = np.random.default_rng(seed)
    probabilities, margins, near, known = (
        rng.dirichlet(np.full(labels, 0.05), 5), rng.normal(size=(5, labels)), rng.random(5), rng.random(5)
    )  # fmt: skip
    profile = MarginProfile.fit(margins, probabilities.argmax(axis=1), rng.random(margins.shape) > 0.3)
    found = likeness_features(probabilities, margins, near, known, profile)
    assert found.shape == (5, len(LIKENESS_FEATURES))
    assert np.isfinite(found).all()
    like = LikenessModel(np.array([1.0, 0, 0, 2.0, 0, 0]), profile).log_odds(probabilities, margins, near, known)
    assert like == pytest.approx(1 + 2 * near, rel=1e-5)


def test_a_sure_belief_has_less_entropy_than_a_doubtful_one():
    probabilities = np.array([[1.0, 0, 0], [1 / 3, 1 / 3, 1 / 3]])
    profile = MarginProfile.fit(probabilities, probabilities.argmax(axis=1), np.ones((2, 3), bool))
    sure, doubtful = likeness_features(probabilities, probabilities, np.zeros(2), np.zeros(2), profile)[:, 0]
    assert sure < doubtful


def test_a_ticket_near_the_usual_other_labels_is_more_like_than_one_near_unusual_ones():
    margins, _, predicted, seen_labels = world()
    profile = MarginProfile.fit(margins, predicted, seen_labels)
    label = 2
    like = margins[predicted == label].mean(axis=0)
    unlike = like.copy()
    unlike[[0, 1, 3, 4, 5]] = like[[1, 0, 5, 4, 3]]  # as sure, and near labels that are usually far
    found = profile.similarity(np.stack([like, unlike]), np.array([label, label]), seen_labels[:2])
    assert found[0] > 0.99
    assert found[1] < found[0] - 0.2
    assert (np.abs(profile.similarity(margins, predicted, seen_labels)) <= 1 + 1e-9).all()


def test_one_ticket_is_as_like_as_among_many():
    margins, probabilities, predicted, seen_labels = world(n=2 * BATCH_SIZE + 3)
    profile = MarginProfile.fit(margins, predicted, seen_labels)
    many = profile.similarity(margins, predicted, seen_labels)
    for i in (0, BATCH_SIZE - 1, BATCH_SIZE, len(margins) - 1):
        one = likeness_features(probabilities[i : i + 1], margins[i : i + 1], np.zeros(1), np.zeros(1), profile)
        assert one[0, LIKENESS_FEATURES.index("usual")] == pytest.approx(many[i], rel=1e-12)
    assert len(profile.similarity(margins[:0], predicted[:0], seen_labels[:0])) == 0


def test_what_a_model_says_of_a_label_that_it_never_learnt_counts_for_nothing():
    margins, _, predicted, seen_labels = world()
    seen_labels = seen_labels.copy()
    seen_labels[::3, 5] = False
    other = margins.copy()
    other[::3, 5] = -99
    profile, same = (MarginProfile.fit(some, predicted, seen_labels) for some in (margins, other))
    assert (profile.mean == same.mean).all()
    assert (profile.offsets == same.offsets).all()
    assert (profile.similarity(margins, predicted, seen_labels) == same.similarity(other, predicted, seen_labels)).all()


def test_a_label_that_was_hardly_ever_said_has_hardly_any_usual_margins():
    margins, _, predicted, seen_labels = world()
    predicted = np.where(predicted == 4, 3, predicted)
    predicted[0] = 4
    profile = MarginProfile.fit(margins, predicted, seen_labels)
    assert profile.offsets[4] == pytest.approx((margins[0] - profile.mean) / (1 + PRIOR_TICKETS), abs=1e-3)
    predicted[0] = 0
    profile = MarginProfile.fit(margins, predicted, seen_labels)
    assert (profile.offsets[4] == 0).all()
    assert profile.similarity(margins[:1], np.array([4]), seen_labels[:1]) == 0
