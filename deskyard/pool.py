"""The pool: margins, votes and shares become one calibrated belief.

A log-opinion pool: softmax of a weighted sum of the heads' log-scores. The few weights are fitted on tickets that the
heads had not learnt from, so they are the heads' temperatures and their say at once (Heskes 1998; Guo et al. 2017).
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

HEADS: Final = ("linear", "memory", "share")
"""The order of the pool's weights."""

START: Final = (4.0, 0.3, 0.0)
"""Weights of a pool that has nothing to be fitted on."""

_FLOOR: Final = 1e-7

Matrix = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]


def log_scores(margins: Matrix, votes: Matrix, shares: Matrix) -> Matrix:
    """The heads' scores side by side (heads x tickets x labels)."""
    share = np.broadcast_to(np.log(np.maximum(shares, _FLOOR)), votes.shape)
    return np.stack([margins, np.log(np.maximum(votes, _FLOOR)), share])


def believe(scores: Matrix, weights: Weights) -> npt.NDArray[np.float64]:
    """Probabilities (tickets x labels), rows sum to 1."""
    return np.exp(log_softmax(np.tensordot(weights, scores, axes=1), axis=-1))


def fit(scores: Matrix, truth: npt.NDArray[np.int32]) -> Weights:
    """The weights (none negative) under which `truth` (label positions) is most likely; convex, so there is one."""
    if not len(truth):
        return np.array(START)
    rows = np.arange(len(truth))
    true_scores = scores[:, rows, truth]

    def loss(weights: Weights) -> tuple[float, Weights]:
        logs = log_softmax(np.tensordot(weights, scores, axes=1), axis=-1)
        expected = np.einsum("htl,tl->h", scores, np.exp(logs))
        return float(-logs[rows, truth].mean()), (expected - true_scores.sum(axis=1)) / len(truth)

    found = minimize(loss, np.array(START), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(HEADS))
    return np.asarray(found.x, dtype=np.float64)
