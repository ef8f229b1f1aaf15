"""The pool: margins, votes and shares become one calibrated belief.

A log-opinion pool: softmax of a weighted sum of the heads' log-scores. The few weights are fitted by
`training.calibrate` on tickets that the heads had not learnt from, so they are the heads' temperatures and their say at
once (Heskes 1998; Guo et al. 2017).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

HEADS: Final = ("linear", "memory", "share")
"""The order of the pool's weights."""

_FLOOR: Final = 1e-7

Matrix = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]


def log_scores(margins: Matrix, votes: Matrix, shares: Matrix) -> Matrix:
    """The heads' scores side by side (heads x tickets x labels)."""
    share = np.broadcast_to(np.log(np.maximum(shares, _FLOOR)), votes.shape)
    return np.stack([margins, np.log(np.maximum(votes, _FLOOR)), share])


def believe(scores: Matrix, weights: Weights) -> npt.NDArray[np.float64]:
    """Probabilities (tickets x labels), rows sum to 1."""
    pooled = np.tensordot(weights, scores, axes=1)
    pooled -= pooled.max(axis=-1, keepdims=True)
    np.exp(pooled, out=pooled)
    pooled /= pooled.sum(axis=-1, keepdims=True)
    return np.asarray(pooled, dtype=np.float64)
