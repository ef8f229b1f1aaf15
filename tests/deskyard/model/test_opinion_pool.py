"""The pool: beliefs are probabilities, whatever the heads say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import approx_fprime
from scipy.special import softmax

from deskyard.model.opinion_pool import EMBEDDING_HEADS, HEADS, head_names, log_scores, predict_proba
from training.fit.calibration import INITIAL_WEIGHTS, fit_pool

MARGINS = hnp.arrays(np.float32, (4, 3), elements=st.floats(-50, 50, width=32))
WEIGHTS = hnp.arrays(np.float64, 3, elements=st.floats(0, 20))
SHARES = np.array([0.7, 0.2999, 0.0001], np.float32)


def say(margins):
    return log_scores(margins, softmax(margins, axis=1).astype(np.float32), SHARES)


@given(MARGINS, WEIGHTS)
def test_beliefs_are_probabilities_and_the_softmax_of_the_weighted_heads(margins, weights):
    scores = say(margins)
    beliefs = predict_proba(scores, weights)
    assert np.allclose(beliefs.sum(axis=1), 1)
    assert ((beliefs >= 0) & (beliefs <= 1)).all()
    assert np.allclose(beliefs, softmax(sum(w * s for w, s in zip(weights, scores, strict=True)), axis=1), atol=1e-6)


def test_a_head_without_weight_has_no_say():
    margins = np.array([[1, 0, -1]], np.float32)
    scores = say(margins)
    assert np.allclose(predict_proba(scores, np.array([0.0, 0, 1])), SHARES, atol=1e-6)
    assert np.allclose(predict_proba(scores, np.array([2.0, 0, 0])), softmax(2 * margins, axis=1))
    assert np.allclose(predict_proba(scores, np.zeros(3)), 1 / 3)


def test_a_vote_of_zero_is_a_doubt_and_no_veto():
    scores = log_scores(np.zeros((1, 2), np.float32), np.array([[1, 0]], np.float32), np.array([0.5, 0.5], np.float32))
    assert np.isfinite(scores).all()
    assert 0 < predict_proba(scores, np.array([1.0, 1, 1]))[0, 1] < 1e-3


def test_the_fitted_weights_are_the_best_there_are_and_none_is_negative():
    rng = np.random.default_rng(1)
    margins = rng.normal(size=(400, 3)).astype(np.float32)
    truth = np.array([rng.choice(3, p=row) for row in softmax(2.5 * margins, axis=1)], np.int32)
    scores = say(margins)
    weights = fit_pool(scores, truth)

    def loss(w):
        return -np.log(predict_proba(scores, w)[np.arange(400), truth]).mean()

    assert len(weights) == len(HEADS)
    assert (weights >= 0).all()
    slope = approx_fprime(weights, loss, 1e-5)
    assert np.abs(slope[weights > 0]).max() < 1e-3
    assert (slope[weights == 0] > -1e-3).all()
    assert loss(weights) < loss(np.array(INITIAL_WEIGHTS))
    # Margins and votes say the same here, so only their sum is known: the truth was drawn at 2.5.
    assert 2 < weights[0] + weights[1] < 3


def test_a_pool_without_tickets_keeps_its_start():
    assert fit_pool(np.zeros((3, 0, 2), np.float32), np.zeros(0, np.int32)).tolist() == list(INITIAL_WEIGHTS)


@given(MARGINS, hnp.arrays(np.float64, 5, elements=st.floats(0, 20)))
def test_meaning_heads_stand_behind_the_others_and_have_a_say_of_their_own(margins, weights):
    agreed = softmax(margins, axis=1).astype(np.float32)
    scores = log_scores(margins, agreed, SHARES, (margins[::-1], agreed[::-1]))
    assert head_names(weights) == (*HEADS, *EMBEDDING_HEADS)
    assert np.array_equal(scores[:3], say(margins))
    assert np.array_equal(scores[3:, ::-1], scores[:2])
    assert np.allclose(predict_proba(scores, np.r_[weights[:3], 0, 0]), predict_proba(say(margins), weights[:3]))


def test_a_pool_with_meaning_heads_can_be_fitted_and_shares_are_silent_where_rare_labels_are_favoured():
    rng = np.random.default_rng(1)
    margins = rng.normal(size=(400, 3)).astype(np.float32)
    truth = np.array([rng.choice(3, p=row) for row in softmax(2.5 * margins, axis=1)], np.int32)
    noise = rng.normal(size=(400, 3)).astype(np.float32)
    votes = softmax(noise, axis=1).astype(np.float32)
    weights = fit_pool(log_scores(noise, votes, SHARES, (margins, votes)), truth, balance=1.0)
    assert weights[2] == 0
    assert 2 < weights[3] < 3
    assert max(weights[[0, 1, 4]]) < 0.3
    assert len(fit_pool(np.zeros((5, 0, 2), np.float32), np.zeros(0, np.int32))) == 5
