"""Fit the pool: how much each head has to say, and how sure the whole may be."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from deskyard.model.linear_head import class_balance_weights
from deskyard.model.opinion_pool import HEADS, Matrix, Weights

INITIAL_WEIGHTS: Final = (4.0, 0.3, 0.0)
"""Weights of a pool that has nothing to be fitted on."""

INITIAL_EMBEDDING_WEIGHTS: Final = (0.3, 0.3)
"""Those of the meaning heads behind them, where there are any."""


def fit_pool(
    scores: Matrix,
    truth: npt.NDArray[np.int32],
    balance: float | None = None,
    label_weights: npt.NDArray[np.float32] | None = None,
) -> Weights:
    """The weights (none negative) under which `truth` (label positions) is most likely; convex, so there is one.

    A `balance` (0: each ticket counts alike, 1: each label) also takes the say from the labels' shares. `worth`: what
    each truth counts, where they do not count alike.
    """
    start = np.array((*INITIAL_WEIGHTS, *INITIAL_EMBEDDING_WEIGHTS)[: len(scores)])
    if not len(truth):
        return start
    rows = np.arange(len(truth))
    counted = class_balance_weights(truth, balance or 0.0)
    if label_weights is not None:
        counted = counted * (label_weights / label_weights.mean())
    told = scores[:, rows, truth] @ counted

    def loss(weights: Weights) -> tuple[float, Weights]:
        logs = log_softmax(np.tensordot(weights, scores, axes=1), axis=-1)
        expected = np.einsum("htl,tl,t->h", scores, np.exp(logs), counted)
        return float(-(counted * logs[rows, truth]).mean()), (expected - told) / len(truth)

    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, 0 if balance is not None and head == HEADS.index("share") else None) for head in range(len(start))],
    )
    return np.asarray(found.x, dtype=np.float64)
