"""The embedding heads: a linear classifier and a nearest-neighbour vote over tickets' sentence vectors.

Only models with an encoder have them. From vectors (tickets x dimensions) they compute margins and neighbours, which
`deskyard.model.opinion_pool` weighs beside the heads that read words. Vectors are kept, texts are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from deskyard.model.knn_head import N_NEIGHBOURS

N_DIRECTIONS: Final = 128
"""Principal directions kept for comparing vectors. All 512 do no better (on the training part of four histories) and
cost four times the time and disk space."""

_BLOCK_SIZE: Final = 256

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EmbeddingHeads:
    """The fitted arrays.

    `coef` (dimensions x labels of all targets) and `intercept` of the linear classifiers; for comparing tickets the
    `centre` (dimensions) of all vectors, the `directions` (dimensions x kept), and the `remembered` tickets projected
    onto them (tickets x kept), each of length 1, in half precision.
    """

    coef: Vectors
    intercept: Vectors
    centre: Vectors
    directions: Vectors
    remembered: Vectors

    @classmethod
    def fit(cls, vectors: Vectors, remembered: int, coef: Vectors, intercept: Vectors) -> "EmbeddingHeads":
        """Fit on the vectors of the training tickets, of which the last `remembered` are kept as neighbours.

        `coef` and `intercept` are those of the classifiers, fitted before.
        """
        centre = vectors.mean(axis=0, dtype=np.float64)
        spread = vectors.astype(np.float64) - centre
        directions = np.linalg.eigh(spread.T @ spread)[1][:, ::-1][:, :N_DIRECTIONS].astype(np.float32)
        projected: Vectors = spread[len(vectors) - remembered :].astype(np.float32) @ directions
        kept = _normalise(projected).astype(np.float16).astype(np.float32)
        return cls(coef, intercept, centre.astype(np.float32), np.ascontiguousarray(directions), kept)

    def margins(self, vectors: Vectors) -> Floats:
        """The margin of each label for each ticket (tickets x labels of all targets)."""
        return np.asarray(vectors.astype(np.float64) @ self.coef + self.intercept)

    def nearest(self, vectors: Vectors) -> Iterator[tuple[npt.NDArray[np.int64], Floats]]:
        """For each vector the positions and similarities (cosine, 0..1) of its nearest remembered tickets."""
        projected = _normalise(np.asarray((vectors - self.centre) @ self.directions, dtype=np.float32))
        for start in range(0, len(projected), _BLOCK_SIZE):
            for similar in projected[start : start + _BLOCK_SIZE] @ self.remembered.T:
                best = np.arange(len(similar))
                if len(similar) > N_NEIGHBOURS:
                    best = np.argpartition(-similar, N_NEIGHBOURS)[:N_NEIGHBOURS]
                best = best[np.lexsort((best, -similar[best]))]
                best = best[similar[best] > 0]
                yield best, np.minimum(similar[best], 1).astype(np.float64)


@dataclass(frozen=True, slots=True)
class EmbeddingScores:
    """The heads' results for one ticket: the `margins` of all targets side by side, and the positions of the nearest
    remembered tickets with their `similarities` (0..1)."""

    margins: Floats
    nearest: npt.NDArray[np.int64]
    similarities: Floats


def _normalise(rows: Vectors) -> Vectors:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)
