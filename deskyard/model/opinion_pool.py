"""The opinion pool: combines the heads' scores into calibrated probabilities.

A logarithmic opinion pool: the softmax of a weighted sum of the heads' log-scores. `training.fit.calibration` fits the
few weights on tickets that the heads were not trained on, so that a weight is both a head's temperature and its
influence (Heskes 1998; Guo et al. 2017).
"""

from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

HEADS: Final = ("linear", "knn", "prior")
"""The heads that every model has, in the order of the pool's weights."""

EMBEDDING_HEADS: Final = ("embedding", "embedding_knn")
"""The further heads of a model with an encoder, after those."""

MIN_PROBABILITY: Final = 1e-7

T = TypeVar("T", bound=np.floating[Any])

Matrix = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]


def head_names(weights: Weights) -> tuple[str, ...]:
    """The names of the heads, in the order of these pool weights.

    >>> head_names(np.ones(3)), head_names(np.ones(5))[3:]
    (('linear', 'knn', 'prior'), ('embedding', 'embedding_knn'))
    """
    return (*HEADS, *EMBEDDING_HEADS)[: len(weights)]


def log_scores(
    margins: npt.NDArray[T], votes: Matrix, shares: Matrix, embedding: tuple[npt.NDArray[T], Matrix] | None = None
) -> npt.NDArray[T]:
    """The heads' scores (heads x tickets x labels); `embedding`: margins and votes of the embedding heads."""
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
    for weight, head_scores in zip(weights[1:], scores[1:], strict=True):
        pooled += weight * head_scores
    pooled -= pooled.max(axis=-1, keepdims=True)
    np.exp(pooled, out=pooled)
    pooled /= pooled.sum(axis=-1, keepdims=True)
    return pooled
