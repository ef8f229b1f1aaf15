"""The pool: margins, votes and shares become one calibrated belief.

A log-opinion pool: softmax of a weighted sum of the heads' log-scores. The few weights are fitted by
`training.fit.calibration` on tickets that the heads had not learnt from, so they are the heads' temperatures and their say at
once (Heskes 1998; Guo et al. 2017).
"""

from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

HEADS: Final = ("linear", "memory", "share")
"""The order of the pool's weights."""

MEANT: Final = ("meaning", "neighbours")
"""The heads behind those, where a model has an encoder."""

FLOOR: Final = 1e-7

T = TypeVar("T", bound=np.floating[Any])

Matrix = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]


def heads(weights: Weights) -> tuple[str, ...]:
    """The names of the heads that have these weights.

    >>> heads(np.ones(3)), heads(np.ones(5))[3:]
    (('linear', 'memory', 'share'), ('meaning', 'neighbours'))
    """
    return (*HEADS, *MEANT)[: len(weights)]


def log_scores(
    margins: npt.NDArray[T], votes: Matrix, shares: Matrix, meant: tuple[npt.NDArray[T], Matrix] | None = None
) -> npt.NDArray[T]:
    """The heads' scores side by side (heads x tickets x labels); `meant`: margins and votes of the meaning heads."""
    scores = np.empty((len(HEADS) + (len(MEANT) if meant else 0), *margins.shape), margins.dtype)
    scores[0] = margins
    np.log(np.maximum(votes, FLOOR), out=scores[1])
    np.log(np.maximum(shares, FLOOR), out=scores[2])
    if meant:
        scores[3] = meant[0]
        np.log(np.maximum(meant[1], FLOOR), out=scores[4])
    return scores


def believe(scores: npt.NDArray[np.floating[Any]], weights: Weights) -> npt.NDArray[np.float64]:
    """Probabilities (tickets x labels), rows sum to 1; a row does not depend on the others, to the last bit."""
    pooled: npt.NDArray[np.float64] = weights[0] * scores[0]
    for weight, say in zip(weights[1:], scores[1:], strict=True):
        pooled += weight * say
    pooled -= pooled.max(axis=-1, keepdims=True)
    np.exp(pooled, out=pooled)
    pooled /= pooled.sum(axis=-1, keepdims=True)
    return pooled
