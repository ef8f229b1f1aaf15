"""Fit the pool: how much each head has to say, and how sure the whole may be."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from deskyard.pool import HEADS, Matrix, Weights

START: Final = (4.0, 0.3, 0.0)
"""Weights of a pool that has nothing to be fitted on."""


def fit_pool(scores: Matrix, truth: npt.NDArray[np.int32]) -> Weights:
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
