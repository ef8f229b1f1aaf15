"""The memory head: the past tickets most like this one, and what became of them.

It helps rare labels and short histories, and it shows people similar solved tickets. It keeps ids and vectors, never
text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

MOST_TICKETS: Final = 20_000
"""The newest tickets that are remembered."""

STRONGEST: Final = 128
"""Columns kept of each remembered ticket; more bought nothing on five histories and costs time and disk."""

NEIGHBOURS: Final = 20
"""How many of the nearest vote."""

DOUBT: Final = 0.05
"""The weight of the labels' shares in the vote, in squared similarities."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Remembered tickets: `index` (columns x tickets) of unit-length vectors, and the tickets' ids in that order."""

    index: sparse.csr_array
    ids: Sequence[str]

    @classmethod
    def of(cls, X: sparse.csr_array, ids: Sequence[str]) -> "Memory":
        """Remember the last `MOST_TICKETS` rows of `X`, which are in order of time where time is known."""
        newest = X[-MOST_TICKETS:]
        return cls(_strongest(newest).T.tocsr(), list(ids)[-MOST_TICKETS:])

    def nearest(
        self, columns: npt.NDArray[np.int32], weights: npt.NDArray[np.float32], n: int = NEIGHBOURS
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Positions and similarities (cosine, 0..1) of the `n` remembered tickets nearest to one ticket's row."""
        similar = self._similarities(columns, weights)
        best = np.argpartition(-similar, n)[:n] if len(similar) > n else np.arange(len(similar))
        best = best[np.lexsort((best, -similar[best]))]
        best = best[similar[best] > 0]
        return best, similar[best]

    def _similarities(
        self, columns: npt.NDArray[np.int32], weights: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        length = float(np.sqrt(weights @ weights)) or 1.0
        query = sparse.csr_array((weights / length, columns, [0, len(columns)]), shape=(1, self.index.shape[0]))
        return np.asarray((query @ self.index).toarray()[0], dtype=np.float32)


def votes(
    labels: npt.NDArray[np.int32], similar: npt.NDArray[np.float32], shares: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """How the neighbours vote (labels, sums to 1): squared similarities, and a little of the labels' shares.

    `labels` are the neighbours' label positions (-1: unlabelled, no vote).
    """
    cast = np.bincount(labels[labels >= 0], similar[labels >= 0] ** 2, minlength=len(shares)) + DOUBT * shares
    return np.asarray(cast / cast.sum(), dtype=np.float32)


def _strongest(X: sparse.csr_array) -> sparse.csr_array:
    """Rows of `X` with their `STRONGEST` largest weights, scaled to unit length, in half precision."""
    columns, values = [], []
    for row in range(X.shape[0]):
        part = slice(X.indptr[row], X.indptr[row + 1])
        weights, found = X.data[part], X.indices[part]
        if len(weights) > STRONGEST:
            top = np.sort(np.argpartition(-weights, STRONGEST)[:STRONGEST])
            weights, found = weights[top], found[top]
        columns.append(found)
        values.append(weights / (np.sqrt(weights @ weights) or 1))
    data = np.concatenate(values or [np.empty(0)]).astype(np.float16).astype(np.float32)
    indices = np.concatenate(columns or [np.empty(0, np.int32)]).astype(np.int32)
    indptr = np.cumsum([0, *map(len, columns)]).astype(np.int32)
    return sparse.csr_array((data, indices, indptr), shape=X.shape)
