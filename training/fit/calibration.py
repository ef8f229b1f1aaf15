"""Fits the weights of the opinion pool, which also calibrate its probabilities."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from deskyard.model.linear_head import class_balance_weights
from deskyard.model.opinion_pool import HEADS, Matrix, Weights

INITIAL_WEIGHTS: Final = (4.0, 0.3, 0.0)
"""The weights where there is nothing to fit them on."""

INITIAL_EMBEDDING_WEIGHTS: Final = (0.3, 0.3)
"""Those of the embedding heads, which follow."""


def fit_pool(
    scores: Matrix,
    truth: npt.NDArray[np.int32],
    balance: float | None = None,
    label_weights: npt.NDArray[np.float32] | None = None,
) -> Weights:
    """The non-negative weights (heads) that maximise the likelihood of `truth` (label positions); a convex problem.

    `scores` are log-scores (heads x tickets x labels). With a `balance` (0: tickets weigh equally, 1: labels) the
    labels' prior shares get no weight. `label_weights`: a weight per ticket (None: equal).
    """
    start = np.array((*INITIAL_WEIGHTS, *INITIAL_EMBEDDING_WEIGHTS)[: len(scores)])
    if not len(truth):
        return start
    rows = np.arange(len(truth))
    weights_by_ticket = class_balance_weights(truth, balance or 0.0)
    if label_weights is not None:
        weights_by_ticket = weights_by_ticket * (label_weights / label_weights.mean())
    observed = scores[:, rows, truth] @ weights_by_ticket

    def loss(weights: Weights) -> tuple[float, Weights]:
        logs = log_softmax(np.tensordot(weights, scores, axes=1), axis=-1)
        expected = np.einsum("htl,tl,t->h", scores, np.exp(logs), weights_by_ticket)
        return float(-(weights_by_ticket * logs[rows, truth]).mean()), (expected - observed) / len(truth)

    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, 0 if balance is not None and head == HEADS.index("prior") else None) for head in range(len(start))],
    )
    return np.asarray(found.x, dtype=np.float64)
