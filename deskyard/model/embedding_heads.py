"""The meaning heads: what tickets' vectors tell that their words do not. Only models with an encoder have them.

One is a linear separator over the vectors, the other the vote of the remembered tickets of like meaning. In come
vectors (tickets x dimensions), out come margins and neighbours; `deskyard.model.opinion_pool` gives them their say
beside the heads that read words. Keeps vectors of tickets, never a text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.model.knn_head import N_NEIGHBOURS

N_DIRECTIONS: Final = 128
"""Of a vector's centred dimensions, the directions kept for comparing, those in which tickets differ most. All 512
do no better (inside train, four histories) and cost four times the time and the disk."""

_BLOCK_SIZE: Final = 256

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EmbeddingHeads:
    """What was learnt of vectors.

    `coef` (dimensions x labels of all targets) and `intercept` of the separators; to compare tickets the `centre`
    (dimensions) of all, the `directions` (dimensions x kept), and the remembered tickets along them (tickets x kept),
    each of length 1, in half precision.
    """

    coef: Vectors
    intercept: Vectors
    centre: Vectors
    directions: Vectors
    remembered: Vectors

    @classmethod
    def fit(cls, vectors: Vectors, remembered: int, coef: Vectors, intercept: Vectors) -> "EmbeddingHeads":
        """That of learnt tickets, the last of which are remembered; the separators were learnt before."""
        centre = vectors.mean(axis=0, dtype=np.float64)
        spread = vectors.astype(np.float64) - centre
        directions = np.linalg.eigh(spread.T @ spread)[1][:, ::-1][:, :N_DIRECTIONS].astype(np.float32)
        along: Vectors = spread[len(vectors) - remembered :].astype(np.float32) @ directions
        kept = _normalise(along).astype(np.float16).astype(np.float32)
        return cls(coef, intercept, centre.astype(np.float32), np.ascontiguousarray(directions), kept)

    def margins(self, vectors: Vectors) -> Floats:
        """How far each ticket stands on each label's side (tickets x labels of all targets)."""
        return np.asarray(vectors.astype(np.float64) @ self.coef + self.intercept)

    def nearest(self, vectors: Vectors) -> Iterator[tuple[npt.NDArray[np.int64], Floats]]:
        """For each vector the positions and similarities (cosine, 0..1) of the remembered tickets nearest to it."""
        along = _normalise(np.asarray((vectors - self.centre) @ self.directions, dtype=np.float32))
        for start in range(0, len(along), _BLOCK_SIZE):
            for similar in along[start : start + _BLOCK_SIZE] @ self.remembered.T:
                best = np.arange(len(similar))
                if len(similar) > N_NEIGHBOURS:
                    best = np.argpartition(-similar, N_NEIGHBOURS)[:N_NEIGHBOURS]
                best = best[np.lexsort((best, -similar[best]))]
                best = best[similar[best] > 0]
                yield best, np.minimum(similar[best], 1).astype(np.float64)


@dataclass(frozen=True, slots=True)
class EmbeddingScores:
    """What the vector of one ticket says: the separators' `margins` of all targets side by side, and the nearest
    remembered tickets with their similarities."""

    margins: Floats
    nearest: npt.NDArray[np.int64]
    similarities: Floats


def _normalise(rows: Vectors) -> Vectors:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)
