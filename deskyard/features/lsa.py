"""Latent semantic analysis: projects ticket rows onto the directions in which a history's tickets differ most.

A truncated singular value decomposition of the columns (Deerwester et al. 1990). Words that occur together lie in the
same direction, so a rare word gains from frequent ones. A linear model fitted on the components is converted back into
column weights, so scoring does not need the projection. Labels are not used.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

MAX_COMPONENTS: Final = 200
"""Components. 100 are slightly worse, 400 no better (on the training part of six histories)."""

SAMPLE_SIZE: Final = 5_000
"""Tickets, evenly spread, that the decomposition is computed on: as good as all, and two to four times as fast."""

BATCH_SIZE: Final = 5_000
"""Tickets projected at a time."""

MIN_TICKETS: Final = 20
"""Histories with fewer tickets get no components."""

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LsaProjection:
    """The projection: `directions` (used columns x components) and the positions of the used `columns`."""

    columns: npt.NDArray[np.int64]
    directions: Rows

    @classmethod
    def fit(cls, X: sparse.csr_array, seed: int) -> "LsaProjection":
        """Fit on rows `X` (tickets x columns); with too few tickets the projection has no components."""
        some = X[np.unique(np.linspace(0, X.shape[0] - 1, min(SAMPLE_SIZE, X.shape[0])).astype(np.int64))]
        columns = np.flatnonzero(np.bincount(some.indices, minlength=X.shape[1]) > 1)
        n = min(MAX_COMPONENTS, some.shape[0] - 1, len(columns) - 1)
        if X.shape[0] < MIN_TICKETS or n < 2:
            return cls(columns[:0], np.empty((0, 0), np.float32))
        found = randomized_svd(some[:, columns], n, n_iter=2, random_state=seed)[2]
        return cls(columns, np.ascontiguousarray(found.T, dtype=np.float32))

    def __len__(self) -> int:
        """The number of components."""
        return int(self.directions.shape[1])

    def transform(self, X: sparse.csr_array) -> Rows:
        """Project rows `X` (tickets x columns) onto the components (tickets x components)."""
        some = [X[i : i + BATCH_SIZE][:, self.columns] @ self.directions for i in range(0, X.shape[0], BATCH_SIZE)]
        return np.concatenate([np.empty((0, len(self)), np.float32), *some])

    def to_column_weights(self, coef: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
        """Convert weights of components (components x labels) into weights of columns (`width` x labels)."""
        weights = np.zeros((width, coef.shape[1]), np.float32)
        weights[self.columns] = self.directions @ coef
        return weights
