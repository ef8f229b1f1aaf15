"""The pool: margins, votes and shares become one calibrated belief.

A log-opinion pool: softmax of a weighted sum of the heads' log-scores. The few weights are fitted by
`training.fit.calibration` on tickets that the heads had not learnt from, so they are the heads' temperatures and their
say at once (Heskes 1998; Guo et al. 2017).
"""

from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

HEADS: Final = ("linear", "memory", "share")
"""The order of the pool's weights."""

EMBEDDING_HEADS: Final = ("meaning", "neighbours")
"""The heads behind those, where a model has an encoder."""

MIN_PROBABILITY: Final = 1e-7

T = TypeVar("T", bound=np.floating[Any])

Matrix = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]


def head_names(weights: Weights) -> tuple[str, ...]:
    """The names of the heads that have these weights.

    >>> head_names(np.ones(3)), head_names(np.ones(5))[3:]
    (('linear', 'memory', 'share'), ('meaning', 'neighbours'))
    """
    return (*HEADS, *EMBEDDING_HEADS)[: len(weights)]


def log_scores(
    margins: npt.NDArray[T], votes: Matrix, shares: Matrix, embedding: tuple[npt.NDArray[T], Matrix] | None = None
) -> npt.NDArray[T]:
    """The heads' scores side by side (heads x tickets x labels); `meant`: margins and votes of the meaning heads."""
    scores = np.empty((len(HEADS) + (len(EMBEDDING_HEADS) if embedding else 0), *margins.shape), margins.dtype)
    scores[0] = margins
    np.log(np.maximum(votes, MIN_PROBABILITY), out=scores[1])
    np.log(np.maximum(shares, MIN_PROBABILITY), out=scores[2])
    if embedding:
        scores[3] = embedding[0]
        np.log(np.maximum(embedding[1], MIN_PROBABILITY), out=scores[4])
    return scores


def predict_proba(scores: npt.NDArray[np.floating[Any]], weights: Weights) -> npt.NDArray[np.float64]:
    """Probabilities (tickets x labels), rows sum to 1; a row does not depend on the others, to the last bit."""
    pooled: npt.NDArray[np.float64] = weights[0] * scores[0]
    for weight, say in zip(weights[1:], scores[1:], strict=True):
        pooled += weight * say
    pooled -= pooled.max(axis=-1, keepdims=True)
    np.exp(pooled, out=pooled)
    pooled /= pooled.sum(axis=-1, keepdims=True)
    return pooled
